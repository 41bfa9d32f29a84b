//! The end: the last pieces must not wait for the slowest peer.
//!
//! A piece is asked for a second time elsewhere when its source stalls, or, in the last 3 % and
//! when a reader waits for it, when its source is late or another one would be much earlier. The
//! first answer wins, the other is cancelled. Never more than two asks per piece.

use core::time::Duration;

use super::score::{Ask, Source};
use crate::time::Instant;

/// Below this difference a second ask is not worth its bytes.
const GAIN_MIN: Duration = Duration::from_millis(100);

/// How much it matters when a piece comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It comes when it comes.
    Usual,
    /// It is one of the last.
    End,
    /// A reader waits for it.
    Awaited,
}

/// Whether so few bytes are missing that the end has begun.
pub(super) const fn has_begun(missing_bytes: u64, total_bytes: u64) -> bool {
    missing_bytes <= total_bytes / 100 * 3
}

/// Whether a piece that `slow` was asked for should also be asked of `other`.
pub(super) fn is_worth(
    now: Instant,
    urgency: Urgency,
    (slow, ask): (&Source, &Ask),
    other: &Source,
) -> bool {
    if !slow.is_live() {
        return true;
    }
    if urgency == Urgency::Usual {
        return false;
    }
    let age = now.since(ask.at);
    let elsewhere = other.expected_wait(now, ask.bytes);
    let here = ask
        .expected
        .saturating_sub(age)
        .max(slow.expected_wait(now, 0));
    // Among many downloaders everything is late; a reader waits for each of its pieces in turn.
    let (times, grace) = match urgency {
        Urgency::Awaited => (4, GAIN_MIN * 5),
        Urgency::End | Urgency::Usual => (2, GAIN_MIN),
    };
    let is_late = age > ask.expected * times + grace;
    is_late || here > elsewhere * times + grace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_per_cent() {
        assert!(!has_begun(31, 1_000));
        assert!(has_begun(30, 1_000));
        assert!(has_begun(0, 0));
    }
}
