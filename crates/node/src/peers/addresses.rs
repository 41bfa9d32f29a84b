//! Our own addresses and what they say about the way to others.

use std::{
    cmp::Ordering,
    net::{IpAddr, SocketAddr},
};

use lanspread_net::{
    AddressFilter, Net,
    interfaces::{LinkClass, OwnAddress},
};

use crate::views::{Medium, PathInfo};

/// Where we listen, and through which interfaces.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    /// As bound: one address, or all.
    bound: SocketAddr,
    own: Vec<OwnAddress>,
    /// Typed addresses, which a person vouches for.
    listed: Vec<Net>,
}

/// Typed addresses that are remembered as listed.
const LISTED_MAX: usize = 256;

impl Addresses {
    /// Bound here; the interfaces are not known yet.
    pub(super) const fn new(bound: SocketAddr, own: Vec<OwnAddress>) -> Self {
        Self {
            bound,
            own,
            listed: Vec::new(),
        }
    }

    /// The sockets were opened anew.
    pub(super) const fn set_bound(&mut self, bound: SocketAddr) {
        self.bound = bound;
    }

    /// The interfaces changed; `false` when they did not.
    pub(super) fn set_own(&mut self, own: Vec<OwnAddress>) -> bool {
        let changed = self.own != own;
        self.own = own;
        changed
    }

    /// A person typed this address.
    pub(super) fn list(&mut self, ip: IpAddr) {
        let net = Net::single(ip);
        if self.listed.len() < LISTED_MAX && !self.listed.contains(&net) {
            self.listed.push(net);
        }
    }

    /// Where others may reach us, best first.
    pub(super) fn announced(&self) -> Vec<SocketAddr> {
        let port = self.bound.port();
        if !self.bound.ip().is_unspecified() {
            return vec![self.bound];
        }
        let takes_v6 = self.bound.is_ipv6();
        let usable =
            |own: &&OwnAddress| own.class != LinkClass::Loopback && (takes_v6 || own.ip.is_ipv4());
        let own = self.own.iter().filter(usable);
        own.map(|own| own.with_port(port)).collect()
    }

    /// Whom we talk to.
    pub(super) fn filter(&self) -> AddressFilter {
        AddressFilter {
            on_link: self.own.iter().map(OwnAddress::net).collect(),
            listed: self.listed.clone(),
        }
    }

    /// How the way to an address looks.
    pub(super) fn path_to(&self, address: SocketAddr) -> PathInfo {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return PathInfo {
                medium: Medium::Loopback,
                bits_per_second: None,
                near: true,
            };
        }
        let scope = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id()),
            SocketAddr::V4(_) | SocketAddr::V6(_) => None,
        };
        let mut own = self.own.iter();
        let own =
            own.find(|own| own.net().contains(ip) && scope.is_none_or(|scope| scope == own.scope));
        own.map_or_else(PathInfo::default, |own| PathInfo {
            medium: medium_of(own, ip),
            bits_per_second: own.speed_mbit.map(|mbit| u64::from(mbit) * 1_000_000),
            near: true,
        })
    }

    /// Better ways first; among equal ones the order stays.
    pub(super) fn best_first(&self, addresses: &mut [SocketAddr]) {
        addresses.sort_by_key(|address| {
            let path = self.path_to(*address);
            let speed = path.bits_per_second.unwrap_or(0);
            (path.medium, std::cmp::Reverse(speed))
        });
    }

    /// Whether the way to an address is surely better than that to another one: worth a move.
    pub(super) fn is_better(&self, to: SocketAddr, than: SocketAddr) -> bool {
        let (new, old) = (self.path_to(to), self.path_to(than));
        let faster = old.bits_per_second.is_some() && new.bits_per_second > old.bits_per_second;
        match new.medium.cmp(&old.medium) {
            _ if new.medium == Medium::Unknown => false,
            Ordering::Less => true,
            Ordering::Equal => faster,
            Ordering::Greater => false,
        }
    }
}

/// One of our own addresses is this machine, whatever its interface.
fn medium_of(own: &OwnAddress, ip: IpAddr) -> Medium {
    if own.ip == ip {
        return Medium::Loopback;
    }
    match own.class {
        LinkClass::Loopback => Medium::Loopback,
        LinkClass::Wired => Medium::Wired,
        LinkClass::Wifi => Medium::Wifi,
        LinkClass::Virtual => Medium::Virtual,
    }
}

