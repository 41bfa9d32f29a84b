//! What `doctor` finds out about interfaces and ports.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
};

use lanspread_node::config::PORT_DEFAULT;

use super::Finding;

/// Whether the default port is free; another one is taken if not.
pub(super) fn ports() -> Vec<Finding> {
    let address = (Ipv4Addr::UNSPECIFIED, PORT_DEFAULT);
    let both = TcpListener::bind(address).and_then(|tcp| Ok((tcp, UdpSocket::bind(address)?)));
    vec![match both {
        Ok(_) => Finding::ok("port", format!("{PORT_DEFAULT} is free, UDP and TCP")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::warn(
            "port",
            format!("{PORT_DEFAULT} is taken by another program"),
            "the next free one is used; a firewall rule for the default port does not help then",
        ),
        Err(error) => Finding::fail(
            "port",
            format!("{PORT_DEFAULT}: {error}"),
            "a security program may forbid listening: allow LanSpread there",
        ),
    }]
}

pub(super) fn interfaces() -> Vec<Finding> {
    match if_addrs::get_if_addrs() {
        Ok(found) => judge(
            found
                .into_iter()
                .map(|i| (i.name.clone(), i.ip()))
                .collect(),
        ),
        Err(error) => vec![Finding::fail(
            "interfaces",
            error.to_string(),
            "the operating system does not say what networks there are",
        )],
    }
}

/// One line per interface that leads to others.
fn judge(addresses: Vec<(String, IpAddr)>) -> Vec<Finding> {
    let mut by_name: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for (name, ip) in addresses {
        if !ip.is_loopback() {
            by_name.entry(name).or_default().push(ip);
        }
    }
    if by_name.is_empty() {
        let hint = "plug a cable in or join the Wi-Fi";
        return vec![Finding::fail(
            "interfaces",
            "no network but this machine",
            hint,
        )];
    }
    let finding = |(name, ips): (String, Vec<IpAddr>)| {
        let list: Vec<String> = ips.iter().map(ToString::to_string).collect();
        let text = format!("{name}: {}", list.join(" "));
        if ips.iter().all(is_self_assigned) {
            let hint = "no router gave an address; two machines on one cable work all the same";
            return Finding::warn("interface", text, hint);
        }
        Finding::ok("interface", text)
    };
    by_name.into_iter().map(finding).collect()
}

fn is_self_assigned(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Grade;

    #[test]
    fn interfaces_are_judged() {
        let check = |addresses: &[(&str, &str)], expected: &[Grade]| {
            let addresses = addresses
                .iter()
                .map(|(name, ip)| ((*name).to_owned(), ip.parse().unwrap()));
            let grades: Vec<Grade> = judge(addresses.collect()).iter().map(|f| f.grade).collect();
            assert_eq!(grades, expected);
        };
        check(&[("lo", "127.0.0.1"), ("lo", "::1")], &[Grade::Fail]);
        check(
            &[("eth0", "192.168.1.2"), ("eth0", "fe80::1"), ("lo", "::1")],
            &[Grade::Ok],
        );
        check(
            &[("eth0", "169.254.3.4"), ("wlan0", "10.0.0.2")],
            &[Grade::Warn, Grade::Ok],
        );
    }
}
