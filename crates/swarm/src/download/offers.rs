//! [`Offers`]: whether a seeder is pushing to us, as its offers tell.
//!
//! A seeder that pushes is not asked: it chooses better what the party needs. In a large party our
//! turn comes seldom, so that how long its silence means nothing depends on how often it offered.

use core::time::Duration;

use crate::time::Instant;

/// So many usual distances without an offer mean that it pushes no more ...
const GAPS: u32 = 8;
/// ... but not before this ...
const QUIET_MIN: Duration = Duration::from_secs(1);
/// ... and after this in any case.
const QUIET_MAX: Duration = Duration::from_secs(10);

/// The offers of one source.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Offers {
    /// The last one, or the promise of one.
    last: Option<Instant>,
    /// Usual distance between two.
    gap: Duration,
}

impl Offers {
    pub(super) fn on_offer(&mut self, now: Instant) {
        if let Some(last) = self.last {
            self.gap = (self.gap * 7 + now.since(last)) / 8;
        }
        self.last = Some(now);
    }

    /// It said that it will.
    pub(super) const fn on_promise(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// More are to be expected.
    pub(super) fn go_on(&self, now: Instant) -> bool {
        let quiet = (self.gap * GAPS).clamp(QUIET_MIN, QUIET_MAX);
        self.last.is_some_and(|last| now.since(last) < quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn silence_means_more_where_offers_are_seldom() {
        let check = |distance: u64, quiet: u64| {
            let mut offers = Offers::default();
            assert!(!offers.go_on(at(0)));
            (0..100).for_each(|n| offers.on_offer(at(n * distance)));
            let last = 99 * distance;
            assert!(offers.go_on(at(last + quiet - 50)), "{distance}");
            assert!(!offers.go_on(at(last + quiet + 50)), "{distance}");
        };
        check(10, 1_000);
        check(500, 4_000);
        check(5_000, 10_000);
    }
}
