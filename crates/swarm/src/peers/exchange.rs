//! Sightings in, dials out; and what linked peers tell each other about the rest.
//!
//! Everything said about addresses is limited, so that nobody can make a party shoot at a victim.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lanspread_proto::{PeerId, limits, wire::link::PeerHint};

use super::{
    ADDRESSES_PER_ANNOUNCER, ADDRESSES_PER_HINTER, ANNOUNCERS_MAX, DIALS_MAX, Dial, DialBlame,
    DialId, MINUTE, NEIGHBOURS_DIALLED, Peers, PeersAction, Sighting, Source,
    contact::{Contact, Stray},
};
use crate::{bucket::Bucket, time::Instant};

/// Dials to one key at once: to where it was, and to where it is said to be now.
const DIALS_PER_PEER: usize = 2;
/// Hints are gathered for so long after a peer came.
const HINT_DELAY: Duration = Duration::from_secs(1);
/// Typed addresses without a key that are tried.
const STRAYS_MAX: usize = 64;
/// Introductions per minute that one peer may ask of us.
const MEETINGS_PER_MINUTE: u32 = 30;

/// What was told to whom.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    told: BTreeMap<PeerId, Told>,
    due: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Told {
    peers: BTreeSet<PeerId>,
    hints: Bucket,
    meetings: Bucket,
}

impl Exchange {
    pub(super) const fn new() -> Self {
        Self {
            told: BTreeMap::new(),
            due: None,
        }
    }

    pub(super) fn on_link_up(&mut self, now: Instant, peer: PeerId) {
        let told = Told {
            peers: BTreeSet::new(),
            hints: Bucket::new(ADDRESSES_PER_HINTER, MINUTE, ADDRESSES_PER_HINTER),
            meetings: Bucket::new(MEETINGS_PER_MINUTE, MINUTE, MEETINGS_PER_MINUTE),
        };
        self.told.insert(peer, told);
        self.due = Some(self.due.unwrap_or(now + HINT_DELAY));
    }

