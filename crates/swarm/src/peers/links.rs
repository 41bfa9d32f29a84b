//! Which link stays, and who is a clone.
//!
//! Of two links with one boot the one dialled by the lower key stays, so that both ends choose the
//! same. Another boot means a restart, and the new link wins; when the old boot comes back within
//! a minute, two live programs share the key.

use core::{net::SocketAddr, time::Duration};

use alloc::vec::Vec;
use lanspread_proto::{PeerId, limits::HELLO_TIMEOUT, wire::link::Goodbye};

use super::{
    DIALS_MAX, Direction, HelloFacts, LinkId, NEIGHBOURS_MAX, Peers, PeersAction, contact::Contact,
};
use crate::time::Instant;

/// A boot that comes back within this time is alive beside the one after it.
const CLONE_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) peer: PeerId,
    pub(super) direction: Direction,
    since: Instant,
    /// Set by the hello.
    pub(super) boot: Option<u64>,
}

/// What happens to a link that has said hello.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Use,
    /// The other link to the same key goes.
    Replace(LinkId, Goodbye),
    Close(Goodbye),
    /// Both are alive: the older program keeps the key.
    Cloned {
        close: LinkId,
        other: Option<LinkId>,
    },
}

impl Link {
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.hello_due().is_some_and(|due| due <= now)
    }

    pub(super) fn hello_due(&self) -> Option<Instant> {
        self.boot.is_none().then(|| self.since + HELLO_TIMEOUT)
    }
}

impl Peers {
    pub(super) fn greet_link(
        &mut self,
        now: Instant,
        link: LinkId,
        peer: PeerId,
        direction: Direction,
    ) {
        let entry = Link {
            peer,
            direction,
            since: now,
            boot: None,
        };
        self.links.insert(link, entry);
        if self.blocked.contains(&peer) {
            self.close(now, link, Goodbye::Blocked);
            return;
        }
        if peer == self.me {
            return;
        }
        if let Direction::Dialled(address) = direction {
            self.strays.remove(&address);
            if let Some(contact) = self.contact(now, peer) {
                contact.on_proven(now, address);
            }
        }
    }

    pub(super) fn admit_link(&mut self, now: Instant, link: LinkId, hello: HelloFacts) {
        let Some(entry) = self.links.get_mut(&link) else {
            return;
        };
        if entry.boot.replace(hello.boot).is_some() {
            self.close(now, link, Goodbye::Violation);
            return;
        }
        let peer = entry.peer;
        if peer == self.me {
            self.meet_self(now, link, hello.boot);
            return;
        }
        let Some(contact) = self.contact(now, peer) else {
            self.close(now, link, Goodbye::Full);
            return;
        };
        contact.on_announced(now, &hello.addresses);
        contact.reachable = hello.reachable;
        match self.judge(now, link, peer, hello.boot) {
            Verdict::Use => self.raise(now, peer, link),
            Verdict::Replace(old, reason) => {
                self.note_former_boot(now, peer, old, hello.boot);
                self.close(now, old, reason);
                self.raise(now, peer, link);
            }
            Verdict::Close(reason) => {
                // It would hardly dial if it heard us on the other one.
                if reason == Goodbye::Duplicate {
                    self.check_link(peer);
                }
                self.close(now, link, reason);
            }
            Verdict::Cloned { close, other } => {
                self.actions.push_back(PeersAction::PeerKeyCloned { peer });
                self.close(now, close, Goodbye::Clone);
                if other == Some(link) {
                    self.raise(now, peer, link);
                }
            }
        }
    }

    /// A connection to our own key: ourselves, or a copy of our state.
    fn meet_self(&mut self, now: Instant, link: LinkId, boot: u64) {
        if boot == self.boot {
            self.close(now, link, Goodbye::Duplicate);
            return;
        }
        let we_change = self.boot > boot;
        tracing::warn!(we_change, "another live program has our key");
        self.actions
            .push_back(PeersAction::OwnKeyCloned { we_change });
        self.close(now, link, Goodbye::Clone);
    }

