//! Who is there, as people see it, and for the next party.

use alloc::vec::Vec;
use core::net::SocketAddr;

use lanspread_proto::{
    PeerId, limits,
    wire::link::{PeerHint, Reachability},
};

use super::{LinkId, Peers, contact::Contact};

/// One peer, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// Who.
    pub peer: PeerId,
    /// How it stands with us.
    pub state: PeerState,
    /// Where a dial found it, newest first, then where it is said to be.
    pub addresses: Vec<SocketAddr>,
    /// What it knows of its own reachability.
    pub reachable: Reachability,
}

/// How a peer stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// It is known, and nothing more.
    Seen,
    /// A dial runs.
    Dialling,
    /// The link is up.
    Linked(LinkId),
    /// Blocked by the person.
    Blocked,
}

impl Peers {
    /// Everybody, for people.
    pub fn views(&self) -> impl Iterator<Item = PeerView> + '_ {
        let contacts = self.contacts.iter().map(|(peer, contact)| PeerView {
            peer: *peer,
            state: self.state_of(*peer),
            addresses: contact.addresses().collect(),
            reachable: contact.reachable,
        });
        // Nothing is heard of who is blocked, and it can be let in again all the same.
        let unheard = |peer: &&PeerId| !self.contacts.contains_key(peer);
        let blocked = self.blocked.iter().filter(unheard).map(|peer| PeerView {
            peer: *peer,
            state: PeerState::Blocked,
            addresses: Vec::new(),
            reachable: Reachability::Unknown,
        });
        contacts.chain(blocked)
    }

    /// Who was found by a dial or linked, for the next party; the latest first.
    #[must_use]
    pub fn remembered(&self) -> Vec<PeerHint> {
        let known = |(_, contact): &(&PeerId, &Contact)| contact.last_up.is_some();
        let mut known: Vec<(&PeerId, &Contact)> = self.contacts.iter().filter(known).collect();
        known.sort_by_key(|(_, contact)| core::cmp::Reverse(contact.last_up));
        let hints = known.into_iter().map(|(peer, contact)| contact.hint(*peer));
        hints.take(limits::PEERS_MAX).collect()
    }
}
