//! [`Rule`]: what a host's firewall does; a text for `nft`.

use std::net::IpAddr;

/// One habit of a firewall. Loopback and ICMP always pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Only answers to what the host began come in: the guest who cancelled the dialog.
    EstablishedOnly,
    /// No UDP multicast or broadcast, in or out: an access point that isolates its guests.
    NoMulticast,
    /// New TCP connections from outside are refused at once; UDP passes.
    RefuseTcp,
    /// New TCP connections from outside vanish; UDP passes.
    DropTcp,
    /// No UDP at all: links cannot be made.
    DropUdp,
    /// Nothing from or to this address.
    Drop(IpAddr),
}

/// A whole ruleset: it replaces the one before.
pub(crate) fn ruleset(rules: &[Rule]) -> String {
    let mut incoming = String::new();
    let mut outgoing = String::new();
    // Most specific first: what one rule lets in, another must not have let in before.
    for rule in rules {
        let (within, without) = lines(*rule);
        incoming.push_str(&within);
        outgoing.push_str(&without);
    }
    if rules.contains(&Rule::EstablishedOnly) {
        incoming.push_str("ct state established,related accept; ");
        incoming.push_str("meta l4proto { icmp, ipv6-icmp } accept; drop; ");
    }
    format!(
        "table inet lab {{}}; delete table inet lab; table inet lab {{ \
         chain incoming {{ type filter hook input priority 0; iifname lo accept; {incoming}}}; \
         chain outgoing {{ type filter hook output priority 0; oifname lo accept; {outgoing}}}; }}"
    )
}

fn lines(rule: Rule) -> (String, String) {
    const NEW_TCP: &str = "tcp flags & (syn | ack) == syn";
    const GROUPS: &str = "meta l4proto udp pkttype { broadcast, multicast } drop; ";
    const GROUPS_OUT: &str = "meta l4proto udp ip daddr { 224.0.0.0/4, 255.255.255.255 } drop; \
                              meta l4proto udp ip6 daddr ff00::/8 drop; \
                              meta l4proto udp fib daddr type broadcast drop; ";
    match rule {
        Rule::EstablishedOnly => (String::new(), String::new()),
        Rule::NoMulticast => (GROUPS.to_string(), GROUPS_OUT.to_string()),
        Rule::RefuseTcp => (format!("{NEW_TCP} reject with tcp reset; "), String::new()),
        Rule::DropTcp => (format!("{NEW_TCP} drop; "), String::new()),
        Rule::DropUdp => {
            let drop = "meta l4proto udp drop; ".to_string();
            (drop.clone(), drop)
        }
        Rule::Drop(address) => {
            let family = if address.is_ipv4() { "ip" } else { "ip6" };
            (
                format!("{family} saddr {address} drop; "),
                format!("{family} daddr {address} drop; "),
            )
        }
    }
}
