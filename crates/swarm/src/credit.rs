//! [`Credit`]: the receiver's budget. Bytes move only when the receiver lets them.
//!
//! One machine-wide window W is split over the lanes that have something to send, by what they
//! delivered of late. A lane gets its share in steps, so that frames stay few. Invariant: a grant
//! never lifts the counted credit above W. Credit of a lane that delivers nothing for a while is
//! not counted: who is dead, or sends to others first, must not hold what others could use.

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::time::Instant;

/// Smallest step.
pub const STEP_MIN: u64 = 16 * 1024;
/// Largest step: one data frame.
pub const STEP_MAX: u64 = 256 * 1024;
/// W without a governor: enough for a fast link's round trip and a busy receiver.
pub const WINDOW_DEFAULT: u64 = 16 * 1024 * 1024;
/// W in steps, where steps may be as long: fewer would come in bursts, more would cost wake-ups.
const STEPS: u64 = 8;
/// W is never smaller than so many smallest steps: lanes take turns, none starves.
const STEPS_MIN: u64 = 4;
/// How often what arrived loses a quarter of its weight.
const FADE_EVERY: Duration = Duration::from_millis(25);
/// A lane that delivers nothing for so long no longer counts.
const DORMANT_AFTER: Duration = Duration::from_millis(60);

/// Names a lane; chosen by the caller, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub u64);

/// The budget of one machine.
#[derive(Debug, Clone)]
pub struct Credit {
    window: u64,
    lanes: BTreeMap<LaneId, Lane>,
    /// The lane that was served last: the next one is first.
    last: LaneId,
    /// What arrived of late counts less from then on.
    fades_at: Instant,
}

#[derive(Debug, Clone)]
struct Lane {
    /// Bytes of open requests that have not arrived.
    open: u64,
    /// Granted and not arrived.
    balance: u64,
    /// Bytes that arrived of late.
    lately: u64,
    active_at: Instant,
    dormant: bool,
}

impl Lane {
    /// Credit that may turn into bytes.
    const fn counted(&self) -> u64 {
        match (self.dormant, self.balance < self.open) {
            (true, _) => 0,
            (false, true) => self.balance,
            (false, false) => self.open,
        }
    }

    const fn is_active(&self) -> bool {
        self.open > 0 && !self.dormant
    }
}

