//! The addresses of this machine, best first: what a peer announces and where it may be reached.
//!
//! There is no portable notice of changes; the owner observes again every few seconds and compares.

use std::{
    cmp::Reverse,
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
};

use if_addrs::{IfAddr, IfOperStatus, Interface};

use crate::filter::Net;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

/// What kind of way an address is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkClass {
    /// A cable, or something that is not known to be worse.
    Wired,
    /// Wi-Fi.
    Wifi,
    /// A VPN, or a bridge to virtual machines and containers.
    Virtual,
    /// This machine alone.
    Loopback,
}

/// One address of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnAddress {
    /// The address.
    pub ip: IpAddr,
    /// How many of its leading bits name the network.
    pub prefix_bits: u8,
    /// The number of the interface, which a link-local IPv6 address needs to mean anything.
    pub scope: u32,
    /// The name of the interface.
    pub interface: String,
    /// Its kind.
    pub class: LinkClass,
    /// Its speed in Mbit/s, where the system tells.
    pub speed_mbit: Option<u32>,
}

/// The system does not tell its addresses.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the network interfaces: {source}")]
pub struct InterfacesError {
    /// What it said instead.
    #[source]
    pub source: io::Error,
}

impl OwnAddress {
    /// The network that the address is in.
    #[must_use]
    pub const fn net(&self) -> Net {
        Net::new(self.ip, self.prefix_bits)
    }

    /// The address with a port, and with its scope if it needs one.
    #[must_use]
    pub fn with_port(&self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                SocketAddrV6::new(ip, port, 0, self.scope).into()
            }
            IpAddr::V4(_) | IpAddr::V6(_) => SocketAddr::new(self.ip, port),
        }
    }

    /// Better addresses compare as less.
    fn rank(&self) -> impl Ord + use<'_> {
        let speed = Reverse(self.speed_mbit.unwrap_or(0));
        let local_only = match self.ip {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        let v6 = self.ip.is_ipv6();
        (self.class, speed, local_only, v6, &self.interface, self.ip)
    }
}

/// The addresses of all interfaces that are up, best first: wired before Wi-Fi before virtual,
/// faster before slower, routable before link-local.
///
/// # Errors
/// The system does not tell.
pub fn observe() -> Result<Vec<OwnAddress>, InterfacesError> {
    let interfaces = if_addrs::get_if_addrs().map_err(|source| InterfacesError { source })?;
    let up = interfaces.into_iter().filter(is_usable);
    Ok(best_first(up.map(own_address).collect()))
}

fn best_first(mut addresses: Vec<OwnAddress>) -> Vec<OwnAddress> {
    addresses.sort_by(|a, b| a.rank().cmp(&b.rank()));
    addresses.dedup();
    addresses
}

fn is_usable(interface: &Interface) -> bool {
    let down = matches!(
        interface.oper_status,
        IfOperStatus::Down | IfOperStatus::NotPresent | IfOperStatus::LowerLayerDown
    );
    !down && !interface.ip().is_unspecified()
}

fn own_address(interface: Interface) -> OwnAddress {
    let (class, speed_mbit) = if interface.is_loopback() {
        (LinkClass::Loopback, None)
    } else {
        class_and_speed(&interface)
    };
    OwnAddress {
        ip: interface.ip(),
        prefix_bits: prefix_bits(&interface.addr),
        scope: interface.index.unwrap_or(0),
        interface: interface.name,
        class,
        speed_mbit,
    }
}

/// Without a netmask the address is alone: nobody is a neighbour of the whole world.
fn prefix_bits(address: &IfAddr) -> u8 {
    match address {
        IfAddr::V4(v4) if v4.prefixlen == 0 => 32,
        IfAddr::V6(v6) if v6.prefixlen == 0 => 128,
        IfAddr::V4(v4) => v4.prefixlen,
        IfAddr::V6(v6) => v6.prefixlen,
    }
}

