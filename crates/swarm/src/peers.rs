//! [`Peers`]: sighting → dialling → linked → gone. A key is who; an address is only where.
//!
//! ```text
//! sighting ──► contact ──dial──► link ──hello──► up ──► down ──► contact (with back-off)
//! ```
//! Invariants: at most one link per key is up; an address counts as proven only after a dial to it
//! found the key; a blocked peer has no link.

mod contact;
mod exchange;
mod links;
mod shown;
#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lanspread_proto::{
    PeerId, limits,
    wire::link::{Goodbye, PeerHint, Reachability},
};

pub use self::shown::{PeerState, PeerView};
use self::{
    contact::{Contact, Stray},
    exchange::Exchange,
    links::Link,
};
use crate::{bucket::Bucket, random::Random, time::Instant};

/// Links kept up; beyond it we neither dial nor accept.
pub const NEIGHBOURS_MAX: usize = 64;
/// Links up to which we dial by ourselves: the rest is room for newcomers.
pub const NEIGHBOURS_DIALLED: usize = 48;
/// Dials at once.
pub const DIALS_MAX: usize = 16;
/// Addresses of a contact; the oldest unproven one makes room.
pub const CONTACT_ADDRESSES_MAX: usize = limits::ADDRESSES_MAX;
/// New addresses that one announcer may bring per minute.
pub const ADDRESSES_PER_ANNOUNCER: u32 = 3;
/// New addresses that all announcers together may bring per minute: whoever writes packets writes
/// senders too.
pub const ADDRESSES_PER_MULTICAST: u32 = 600;
/// The same at once: a party of hundreds that is switched on together.
pub const ADDRESSES_PER_MULTICAST_BURST: u32 = 1_200;
/// New addresses that one linked peer may hint at per minute: it is known who it is.
pub const ADDRESSES_PER_HINTER: u32 = 64;
/// Announcers whose addresses are counted.
const ANNOUNCERS_MAX: usize = 1_024;
/// A minute.
const MINUTE: Duration = Duration::from_secs(60);

/// Names a link; chosen by the caller, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Names a dial; chosen by [`Peers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// Where a sighting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Multicast DNS, from a packet of this machine.
    Mdns(IpAddr),
    /// A person typed it.
    Typed,
    /// The last party.
    Remembered,
    /// A linked peer told of it.
    Hint(PeerId),
    /// A linked peer introduces it: it dials us at this moment.
    Meet(PeerId),
}

/// A hint that a peer may be at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who, if it is said.
    pub peer: Option<PeerId>,
    /// Its boot, if it is said.
    pub boot: Option<u64>,
    /// Where, best first.
    pub addresses: Vec<SocketAddr>,
    /// Who says it.
    pub source: Source,
}

/// Why a dial failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialBlame {
    /// Somebody answered, but not the peer that was expected, or not our protocol.
    Peer,
    /// We could not even try.
    Local,
    /// Nobody answered.
    Network,
}

/// Who opened a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// We did, and this address answered with this key.
    Dialled(SocketAddr),
    /// The peer did.
    Accepted,
}

/// What a peer's hello says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloFacts {
    /// Its boot.
    pub boot: u64,
    /// Where it says it listens.
    pub addresses: Vec<SocketAddr>,
    /// What it knows of its own reachability.
    pub reachable: Reachability,
}

/// What the caller must do, or should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeersAction {
    /// Dial these addresses, staggered, best first; the first that answers with the key wins.
    Dial {
        /// Names it in the answer.
        dial: DialId,
        /// Where.
        addresses: Vec<SocketAddr>,
        /// Whose key must answer; `None` pins the first.
        expected: Option<PeerId>,
    },
    /// Say goodbye and close.
    CloseLink {
        /// Which.
        link: LinkId,
        /// What to say.
        reason: Goodbye,
    },
    /// This link is the one to the peer now.
    LinkUp {
        /// Who.
        peer: PeerId,
        /// Which.
        link: LinkId,
    },
    /// The peer has no link any more, or [`PeersAction::LinkUp`] with another one follows.
    LinkDown {
        /// Who.
        peer: PeerId,
        /// Which it was.
        link: LinkId,
    },
    /// See whether the peer still answers on this link; if not, it has ended.
    CheckLink {
        /// Which.
        link: LinkId,
    },
    /// Ask the common peer for an introduction.
    MeetVia {
        /// To whom.
        peer: PeerId,
        /// By whom.
        common: PeerId,
    },
    /// Introduce a peer: send `Meet` with this hint.
    Introduce {
        /// To whom.
        to: PeerId,
        /// Who it shall dial.
        hint: PeerHint,
    },
    /// Tell a peer of others.
    Hint {
        /// Whom.
        to: PeerId,
        /// Of whom.
        peers: Vec<PeerHint>,
    },
    /// Another live program has our key. The one with the greater boot takes a new one; the older
    /// one keeps it if boots grow with the time of start.
    OwnKeyCloned {
        /// It is us who must change.
        we_change: bool,
    },
    /// Two live programs have this peer's key.
    PeerKeyCloned {
        /// Whose.
        peer: PeerId,
    },
}

