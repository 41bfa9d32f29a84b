//! [`Contact`]: one key, the addresses where it may be, and when to dial next.

use alloc::collections::VecDeque;
use core::{net::SocketAddr, time::Duration};

use lanspread_proto::{
    PeerId,
    wire::{
        Bounded,
        link::{Goodbye, PeerHint, Reachability},
    },
};

use super::{CONTACT_ADDRESSES_MAX, DialBlame};
use crate::time::Instant;

/// Two dials to one key are at least so far apart, unless a person or a meeting asks for it.
pub(super) const DIAL_INTERVAL: Duration = Duration::from_secs(5);
/// The same for an address that nobody told of before: it is worth more than the old ones.
const NEWS_INTERVAL: Duration = Duration::from_secs(1);
/// First and longest pause after a dial that nobody answered.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// After a refusal: blocked, full, wrong version.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(super) struct Contact {
    places: VecDeque<Place>,
    failures: u32,
    last_dial: Option<Instant>,
    /// The next dial by ourselves; `FAR` while nothing is to be done.
    pub(super) dial_at: Instant,
    pub(super) last_up: Option<Instant>,
    pub(super) seen_at: Instant,
    pub(super) reachable: Reachability,
    /// Linked peers that told of it, newest last.
    pub(super) hinted_by: VecDeque<PeerId>,
    sighted_boot: Option<u64>,
    /// The boot it had before its present one, and when it changed.
    pub(super) former_boot: Option<(u64, Instant)>,
}

/// One address.
#[derive(Debug, Clone)]
struct Place {
    address: SocketAddr,
    /// When a dial to it last found the key.
    proven_at: Option<Instant>,
    /// Somebody else answered there.
    wrong: bool,
}

/// A typed address whose key is not known.
#[derive(Debug, Clone)]
pub(super) struct Stray {
    failures: u32,
    pub(super) dial_at: Instant,
}