fn class_and_speed(interface: &Interface) -> (LinkClass, Option<u32>) {
    #[cfg(target_os = "linux")]
    if let Some(known) = linux::class_and_speed(&interface.name) {
        return known;
    }
    #[cfg(windows)]
    if let Some(known) = windows::class_and_speed(interface.index.unwrap_or(0), &interface.name) {
        return known;
    }
    if interface.is_p2p() {
        return (LinkClass::Virtual, None);
    }
    (class_by_name(&interface.name), None)
}

/// What the name says, where the system says no more.
fn class_by_name(name: &str) -> LinkClass {
    const WIFI: [&str; 6] = ["wi-fi", "wifi", "wlan", "wireless", "wlp", "wlx"];
    const VIRTUAL: [&str; 16] = [
        "vethernet",
        "vmware",
        "vmnet",
        "virtualbox",
        "vbox",
        "hyper-v",
        "docker",
        "veth",
        "virbr",
        "tailscale",
        "zerotier",
        "hamachi",
        "wireguard",
        "vpn",
        "tun",
        "tap",
    ];
    let name = name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&VIRTUAL) {
        LinkClass::Virtual
    } else if has(&WIFI) {
        LinkClass::Wifi
    } else {
        LinkClass::Wired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_seen_and_last() {
        let all = observe().unwrap();
        let last = all.last().unwrap();
        assert_eq!(last.class, LinkClass::Loopback);
        assert!(all.iter().any(|own| own.ip == IpAddr::from([127, 0, 0, 1])));
        assert!(all.iter().all(|own| own.net().contains(own.ip)));
        assert_eq!(all, observe().unwrap());
    }

    fn own(interface: &str, ip: &str, class: LinkClass, speed_mbit: Option<u32>) -> OwnAddress {
        OwnAddress {
            ip: ip.parse().unwrap(),
            prefix_bits: 24,
            scope: 3,
            interface: interface.to_string(),
            class,
            speed_mbit,
        }
    }

    #[test]
    fn better_ways_come_first() {
        use LinkClass::{Loopback, Virtual, Wifi, Wired};
        let sorted = [
            own("eth1", "10.0.0.1", Wired, Some(10_000)),
            own("eth0", "192.168.0.2", Wired, Some(1_000)),
            own("eth0", "fd00::2", Wired, Some(1_000)),
            own("eth0", "169.254.1.1", Wired, Some(1_000)),
            own("eth0", "fe80::2", Wired, Some(1_000)),
            own("eth9", "10.0.9.1", Wired, None),
            own("wlan0", "192.168.0.3", Wifi, Some(40_000)),
            own("docker0", "172.17.0.1", Virtual, Some(10_000)),
            own("lo", "127.0.0.1", Loopback, None),
        ];
        let mut mixed = sorted.to_vec();
        mixed.reverse();
        mixed.push(sorted[4].clone());
        assert_eq!(best_first(mixed), sorted);
    }

    #[test]
    fn only_link_local_ipv6_carries_a_scope() {
        let wired = LinkClass::Wired;
        for (ip, expected) in [
            ("10.0.0.1", "10.0.0.1:5"),
            ("fd00::1", "[fd00::1]:5"),
            ("fe80::1", "[fe80::1%3]:5"),
        ] {
            let address = own("eth0", ip, wired, None).with_port(5);
            assert_eq!(address.to_string(), expected);
        }
    }

    #[test]
    fn names_tell_a_little() {
        for (name, class) in [
            ("Ethernet 2", LinkClass::Wired),
            ("en0", LinkClass::Wired),
            ("Wi-Fi", LinkClass::Wifi),
            ("wlp3s0", LinkClass::Wifi),
            ("vEthernet (WSL)", LinkClass::Virtual),
            ("Hamachi", LinkClass::Virtual),
            ("Tailscale", LinkClass::Virtual),
            ("utun4", LinkClass::Virtual),
        ] {
            assert_eq!(class_by_name(name), class, "{name}");
        }
    }
}
