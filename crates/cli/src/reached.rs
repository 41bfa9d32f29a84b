//! By which addresses other machines reach a listener of this one.

use std::net::{IpAddr, SocketAddr};

use lanspread_node::doctor::{self, InterfaceKind};

/// The addresses that others can type to reach a listener, best first.
pub(crate) fn by_others(listening: SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let mut interfaces = doctor::interfaces().unwrap_or_default();
    interfaces.retain(|interface| interface.kind != InterfaceKind::Loopback);
    let mut addresses: Vec<IpAddr> = (interfaces.into_iter())
        .flat_map(|interface| interface.addresses)
        .filter(|ip| is_typed(*ip, listening.ip()))
        .collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    let port = listening.port();
    (addresses.into_iter())
        .map(|ip| SocketAddr::new(ip, port))
        .collect()
}

/// Whether others reach an address of ours through a listener on all addresses, and can type it: a
/// link-local one of IPv6 has another form on every machine.
fn is_typed(ip: IpAddr, listening: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => listening.is_ipv6() && !v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_others_can_type() {
        let check = |ip: &str, listening: &str, expected: bool| {
            let (ip, listening) = (ip.parse().unwrap(), listening.parse().unwrap());
            assert_eq!(is_typed(ip, listening), expected, "{ip}");
        };
        check("192.168.0.2", "0.0.0.0", true);
        check("192.168.0.2", "::", true);
        check("fd00::1", "::", true);
        check("fd00::1", "0.0.0.0", false);
        check("fe80::1", "::", false);
        let one: SocketAddr = "127.0.0.1:9".parse().unwrap();
        assert_eq!(by_others(one), [one]);
    }
}
