//! The shape of a lab: how many hosts, how they are wired, how fast, with which addresses.

use std::fmt;

use crate::error::LabError;

/// Most hosts in a lab.
pub const HOSTS_MAX: u8 = 64;
/// Most networks a host is on.
pub const NETWORKS_MAX: u8 = 4;

/// A rate of a cable in bits per second; Ethernet frames count, without preamble and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// Bits per second.
    #[must_use]
    pub const fn bits(bits_per_second: u64) -> Self {
        Self(bits_per_second)
    }

    /// Million bits per second.
    #[must_use]
    pub const fn mbit(megabits_per_second: u64) -> Self {
        Self(megabits_per_second * 1_000_000)
    }

    /// Bits per second.
    #[must_use]
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }

    /// The best payload rate of TCP with timestamps over full frames, in bytes per second.
    #[must_use]
    pub const fn tcp_bytes_per_second(self) -> u64 {
        self.0 / 8 * 1448 / 1514
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}bit", self.0)
    }
}

/// How hosts are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// All on one switch.
    Switch,
    /// The first hosts on one switch, the rest on another, and a cable between the two.
    TwoSwitches {
        /// How many hosts are on the first.
        first: u8,
        /// The rate of the cable between them; as fast as the machine without one.
        uplink: Option<Rate>,
    },
    /// Two hosts on one cable, no switch.
    Cable,
}

/// Which addresses hosts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// IPv4, IPv6 and link-local.
    Both,
    /// IPv6 link-local only: two laptops on one cable, IPv4 waiting for a server in vain.
    LinkLocalV6,
    /// 169.254/16 and IPv6 link-local: the same a minute later.
    LinkLocalV4,
}

/// The shape of a lab.
#[derive(Debug, Clone)]
pub struct LabConfig {
    pub(crate) hosts: u8,
    pub(crate) networks: u8,
    pub(crate) rate: Option<Rate>,
    pub(crate) wiring: Wiring,
    pub(crate) addressing: Addressing,
    pub(crate) mtu: u16,
    pub(crate) gateway: bool,
}

impl LabConfig {
    /// So many hosts on one switch, as fast as the machine goes.
    #[must_use]
    pub const fn new(hosts: u8) -> Self {
        Self {
            hosts,
            networks: 1,
            rate: None,
            wiring: Wiring::Switch,
            addressing: Addressing::Both,
            mtu: 1500,
            gateway: false,
        }
    }

    /// Every host's cable, both ways. [`crate::Host::limit`] changes one.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// How hosts are joined; further networks have one switch each.
    #[must_use]
    pub const fn wiring(mut self, wiring: Wiring) -> Self {
        self.wiring = wiring;
        self
    }

    /// Which addresses hosts have.
    #[must_use]
    pub const fn addressing(mut self, addressing: Addressing) -> Self {
        self.addressing = addressing;
        self
    }

    /// So many networks, each host on all of them with an interface of its own.
    #[must_use]
    pub const fn networks(mut self, networks: u8) -> Self {
        self.networks = networks;
        self
    }

    /// Bytes of the largest packet.
    #[must_use]
    pub const fn mtu(mut self, bytes: u16) -> Self {
        self.mtu = bytes;
        self
    }

    /// A default route to an address nobody answers at: a LAN without internet.
    #[must_use]
    pub const fn gateway(mut self) -> Self {
        self.gateway = true;
        self
    }

    pub(crate) fn check(&self) -> Result<(), LabError> {
        let wrong = |what| Err(LabError::Shape(what));
        if self.hosts == 0 || self.hosts > HOSTS_MAX {
            return wrong("1 to 64 hosts");
        }
        if self.networks == 0 || self.networks > NETWORKS_MAX {
            return wrong("1 to 4 networks");
        }
        match self.wiring {
            Wiring::Cable if self.hosts != 2 || self.networks != 1 => {
                wrong("one cable joins two hosts")
            }
            Wiring::TwoSwitches { first, .. } if first == 0 || first >= self.hosts => {
                wrong("each switch needs a host")
            }
            Wiring::Switch | Wiring::TwoSwitches { .. } | Wiring::Cable => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let check = |config: LabConfig, expected: bool| {
            assert_eq!(config.check().is_ok(), expected, "{config:?}");
        };
        let split = |first| Wiring::TwoSwitches {
            first,
            uplink: None,
        };
        check(LabConfig::new(0), false);
        check(LabConfig::new(64), true);
        check(LabConfig::new(65), false);
        check(LabConfig::new(2).wiring(Wiring::Cable), true);
        check(LabConfig::new(3).wiring(Wiring::Cable), false);
        check(LabConfig::new(2).wiring(Wiring::Cable).networks(2), false);
        check(LabConfig::new(4).wiring(split(2)), true);
        check(LabConfig::new(4).wiring(split(4)), false);
        check(LabConfig::new(2).networks(5), false);
    }

    #[test]
    fn best_payload_rate() {
        let payload = Rate::mbit(200).tcp_bytes_per_second() * 8;
        assert_eq!(payload / 100_000, 1912);
    }
}
