//! [`Upload`]: admission at a sender. A reservation queues a piece; a slot sends it.
//!
//! Few pieces are sent to one peer at once, so that each is whole early and can be passed on; but
//! to many peers, because a receiver's cable is shared with other senders: with two at a time a
//! fifth of every uplink stood idle in a party of eight. Peers take turns.
//! Invariant: at most the allowed number of moving slots starts, and queues are bounded per peer
//! and in all.

#[cfg(test)]
mod tests;

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::time::Duration;

use lanspread_proto::{
    ContentId, PeerId, PieceIndex,
    wire::lane::{GoneReason, RequestId},
};

use crate::{
    credit::LaneId,
    progress::Meter,
    time::{Instant, transfer_time},
};

/// Pieces that are sent at once per 1 Gbit/s of uplink ...
pub const SENDING_PER_GBIT: u64 = 12;
/// ... and of them to one peer: one on its way, one read meanwhile.
pub const SENDING_TO_ONE_PER_GBIT: u64 = 2;
/// Pieces that are reserved besides per 1 Gbit/s of uplink.
pub const QUEUED_PER_GBIT: u64 = 8;
/// Bytes that a slot must send to count as one that moves: a receiver that takes single bytes does
/// not.
const MOVES_BYTES: u64 = 64 * 1024;
/// Where a person limits the uplink a slot moves that sends this part of a second's bytes.
const MOVES_PART: u64 = 64;
/// A slot that does not move for so long does not keep others from sending.
const IDLE_AFTER: Duration = Duration::from_millis(500);
/// A slot that does not move for so long is freed.
const STALLED_AFTER: Duration = Duration::from_secs(15);
/// While offered pieces wait, one in so many goes to who only pulls.
const PULLED_ONE_IN: u32 = 8;
/// 1 Gbit/s in bytes per second.
const GBIT: u64 = 125_000_000;
/// No uplink is believed to be faster: 64 Gbit/s.
const GBIT_COUNT_MAX: u64 = 64;

/// Names a request: numbers are the receiver's, and unique only on one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// The lane it came on.
    pub lane: LaneId,
    /// Its number there.
    pub request: RequestId,
}

/// One piece that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// Names it.
    pub key: RequestKey,
    /// Who wants it.
    pub peer: PeerId,
    /// Of what.
    pub content: ContentId,
    /// Which piece.
    pub piece: PieceIndex,
    /// Its length.
    pub bytes: u32,
    /// We offered it ([`crate::Injector::is_offered`]): it goes before what is only pulled.
    pub offered: bool,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is reserved; [`UploadAction::Start`] follows.
    Queued,
    /// Not now. So many bytes are before it.
    Busy {
        /// Bytes reserved and not yet sent.
        queued_bytes: u64,
    },
    /// Not at all.
    Refused(GoneReason),
}

/// What the caller must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadAction {
    /// Send this piece as its receiver's credit allows.
    Start(Reservation),
    /// Send no more of it, and answer with the reason.
    Stop(Reservation, GoneReason),
}

/// All that one machine sends.
#[derive(Debug, Clone)]
pub struct Upload {
    link_bytes_per_second: u64,
    /// What a slot must send to count as one that moves.
    moves_bytes: u64,
    meter: Meter,
    queues: BTreeMap<PeerId, VecDeque<Reservation>>,
    slots: BTreeMap<RequestKey, Slot>,
    /// Who was served last: the next peer is first.
    last: Option<PeerId>,
    /// Offered pieces started since one that was only pulled.
    offered_run: u32,
    paused: bool,
    actions: VecDeque<UploadAction>,
}

#[derive(Debug, Clone)]
struct Slot {
    reservation: Reservation,
    sent: u64,
    moved_at: Instant,
    /// Bytes sent when it last moved.
    moved_sent: u64,
}

impl Upload {
    /// For an uplink of so many bytes per second; a guess grows with what is measured.
    #[must_use]
    pub const fn new(now: Instant, link_bytes_per_second: u64) -> Self {
        Self {
            link_bytes_per_second,
            moves_bytes: MOVES_BYTES,
            meter: Meter::new(now),
            queues: BTreeMap::new(),
            slots: BTreeMap::new(),
            last: None,
            offered_run: 0,
            paused: false,
            actions: VecDeque::new(),
        }
    }

