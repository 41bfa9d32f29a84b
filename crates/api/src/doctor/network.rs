//! What a look at interfaces and ports finds.

use lanspread_node::{
    config::PORT_DEFAULT,
    doctor::{self, InterfaceFacts, InterfaceKind, PortFacts},
};

use crate::types::reply::Finding;

/// A cable at this speed or below makes a party wait: 100 Mbit/s.
const SLOW_BITS_PER_SECOND: u64 = 100_000_000;

/// Whether the default port is free; another one is taken if not.
pub(super) async fn port() -> Finding {
    match doctor::port().await {
        PortFacts::Free => Finding::good("port", format!("{PORT_DEFAULT} is free, UDP and TCP")),
        PortFacts::Taken { next } => {
            let text = format!("{PORT_DEFAULT} is taken by another program; {next} is free");
            Finding::warn("port-taken", "port", text)
        }
        PortFacts::Refused { reason } => {
            Finding::bad("port-refused", "port", format!("{PORT_DEFAULT}: {reason}"))
        }
    }
}

pub(super) fn interfaces() -> Vec<Finding> {
    match doctor::interfaces() {
        Ok(interfaces) => judge(&interfaces),
        Err(error) => vec![Finding::bad("no-network", "interfaces", error.to_string())],
    }
}

/// One finding for each interface that leads to others.
fn judge(interfaces: &[InterfaceFacts]) -> Vec<Finding> {
    let elsewhere = interfaces
        .iter()
        .filter(|interface| interface.kind != InterfaceKind::Loopback);
    let findings: Vec<Finding> = elsewhere.map(judge_one).collect();
    if findings.is_empty() {
        let text = "no network but this machine";
        return vec![Finding::bad("no-network", "interfaces", text)];
    }
    findings
}

fn judge_one(interface: &InterfaceFacts) -> Finding {
    let list: Vec<String> = interface
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut text = format!("{}: {}", interface.name, list.join(" "));
    if let Some(speed) = interface.bits_per_second {
        text.push_str(&format!(", {} Mbit/s", speed / 1_000_000));
    }
    let slow = |speed: u64| speed <= SLOW_BITS_PER_SECOND;
    match interface.kind {
        _ if interface.is_self_assigned() => Finding::warn("self-assigned", "interface", text),
        InterfaceKind::Wifi => Finding::warn("wifi", "interface", text),
        InterfaceKind::Wired if interface.bits_per_second.is_some_and(slow) => {
            Finding::warn("slow-link", "interface", text)
        }
        InterfaceKind::Wired | InterfaceKind::Virtual | InterfaceKind::Loopback => {
            Finding::good("interface", text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_judged() {
        use InterfaceKind::{Loopback, Virtual, Wifi, Wired};
        let check = |facts: &[(InterfaceKind, Option<u64>, &str)], expected: &[&str]| {
            let interfaces: Vec<InterfaceFacts> = facts
                .iter()
                .map(|(kind, speed, ip)| InterfaceFacts {
                    name: "if0".to_owned(),
                    number: 1,
                    kind: *kind,
                    bits_per_second: speed.map(|mbit| mbit * 1_000_000),
                    addresses: vec![ip.parse().unwrap()],
                })
                .collect();
            let codes: Vec<String> = judge(&interfaces).into_iter().map(|f| f.code).collect();
            assert_eq!(codes, expected);
        };
        check(&[], &["no-network"]);
        check(&[(Loopback, None, "127.0.0.1")], &["no-network"]);
        check(
            &[(Wired, Some(1_000), "10.0.0.1"), (Loopback, None, "::1")],
            &["good"],
        );
        check(&[(Wired, Some(100), "10.0.0.1")], &["slow-link"]);
        check(
            &[(Wired, None, "10.0.0.1"), (Wifi, None, "10.0.0.2")],
            &["good", "wifi"],
        );
        check(&[(Wired, Some(1_000), "169.254.1.1")], &["self-assigned"]);
        check(&[(Virtual, Some(10), "10.8.0.1")], &["good"]);
    }
}
