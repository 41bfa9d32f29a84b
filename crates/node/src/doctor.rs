//! Network facts as data, with or without a running node: what the interfaces are, which of them
//! peers will prefer, and whether the port can be had.

use std::{net::IpAddr, sync::Arc};

use lanspread_net::{
    BindConfig, Endpoint, Identity,
    interfaces::{self as own, InterfacesError, LinkClass, OwnAddress},
};

use crate::config::PORT_DEFAULT;

/// One interface that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceFacts {
    /// Its name.
    pub name: String,
    /// Its number, the scope of link-local addresses.
    pub number: u32,
    /// What kind it is.
    pub kind: InterfaceKind,
    /// Bits per second, where the system tells.
    pub bits_per_second: Option<u64>,
    /// Its addresses, best first.
    pub addresses: Vec<IpAddr>,
}

/// What kind an interface is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceKind {
    /// A cable, or something that is not known to be worse.
    Wired,
    /// Wi-Fi: used last of the real ones.
    Wifi,
    /// A VPN, or a bridge to virtual machines and containers.
    Virtual,
    /// This machine alone.
    Loopback,
}

/// Whether the default port is free, for UDP and TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortFacts {
    /// It is.
    Free,
    /// It is taken, perhaps by a running node; this one would be used.
    Taken {
        /// The next free one.
        next: u16,
    },
    /// No port can be had.
    Refused {
        /// What the operating system said.
        reason: String,
    },
}

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The system does not tell its addresses.
    #[error(transparent)]
    Interfaces(#[from] InterfacesError),
}

impl InterfaceFacts {
    /// No router gave an address. Two machines on one cable work all the same.
    #[must_use]
    pub fn is_self_assigned(&self) -> bool {
        let link_local = |ip: &IpAddr| match ip {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        self.addresses.iter().all(link_local)
    }
}

/// The interfaces that are up, best first, as peers will try them; the loopback last.
///
/// # Errors
/// The system does not tell its addresses.
pub fn interfaces() -> Result<Vec<InterfaceFacts>, DoctorError> {
    Ok(by_interface(own::observe()?))
}

/// Whether a node could listen now, as it would do it, under a key that nobody knows. Must be
/// called within a tokio runtime.
pub async fn port() -> PortFacts {
    let refused = |reason: String| PortFacts::Refused { reason };
    let identity = match Identity::generate() {
        Ok(identity) => Arc::new(identity),
        Err(error) => return refused(error.to_string()),
    };
    match Endpoint::bind(BindConfig::new(identity)) {
        Ok((endpoint, _incoming)) => {
            let port = endpoint.local_port();
            endpoint.close().await;
            if port == PORT_DEFAULT {
                PortFacts::Free
            } else {
                PortFacts::Taken { next: port }
            }
        }
        Err(error) => refused(error.to_string()),
    }
}

/// The addresses come best first, and so do the interfaces that they are first seen on.
fn by_interface(own: Vec<OwnAddress>) -> Vec<InterfaceFacts> {
    let mut facts: Vec<InterfaceFacts> = Vec::new();
    for address in own {
        let known = facts.iter_mut().find(|f| f.name == address.interface);
        match known {
            Some(known) => known.addresses.push(address.ip),
            None => facts.push(InterfaceFacts {
                kind: kind_of(address.class),
                bits_per_second: address.speed_mbit.map(|mbit| u64::from(mbit) * 1_000_000),
                addresses: vec![address.ip],
                number: address.scope,
                name: address.interface,
            }),
        }
    }
    facts
}

const fn kind_of(class: LinkClass) -> InterfaceKind {
    match class {
        LinkClass::Wired => InterfaceKind::Wired,
        LinkClass::Wifi => InterfaceKind::Wifi,
        LinkClass::Virtual => InterfaceKind::Virtual,
        LinkClass::Loopback => InterfaceKind::Loopback,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(interface: &str, ip: &str, class: LinkClass) -> OwnAddress {
        OwnAddress {
            ip: ip.parse().unwrap(),
            prefix_bits: 24,
            scope: 1,
            interface: interface.to_owned(),
            class,
            speed_mbit: Some(1_000),
        }
    }

    #[test]
    fn addresses_are_gathered_by_interface_in_their_order() {
        let facts = by_interface(vec![
            own("eth0", "10.0.0.1", LinkClass::Wired),
            own("eth1", "169.254.0.1", LinkClass::Wired),
            own("eth0", "fe80::1", LinkClass::Wired),
            own("lo", "127.0.0.1", LinkClass::Loopback),
        ]);
        let seen: Vec<(&str, usize, bool)> = facts
            .iter()
            .map(|i| (i.name.as_str(), i.addresses.len(), i.is_self_assigned()))
            .collect();
        assert_eq!(
            seen,
            [("eth0", 2, false), ("eth1", 1, true), ("lo", 1, false)]
        );
        assert_eq!(facts[0].bits_per_second, Some(1_000_000_000));
    }

    #[tokio::test]
    async fn the_loopback_is_there_and_a_port_can_be_had() {
        let last = interfaces().unwrap().pop().unwrap();
        assert_eq!(last.kind, InterfaceKind::Loopback);
        let port = port().await;
        assert!(!matches!(port, PortFacts::Refused { .. }), "{port:?}");
    }
}
