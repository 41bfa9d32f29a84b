//! Notices that the machine slept: some clocks stop in a sleep, others go on, so both are watched.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How often the clocks are looked at.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// A clock that went on by so much more than a tick, or back, has jumped.
const JUMP: Duration = Duration::from_secs(5);

/// Two clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    steady: Instant,
    wall: SystemTime,
}

impl Clocks {
    /// Looks at both.
    pub(super) fn read() -> Self {
        Self {
            steady: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// As if it had been read an hour ago.
    #[cfg(test)]
    pub(super) fn as_before_a_sleep(&self) -> Self {
        let wall = self.wall - Duration::from_secs(3_600);
        Self { wall, ..*self }
    }

    /// Whether one of them jumped between two looks, a tick apart.
    pub(super) fn jumped_since(&self, before: &Self) -> bool {
        let steady = self.steady.saturating_duration_since(before.steady);
        let wall = self.wall.duration_since(before.wall);
        let wall_jumped = match wall {
            Ok(forward) => forward > TICK + JUMP,
            Err(back) => back.duration() > JUMP,
        };
        steady > TICK + JUMP || wall_jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_either_clock_is_a_sleep() {
        let before = Clocks::read();
        // steady clock, wall clock forward, wall clock back, jumped
        for (steady, wall, back, jumped) in [
            (1, 1, 0, false),
            (5, 5, 0, false),
            (6, 6, 0, false),
            (1, 7, 0, true),
            (7, 1, 0, true),
            (90, 90, 0, true),
            (1, 0, 4, false),
            (1, 0, 6, true),
            (0, 0, 0, false),
        ] {
            let after = Clocks {
                steady: before.steady + Duration::from_secs(steady),
                wall: before.wall + Duration::from_secs(wall) - Duration::from_secs(back),
            };
            assert_eq!(
                after.jumped_since(&before),
                jumped,
                "{steady} {wall} {back}"
            );
        }
    }
}
