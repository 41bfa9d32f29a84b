//! [`Source`]: what one download knows of one peer: its rate, what it owes, its strikes.
//!
//! Invariant: `owed` and `received` are the sums over its asks.

use alloc::collections::BTreeMap;
use core::time::Duration;

use lanspread_proto::{PieceIndex, PieceSet, limits, wire::link::Sharing};

use super::{Path, PeerFacts, Place, offers::Offers, window::window};
use crate::{
    progress::Meter,
    time::{Instant, transfer_bytes, transfer_time},
};

/// What a peer is taken for before anything is known: 100 Mbit/s.
const RATE_GUESS: u64 = 12_500_000;
/// A peer is not believed to be slower: waits stay finite.
const RATE_MIN: u64 = 64 * 1024;
/// A source stalls when it delivers nothing for a few times what it should need, within these.
const STALL_AFTER_MIN: Duration = Duration::from_secs(1);
const STALL_AFTER_MAX: Duration = Duration::from_secs(10);
/// Less than the smallest step of credit is next to nothing: single bytes now and then are a stall.
const MOVES_BYTES: u64 = crate::credit::STEP_MIN;
/// Who delivered nothing for so long does not keep others from being asked.
const MOVES_WITHIN: Duration = Duration::from_millis(500);
/// What comes later than this is not counted as on its way.
const SOON: Duration = Duration::from_secs(1);
/// After so long all asks of a stalled source are taken back.
const GIVE_UP_AFTER: Duration = Duration::from_secs(15);
/// How soon a busy source is asked again.
const BUSY_PAUSE_MIN: Duration = Duration::from_millis(5);
const BUSY_PAUSE_MAX: Duration = Duration::from_millis(20);
/// Longest pause after a stall or strikes.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// One open request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) at: Instant,
    /// How long it should take, as it looked when it was made.
    pub(super) expected: Duration,
    pub(super) bytes: u32,
    /// Bytes of it that came.
    got: u32,
}

/// What we think of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does what it is asked for.
    Good,
    /// It owes, and nothing comes.
    Stalled,
    /// It lied, or refuses us.
    Refused,
}

/// What it told of its pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Map {
    /// Not all that it has.
    Unknown,
    /// It had a part when we first heard of it.
    Grows,
    /// It had everything when we first heard of it.
    Whole,
}

/// One peer in one download.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) facts: PeerFacts,
    /// What it has.
    pub(super) has: PieceSet,
    map: Map,
    meter: Meter,
    pub(super) asks: BTreeMap<PieceIndex, Ask>,
    owed: u64,
    /// Bytes that came of them.
    received: u64,
    /// Wanted pieces that it has.
    pub(super) useful: u32,
    /// Bytes of others before ours, when it was told, and when.
    queue: (u64, Instant),
    /// Open requests that it took without *busy*.
    request_limit: usize,
    not_before: Instant,
    moved_at: Instant,
    /// Bytes that came since.
    unmoved: u64,
    strikes: u32,
    pub(super) standing: Standing,
    /// It pushes.
    pub(super) offers: Offers,
}

impl Source {
    pub(super) fn new(now: Instant, facts: PeerFacts, piece_count: u32) -> Self {
        Self {
            facts,
            has: PieceSet::new(piece_count),
            map: Map::Unknown,
            meter: Meter::new(now),
            asks: BTreeMap::new(),
            owed: 0,
            received: 0,
            useful: 0,
            queue: (0, now),
            request_limit: usize::MAX,
            not_before: now,
            moved_at: now,
            unmoved: 0,
            strikes: 0,
            standing: Standing::Good,
            offers: Offers::default(),
        }
    }

    /// It told all that it has. A set of another content says nothing.
    pub(super) fn on_map(&mut self, set: PieceSet) {
        let fits = set.piece_count() == self.has.piece_count();
        self.map = match self.map {
            _ if !fits => Map::Unknown,
            Map::Unknown | Map::Whole if set.is_full() => Map::Whole,
            Map::Unknown | Map::Whole | Map::Grows => Map::Grows,
        };
        self.has = match fits {
            true => set,
            false => PieceSet::new(self.has.piece_count()),
        };
    }

    /// It has nothing any more.
    pub(super) fn forget_map(&mut self) {
        self.map = Map::Unknown;
        self.has = PieceSet::new(self.has.piece_count());
    }

