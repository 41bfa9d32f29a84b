//! The end: the last pieces must not wait for the slowest peer.
//!
//! A piece is asked for a second time elsewhere when its source stalls, or, in the last 3 % and
//! when a reader waits for it, when its source is late or another one would be much earlier. The
//! first answer wins, the other is cancelled. Never more than two asks per piece: where both are
//! in vain, one of them is taken back for a third.

use alloc::vec::Vec;
use core::time::Duration;

use lanspread_proto::{PeerId, PieceIndex};

use super::{
    Download,
    gateway::FAR_REQUESTS_MAX,
    score::{Ask, Source},
};
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

/// Who should also be asked for a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Other {
    peer: PeerId,
    /// Whose ask it takes the place of, when there are two.
    instead_of: Option<PeerId>,
}

impl Download {
    /// Pieces whose source stalls, or is late at the end, are asked for elsewhere.
    pub(super) fn ask_twice(&mut self, now: Instant) {
        // While others can still be asked for, a second time would only take their place.
        let last = self.has_ended() || (self.demand.is_none() && self.wanted.is_empty());
        let ended = last && self.moving_outstanding(now) < self.in_all_max() / 2;
        let awaited = self.awaited();
        let troubled = |source: &Source| ended || !source.is_live();
        if awaited.is_none() && !self.sources.values().any(troubled) {
            return;
        }
        let pieces: Vec<PieceIndex> = self.askers.keys().copied().collect();
        for piece in pieces {
            if self.live_outstanding() >= self.outstanding_max {
                return;
            }
            let urgency = match awaited == Some(piece) {
                true => Urgency::Awaited,
                false if ended => Urgency::End,
                false => Urgency::Usual,
            };
            let Some(other) = self.other_source(now, piece, urgency) else {
                continue;
            };
            if let Some(peer) = other.instead_of {
                self.cancel(peer, piece);
                self.with_source(peer, |source| source.forget_stall(now));
            }
            self.ask(now, other.peer, piece);
        }
    }

    fn other_source(&self, now: Instant, piece: PieceIndex, urgency: Urgency) -> Option<Other> {
        let asked = |(peer, source): (&PeerId, _)| {
            let source: &Source = source;
            source.asks.get(&piece).map(|ask| (*peer, source, ask))
        };
        let asked: Vec<_> = self.sources.iter().filter_map(asked).collect();
        let urgency = match (urgency, asked.len()) {
            (urgency, 0 | 1) | (urgency @ Urgency::Usual, _) => urgency,
            // A third ask has to be well worth it.
            (Urgency::End | Urgency::Awaited, _) => Urgency::Awaited,
        };
        let far_open = self.far_requests(now) < FAR_REQUESTS_MAX;
        let has_room = |source: &Source| match urgency {
            Urgency::Awaited => source.has_lane(now),
            Urgency::End | Urgency::Usual => {
                source.has_room(now, self.piece_max, self.outstanding_max)
            }
        };
        let able = |(_, source): &(&PeerId, &Source)| {
            !source.asks.contains_key(&piece)
                && (self.is_near(source) || far_open)
                && has_room(source)
                && source.has.contains(piece)
                && (asked.iter()).all(|(_, slow, ask)| is_worth(now, urgency, (slow, ask), source))
        };
        let bytes = self.size(piece);
        let others = self.sources.iter().filter(able);
        let best =
            others.min_by_key(|(_, source)| (source.facts.path, source.expected_wait(now, bytes)));
        let slowest = asked
            .iter()
            .max_by_key(|(_, source, _)| source.expected_wait(now, 0));
        Some(Other {
            peer: *best?.0,
            instead_of: slowest.filter(|_| asked.len() > 1).map(|slow| slow.0),
        })
    }
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
