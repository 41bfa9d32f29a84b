//! [`Injector`]: a seeder pushes each piece once before any twice.
//!
//! Receivers that choose among equally rare pieces ask a seeder for the same ones; the sender
//! knows what it has given out. It runs only while at least three downloaders serve, else
//! everybody pulls. A piece that a downloader pulls counts as offered to it; what is on its way to
//! another, or outside, is not sent again while others were never sent.
//! Invariant: a piece is offered to at most one peer at a time.

#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use core::time::Duration;

use lanspread_proto::{PeerId, PieceIndex, PieceSet};

use crate::{
    availability::Availability,
    random::Random,
    time::{Instant, transfer_time},
};

/// Downloaders that serve, below which everybody pulls.
pub const DOWNLOADERS_MIN: usize = 3;
/// Neighbours compared for one offer.
const SAMPLE: usize = 6;
/// Offers on their way per 1 Gbit/s of uplink; as many as fit an upload queue.
const OFFERS_PER_GBIT: u64 = 10;
/// An offer that no HAVE confirms is void after this and four times what a piece takes.
const CONFIRM_WITHIN: Duration = Duration::from_secs(2);
/// 1 Gbit/s in bytes per second.
const GBIT: u64 = 125_000_000;

/// What the caller must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectAction {
    /// Ask the peer to tell what it has, now and from then on; it will be offered pieces.
    WantHave {
        /// Whom.
        peer: PeerId,
    },
    /// Offer the piece to the peer.
    Offer {
        /// Whom.
        peer: PeerId,
        /// Which.
        piece: PieceIndex,
    },
}

/// The push side of one complete content.
#[derive(Debug, Clone)]
pub struct Injector {
    piece_count: u32,
    piece_bytes: u64,
    bytes_per_second: u64,
    /// What the downloaders that serve have.
    outside: Availability,
    /// Who downloads and serves, and whether it was asked what it has.
    interested: BTreeMap<PeerId, bool>,
    /// Those of them that told.
    downloaders: BTreeMap<PeerId, Load>,
    offers: BTreeMap<PieceIndex, Offer>,
    /// The next piece that was never offered, counted from the start offset.
    next: u32,
    start: u32,
    /// Pieces that were offered and are free again.
    returned: BTreeSet<PieceIndex>,
    random: Random,
    actions: VecDeque<InjectAction>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    offers: u32,
    /// It declined an offer lately: wait until then.
    not_before: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    peer: PeerId,
    /// Written to the end; waits for its HAVE.
    sent: bool,
    until: Instant,
}

impl Injector {
    /// For a content of so many pieces of about so many bytes. `place` is which of how many seeders
    /// this is, so that several start apart.
    #[must_use]
    pub fn new(piece_count: u32, piece_bytes: u32, place: (u32, u32), seed: u64) -> Self {
        Self {
            piece_count,
            piece_bytes: u64::from(piece_bytes),
            bytes_per_second: GBIT,
            outside: Availability::new(piece_count),
            interested: BTreeMap::new(),
            downloaders: BTreeMap::new(),
            offers: BTreeMap::new(),
            next: 0,
            start: start_of(piece_count, place),
            returned: BTreeSet::new(),
            random: Random::new(seed),
            actions: VecDeque::new(),
        }
    }

    /// A peer downloads and serves what it gets. Peers that only take are not told to the injector.
    /// Once there are enough, all are asked what they have.
    pub fn on_interest(&mut self, peer: PeerId) {
        self.interested.entry(peer).or_default();
        if self.interested.len() < DOWNLOADERS_MIN {
            return;
        }
        for (peer, asked) in &mut self.interested {
            if !core::mem::replace(asked, true) {
                let action = InjectAction::WantHave { peer: *peer };
                self.actions.push_back(action);
            }
        }
    }

    /// A peer that was asked has this.
    pub fn on_downloader(&mut self, now: Instant, peer: PeerId, has: PieceSet) {
        self.downloaders.entry(peer).or_default();
        let pieces: Vec<PieceIndex> = has.iter().collect();
        self.outside.set(peer, has);
        pieces.into_iter().for_each(|piece| self.confirm(piece));
        self.push(now);
    }

    /// A downloader has everything, and wants no more: what it has is outside until it leaves.
    pub fn on_downloader_done(&mut self, now: Instant, peer: PeerId) {
        self.interested.remove(&peer);
        if self.downloaders.remove(&peer).is_none() {
            return;
        }
        self.outside.set(peer, PieceSet::full(self.piece_count));
        self.offers.clear();
        self.returned.clear();
        self.downloaders
            .values_mut()
            .for_each(|load| load.offers = 0);
        self.push(now);
    }