impl Credit {
    /// A budget of so many bytes.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Self {
            window,
            lanes: BTreeMap::new(),
            last: LaneId(0),
            fades_at: Instant::ZERO,
        }
    }

    /// The governor changed W.
    pub const fn set_window(&mut self, window: u64) {
        self.window = window;
    }

    /// A lane opened. It gets credit once it has something to send.
    pub fn on_lane_up(&mut self, now: Instant, lane: LaneId) {
        let fresh = Lane {
            open: 0,
            balance: 0,
            lately: 0,
            active_at: now,
            dormant: false,
        };
        self.lanes.insert(lane, fresh);
    }

    /// A lane closed; its credit is void.
    pub fn on_lane_down(&mut self, lane: LaneId) {
        self.lanes.remove(&lane);
    }

    /// So many more bytes are requested on a lane.
    pub fn on_requested(&mut self, now: Instant, lane: LaneId, bytes: u64) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            if lane.open == 0 {
                lane.active_at = now;
                lane.dormant = false;
            }
            lane.open = lane.open.saturating_add(bytes);
        }
    }

    /// So many requested bytes will not come: the lane answered *busy* or *gone*. A cancel counts
    /// when it is answered, because data may come before that.
    pub fn on_abandoned(&mut self, lane: LaneId, bytes: u64) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.open = lane.open.saturating_sub(bytes);
        }
    }

    /// Bytes arrived on a lane. `false` when they were not granted: the sender broke the protocol.
    #[must_use]
    pub fn on_bytes(&mut self, now: Instant, lane: LaneId, bytes: u64) -> bool {
        self.fade(now);
        let Some(lane) = self.lanes.get_mut(&lane) else {
            return true;
        };
        let granted = bytes <= lane.balance;
        lane.balance = lane.balance.saturating_sub(bytes);
        lane.open = lane.open.saturating_sub(bytes);
        lane.lately = lane.lately.saturating_add(bytes);
        lane.active_at = now;
        lane.dormant = false;
        granted
    }

    /// Time passed.
    pub fn on_timeout(&mut self, now: Instant) {
        for lane in self.lanes.values_mut() {
            if lane.counted() > 0 && lane.active_at + DORMANT_AFTER <= now {
                lane.dormant = true;
            }
        }
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let counted = self.lanes.values().filter(|lane| lane.counted() > 0);
        counted.map(|lane| lane.active_at + DORMANT_AFTER).min()
    }

    /// The next grant, if there is one.
    pub fn poll_grant(&mut self) -> Option<(LaneId, u32)> {
        let budget = self.window.max(STEPS_MIN * STEP_MIN);
        let step = (budget / STEPS).clamp(STEP_MIN, STEP_MAX);
        let room = budget.saturating_sub(self.counted());
        let after = self.last;
        let turns = Turns {
            budget,
            step,
            lane_count: self.active_count(),
            lately: self.lately(),
        };
        // The one after the last first: everybody has a turn.
        let next = self
            .lanes
            .iter_mut()
            .filter(|(_, lane)| turns.is_due(lane))
            .min_by_key(|(id, _)| (**id <= after, **id));
        let (id, lane) = next?;
        let bytes = turns.wanted(lane).min(step);
        if bytes > room {
            return None;
        }
        lane.balance += bytes;
        self.last = *id;
        Some((*id, u32::try_from(bytes).unwrap_or(u32::MAX)))
    }

    /// The lane has something to send.
    #[must_use]
    pub fn is_active(&self, lane: LaneId) -> bool {
        self.lanes.get(&lane).is_some_and(Lane::is_active)
    }

    /// Lanes that have something to send.
    #[must_use]
    pub fn active_count(&self) -> u64 {
        self.lanes.values().filter(|lane| lane.is_active()).count() as u64
    }

    /// Credit that may still turn into bytes.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.lanes.values().map(Lane::counted).sum()
    }

    fn lately(&self) -> u64 {
        let active = self.lanes.values().filter(|lane| lane.is_active());
        active.map(|lane| lane.lately).sum()
    }

    fn fade(&mut self, now: Instant) {
        if now < self.fades_at {
            return;
        }
        self.fades_at = now + FADE_EVERY;
        for lane in self.lanes.values_mut() {
            lane.lately -= lane.lately / 4;
        }
    }

    /// W as it is set.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }
}

/// How the budget is split now.
struct Turns {
    budget: u64,
    step: u64,
    lane_count: u64,
    /// Bytes that arrived of late on all lanes.
    lately: u64,
}

impl Turns {
    fn is_due(&self, lane: &Lane) -> bool {
        let wanted = self.wanted(lane);
        // A rest below a step goes when it is all that is left of the requests.
        let is_rest = lane.open.saturating_sub(lane.balance) == wanted;
        lane.is_active() && wanted > 0 && (wanted >= self.step || is_rest)
    }

    /// What a lane still gets of its share.
    fn wanted(&self, lane: &Lane) -> u64 {
        lane.open.min(self.share(lane)).saturating_sub(lane.balance)
    }