/// What a peer said about its addresses, as it means something here: link-local IPv6 ones belong to
/// the interface that the peer is heard on, and without one they mean nothing.
pub(super) fn as_heard(addresses: &[SocketAddr], heard_from: SocketAddr) -> Vec<SocketAddr> {
    let scope = match heard_from {
        SocketAddr::V6(v6) => v6.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let meaningful = addresses.iter().filter_map(|address| {
        if let SocketAddr::V6(v6) = address
            && v6.ip().is_unicast_link_local()
        {
            let mut v6 = *v6;
            v6.set_scope_id(scope);
            return (scope != 0).then_some(SocketAddr::V6(v6));
        }
        // Somebody else's loopback is ours only if it is heard over ours.
        let foreign = address.ip().is_loopback() && !heard_from.ip().is_loopback();
        (!foreign).then_some(*address)
    });
    meaningful.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(ip: &str, class: LinkClass, speed_mbit: Option<u32>, scope: u32) -> OwnAddress {
        OwnAddress {
            ip: ip.parse().unwrap(),
            prefix_bits: if ip.contains(':') { 64 } else { 24 },
            scope,
            interface: format!("if{scope}"),
            class,
            speed_mbit,
        }
    }

    fn machine(bound: &str) -> Addresses {
        let own = vec![
            own("10.0.0.1", LinkClass::Wired, Some(1_000), 2),
            own("fe80::1", LinkClass::Wired, Some(1_000), 2),
            own("10.0.1.1", LinkClass::Wifi, None, 3),
            own("fe80::2", LinkClass::Wifi, None, 3),
            own("172.17.0.1", LinkClass::Virtual, Some(10_000), 4),
            own("127.0.0.1", LinkClass::Loopback, None, 1),
        ];
        Addresses::new(bound.parse().unwrap(), own)
    }

    #[test]
    fn what_is_announced_depends_on_what_is_bound() {
        for (bound, announced) in [
            (
                "[::]:7",
                "10.0.0.1:7 [fe80::1%2]:7 10.0.1.1:7 [fe80::2%3]:7 172.17.0.1:7",
            ),
            ("0.0.0.0:7", "10.0.0.1:7 10.0.1.1:7 172.17.0.1:7"),
            ("10.0.1.1:7", "10.0.1.1:7"),
            ("127.0.0.1:7", "127.0.0.1:7"),
        ] {
            let all = machine(bound).announced();
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            assert_eq!(all.join(" "), announced, "{bound}");
        }
    }

    #[test]
    fn the_wire_goes_before_the_air_and_the_virtual() {
        let machine = machine("[::]:7");
        let mut addresses: Vec<SocketAddr> = [
            "172.17.0.9:1",
            "10.0.1.9:1",
            "[fe80::9%3]:1",
            "192.168.9.9:1",
            "10.0.0.9:1",
            "[fe80::9%2]:1",
            "10.0.0.1:1",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        machine.best_first(&mut addresses);
        let sorted: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            sorted.join(" "),
            "10.0.0.1:1 10.0.0.9:1 [fe80::9%2]:1 192.168.9.9:1 10.0.1.9:1 [fe80::9%3]:1 \
             172.17.0.9:1"
        );
    }

    #[test]
    fn a_lane_moves_only_to_what_is_surely_better() {
        let mut machine = machine("[::]:7");
        let slow = own("10.0.3.1", LinkClass::Wired, Some(100), 5);
        machine.own.push(slow);
        let better =
            |to: &str, than: &str| machine.is_better(to.parse().unwrap(), than.parse().unwrap());
        let (wire, air, slow) = ("10.0.0.9:1", "10.0.1.9:1", "10.0.3.9:1");
        let (virt, unknown) = ("172.17.0.9:1", "192.168.9.9:1");
        for (to, than) in [(wire, air), (wire, slow), (air, virt), (wire, unknown)] {
            assert!(better(to, than), "{to} {than}");
            assert!(!better(than, to), "{than} {to}");
        }
        // Nobody knows what it goes over; the other way round it is worth a try.
        assert!(!better(unknown, air) && !better(air, unknown));
        for all in [wire, air, slow, virt, unknown] {
            assert!(!better(all, all), "{all}");
        }
    }

    #[test]
    fn a_scope_is_ours_and_never_the_senders() {
        let addresses = ["10.0.0.9:1", "[fe80::9%77]:1", "127.0.0.1:1"];
        let addresses = addresses.map(|text| text.parse().unwrap());
        for (from, heard) in [
            ("10.0.0.9:5", "10.0.0.9:1"),
            ("[fe80::9%3]:5", "10.0.0.9:1 [fe80::9%3]:1"),
            ("127.0.0.1:5", "10.0.0.9:1 127.0.0.1:1"),
        ] {
            let all = as_heard(&addresses, from.parse().unwrap());
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            assert_eq!(all.join(" "), heard, "{from}");
        }
    }
}