    /// It has a part.
    pub(super) fn is_partial(&self) -> bool {
        (self.map != Map::Unknown || !self.has.is_empty()) && !self.has.is_full()
    }

    /// Its pieces were brought behind our switch by a download. A seeder's are not counted: it
    /// sends each once, to whomever.
    pub(super) const fn counts_as_near(&self) -> bool {
        matches!(self.facts.place, Place::Near) && !matches!(self.map, Map::Whole)
    }

    /// It is near, downloads, and will pass on what it fetches for all.
    pub(super) fn shares_duty(&self) -> bool {
        self.facts.place == Place::Near
            && self.facts.path == Path::Wired
            && self.serves()
            && self.is_partial()
    }

    /// It can send at all.
    pub(super) const fn serves(&self) -> bool {
        matches!(self.facts.sharing, Sharing::On)
            && self.facts.lanes > 0
            && !matches!(self.standing, Standing::Refused)
    }

    /// It can send, and lately did what it was asked for.
    pub(super) const fn is_live(&self) -> bool {
        self.serves() && !self.is_stalled()
    }

    /// It owes, and nothing comes.
    pub(super) const fn is_stalled(&self) -> bool {
        matches!(self.standing, Standing::Stalled)
    }

    /// It owes nothing, or something came of late.
    pub(super) fn moves(&self, now: Instant) -> bool {
        self.is_live() && now.since(self.moved_at) < MOVES_WITHIN
    }

    const fn unstall(&mut self) {
        if self.is_stalled() {
            self.standing = Standing::Good;
        }
    }

    /// One more request may go to it now.
    pub(super) fn has_room(&self, now: Instant, piece_max: u64, most: u64) -> bool {
        let measured = self.meter.bytes_per_second();
        let window = window(measured, self.facts.rate_hint, piece_max, most);
        self.has_lane(now) && self.owed < window
    }

    /// One more request could be made of it, whatever it owes.
    pub(super) fn has_lane(&self, now: Instant) -> bool {
        self.is_live()
            && now >= self.not_before
            && self.asks.len() < self.request_limit.min(self.lane_limit())
    }

    fn lane_limit(&self) -> usize {
        limits::LANE_REQUESTS_MAX * usize::from(self.facts.lanes)
    }

    /// How long a piece asked for now would take to come.
    pub(super) fn expected_wait(&self, now: Instant, bytes: u32) -> Duration {
        let (queued, told_at) = self.queue;
        let rate = self.rate();
        let queued = queued.saturating_sub(transfer_bytes(now.since(told_at), rate));
        transfer_time(self.due() + queued + u64::from(bytes), rate)
    }

    pub(super) fn rate(&self) -> u64 {
        let guess = self.facts.rate_hint.unwrap_or(RATE_GUESS);
        let measured = self.meter.bytes_per_second();
        let rate = measured.unwrap_or(guess) >> self.strikes.min(4);
        rate.max(RATE_MIN)
    }

    pub(super) fn shown_rate(&self, now: Instant) -> u64 {
        self.meter.shown(now)
    }

    pub(super) const fn owed(&self) -> u64 {
        self.owed
    }

    /// Bytes asked for that it can send soon. What a slow one owes beyond that keeps nobody from
    /// being asked.
    pub(super) fn owed_soon(&self) -> u64 {
        self.owed.min(transfer_bytes(SOON, self.rate()))
    }

    /// Some of this piece came.
    pub(super) fn has_begun(&self, piece: PieceIndex) -> bool {
        self.asks.get(&piece).is_some_and(|ask| ask.got > 0)
    }

    /// Bytes asked for that have not come.
    const fn due(&self) -> u64 {
        self.owed.saturating_sub(self.received)
    }

    pub(super) fn on_ask(&mut self, now: Instant, piece: PieceIndex, bytes: u32) {
        if self.asks.is_empty() {
            self.meter.on_due(now);
        }
        if self.due() == 0 {
            self.moved_at = now;
        }
        let expected = self.expected_wait(now, bytes);
        let ask = Ask {
            at: now,
            expected,
            bytes,
            got: 0,
        };
        self.asks.insert(piece, ask);
        self.owed += u64::from(bytes);
    }