/// Everybody we know of.
#[derive(Debug, Clone)]
pub struct Peers {
    me: PeerId,
    boot: u64,
    contacts: BTreeMap<PeerId, Contact>,
    /// Typed addresses whose key is not known yet.
    strays: BTreeMap<SocketAddr, Stray>,
    dials: BTreeMap<DialId, Dial>,
    links: BTreeMap<LinkId, Link>,
    /// The link that is up, per key.
    up: BTreeMap<PeerId, LinkId>,
    blocked: BTreeSet<PeerId>,
    announcers: BTreeMap<IpAddr, Bucket>,
    /// What all of them together may bring.
    multicast: Bucket,
    exchange: Exchange,
    next_dial: u64,
    random: Random,
    actions: VecDeque<PeersAction>,
}

#[derive(Debug, Clone)]
struct Dial {
    expected: Option<PeerId>,
    addresses: Vec<SocketAddr>,
}

impl Peers {
    /// Knows nobody yet. `boot` is drawn at each start; with the time of start in its high bits
    /// the older of two clones keeps the key.
    #[must_use]
    pub fn new(me: PeerId, boot: u64, seed: u64) -> Self {
        Self {
            me,
            boot,
            contacts: BTreeMap::new(),
            strays: BTreeMap::new(),
            dials: BTreeMap::new(),
            links: BTreeMap::new(),
            up: BTreeMap::new(),
            blocked: BTreeSet::new(),
            announcers: BTreeMap::new(),
            multicast: Bucket::new(
                ADDRESSES_PER_MULTICAST,
                MINUTE,
                ADDRESSES_PER_MULTICAST_BURST,
            ),
            exchange: Exchange::new(),
            next_dial: 0,
            random: Random::new(seed),
            actions: VecDeque::new(),
        }
    }

    // Inputs: things that happened.

    /// Somebody may be somewhere.
    pub fn on_sighting(&mut self, now: Instant, sighting: Sighting) {
        match sighting.peer {
            Some(peer) if peer == self.me && sighting.boot == Some(self.boot) => return,
            Some(peer) => self.sight_peer(now, peer, &sighting),
            None if sighting.source == Source::Typed => {
                self.sight_strays(now, &sighting.addresses);
            }
            // Without a key only a person is believed.
            None => return,
        }
        self.settle(now);
    }

    /// A dial found a peer; [`Self::on_link_up`] follows or came before.
    pub fn on_dialled(&mut self, now: Instant, dial: DialId) {
        if let Some(dial) = self.dials.remove(&dial) {
            dial.addresses.iter().for_each(|address| {
                self.strays.remove(address);
            });
        }
        self.settle(now);
    }

    /// A dial failed on all its addresses.
    pub fn on_dial_failed(&mut self, now: Instant, dial: DialId, blame: DialBlame) {
        if let Some(dial) = self.dials.remove(&dial) {
            self.fail_dial(now, &dial, blame);
        }
        self.settle(now);
    }

    /// A connection with a proven key is there. It is used after its hello.
    pub fn on_link_up(&mut self, now: Instant, link: LinkId, peer: PeerId, direction: Direction) {
        self.greet_link(now, link, peer, direction);
        self.settle(now);
    }

    /// A link ended, for whatever reason.
    pub fn on_link_down(&mut self, now: Instant, link: LinkId) {
        self.end_link(now, link);
        self.settle(now);
    }

    /// Nobody answers on a link any more: it is closed.
    pub fn on_link_dead(&mut self, now: Instant, link: LinkId) {
        self.close(now, link, Goodbye::Leaving);
        self.settle(now);
    }

    /// The peer introduced itself.
    pub fn on_hello(&mut self, now: Instant, link: LinkId, hello: HelloFacts) {
        self.admit_link(now, link, hello);
        self.settle(now);
    }

    /// The peer's addresses or reachability changed.
    pub fn on_update(
        &mut self,
        now: Instant,
        link: LinkId,
        addresses: &[SocketAddr],
        reachable: Reachability,
    ) {
        let peer = self.links.get(&link).map(|link| link.peer);
        if let Some(contact) = peer.and_then(|peer| self.contacts.get_mut(&peer)) {
            contact.on_announced(now, addresses);
            contact.reachable = reachable;
        }
        self.settle(now);
    }

