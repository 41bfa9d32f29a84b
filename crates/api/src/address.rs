//! Addresses as people type them: `host`, `host:port`, `1.2.3.4`, `[fe80::1%eth0]:47100`.

use std::net::{IpAddr, SocketAddr};

use lanspread_node::{config::PORT_DEFAULT, doctor};

use crate::error::Report;

/// Finds the addresses of what a person typed; the default port is added.
///
/// # Errors
/// It has no form of an address, or the name has none.
pub async fn resolve(text: &str) -> Result<Vec<SocketAddr>, Report> {
    let text = text.trim();
    if let Some(address) = literal(&with_scope_number(text, &interface_numbers())) {
        check_literal(text, address)?;
        return Ok(vec![address]);
    }
    let (host, port) = host_and_port(text)?;
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| {
            Report::new("no-address", format!("{host} has no address")).caused_by(&error)
        })?
        .collect();
    if found.is_empty() {
        return Err(Report::new("no-address", format!("{host} has no address")));
    }
    Ok(found)
}

/// Names and numbers of the interfaces.
fn interface_numbers() -> Vec<(String, u32)> {
    // Without them only numbers are understood as scopes.
    let interfaces = doctor::interfaces().unwrap_or_default();
    interfaces.into_iter().map(|i| (i.name, i.number)).collect()
}

/// `fe80::1%eth0` as `fe80::1%2`: only the system knows the numbers.
fn with_scope_number(text: &str, interfaces: &[(String, u32)]) -> String {
    let Some((before, after)) = text.split_once('%') else {
        return text.to_owned();
    };
    let (name, rest) = after.split_at(after.find(']').unwrap_or(after.len()));
    let known = interfaces.iter().find(|(other, _)| other == name);
    known.map_or_else(
        || text.to_owned(),
        |(_, number)| format!("{before}%{number}{rest}"),
    )
}

/// What can be told without asking the network.
fn check_literal(text: &str, address: SocketAddr) -> Result<(), Report> {
    let bad = |why: &str| Err(Report::new("bad-value", format!("`{text}`: {why}")));
    match address {
        _ if address.port() == 0 => bad("0 is no port"),
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
            bad("say through which interface, as in fe80::1%eth0")
        }
        _ if address.ip().is_unspecified() || address.ip().is_multicast() => {
            bad("this is no address of a peer")
        }
        SocketAddr::V4(v4) if v4.ip().is_broadcast() => bad("this is no address of a peer"),
        SocketAddr::V4(_) | SocketAddr::V6(_) => Ok(()),
    }
}

/// An address that needs no look-up.
fn literal(text: &str) -> Option<SocketAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    // With a port added, the scope of an IPv6 address is parsed too.
    text.parse()
        .ok()
        .or_else(|| {
            bare.parse()
                .ok()
                .map(|ip: IpAddr| SocketAddr::new(ip, PORT_DEFAULT))
        })
        .or_else(|| format!("[{bare}]:{PORT_DEFAULT}").parse().ok())
}

fn host_and_port(text: &str) -> Result<(&str, u16), Report> {
    let bad = || {
        Report::new(
            "bad-value",
            format!("`{text}` is no address; expected HOST, HOST:PORT, IP or [IPV6]:PORT"),
        )
    };
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_not_a_port| bad())?),
        None => (text, PORT_DEFAULT),
    };
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    if host.is_empty() || host.len() > 253 || !host.chars().all(letters) || port == 0 {
        return Err(bad());
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        let check = |text: &str, expected: &str| {
            assert_eq!(literal(text), expected.parse().ok(), "{text}");
            assert!(literal(text).is_some(), "{text}");
        };
        check("192.168.1.7", "192.168.1.7:47100");
        check("192.168.1.7:5", "192.168.1.7:5");
        check("::1", "[::1]:47100");
        check("[::1]", "[::1]:47100");
        check("[fe80::1]:9", "[fe80::1]:9");
        check("fe80::1%2", "[fe80::1%2]:47100");
    }

    #[test]
    fn names() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            assert_eq!(literal(text), None, "{text}");
            assert_eq!(host_and_port(text).ok(), expected, "{text}");
        };
        check("pc-7.lan", Some(("pc-7.lan", 47_100)));
        check("pc:99", Some(("pc", 99)));
        check("pc:0", None);
        check("pc:x", None);
        check("pc:70000", None);
        check("", None);
        check("http://pc", None);
        check("a b", None);
        check("pc:1:2", None);
    }

    #[test]
    fn scopes_are_names_or_numbers() {
        let interfaces = [("eth0".to_owned(), 3)];
        let check = |text: &str, expected: &str| {
            assert_eq!(with_scope_number(text, &interfaces), expected);
        };
        check("fe80::1%eth0", "fe80::1%3");
        check("[fe80::1%eth0]:9", "[fe80::1%3]:9");
        check("fe80::1%2", "fe80::1%2");
        check("fe80::1%eth9", "fe80::1%eth9");
        check("10.0.0.1", "10.0.0.1");
    }

    #[tokio::test]
    async fn what_can_be_nobody_is_named() {
        let check = async |text: &str, part: &str| {
            let report = resolve(text).await.unwrap_err();
            assert_eq!(report.code, "bad-value", "{text}");
            assert!(report.message.contains(part), "{}", report.message);
        };
        check("8.8.8.8:0", "0 is no port").await;
        check("fe80::1", "interface").await;
        check("0.0.0.0", "no address of a peer").await;
        check("ff02::1", "no address of a peer").await;
        check("255.255.255.255", "no address of a peer").await;
    }

    #[tokio::test]
    async fn localhost_has_an_address() {
        let found = resolve("localhost:7").await.unwrap();
        assert!(found.iter().all(|a| a.ip().is_loopback() && a.port() == 7));
        assert_eq!(resolve("a b").await.unwrap_err().code, "bad-value");
    }
}
