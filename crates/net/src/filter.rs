//! [`AddressFilter`]: which addresses this peer talks to. Everything else is refused before a byte
//! of a handshake is read or sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: an address and how many leading bits of it count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Net {
    address: IpAddr,
    prefix_bits: u8,
}

/// What is allowed besides private, link-local and loopback addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressFilter {
    /// The networks that this machine is in: public addresses at some universities' LANs.
    pub on_link: Vec<Net>,
    /// What the person typed or configured.
    pub listed: Vec<Net>,
}

impl Net {
    /// The network of an address. More bits than the address has mean all of them.
    #[must_use]
    pub const fn new(address: IpAddr, prefix_bits: u8) -> Self {
        Self {
            address,
            prefix_bits,
        }
    }

    /// One address.
    #[must_use]
    pub const fn single(address: IpAddr) -> Self {
        Self::new(address, 128)
    }

    /// Whether the address is in this network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let prefix = u32::from(self.prefix_bits);
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= prefix.min(32)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let differing = net.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= prefix.min(128)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl AddressFilter {
    /// Whether this peer talks to the address. An IPv4 address in IPv6 clothes counts as IPv4.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let local = match address {
            _ if !is_one_machine(address) => return false,
            IpAddr::V4(v4) => is_local_v4(v4),
            IpAddr::V6(v6) => is_local_v6(v6),
        };
        let mut nets = self.on_link.iter().chain(&self.listed);
        local || nets.any(|net| net.contains(address))
    }
}

fn is_one_machine(address: IpAddr) -> bool {
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}

const fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local()
}

const fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unicast_link_local() || address.is_unique_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let net = |text: &str, bits| Net::new(text.parse().unwrap(), bits);
        let filter = AddressFilter {
            on_link: vec![net("141.30.7.9", 24), net("2001:db8:1:2::9", 64)],
            listed: vec![
                Net::single("203.0.113.5".parse().unwrap()),
                Net::single("2001:db8::5".parse().unwrap()),
            ],
        };
        let nothing = AddressFilter::default();
        // address, allowed without any list, allowed with the lists above
        for (address, alone, with_lists) in [
            ("10.1.2.3", true, true),
            ("172.16.0.1", true, true),
            ("172.31.255.255", true, true),
            ("172.32.0.1", false, false),
            ("192.168.178.20", true, true),
            ("169.254.9.9", true, true),
            ("127.0.0.1", true, true),
            ("127.200.0.1", true, true),
            ("8.8.8.8", false, false),
            ("100.64.0.1", false, false),
            ("141.30.7.200", false, true),
            ("141.30.8.1", false, false),
            ("203.0.113.5", false, true),
            ("203.0.113.6", false, false),
            ("0.0.0.0", false, false),
            ("255.255.255.255", false, false),
            ("224.0.0.251", false, false),
            ("::1", true, true),
            ("::", false, false),
            ("fe80::1", true, true),
            ("febf::1", true, true),
            ("fec0::1", false, false),
            ("fd12:3456::1", true, true),
            ("fc00::1", true, true),
            ("2001:db8:1:2:3::1", false, true),
            ("2001:db8:1:3::1", false, false),
            ("2001:db8::5", false, true),
            ("2606:4700::1111", false, false),
            ("ff02::fb", false, false),
            ("::ffff:192.168.1.1", true, true),
            ("::ffff:8.8.8.8", false, false),
            ("::ffff:203.0.113.5", false, true),
        ] {
            let ip = address.parse().unwrap();
            assert_eq!(nothing.allows(ip), alone, "{address} without lists");
            assert_eq!(filter.allows(ip), with_lists, "{address} with lists");
        }
    }

    #[test]
    fn a_network_of_no_bits_holds_its_family_only() {
        let all = Net::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        assert!(all.contains("8.8.8.8".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