    /// The peer said why it closes the link. The link itself ends by [`Self::on_link_down`].
    pub fn on_goodbye(&mut self, now: Instant, link: LinkId, reason: Goodbye) {
        let peer = self.links.get(&link).map(|link| link.peer);
        if let Some(contact) = peer.and_then(|peer| self.contacts.get_mut(&peer)) {
            contact.on_goodbye(now, reason);
        }
    }

    /// A linked peer asks to be introduced to another.
    pub fn on_meet_wanted(&mut self, now: Instant, from: PeerId, to: PeerId) {
        self.introduce(now, from, to);
    }

    /// Our own addresses changed: what failed may work now.
    pub fn on_network_changed(&mut self, now: Instant) {
        self.contacts.values_mut().for_each(|c| c.forgive(now));
        self.strays
            .values_mut()
            .for_each(|stray| stray.forgive(now));
        let linked: Vec<PeerId> = self.up.keys().copied().collect();
        linked.into_iter().for_each(|peer| self.check_link(peer));
        self.settle(now);
    }

    /// The machine slept: no link is believed, everybody is dialled again.
    pub fn on_wake(&mut self, now: Instant) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.close(now, link, Goodbye::Leaving);
        }
        self.on_network_changed(now);
    }

    /// We have another key, or another boot. All links end; the caller gives out new ones.
    pub fn on_identity(&mut self, now: Instant, me: PeerId, boot: u64) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.close(now, link, Goodbye::Leaving);
        }
        self.me = me;
        self.boot = boot;
        self.contacts.remove(&me);
        self.on_network_changed(now);
    }

    /// The person blocks a peer, or no longer.
    pub fn set_blocked(&mut self, now: Instant, peer: PeerId, blocked: bool) {
        if blocked {
            self.blocked.insert(peer);
            let theirs = self.links.iter().filter(|(_, link)| link.peer == peer);
            let theirs: Vec<LinkId> = theirs.map(|(link, _)| *link).collect();
            for link in theirs {
                self.close(now, link, Goodbye::Blocked);
            }
        } else if self.blocked.remove(&peer)
            && let Some(contact) = self.contacts.get_mut(&peer)
        {
            contact.forgive(now);
        }
        self.settle(now);
    }

    /// Time passed.
    pub fn on_timeout(&mut self, now: Instant) {
        let silent = self.links.iter().filter(|(_, link)| link.is_silent(now));
        let silent: Vec<LinkId> = silent.map(|(link, _)| *link).collect();
        for link in silent {
            self.close(now, link, Goodbye::Violation);
        }
        self.settle(now);
    }

    // Outputs: what the caller must do now, and when to come back.

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<PeersAction> {
        self.actions.pop_front()
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let hellos = self.links.values().filter_map(Link::hello_due);
        let dials = self.next_dial_at();
        let hints = self.exchange.due();
        hellos.chain(dials).chain(hints).min()
    }

    // Questions.

    /// The link that is up.
    #[must_use]
    pub fn link_of(&self, peer: PeerId) -> Option<LinkId> {
        self.up.get(&peer).copied()
    }

    /// How a peer stands with us.
    #[must_use]
    pub fn standing(&self, peer: PeerId) -> PeerState {
        self.state_of(peer)
    }

    /// All peers with a link that is up.
    pub fn linked(&self) -> impl Iterator<Item = (PeerId, LinkId)> + '_ {
        self.up.iter().map(|(peer, link)| (*peer, *link))
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        for (peer, link) in &self.up {
            let link = self.links.get(link);
            assert!(link.is_some_and(|link| link.peer == *peer && link.boot.is_some()));
            assert!(!self.blocked.contains(peer) && *peer != self.me);
        }
        assert!(self.up.len() <= NEIGHBOURS_MAX);
        assert!(self.contacts.len() <= limits::PEERS_MAX);
        assert!(self.dials.len() <= DIALS_MAX);
        assert!(self.announcers.len() <= ANNOUNCERS_MAX);
        self.contacts.values().for_each(Contact::assert_invariants);
    }

    fn state_of(&self, peer: PeerId) -> PeerState {
        match self.link_of(peer) {
            Some(link) => PeerState::Linked(link),
            None if self.blocked.contains(&peer) => PeerState::Blocked,
            None if self.is_dialling(peer) => PeerState::Dialling,
            None => PeerState::Seen,
        }
    }

    /// After every input: dial and hint what is due.
    fn settle(&mut self, now: Instant) {
        self.start_dials(now);
        self.send_hints(now);
    }
}