    /// Its part of what arrived of late, and a step at least: a slow lane would only hold what
    /// others could use, and a lane that waits for its turn can begin at once.
    fn share(&self, lane: &Lane) -> u64 {
        let earned = match self.lately {
            0 => self.budget / self.lane_count.max(1),
            all => {
                let part = u128::from(self.budget) * u128::from(lane.lately) / u128::from(all);
                u64::try_from(part).unwrap_or(u64::MAX)
            }
        };
        earned.max(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1024 * 1024;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn drain(credit: &mut Credit) -> u64 {
        core::iter::from_fn(|| credit.poll_grant())
            .map(|(_, bytes)| u64::from(bytes))
            .sum()
    }

    #[test]
    fn one_lane_gets_the_whole_window_and_no_more() {
        let mut credit = Credit::new(MIB);
        credit.on_lane_up(at(0), LaneId(1));
        assert_eq!(credit.poll_grant(), None);
        credit.on_requested(at(0), LaneId(1), 10 * MIB);
        assert_eq!(drain(&mut credit), MIB);
        assert!(credit.on_bytes(at(1), LaneId(1), MIB / 2));
        assert_eq!(drain(&mut credit), MIB / 2);
        // The rest of a request that is shorter than a step is granted too.
        credit.on_abandoned(LaneId(1), 10 * MIB);
        assert!(credit.on_bytes(at(1), LaneId(1), MIB));
        credit.on_requested(at(2), LaneId(1), 100);
        assert_eq!(drain(&mut credit), 100);
        assert!(!credit.on_bytes(at(3), LaneId(1), 101));
    }

    #[test]
    fn a_dead_lane_gives_its_share_back() {
        let mut credit = Credit::new(MIB);
        for lane in [LaneId(1), LaneId(2)] {
            credit.on_lane_up(at(0), lane);
            credit.on_requested(at(0), lane, 10 * MIB);
        }
        assert_eq!(drain(&mut credit), MIB);
        assert!(credit.on_bytes(at(50), LaneId(2), MIB / 2));
        assert_eq!(drain(&mut credit), MIB / 2);
        assert_eq!(credit.poll_timeout(), Some(at(60)));
        credit.on_timeout(at(60));
        assert_eq!(drain(&mut credit), MIB / 2);
        assert_eq!(credit.active_count(), 1);
    }

    #[test]
    fn who_delivers_faster_gets_more() {
        let mut credit = Credit::new(8 * STEP_MIN);
        for lane in [LaneId(1), LaneId(2)] {
            credit.on_lane_up(at(0), lane);
            credit.on_requested(at(0), lane, 10_000 * MIB);
        }
        let mut balances = BTreeMap::from([(LaneId(1), 0), (LaneId(2), 0)]);
        // The first takes all that it may at once, the second a hundredth.
        for millis in 0..1_000 {
            while let Some((lane, bytes)) = credit.poll_grant() {
                *balances.entry(lane).or_default() += u64::from(bytes);
            }
            for (lane, most) in [(LaneId(1), 8 * STEP_MIN), (LaneId(2), STEP_MIN / 25)] {
                let sent = balances[&lane].min(most);
                *balances.entry(lane).or_default() -= sent;
                assert!(credit.on_bytes(at(millis), lane, sent));
            }
        }
        drain(&mut credit);
        assert!(
            credit.lanes[&LaneId(2)].balance <= 2 * STEP_MIN,
            "{:?} {balances:?}",
            credit
        );
        assert!(credit.lanes[&LaneId(1)].balance >= 5 * STEP_MIN);
    }

    proptest! {
        #[test]
        fn never_above_the_window(
            window in 1_u64..4 * MIB,
            ops in prop::collection::vec((0_u8..5, 0_u64..6, 0_u64..MIB), 0..300),
        ) {
            let mut credit = Credit::new(window);
            let mut now = at(0);
            let mut balances: BTreeMap<u64, u64> = BTreeMap::new();
            for (op, lane, bytes) in ops {
                let id = LaneId(lane);
                now += Duration::from_millis(10);
                match op {
                    0 => { credit.on_lane_up(now, id); balances.insert(lane, 0); }
                    1 => { credit.on_lane_down(id); balances.insert(lane, 0); }
                    2 => credit.on_requested(now, id, bytes),
                    3 => credit.on_abandoned(id, bytes),
                    _ => {
                        let sent = bytes.min(*balances.entry(lane).or_default());
                        *balances.entry(lane).or_default() -= sent;
                        prop_assert!(credit.on_bytes(now, id, sent));
                    }
                }
                while let Some((granted, bytes)) = credit.poll_grant() {
                    *balances.entry(granted.0).or_default() += u64::from(bytes);
                    prop_assert!(credit.counted() <= window.max(STEPS_MIN * STEP_MIN));
                }
                // Whoever asks is served: a lane that waits has credit on its way or is dormant.
                let starving = credit.active_count() > 0 && credit.counted() == 0;
                prop_assert!(!starving);
            }
        }
    }
}
