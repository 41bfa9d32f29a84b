//! [`Uplink`]: how fast this machine sends, so that a game does not lag.
//!
//! The queue before an uplink is its sender's own. Probes to the peers that we send to pass through
//! it with the data: what all of them wait on the way out longer than at their best is that queue.
//! While it is short the rate grows, when it is long the rate falls below what was sent of late, so
//! that the queue drains.
//!
//! A delay may be none of our making. Then sending less only costs rate: so a rate far below the
//! best of late goes back to what carried it, and stays there for a while.

use core::time::Duration;

use lanspread_proto::PeerId;

use super::{TARGET, paths::Paths, rate::BestRate};
use crate::time::Instant;

/// How often [`Uplink::on_step`] is due while anything is sent.
pub const STEP: Duration = super::STEP;
/// The most that goes out at once on a cable of up to 1 Gbit/s.
pub const BURST_MIN: u32 = 32 * 1024;
/// The least, whatever is measured: 4 Mbit/s.
pub const RATE_MIN: u64 = 512 * 1024;
/// Before anything is measured: 200 Mbit/s.
const RATE_START: u64 = 25_000_000;
/// The most: more than any cable that it would matter on.
const RATE_MAX: u64 = 8_000_000_000;
/// Of the best rate of late so many per cent must be left by a lower one ...
const KEPT_PERCENT: u64 = 80;
/// ... or it grows again until so many are, ...
const RESTORED_PERCENT: u64 = 97;
/// ... and is left alone for so long.
const REST: Duration = Duration::from_secs(3);
/// Without an answer for so long nothing is known, and nothing is held back.
const DEAF_AFTER: Duration = Duration::from_secs(1);

/// What all sending lanes of one machine may send together.
#[derive(Debug, Clone)]
pub struct Uplink {
    rate: u64,
    paths: Paths,
    sent: BestRate,
    heard_at: Instant,
    restoring: bool,
    rest_until: Instant,
}

impl Uplink {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            rate: RATE_START,
            paths: Paths::default(),
            sent: BestRate::new(now),
            heard_at: now,
            restoring: false,
            rest_until: now,
        }
    }

    /// A probe waited so long on its way out, counted from any fixed point.
    pub fn on_delay(&mut self, now: Instant, peer: PeerId, delay: Duration) {
        self.heard_at = now;
        self.paths.on_delay(now, peer, delay);
    }

    /// A peer left, or gets no more.
    pub fn forget(&mut self, peer: PeerId) {
        self.paths.forget(peer);
    }

    /// Nothing was sent until now: silence before says nothing.
    pub const fn on_start(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Bytes were written.
    pub fn on_bytes(&mut self, now: Instant, bytes: u64) {
        self.sent.on_bytes(now, bytes);
    }

    /// Looks at what was measured; `held` when lanes waited for the rate since the last look. Due
    /// every [`STEP`]. Bytes per second, or no limit while nobody answers.
    pub fn on_step(&mut self, now: Instant, held: bool) -> Option<u64> {
        if now.since(self.heard_at) > DEAF_AFTER {
            return None;
        }
        let grown = |part: u64| self.rate + self.rate / part;
        let wish = match self.paths.queueing(now) {
            Some(queue) if queue > TARGET => self.yielding(now, queue, held),
            // What is not used says nothing about more.
            Some(_) if !held => self.rate,
            Some(queue) if queue > TARGET / 2 => grown(32),
            Some(_) => grown(4),
            None => self.rate,
        };
        self.rate = wish.clamp(RATE_MIN, RATE_MAX);
        Some(self.rate)
    }

    /// How long our own queue is; `None` while nothing is known.
    #[must_use]
    pub fn queueing(&self, now: Instant) -> Option<Duration> {
        self.paths.queueing(now)
    }

    /// The queue is too long: less than was sent of late, unless that costs rate instead.
    fn yielding(&mut self, now: Instant, queue: Duration, held: bool) -> u64 {
        let (best, lately) = (self.sent.best(now), self.sent.lately());
        let kept = |percent| lately.saturating_mul(100) >= best.saturating_mul(percent);
        if self.restoring {
            self.restoring = !kept(RESTORED_PERCENT) && self.rate < best;
            self.rest_until = now + REST;
        } else if held && !kept(KEPT_PERCENT) && now >= self.rest_until {
            self.restoring = true;
        }
        if self.restoring {
            return (self.rate + self.rate / 4).min(best.max(self.rate));
        }
        if now < self.rest_until {
            return self.rate;
        }
        // What a queue of the target would take is left out for one step: then it is drained.
        let excess = queue.saturating_sub(TARGET).min(STEP / 4);
        let part = u128::from(lately) * excess.as_nanos() / STEP.as_nanos();
        let less = lately.saturating_sub(u64::try_from(part).unwrap_or(u64::MAX));
        less.saturating_sub(lately / 64).min(self.rate)
    }
}

/// How many bytes may go out at once at a rate: small where a queue is felt.
#[must_use]
pub fn burst(bytes_per_second: u64, most: u32) -> u32 {
    let quarter_millisecond = u32::try_from(bytes_per_second / 4_000).unwrap_or(u32::MAX);
    quarter_millisecond.clamp(BURST_MIN.min(most), most)
}