    pub(super) fn on_link_down(&mut self, peer: PeerId) {
        self.told.remove(&peer);
        // When it comes back it is news again.
        self.told.values_mut().for_each(|told| {
            told.peers.remove(&peer);
        });
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Peers {
    /// Whom a dial found at an address.
    #[must_use]
    pub fn found_at(&self, address: SocketAddr) -> Option<PeerId> {
        let mut contacts = self.contacts.iter();
        let found = contacts.find(|(_, contact)| contact.was_found_at(address));
        found.map(|(peer, _)| *peer)
    }

    pub(super) fn sight_peer(&mut self, now: Instant, peer: PeerId, sighting: &Sighting) {
        if self.blocked.contains(&peer) {
            return;
        }
        let mut moved = false;
        for address in &sighting.addresses {
            moved |= self.sight_address(now, peer, *address, sighting.source);
        }
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        if let Some(boot) = sighting.boot {
            moved |= contact.on_boot_sighted(now, boot);
        }
        match sighting.source {
            Source::Hint(hinter) => contact.on_hinted_by(hinter),
            Source::Meet(_) | Source::Typed => contact.dial_now(now),
            Source::Mdns(_) | Source::Remembered => {}
        }
        if moved {
            self.check_link(peer);
        }
    }

    /// The peer may be somewhere else by now: whether the link still reaches it is worth a look.
    pub(super) fn check_link(&mut self, peer: PeerId) {
        if let Some(link) = self.up.get(&peer) {
            let check = PeersAction::CheckLink { link: *link };
            self.actions.push_back(check);
        }
    }

    /// Tells whether the address is new.
    fn sight_address(
        &mut self,
        now: Instant,
        peer: PeerId,
        address: SocketAddr,
        source: Source,
    ) -> bool {
        let known = self.contacts.get(&peer).is_some_and(|c| c.knows(address));
        if !known && !self.may_bring(now, source, address) {
            return false;
        }
        let contact = self.contact(now, peer);
        contact.is_some_and(|contact| contact.on_sighted(now, address))
    }

    /// Whether this source may bring one more new address.
    fn may_bring(&mut self, now: Instant, source: Source, address: SocketAddr) -> bool {
        // Nobody else is hit by what stays on this machine.
        if address.ip().is_loopback() {
            return true;
        }
        match source {
            Source::Typed | Source::Remembered => true,
            // One who says too much does not use up what is for all.
            Source::Mdns(announcer) => {
                self.announcer(announcer).take(now) && self.multicast.take(now)
            }
            Source::Hint(peer) | Source::Meet(peer) => {
                let told = self.exchange.told.get_mut(&peer);
                told.is_some_and(|told| told.hints.take(now))
            }
        }
    }

    fn announcer(&mut self, announcer: IpAddr) -> &mut Bucket {
        if self.announcers.len() >= ANNOUNCERS_MAX && !self.announcers.contains_key(&announcer) {
            // Whoever has the most tokens left loses nothing by being forgotten.
            let idle = self.announcers.iter().min_by_key(|(_, b)| b.ready_at());
            if let Some(idle) = idle.map(|(announcer, _)| *announcer) {
                self.announcers.remove(&idle);
            }
        }
        let fresh = || Bucket::new(ADDRESSES_PER_ANNOUNCER, MINUTE, ADDRESSES_PER_ANNOUNCER);
        self.announcers.entry(announcer).or_insert_with(fresh)
    }

    pub(super) fn sight_strays(&mut self, now: Instant, addresses: &[SocketAddr]) {
        for address in addresses {
            // The key that answered there once is pinned; what others say of the address is not.
            match self
                .found_at(*address)
                .and_then(|peer| self.contacts.get_mut(&peer))
            {
                Some(contact) => contact.dial_now(now),
                None if self.strays.len() < STRAYS_MAX => {
                    self.strays.insert(*address, Stray::new(now));
                }
                None => {}
            }
        }
    }

    pub(super) fn is_dialling(&self, peer: PeerId) -> bool {
        self.dials.values().any(|dial| dial.expected == Some(peer))
    }

    pub(super) fn next_dial_at(&self) -> Option<Instant> {
        if self.dials.len() >= DIALS_MAX {
            return None;
        }
        let waits = |(peer, contact): &(&PeerId, &Contact)| self.may_dial(**peer, contact);
        let contacts = self.contacts.iter().filter(waits).map(|(_, c)| c.dial_at);
        let strays = self.strays.iter();
        let strays = strays.filter(|(address, _)| !self.is_dialling_stray(**address));
        contacts.chain(strays.map(|(_, stray)| stray.dial_at)).min()
    }

    fn may_dial(&self, peer: PeerId, contact: &Contact) -> bool {
        contact.dial_at < Instant::FAR
            && self.up.len() < NEIGHBOURS_DIALLED
            && !self.up.contains_key(&peer)
            && !self.blocked.contains(&peer)
            && self.undialled(peer, contact).next().is_some()
    }

    /// Where the peer may be and no dial runs yet; nothing while dials enough run.
    fn undialled(&self, peer: PeerId, contact: &Contact) -> impl Iterator<Item = SocketAddr> {
        let running = self.dials.values().filter(|d| d.expected == Some(peer));
        let running: Vec<&Dial> = running.collect();
        let tried = |address: &SocketAddr| running.iter().any(|d| d.addresses.contains(address));
        let left = contact.addresses().filter(|address| !tried(address));
        let left: Vec<SocketAddr> = match running.len() < DIALS_PER_PEER {
            true => left.collect(),
            false => Vec::new(),
        };
        left.into_iter()
    }

    fn is_dialling_stray(&self, address: SocketAddr) -> bool {
        let unknown = self.dials.values().filter(|dial| dial.expected.is_none());
        unknown
            .into_iter()
            .any(|dial| dial.addresses.contains(&address))
    }

    /// Dials what is due; whoever waits longest first.
    pub(super) fn start_dials(&mut self, now: Instant) {
        while self.dials.len() < DIALS_MAX {
            let stray = self.strays.iter().find(|(address, stray)| {
                stray.dial_at <= now && !self.is_dialling_stray(**address)
            });
            if let Some(address) = stray.map(|(address, _)| *address) {
                self.dial(None, Vec::from([address]));
                continue;
            }
            let due = |(peer, contact): &(&PeerId, &Contact)| {
                contact.dial_at <= now && self.may_dial(**peer, contact)
            };
            let due = self.contacts.iter().filter(due);
            let next = due.min_by_key(|(_, contact)| contact.dial_at);
            let Some((peer, contact)) = next else {
                return;
            };
            let (peer, addresses) = (*peer, self.undialled(*peer, contact).collect());
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.on_dialling(now);
            }
            self.dial(Some(peer), addresses);
        }
    }

    pub(super) fn dial(&mut self, expected: Option<PeerId>, addresses: Vec<SocketAddr>) {
        let dial = DialId(self.next_dial);
        self.next_dial += 1;
        let entry = Dial {
            expected,
            addresses: addresses.clone(),
        };
        self.dials.insert(dial, entry);
        self.actions.push_back(PeersAction::Dial {
            dial,
            addresses,
            expected,
        });
    }

    pub(super) fn fail_dial(&mut self, now: Instant, dial: &Dial, blame: DialBlame) {
        let Some(peer) = dial.expected else {
            for address in &dial.addresses {
                if let Some(stray) = self.strays.get_mut(address) {
                    stray.on_failed(now);
                }
            }
            return;
        };
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        contact.on_failed(now, &dial.addresses, blame);
        let is_up = |hinter: &&PeerId| self.up.contains_key(hinter);
        let common = contact.hinted_by.iter().rev().find(is_up).copied();
        if let (DialBlame::Network, Some(common), false) =
            (blame, common, self.up.contains_key(&peer))
        {
            self.actions
                .push_back(PeersAction::MeetVia { peer, common });
        }
    }

    /// Introduces two peers that are linked to us.
    pub(super) fn introduce(&mut self, now: Instant, from: PeerId, to: PeerId) {
        let both = self.up.contains_key(&from) && self.up.contains_key(&to) && from != to;
        let told = self.exchange.told.get_mut(&from);
        if !both || !told.is_some_and(|told| told.meetings.take(now)) {
            return;
        }
        for (to, about) in [(to, from), (from, to)] {
            if let Some(hint) = self.hint_about(about) {
                self.actions.push_back(PeersAction::Introduce { to, hint });
            }
        }
    }

    fn hint_about(&self, peer: PeerId) -> Option<PeerHint> {
        let hint = self.contacts.get(&peer)?.hint(peer);
        (!hint.addresses.is_empty()).then_some(hint)
    }

    /// Tells every linked peer of those it was not told of yet.
    pub(super) fn send_hints(&mut self, now: Instant) {
        if self.exchange.due.is_none_or(|due| due > now) {
            return;
        }
        self.exchange.due = None;
        let peers: Vec<PeerId> = self.up.keys().copied().collect();
        let hints: Vec<PeerHint> = peers.iter().filter_map(|p| self.hint_about(*p)).collect();
        for (to, told) in &mut self.exchange.told {
            let news = |hint: &&PeerHint| hint.peer != *to && !told.peers.contains(&hint.peer);
            let mut news: Vec<PeerHint> = hints.iter().filter(news).cloned().collect();
            // Everybody is told of others first: a newcomer is not dialled by all at once.
            let drawn = self.random.draw(&mut news, limits::HINTS_MAX).to_vec();
            if drawn.len() < news.len() {
                self.exchange.due = Some(now + HINT_DELAY);
            }
            told.peers.extend(drawn.iter().map(|hint| hint.peer));
            if !drawn.is_empty() {
                self.actions.push_back(PeersAction::Hint {
                    to: *to,
                    peers: drawn,
                });
            }
        }
    }
}
