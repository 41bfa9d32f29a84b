//! Names and addresses: all follow from the lab's name, the host's and the network's number.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What every namespace of every lab begins with.
pub(crate) const PREFIX: &str = "lanlab-";

/// The name of the `count`th lab of this process.
pub(crate) fn lab(pid: u32, count: u32) -> String {
    format!("{PREFIX}{pid}-{count}")
}

/// The process that made a namespace, if it is one of a lab.
pub(crate) fn maker(namespace: &str) -> Option<u32> {
    let (pid, _) = namespace.strip_prefix(PREFIX)?.split_once('-')?;
    pid.parse().ok()
}

/// The namespace of a host.
pub(crate) fn host(lab: &str, number: u8) -> String {
    format!("{lab}-h{number}")
}

/// The namespace of the switches.
pub(crate) fn switches(lab: &str) -> String {
    format!("{lab}-sw")
}

/// A host's interface on a network.
pub(crate) fn interface(network: u8) -> String {
    format!("eth{network}")
}

/// The switch's end of a host's cable.
pub(crate) fn port(host: u8, network: u8) -> String {
    format!("p{host}-{network}")
}

/// The switch of a network; `side` 1 is the second one.
pub(crate) fn bridge(network: u8, side: u8) -> String {
    format!("br{network}-{side}")
}

/// The hardware address of a host on a network.
pub(crate) fn mac(host: u8, network: u8) -> String {
    format!("02:77:00:00:{network:02x}:{host:02x}")
}

/// 10.77.k.n
pub(crate) const fn ipv4(host: u8, network: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, network, host)
}

/// 169.254.k.n, with networks from 1 because 169.254.0 is reserved.
pub(crate) const fn ipv4_link_local(host: u8, network: u8) -> Ipv4Addr {
    Ipv4Addr::new(169, 254, network + 1, host)
}

/// fd77:0:0:k::n
pub(crate) const fn ipv6(host: u8, network: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd77, 0, 0, network as u16, 0, 0, 0, host as u16)
}

/// The address that the kernel makes of [`mac`].
pub(crate) fn ipv6_link_local(host: u8, network: u8) -> Ipv6Addr {
    let low = u16::from_be_bytes([network, host]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0077, 0x00ff, 0xfe00, low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_made_a_namespace() {
        assert_eq!(maker(&host(&lab(123, 4), 5)), Some(123));
        assert_eq!(maker(&switches(&lab(123, 4))), Some(123));
        for other in ["lanlab-x-h1", "lanlab-12", "vpn", "x-lanlab-1-h1"] {
            assert_eq!(maker(other), None, "{other}");
        }
    }
}