    fn judge(&self, now: Instant, link: LinkId, peer: PeerId, boot: u64) -> Verdict {
        let former = self.contacts.get(&peer).and_then(|c| c.former_boot);
        let returns =
            former.is_some_and(|(former, at)| former == boot && now.since(at) < CLONE_WITHIN);
        let Some(old) = self.up.get(&peer).copied() else {
            return match self.up.len() < NEIGHBOURS_MAX {
                true => Verdict::Use,
                false => Verdict::Close(Goodbye::Full),
            };
        };
        let old_boot = self.links.get(&old).and_then(|old| old.boot);
        if old_boot != Some(boot) {
            if !returns {
                return Verdict::Replace(old, Goodbye::Duplicate);
            }
            return match old_boot > Some(boot) {
                true => Verdict::Cloned {
                    close: old,
                    other: Some(link),
                },
                false => Verdict::Cloned {
                    close: link,
                    other: None,
                },
            };
        }
        match self.stays(peer, old, link) {
            true => Verdict::Close(Goodbye::Duplicate),
            false => Verdict::Replace(old, Goodbye::Duplicate),
        }
    }

    /// A linked peer is said to be at better addresses, and nothing runs over its link: it is
    /// dialled there. The link that comes of it takes the place of the present one. Where the
    /// present one would stay, because the lower key dialled it, only that side moves it: so no
    /// two sides with different wishes move it for ever.
    pub fn on_better_way(&mut self, now: Instant, peer: PeerId, addresses: Vec<SocketAddr>) {
        let Some(link) = self.up.get(&peer).and_then(|link| self.links.get(link)) else {
            return;
        };
        let by_us = matches!(link.direction, Direction::Dialled(_));
        let by_lower = by_us == (self.me < peer);
        let may_move = !by_lower || self.me < peer;
        if may_move && !self.is_dialling(peer) && self.dials.len() < DIALS_MAX {
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.on_dialling(now);
            }
            self.dial(Some(peer), addresses);
        }
    }

    /// Whether the old of two links with one boot stays.
    fn stays(&self, peer: PeerId, old: LinkId, new: LinkId) -> bool {
        let by_lower = |link: LinkId| {
            let direction = self.links.get(&link).map(|link| link.direction);
            let by_us = matches!(direction, Some(Direction::Dialled(_)));
            by_us == (self.me < peer)
        };
        // Of two by the same dialler the new one: it would not dial if the old one worked.
        by_lower(old) && !by_lower(new)
    }

    fn note_former_boot(&mut self, now: Instant, peer: PeerId, old: LinkId, boot: u64) {
        let old_boot = self.links.get(&old).and_then(|old| old.boot);
        if let (Some(old_boot), Some(contact)) = (old_boot, self.contacts.get_mut(&peer))
            && old_boot != boot
        {
            contact.former_boot = Some((old_boot, now));
        }
    }

    fn raise(&mut self, now: Instant, peer: PeerId, link: LinkId) {
        self.up.insert(peer, link);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.on_up(now);
        }
        self.exchange.on_link_up(now, peer);
        self.actions.push_back(PeersAction::LinkUp { peer, link });
    }

    /// Closes from our side.
    pub(super) fn close(&mut self, now: Instant, link: LinkId, reason: Goodbye) {
        if self.links.contains_key(&link) {
            self.actions
                .push_back(PeersAction::CloseLink { link, reason });
            self.end_link(now, link);
        }
    }

    pub(super) fn end_link(&mut self, now: Instant, link: LinkId) {
        let Some(entry) = self.links.remove(&link) else {
            return;
        };
        let peer = entry.peer;
        if self.up.get(&peer) != Some(&link) {
            return;
        }
        self.up.remove(&peer);
        self.exchange.on_link_down(peer);
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.on_down(now);
        }
        self.actions.push_back(PeersAction::LinkDown { peer, link });
    }

    /// The contact of a key; a new one takes the place of the one longest unseen. `None` when
    /// everybody known is linked.
    pub(super) fn contact(&mut self, now: Instant, peer: PeerId) -> Option<&mut Contact> {
        let full = self.contacts.len() >= lanspread_proto::limits::PEERS_MAX;
        if full && !self.contacts.contains_key(&peer) {
            let free: Vec<(bool, Instant, PeerId)> = self
                .contacts
                .iter()
                .filter(|(peer, _)| !self.up.contains_key(peer) && !self.is_dialling(**peer))
                .map(|(peer, contact)| (contact.is_proven(), contact.seen_at, *peer))
                .collect();
            let (_, _, oldest) = free.into_iter().min()?;
            self.contacts.remove(&oldest);
        }
        let fresh = || Contact::new(now);
        Some(self.contacts.entry(peer).or_insert_with(fresh))
    }
}