    /// An ask ends. `false` when there is none.
    pub(super) fn on_ask_over(&mut self, piece: PieceIndex, arrived: bool) -> bool {
        let Some(ask) = self.asks.remove(&piece) else {
            return false;
        };
        self.owed -= u64::from(ask.bytes);
        self.received -= u64::from(ask.got);
        if arrived {
            self.request_limit = self.request_limit.saturating_add(1);
            self.strikes = self.strikes.saturating_sub(1);
        }
        true
    }

    pub(super) fn on_bytes(&mut self, now: Instant, piece: PieceIndex, bytes: u32) {
        self.meter.on_bytes(now, u64::from(bytes));
        if let Some(ask) = self.asks.get_mut(&piece) {
            let got = ask.got.saturating_add(bytes).min(ask.bytes);
            self.received += u64::from(got - ask.got);
            ask.got = got;
        }
        self.unmoved = self.unmoved.saturating_add(u64::from(bytes));
        if self.unmoved >= MOVES_BYTES || self.due() == 0 {
            self.unmoved = 0;
            self.moved_at = now;
            self.unstall();
        }
    }

    pub(super) const fn on_queue(&mut self, now: Instant, bytes: u64) {
        self.queue = (bytes, now);
    }

    /// Its queue is full: come back when a piece or two of it are gone. Waiting for more of it
    /// leaves senders idle and costs a party several per cent.
    pub(super) fn on_busy(&mut self, now: Instant, queued_bytes: u64) {
        self.on_queue(now, queued_bytes);
        self.request_limit = self.asks.len().max(1);
        let pause = transfer_time(queued_bytes / 2, self.rate());
        self.pause_until(now + pause.clamp(BUSY_PAUSE_MIN, BUSY_PAUSE_MAX));
    }

    /// It did not do what it should have.
    pub(super) fn on_strike(&mut self, now: Instant) {
        self.strikes = self.strikes.saturating_add(1);
        self.pause_for_strikes(now);
    }

    fn pause_for_strikes(&mut self, now: Instant) {
        let pause = Duration::from_secs(1) * (1 << self.strikes.min(6));
        self.pause_until(now + pause.min(PAUSE_MAX));
    }

    fn pause_until(&mut self, until: Instant) {
        self.not_before = self.not_before.max(until);
    }

    /// Notices that nothing comes; `true` when this is new.
    pub(super) fn notice_stall(&mut self, now: Instant) -> bool {
        let expected = self.expected_wait(now, 0);
        let patience = (expected * 4).clamp(STALL_AFTER_MIN, STALL_AFTER_MAX);
        let stalls = self.due() > 0 && now.since(self.moved_at) > patience;
        let news = stalls && matches!(self.standing, Standing::Good);
        if news {
            self.standing = Standing::Stalled;
            self.strikes = self.strikes.saturating_add(1);
            // When it is asked again, one piece is enough to find out.
            self.request_limit = 1;
        }
        news
    }

    /// Nothing came for so long that waiting is over.
    pub(super) fn is_hopeless(&self, now: Instant) -> bool {
        self.is_stalled() && now.since(self.moved_at) > GIVE_UP_AFTER
    }

    /// The answer to this ask must have been lost: everything asked for around it came.
    pub(super) fn is_lost(&self, now: Instant, ask: &Ask) -> bool {
        let patience = self.expected_wait(now, 0).max(ask.expected) * 8;
        now.since(ask.at) > patience + Duration::from_secs(4)
    }

    /// It stalled, and now owes nothing: after a pause it gets another chance.
    pub(super) fn forget_stall(&mut self, now: Instant) {
        if self.is_stalled() && self.asks.is_empty() {
            self.unstall();
            self.pause_for_strikes(now);
        }
    }

    /// When it may be asked again, if it is pausing.
    pub(super) fn pause_end(&self, now: Instant) -> Option<Instant> {
        (self.not_before > now).then_some(self.not_before)
    }

    pub(super) fn assert_invariants(&self) {
        let sum: u64 = self.asks.values().map(|ask| u64::from(ask.bytes)).sum();
        assert_eq!(sum, self.owed);
        let got: u64 = self.asks.values().map(|ask| u64::from(ask.got)).sum();
        assert_eq!(got, self.received);
    }
}
