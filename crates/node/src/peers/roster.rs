//! What people see of the peers: names, states, and who left a moment ago.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use lanspread_net::LinkSender;
use lanspread_proto::{
    PeerId,
    text::PeerName,
    wire::link::{Reachability, Sharing},
};
use lanspread_swarm::{
    peers::{PeerState as Standing, PeerView as Contact},
    time::Instant,
};

use super::addresses::Addresses;
use crate::{
    snapshot::PeerState,
    views::{PathInfo, PeerInfo},
};

/// How long a peer that left is still shown.
pub(super) const GONE_SHOWN: Duration = Duration::from_secs(60);

/// Peers that were linked in this run, until they are forgotten.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: BTreeMap<PeerId, Known>,
}

/// One of them.
#[derive(Debug)]
struct Known {
    name: PeerName,
    sharing: Sharing,
    address: SocketAddr,
    path: PathInfo,
    rtt: Option<Duration>,
    gone_since: Option<Instant>,
}

/// What a new link says of its peer.
#[derive(Debug)]
pub(super) struct Introduction {
    pub(super) name: PeerName,
    pub(super) sharing: Sharing,
    pub(super) address: SocketAddr,
}

impl Roster {
    /// A link is up.
    pub(super) fn on_up(&mut self, peer: PeerId, intro: Introduction, addresses: &Addresses) {
        let known = Known {
            path: addresses.path_to(intro.address),
            name: intro.name,
            sharing: intro.sharing,
            address: intro.address,
            rtt: None,
            gone_since: None,
        };
        self.known.insert(peer, known);
    }

    /// Its link is down.
    pub(super) fn on_down(&mut self, now: Instant, peer: PeerId) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.gone_since = Some(now);
            known.rtt = None;
        }
    }

    /// It has another name.
    pub(super) fn rename(&mut self, peer: PeerId, name: PeerName) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.name = name;
        }
    }

    /// It sends pieces, or no longer.
    pub(super) fn set_sharing(&mut self, peer: PeerId, sharing: Sharing) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.sharing = sharing;
        }
    }

    /// Our own interfaces changed.
    pub(super) fn look_again(&mut self, addresses: &Addresses) {
        for known in self.known.values_mut() {
            known.path = addresses.path_to(known.address);
        }
    }

    /// Its name, for a notice.
    pub(super) fn name(&self, peer: PeerId) -> PeerName {
        let known = self.known.get(&peer);
        known.map_or_else(|| words(peer), |known| known.name.clone())
    }

    /// Measures the links again; `true` when what is shown changed.
    pub(super) fn measure<'a>(
        &mut self,
        links: impl Iterator<Item = (PeerId, &'a LinkSender)>,
    ) -> bool {
        let mut changed = false;
        for (peer, sender) in links {
            if let Some(known) = self.known.get_mut(&peer) {
                // A peer that got another address keeps its link.
                let address = sender.remote_addr();
                changed |= address != known.address;
                known.address = address;
                let rtt = sender.round_trip();
                if known.rtt.is_none_or(|shown| differs(shown, rtt)) {
                    known.rtt = Some(rtt);
                    changed = true;
                }
            }
        }
        changed
    }

    /// Forgets who left long ago; `true` when somebody was.
    pub(super) fn forget_gone(&mut self, now: Instant) -> bool {
        let before = self.known.len();
        self.known.retain(|_, known| {
            known
                .gone_since
                .is_none_or(|since| now.since(since) < GONE_SHOWN)
        });
        self.known.len() != before
    }

    /// One peer as people see it, if they do.
    pub(super) fn info(&self, contact: &Contact) -> Option<PeerInfo> {
        let known = self.known.get(&contact.peer);
        let state = match contact.state {
            Standing::Linked(_) => PeerState::Connected,
            Standing::Blocked => PeerState::Blocked,
            Standing::Dialling | Standing::Seen if known.is_some() => PeerState::Gone,
            Standing::Dialling => PeerState::Dialling,
            Standing::Seen => return None,
        };
        Some(PeerInfo {
            name: self.name(contact.peer),
            address: known
                .map(|known| known.address)
                .or_else(|| contact.addresses.first().copied()),
            state,
            sharing: known.map_or(Sharing::On, |known| known.sharing),
            reachable: is_open(contact.reachable),
            path: known.map(|known| known.path).unwrap_or_default(),
            rtt: known.and_then(|known| known.rtt),
        })
    }
}

/// Who has no name yet is called by its key.
fn words(peer: PeerId) -> PeerName {
    PeerName::clean(&peer.words())
}

/// What is known of a reachability, as yes or no.
pub(super) const fn is_open(reachable: Reachability) -> Option<bool> {
    match reachable {
        Reachability::Unknown => None,
        Reachability::Open => Some(true),
        Reachability::EstablishedOnly => Some(false),
    }
}

/// By more than a quarter: smaller changes are noise, and would make a snapshot every second.
fn differs(shown: Duration, now: Duration) -> bool {
    shown.abs_diff(now) * 4 > shown
}