    /// A downloader left, stopped, or serves no more.
    pub fn on_downloader_gone(&mut self, now: Instant, peer: PeerId) {
        self.interested.remove(&peer);
        self.downloaders.remove(&peer);
        let held: Vec<PieceIndex> = self
            .outside
            .of(peer)
            .map_or_else(Vec::new, |set| set.iter().collect());
        self.outside.remove_peer(peer);
        let alone = |piece: &PieceIndex| self.outside.holder_count(*piece) == 0;
        let lost: Vec<PieceIndex> = held.into_iter().filter(alone).collect();
        let offered = |(_, offer): &(&PieceIndex, &Offer)| offer.peer == peer;
        let offered = self.offers.iter().filter(offered);
        let offered: Vec<PieceIndex> = offered.map(|(piece, _)| *piece).collect();
        for piece in offered {
            self.take_back(piece);
        }
        for piece in lost {
            self.free(piece);
        }
        self.push(now);
    }

    /// A downloader has more.
    pub fn on_have(&mut self, now: Instant, peer: PeerId, pieces: &[PieceIndex]) {
        if !self.downloaders.contains_key(&peer) {
            return;
        }
        let piece_count = self.piece_count;
        for piece in pieces.iter().filter(|piece| piece.0 < piece_count) {
            self.outside.insert(peer, *piece);
            self.confirm(*piece);
        }
        self.push(now);
    }

    /// A peer asks for a piece. `false` when it should ask for another one: this one is on its way
    /// to somebody, or outside, while others were never sent.
    pub fn admits(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) -> bool {
        if !self.downloaders.contains_key(&peer) || self.is_offered(peer, piece) {
            return true;
        }
        if self.has_fresh() {
            return false;
        }
        if !self.offers.contains_key(&piece) && self.outside.holder_count(piece) == 0 {
            self.returned.remove(&piece);
            self.note_offer(now, peer, piece);
        }
        true
    }

    /// The peer does not want the piece.
    pub fn on_declined(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        if self.is_offered(peer, piece) {
            self.take_back(piece);
            if let Some(load) = self.downloaders.get_mut(&peer) {
                load.not_before = now + Duration::from_millis(100);
            }
        }
        self.push(now);
    }

    /// A piece was written to a peer, on an offer or not.
    pub fn on_sent(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        let until = now + self.confirm_within();
        if let Some(offer) = self.offers.get_mut(&piece)
            && offer.peer == peer
            && !offer.sent
        {
            offer.sent = true;
            offer.until = until;
            self.lighten(peer);
        }
        self.push(now);
    }

    /// Which of how many seeders this is now. What is outside by then is not pushed again.
    pub fn set_place(&mut self, place: (u32, u32)) {
        let start = start_of(self.piece_count, place);
        if start != self.start {
            self.start = start;
            self.next = 0;
            self.returned.clear();
        }
    }

    /// What a downloader is known to have.
    #[must_use]
    pub fn has(&self, peer: PeerId) -> Option<&PieceSet> {
        self.outside.of(peer)
    }

    /// What the uplink carries.
    pub fn set_bytes_per_second(&mut self, bytes_per_second: u64) {
        self.bytes_per_second = bytes_per_second.max(1);
    }

    /// Time passed.
    pub fn on_timeout(&mut self, now: Instant) {
        let late = |(_, offer): &(&PieceIndex, &Offer)| offer.until <= now;
        let late = self.offers.iter().filter(late);
        let late: Vec<PieceIndex> = late.map(|(piece, _)| *piece).collect();
        late.into_iter().for_each(|piece| self.take_back(piece));
        self.push(now);
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let offers = self.offers.values().map(|offer| offer.until);
        let pauses = self.downloaders.values().map(|load| load.not_before);
        offers.chain(pauses.filter(|at| *at > now)).min()
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<InjectAction> {
        self.actions.pop_front()
    }

    /// It pushes, and there are pieces that were never sent.
    #[must_use]
    pub fn has_fresh(&self) -> bool {
        self.downloaders.len() >= DOWNLOADERS_MIN
            && (!self.returned.is_empty() || self.next < self.piece_count)
    }

    /// Nobody downloads and serves.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.interested.is_empty()
    }

    /// The peer downloads, and was asked what it has.
    #[must_use]
    pub fn was_asked(&self, peer: PeerId) -> bool {
        self.interested.get(&peer).copied().unwrap_or(false)
    }

