//! [`Table`]: the mDNS entries that are believed for now, and how many of them.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use super::{Gone, Sighting, SightingKind, txt::Txt};

/// Entries remembered.
pub(super) const INSTANCES_MAX: usize = 1_024;
/// Entries remembered that name the same address.
pub(super) const INSTANCES_PER_ADDRESS_MAX: usize = 8;
/// Addresses taken from one entry.
pub(super) const ADDRESSES_MAX: usize = 16;

/// An entry as it was resolved.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) instance: String,
    pub(super) txt: Txt,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) seen_via: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table {
    own: String,
    known: HashMap<String, Sighting>,
}

impl Table {
    /// `own` is the instance that is not worth a sighting.
    pub(super) fn new(own: String) -> Self {
        Self {
            own,
            known: HashMap::new(),
        }
    }

    /// An entry was resolved, newly or again. `None` if it is our own, says nothing new, or is not
    /// believed.
    pub(super) fn on_resolved(&mut self, entry: Entry) -> Option<Sighting> {
        if entry.instance.eq_ignore_ascii_case(&self.own) {
            return None;
        }
        let (kind, peer, boot) = match entry.txt {
            Txt::LanSpread(said) => (SightingKind::LanSpread, Some(said.peer), Some(said.boot)),
            Txt::Old => (SightingKind::OldLanSpread, None, None),
            Txt::Damaged => return None,
        };
        let sighting = Sighting {
            peer,
            boot,
            addresses: self.believed(&entry),
            seen_via: entry.seen_via,
            kind,
            instance: entry.instance,
        };
        let known = self.known.get(&sighting.instance);
        let full = known.is_none() && self.known.len() >= INSTANCES_MAX;
        if full || sighting.addresses.is_empty() || known == Some(&sighting) {
            return None;
        }
        let instance = sighting.instance.clone();
        self.known.insert(instance, sighting.clone());
        Some(sighting)
    }

    /// An entry was taken back or expired.
    pub(super) fn on_removed(&mut self, instance: &str) -> Option<Gone> {
        let sighting = self.known.remove(instance)?;
        Some(Gone {
            peer: sighting.peer,
            instance: sighting.instance,
        })
    }

    /// Forgets everything: what is still there will be resolved again.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// Its addresses, without those that too many others name.
    fn believed(&self, entry: &Entry) -> Vec<SocketAddr> {
        let mut addresses = entry.addresses.clone();
        addresses.sort();
        addresses.dedup();
        addresses.retain(|address| self.others_at(address.ip(), entry) < INSTANCES_PER_ADDRESS_MAX);
        addresses.truncate(ADDRESSES_MAX);
        addresses
    }

    fn others_at(&self, ip: IpAddr, entry: &Entry) -> usize {
        let others = self.known.values().filter(|known| {
            known.instance != entry.instance && known.addresses.iter().any(|at| at.ip() == ip)
        });
        others.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mdns::txt::Announcement;
    use lanspread_proto::PeerId;

    fn entry(number: usize, addresses: &[&str]) -> Entry {
        let peer = PeerId::from_bytes([1; 32]);
        Entry {
            instance: format!("i{number}"),
            txt: Txt::LanSpread(Announcement::own(peer, 5)),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            seen_via: vec!["eth0".to_string()],
        }
    }

    fn table() -> Table {
        Table::new("me".to_string())
    }

    #[test]
    fn news_are_told_once_and_departures_too() {
        let mut table = table();
        let first = entry(1, &["10.0.0.1:5"]);
        let sighting = table.on_resolved(first.clone()).unwrap();
        assert_eq!(sighting.kind, SightingKind::LanSpread);
        assert_eq!(sighting.addresses, first.addresses);
        assert_eq!(table.on_resolved(first), None);
        let moved = entry(1, &["10.0.0.2:5", "10.0.0.1:5", "10.0.0.2:5"]);
        assert_eq!(table.on_resolved(moved).unwrap().addresses.len(), 2);
        assert_eq!(table.on_removed("i1").unwrap().peer, sighting.peer);
        assert_eq!(table.on_removed("i1"), None);
    }

    #[test]
    fn old_ones_are_marked_and_have_no_peer() {
        let mut old = entry(1, &["10.0.0.1:5"]);
        old.txt = Txt::Old;
        let sighting = table().on_resolved(old).unwrap();
        assert_eq!(
            (sighting.kind, sighting.peer),
            (SightingKind::OldLanSpread, None)
        );
    }

    #[test]
    fn our_own_and_damaged_and_homeless_ones_are_ignored() {
        let mut table = table();
        let mut own = entry(1, &["10.0.0.1:5"]);
        own.instance = "ME".to_string();
        assert_eq!(table.on_resolved(own), None);
        let mut damaged = entry(1, &["10.0.0.1:5"]);
        damaged.txt = Txt::Damaged;
        assert_eq!(table.on_resolved(damaged), None);
        assert_eq!(table.on_resolved(entry(1, &[])), None);
        assert!(table.known.is_empty());
    }

    #[test]
    fn a_flood_fills_the_table_and_no_more() {
        let mut table = table();
        let at = |number: usize| format!("10.{}.{}.1:5", number / 256, number % 256);
        for number in 0..INSTANCES_MAX {
            assert!(table.on_resolved(entry(number, &[&at(number)])).is_some());
        }
        let late = entry(INSTANCES_MAX, &[&at(INSTANCES_MAX)]);
        assert_eq!(table.on_resolved(late.clone()), None);
        // One that is known may still move; a place that is free may be taken.
        assert!(table.on_resolved(entry(0, &["10.99.0.1:5"])).is_some());
        table.on_removed("i7").unwrap();
        assert!(table.on_resolved(late).is_some());
    }

    #[test]
    fn one_address_is_not_named_by_everybody() {
        let mut table = table();
        for number in 0..INSTANCES_PER_ADDRESS_MAX {
            assert!(table.on_resolved(entry(number, &["10.0.0.1:5"])).is_some());
        }
        let both = entry(99, &["10.0.0.1:6", "10.0.0.2:6"]);
        let sighting = table.on_resolved(both).unwrap();
        assert_eq!(sighting.addresses, ["10.0.0.2:6".parse().unwrap()]);
        assert_eq!(table.on_resolved(entry(100, &["10.0.0.1:7"])), None);
    }

    #[test]
    fn an_entry_does_not_name_the_whole_network() {
        let all: Vec<String> = (0..200).map(|i| format!("10.0.0.{i}:5")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let sighting = table().on_resolved(entry(1, &all)).unwrap();
        assert_eq!(sighting.addresses.len(), ADDRESSES_MAX);
    }
}
