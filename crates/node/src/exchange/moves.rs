//! [`Moves`]: when something last moved on each lane, so that a stuck one is told from a fresh one.

use std::{collections::BTreeMap, time::Duration};

use lanspread_swarm::{credit::LaneId, time::Instant};

/// A lane on which pieces wait and nothing moved for so long is stuck.
const STUCK: Duration = Duration::from_secs(1);

/// When something last moved on each lane, or began to wait on it.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<LaneId, Instant>);

impl Moves {
    /// Something moved on a lane, or waits on it from now on.
    pub(super) fn on_move(&mut self, lane: LaneId, now: Instant) {
        self.0.insert(lane, now);
    }

    pub(super) fn on_lane_down(&mut self, lane: LaneId) {
        self.0.remove(&lane);
    }

    /// Whether nothing moved for long on a lane on which something waits.
    pub(super) fn is_stuck(&self, lane: LaneId, now: Instant) -> bool {
        let moved = self.0.get(&lane);
        moved.is_some_and(|moved| now.since(*moved) > STUCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_was_just_asked_is_not_stuck() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let lane = LaneId(1);
        let mut moves = Moves::default();
        assert!(!moves.is_stuck(lane, at(9_000)));
        moves.on_move(lane, at(9_000));
        assert!(!moves.is_stuck(lane, at(10_000)));
        assert!(moves.is_stuck(lane, at(10_001)));
        moves.on_lane_down(lane);
        assert!(!moves.is_stuck(lane, at(99_000)));
    }
}