    /// A peer asks for a piece that we have.
    pub fn on_request(&mut self, now: Instant, reservation: Reservation) -> Admission {
        let peer = reservation.peer;
        if self.paused {
            return Admission::Refused(GoneReason::Paused);
        }
        if !self.has_room_for(peer) {
            let queued_bytes = self.queued_bytes();
            return Admission::Busy { queued_bytes };
        }
        if self.slots.is_empty() && self.queues.is_empty() {
            self.meter.on_due(now);
        }
        self.queues.entry(peer).or_default().push_back(reservation);
        self.start_slots(now);
        Admission::Queued
    }

    /// The receiver no longer wants it. The answer, *cancelled*, is an action.
    pub fn on_cancel(&mut self, now: Instant, key: RequestKey) {
        self.stop_where(|r| r.key == key, GoneReason::Cancelled);
        self.start_slots(now);
    }

    /// Bytes of a piece were written.
    pub fn on_bytes(&mut self, now: Instant, key: RequestKey, bytes: u64) {
        self.meter.on_bytes(now, bytes);
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.sent = slot.sent.saturating_add(bytes);
            if slot.sent - slot.moved_sent >= self.moves_bytes {
                slot.moved_sent = slot.sent;
                slot.moved_at = now;
            }
        }
    }

    /// A piece was written to its end, or cannot be read (the caller has answered).
    pub fn on_finished(&mut self, now: Instant, key: RequestKey) {
        self.slots.remove(&key);
        self.start_slots(now);
    }

    /// A lane closed: nothing can be answered on it.
    pub fn on_lane_down(&mut self, now: Instant, lane: LaneId) {
        self.forget_where(|reservation| reservation.key.lane == lane);
        self.start_slots(now);
    }

    /// A peer left.
    pub fn on_peer_down(&mut self, now: Instant, peer: PeerId) {
        self.forget_where(|reservation| reservation.peer == peer);
        self.start_slots(now);
    }

    /// A content is no longer served: it changed, or is being replaced.
    pub fn on_content_gone(&mut self, now: Instant, content: ContentId, reason: GoneReason) {
        self.stop_where(|reservation| reservation.content == content, reason);
        self.start_slots(now);
    }

    /// The person pauses or resumes sharing.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        if paused {
            self.stop_where(|_| true, GoneReason::Paused);
        }
    }

    /// The person limits the uplink to so many bytes per second, or no longer.
    pub fn set_limit(&mut self, bytes_per_second: Option<u64>) {
        let part = bytes_per_second.map_or(u64::MAX, |rate| rate / MOVES_PART);
        self.moves_bytes = part.clamp(1, MOVES_BYTES);
    }

    /// Time passed.
    pub fn on_timeout(&mut self, now: Instant) {
        let stalled: Vec<RequestKey> = self
            .slots
            .values()
            .filter(|slot| slot.moved_at + STALLED_AFTER <= now)
            .map(|slot| slot.reservation.key)
            .collect();
        self.stop_where(|r| stalled.contains(&r.key), GoneReason::Cancelled);
        self.start_slots(now);
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let next = |slot: &Slot| {
            let idle_at = slot.moved_at + IDLE_AFTER;
            if idle_at > now && !self.queues.is_empty() {
                idle_at
            } else {
                slot.moved_at + STALLED_AFTER
            }
        };
        self.slots.values().map(next).min()
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<UploadAction> {
        self.actions.pop_front()
    }

    /// Bytes reserved and not yet sent: how long a new request would wait.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        let queued = self.queues.values().flatten().map(|r| u64::from(r.bytes));
        let sending = self.slots.values().map(Slot::left);
        queued.chain(sending).sum()
    }

    /// How long a new request would wait.
    #[must_use]
    pub fn expected_wait(&self) -> Duration {
        transfer_time(self.queued_bytes(), self.bytes_per_second())
    }

    /// What the uplink carries: measured, or the link's own word before that.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        let measured = self.meter.bytes_per_second();
        measured.unwrap_or(self.link_bytes_per_second)
    }

    /// Pieces being sent now.
    pub fn sending(&self) -> impl Iterator<Item = &Reservation> {
        self.slots.values().map(|slot| &slot.reservation)
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        assert!(self.queues.values().all(|queue| !queue.is_empty()));
        assert!(!self.paused || (self.slots.is_empty() && self.queues.is_empty()));
        let queued: usize = self.queues.values().map(VecDeque::len).sum();
        let most = QUEUED_PER_GBIT * GBIT_COUNT_MAX;
        assert!(queued as u64 <= most + self.queues.len() as u64);
    }

    /// Whole gigabits of the uplink: what the link says, or what was seen, whichever is more.
    fn gbit_count(&self) -> u64 {
        let measured = self.meter.bytes_per_second().unwrap_or(0);
        let rate = measured.max(self.link_bytes_per_second);
        rate.div_ceil(GBIT).clamp(1, GBIT_COUNT_MAX)
    }

    /// The queue is shared evenly, two pieces at least, so that a turn finds the next one waiting.
    /// A first piece is taken from many, not from all of a large party: what waits long here is
    /// late where it is passed on.
    fn has_room_for(&self, peer: PeerId) -> bool {
        let queued: usize = self.queues.values().map(VecDeque::len).sum();
        let own = self.queues.get(&peer).map_or(0, VecDeque::len) as u64;
        let most = QUEUED_PER_GBIT * self.gbit_count();
        let others = self.queues.keys().filter(|other| **other != peer).count() as u64;
        let share = (most / (others + 1)).max(2);
        (own == 0 && (queued as u64) < 2 * most) || (own < share && (queued as u64) < most)
    }

    fn start_slots(&mut self, now: Instant) {
        let most = SENDING_PER_GBIT * self.gbit_count();
        loop {
            let moving = |slot: &&Slot| slot.moved_at + IDLE_AFTER > now;
            let moving_count = self.slots.values().filter(moving).count() as u64;
            // Receivers that only hold slots are bounded too.
            if moving_count >= most || self.slots.len() as u64 >= most + QUEUED_PER_GBIT * 8 {
                return;
            }
            let Some(reservation) = self.take_next() else {
                return;
            };
            let slot = Slot {
                reservation,
                sent: 0,
                moved_at: now,
                moved_sent: 0,
            };
            self.slots.insert(reservation.key, slot);
            self.actions.push_back(UploadAction::Start(reservation));
        }
    }

    /// The oldest of the peer whose turn it is. What a party waits for goes first: an offered piece
    /// is passed on, a pulled one may be one that others have too.
    fn take_next(&mut self) -> Option<Reservation> {
        let (peer, offered) = match (self.next_peer(true), self.next_peer(false)) {
            (Some(peer), None) => (peer, true),
            (Some(peer), Some(_)) if self.offered_run < PULLED_ONE_IN => (peer, true),
            (_, peer) => (peer?, false),
        };
        self.offered_run = match offered {
            true => self.offered_run.saturating_add(1),
            false => 0,
        };
        let queue = self.queues.get_mut(&peer)?;
        let at = queue.iter().position(|r| r.offered == offered)?;
        let reservation = queue.remove(at);
        if queue.is_empty() {
            self.queues.remove(&peer);
        }
        self.last = Some(peer);
        reservation
    }

    /// Whose turn it is of those who wait for an offered piece, or for another.
    fn next_peer(&self, offered: bool) -> Option<PeerId> {
        let waits = |queue: &VecDeque<Reservation>| queue.iter().any(|r| r.offered == offered);
        let most = SENDING_TO_ONE_PER_GBIT * self.gbit_count();
        let waiting = self.queues.iter();
        let waiting =
            waiting.filter(|(peer, queue)| waits(queue) && self.slot_count(**peer) < most);
        let after = |peer: &PeerId| self.last.is_some_and(|last| *peer <= last);
        let peers = waiting.map(|(peer, _)| *peer);
        peers.min_by_key(|peer| (after(peer), *peer))
    }

    fn slot_count(&self, peer: PeerId) -> u64 {
        let slots = self.slots.values();
        slots.filter(|slot| slot.reservation.peer == peer).count() as u64
    }

    fn stop_where(&mut self, doomed: impl Fn(&Reservation) -> bool, reason: GoneReason) {
        let taken = self.take_where(doomed);
        let stops = taken.into_iter().map(|r| UploadAction::Stop(r, reason));
        self.actions.extend(stops);
    }

    fn forget_where(&mut self, doomed: impl Fn(&Reservation) -> bool) {
        self.take_where(doomed);
    }

    fn take_where(&mut self, doomed: impl Fn(&Reservation) -> bool) -> Vec<Reservation> {
        let mut taken = Vec::new();
        self.slots.retain(|_, slot| {
            let stops = doomed(&slot.reservation);
            if stops {
                taken.push(slot.reservation);
            }
            !stops
        });
        for queue in self.queues.values_mut() {
            taken.extend(queue.iter().filter(|r| doomed(r)));
            queue.retain(|r| !doomed(r));
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        // A start that was not yet carried out would come after its own stop.
        self.actions.retain(|action| match action {
            UploadAction::Start(reservation) => !doomed(reservation),
            UploadAction::Stop(..) => true,
        });
        taken
    }
}

impl Slot {
    fn left(&self) -> u64 {
        u64::from(self.reservation.bytes).saturating_sub(self.sent)
    }
}