impl Contact {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            places: VecDeque::new(),
            failures: 0,
            last_dial: None,
            dial_at: Instant::FAR,
            last_up: None,
            seen_at: now,
            reachable: Reachability::Unknown,
            hinted_by: VecDeque::new(),
            sighted_boot: None,
            former_boot: None,
        }
    }

    /// A dial found the peer here.
    pub(super) fn was_found_at(&self, address: SocketAddr) -> bool {
        let proven = self.places.iter().filter(|p| p.proven_at.is_some());
        proven.into_iter().any(|place| place.address == address)
    }

    pub(super) fn knows(&self, address: SocketAddr) -> bool {
        self.places.iter().any(|place| place.address == address)
    }

    /// The peer may be here. A new address is worth a dial soon, whatever failed before. Tells
    /// whether it is new.
    pub(super) fn on_sighted(&mut self, now: Instant, address: SocketAddr) -> bool {
        self.seen_at = now;
        let is_news = !self.knows(address) && self.add(address);
        if is_news {
            self.failures = 0;
            self.dial_after(now, NEWS_INTERVAL);
        } else if self.failures == 0 {
            self.dial_after(now, DIAL_INTERVAL);
        }
        is_news
    }

    /// It announces a boot. Another one than before means that it was started again; tells whether
    /// it was.
    pub(super) fn on_boot_sighted(&mut self, now: Instant, boot: u64) -> bool {
        let before = self.sighted_boot.replace(boot);
        let is_another = before.is_some_and(|old| old != boot);
        if is_another {
            self.failures = 0;
            self.dial_after(now, DIAL_INTERVAL);
        }
        is_another
    }

    /// The peer itself said over its link where it listens. That is for hints and for later.
    pub(super) fn on_announced(&mut self, now: Instant, addresses: &[SocketAddr]) {
        self.seen_at = now;
        for address in addresses.iter().rev() {
            if !self.knows(*address) {
                self.add(*address);
            }
        }
    }

    /// A dial found the peer here.
    pub(super) fn on_proven(&mut self, now: Instant, address: SocketAddr) {
        self.places.retain(|place| place.address != address);
        self.make_room();
        self.places.push_front(Place {
            address,
            proven_at: Some(now),
            wrong: false,
        });
    }

    pub(super) const fn on_dialling(&mut self, now: Instant) {
        self.last_dial = Some(now);
        self.dial_at = Instant::FAR;
    }

    pub(super) fn on_failed(&mut self, now: Instant, tried: &[SocketAddr], blame: DialBlame) {
        let pause = match blame {
            DialBlame::Local => DIAL_INTERVAL,
            DialBlame::Network | DialBlame::Peer => {
                self.failures = self.failures.saturating_add(1);
                (PAUSE_MIN * (1 << self.failures.min(5))).min(PAUSE_MAX)
            }
        };
        if blame == DialBlame::Peer {
            let tried = self
                .places
                .iter_mut()
                .filter(|p| tried.contains(&p.address));
            tried.for_each(|place| {
                place.wrong = true;
                place.proven_at = None;
            });
            // Stable: what was proven stays first, in its order.
            self.places
                .make_contiguous()
                .sort_by_key(|place| place.proven_at.is_none());
        }
        // What was sighted while the dial ran is due as it was.
        self.dial_at = self.dial_at.min(now + pause);
    }

    pub(super) const fn on_up(&mut self, now: Instant) {
        self.failures = 0;
        self.last_up = Some(now);
        self.seen_at = now;
        self.dial_at = Instant::FAR;
    }

    /// The link is gone: try to come back, at first soon.
    pub(super) fn on_down(&mut self, now: Instant) {
        self.last_up = Some(now);
        if self.dial_at == Instant::FAR {
            self.dial_at = now + PAUSE_MIN;
        }
    }

    pub(super) fn on_goodbye(&mut self, now: Instant, reason: Goodbye) {
        match reason {
            Goodbye::Duplicate | Goodbye::Clone => {}
            Goodbye::Leaving => self.dial_at = now + PAUSE_MAX,
            Goodbye::Version | Goodbye::Violation | Goodbye::Blocked | Goodbye::Full => {
                self.failures = self.failures.max(5);
                self.dial_at = now + REFUSED_PAUSE;
            }
        }
    }

    /// What failed may work now.
    pub(super) fn forgive(&mut self, now: Instant) {
        self.failures = 0;
        self.places.iter_mut().for_each(|place| place.wrong = false);
        if !self.places.is_empty() {
            self.dial_at = now;
        }
    }

    /// A person or a meeting asks for it.
    pub(super) const fn dial_now(&mut self, now: Instant) {
        self.dial_at = now;
    }

    fn dial_after(&mut self, now: Instant, interval: Duration) {
        let earliest = self.last_dial.map_or(now, |at| at + interval);
        self.dial_at = self.dial_at.min(earliest.max(now));
    }

    /// Proven addresses first, then as they were told.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let right = self.places.iter().filter(|place| !place.wrong);
        right.map(|place| place.address)
    }

    pub(super) fn is_proven(&self) -> bool {
        self.places.iter().any(|place| place.proven_at.is_some())
    }

    pub(super) fn hint(&self, peer: PeerId) -> PeerHint {
        PeerHint {
            peer,
            addresses: Bounded::cut(self.addresses()),
        }
    }

    pub(super) fn on_hinted_by(&mut self, hinter: PeerId) {
        self.hinted_by.retain(|other| *other != hinter);
        if self.hinted_by.len() == 4 {
            self.hinted_by.pop_front();
        }
        self.hinted_by.push_back(hinter);
    }

    pub(super) fn assert_invariants(&self) {
        assert!(self.places.len() <= CONTACT_ADDRESSES_MAX);
        assert!(self.hinted_by.len() <= 4);
        let first_unproven = self.places.iter().position(|p| p.proven_at.is_none());
        let last_proven = self.places.iter().rposition(|p| p.proven_at.is_some());
        if let (Some(unproven), Some(proven)) = (first_unproven, last_proven) {
            assert!(proven < unproven, "proven addresses come first");
        }
    }

    /// New addresses come right after the proven ones: they are news.
    fn add(&mut self, address: SocketAddr) -> bool {
        if address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
            return false;
        }
        self.make_room();
        let proven = self.places.iter().take_while(|p| p.proven_at.is_some());
        let at = proven.count();
        self.places.insert(
            at,
            Place {
                address,
                proven_at: None,
                wrong: false,
            },
        );
        true
    }

    /// The oldest address goes: unproven before proven.
    fn make_room(&mut self) {
        if self.places.len() >= CONTACT_ADDRESSES_MAX {
            self.places.pop_back();
        }
    }
}

impl Stray {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            failures: 0,
            dial_at: now,
        }
    }

    pub(super) const fn forgive(&mut self, now: Instant) {
        self.failures = 0;
        self.dial_at = now;
    }

    pub(super) fn on_failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let pause = PAUSE_MIN * (1 << self.failures.min(5));
        self.dial_at = now + pause.min(PAUSE_MAX);
    }
}