    /// The piece is on offer to this peer: its request goes before others.
    #[must_use]
    pub fn is_offered(&self, peer: PeerId, piece: PieceIndex) -> bool {
        self.offers
            .get(&piece)
            .is_some_and(|offer| offer.peer == peer)
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        for (peer, load) in &self.downloaders {
            let on_way = |offer: &&Offer| offer.peer == *peer && !offer.sent;
            let count = self.offers.values().filter(on_way).count();
            assert_eq!(load.offers as usize, count);
        }
        let known = |offer: &Offer| self.downloaders.contains_key(&offer.peer);
        assert!(self.offers.values().all(known));
    }

    /// Offers while there is room on the uplink.
    fn push(&mut self, now: Instant) {
        if self.downloaders.len() < DOWNLOADERS_MIN {
            return;
        }
        let gbit_count = self.bytes_per_second.div_ceil(GBIT).clamp(1, 64);
        let most = OFFERS_PER_GBIT * gbit_count;
        loop {
            let on_way = self.downloaders.values().map(|load| u64::from(load.offers));
            if on_way.sum::<u64>() >= most {
                return;
            }
            let Some(piece) = self.next_piece() else {
                return;
            };
            let Some(peer) = self.least_loaded(now) else {
                self.returned.insert(piece);
                return;
            };
            self.offer(now, peer, piece);
        }
    }

    /// A piece that nobody outside has and nobody is offered.
    fn next_piece(&mut self) -> Option<PieceIndex> {
        if let Some(piece) = self.returned.pop_first() {
            return Some(piece);
        }
        while self.next < self.piece_count {
            let index = u64::from(self.start) + u64::from(self.next);
            let index = index % u64::from(self.piece_count.max(1));
            let piece = PieceIndex(u32::try_from(index).unwrap_or(0));
            self.next += 1;
            if self.outside.holder_count(piece) == 0 && !self.offers.contains_key(&piece) {
                return Some(piece);
            }
        }
        None
    }

    fn least_loaded(&mut self, now: Instant) -> Option<PeerId> {
        let ready = |(_, load): &(&PeerId, &Load)| load.not_before <= now;
        let ready = self.downloaders.iter().filter(ready);
        let mut peers: Vec<(u32, PeerId)> =
            ready.map(|(peer, load)| (load.offers, *peer)).collect();
        let sample = self.random.draw(&mut peers, SAMPLE);
        let least = sample.iter().map(|(offers, _)| *offers).min()?;
        // The first drawn of the equally loaded: the order of keys decides nothing.
        let best = sample.iter().find(|(offers, _)| *offers == least);
        best.map(|(_, peer)| *peer)
    }

    fn offer(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        self.note_offer(now, peer, piece);
        self.actions.push_back(InjectAction::Offer { peer, piece });
    }

    fn note_offer(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        let queued = transfer_time(
            self.piece_bytes * (self.offers.len() as u64 + 1),
            self.bytes_per_second,
        );
        let offer = Offer {
            peer,
            sent: false,
            until: now + self.confirm_within() + queued,
        };
        self.offers.insert(piece, offer);
        if let Some(load) = self.downloaders.get_mut(&peer) {
            load.offers += 1;
        }
    }

    fn confirm_within(&self) -> Duration {
        CONFIRM_WITHIN + transfer_time(self.piece_bytes, self.bytes_per_second) * 4
    }

    /// Somebody outside has it.
    fn confirm(&mut self, piece: PieceIndex) {
        self.end_offer(piece);
        self.returned.remove(&piece);
    }

    /// The offer is void; the piece is free again unless somebody has it.
    fn take_back(&mut self, piece: PieceIndex) {
        self.end_offer(piece);
        self.free(piece);
    }

    fn free(&mut self, piece: PieceIndex) {
        let is_out = self.outside.holder_count(piece) > 0 || self.offers.contains_key(&piece);
        if !is_out && self.was_reached(piece) {
            self.returned.insert(piece);
        }
    }

    /// The cursor has passed the piece, so that it will not come to it by itself.
    fn was_reached(&self, piece: PieceIndex) -> bool {
        let piece_count = u64::from(self.piece_count);
        let from_start = u64::from(piece.0) + piece_count - u64::from(self.start);
        from_start % piece_count.max(1) < u64::from(self.next)
    }

    fn end_offer(&mut self, piece: PieceIndex) {
        if let Some(offer) = self.offers.remove(&piece)
            && !offer.sent
        {
            self.lighten(offer.peer);
        }
    }

    fn lighten(&mut self, peer: PeerId) {
        if let Some(load) = self.downloaders.get_mut(&peer) {
            load.offers = load.offers.saturating_sub(1);
        }
    }
}

/// Where the `which`-th of `of` seeders begins.
fn start_of(piece_count: u32, (which, of): (u32, u32)) -> u32 {
    let start = u64::from(piece_count) * u64::from(which) / u64::from(of.max(1));
    u32::try_from(start).unwrap_or(0) % piece_count.max(1)
}
