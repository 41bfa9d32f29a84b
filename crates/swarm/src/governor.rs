//! [`Governor`]: how many bytes may be on the way to this machine, so that a game does not lag.
//!
//! Small probes go to the peers that send to us, and come back through the same queues as a game's
//! packets. What all of them wait longer than at their best is the queue that we share with the
//! game: the window grows while it is short and shrinks when it is long.
//!
//! A delay may be none of our making: other people's traffic, or a machine too busy to answer. Then
//! a smaller window only costs rate. So a window that is too small for the best rate of late goes
//! back to what carried it, and stays there for a while.

mod paths;
mod rate;

use core::time::Duration;

use lanspread_proto::PeerId;

use self::{paths::Paths, rate::BestRate};
use crate::time::{Instant, transfer_bytes};

/// The queue that is aimed at.
pub const TARGET: Duration = Duration::from_millis(2);
/// How often [`Governor::on_step`] is due while anything is on its way.
pub const STEP: Duration = Duration::from_millis(40);
/// Before anything is measured: fast enough for a gigabit, and half a buffer of a cheap switch.
const WINDOW_START: u64 = 256 * 1024;
/// What may be on the way beyond the cable itself: the queue that is aimed at, and what two busy
/// machines take to notice, to grant and to answer. More would only stand in queues.
const ANSWER_WITHIN: Duration = Duration::from_millis(5);
/// The least, whatever is measured.
const WINDOW_MIN: u64 = 96 * 1024;
/// Of the best rate of late so many per cent must be left by a smaller window ...
const KEPT_PERCENT: u64 = 85;
/// ... or it grows again until so many are, ...
const RESTORED_PERCENT: u64 = 97;
/// ... and is left alone for so long.
const REST: Duration = Duration::from_secs(3);
/// Without an answer to any probe, for who does not know them.
const WINDOW_BLIND: u64 = 4 * 1024 * 1024;
/// The window of one machine.
#[derive(Debug, Clone)]
pub struct Governor {
    window: u64,
    most: u64,
    paths: Paths,
    heard_at: Instant,
    rate: BestRate,
    /// The window of the best rate.
    held: u64,
    /// It was shrunk too far, and goes back.
    restoring: bool,
    /// It does not shrink before.
    rest_until: Instant,
}

impl Governor {
    /// A window of at most so many bytes.
    #[must_use]
    pub fn new(now: Instant, most: u64) -> Self {
        Self {
            window: WINDOW_START.min(most),
            most,
            paths: Paths::default(),
            heard_at: now,
            rate: BestRate::new(now),
            held: WINDOW_START.min(most),
            restoring: false,
            rest_until: now,
        }
    }

    /// A probe came back after so long.
    pub fn on_round_trip(&mut self, now: Instant, peer: PeerId, trip: Duration) {
        self.heard_at = now;
        self.paths.on_delay(now, peer, trip);
    }

    /// A peer left, or sends no more.
    pub fn forget(&mut self, peer: PeerId) {
        self.paths.forget(peer);
    }

    /// Bytes arrived.
    pub fn on_bytes(&mut self, now: Instant, bytes: u64) {
        if self.rate.on_bytes(now, bytes) {
            self.held = self.window.min(self.most_useful(now));
        }
    }

    /// Nothing was on its way until now: silence before says nothing.
    pub const fn on_start(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Looks at what was measured; `full` when most of the window is in use. Due every [`STEP`].
    pub fn on_step(&mut self, now: Instant, full: bool) -> u64 {
        let wish = match self.queueing(now) {
            Some(queue) if queue > TARGET => self.yielding(now, queue, full),
            Some(_) if !full => self.window,
            Some(queue) if queue > TARGET / 2 => self.window + self.window / 32,
            Some(_) => self.window + self.window / 4,
            None if now.since(self.heard_at) > Duration::from_secs(1) => {
                (self.window + self.window / 4).min(WINDOW_BLIND.max(self.window))
            }
            None => self.window,
        };
        let wish = match self.restoring {
            true => wish,
            false => wish.min(self.enough(now)),
        };
        self.window = wish.max(self.needed(now)).min(self.most);
        self.window
    }

    /// The queue is too long: a smaller window, unless that costs rate instead.
    fn yielding(&mut self, now: Instant, queue: Duration, full: bool) -> u64 {
        let (best, lately) = (self.rate.best(now), self.rate.lately());
        let kept = |percent| lately.saturating_mul(100) >= best.saturating_mul(percent);
        if self.restoring {
            self.restoring = !kept(RESTORED_PERCENT) && self.window < self.held;
            self.rest_until = now + REST;
        } else if full && !kept(KEPT_PERCENT) && self.window < self.held {
            self.restoring = true;
        }
        if self.restoring {
            return (self.window + self.window / 4).min(self.held);
        }
        match kept(KEPT_PERCENT) && now >= self.rest_until {
            true => shrunk(self.window, queue),
            false => self.window,
        }
    }

    /// The window.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// How long our own queue is: what every way has in common. `None` while nothing is known.
    #[must_use]
    pub fn queueing(&self, now: Instant) -> Option<Duration> {
        self.paths.queueing(now)
    }

    /// What the best rate of late has a use for: no measured queue is a reason for more.
    fn enough(&self, now: Instant) -> u64 {
        match self.rate.best(now) {
            0 => self.most,
            best => transfer_bytes(self.paths.base() + ANSWER_WITHIN, best),
        }
    }

    /// No machine is so busy that it could use more.
    fn most_useful(&self, now: Instant) -> u64 {
        transfer_bytes(self.paths.base() + ANSWER_WITHIN * 4, self.rate.best(now)).max(WINDOW_START)
    }

    /// What the best rate of late needs on the way, with a queue as aimed at.
    fn needed(&self, now: Instant) -> u64 {
        let trip = self.paths.base() + TARGET * 2;
        transfer_bytes(trip, self.rate.best(now)).max(WINDOW_MIN)
    }
}

/// As much less as the queue is too long, a third at most.
fn shrunk(window: u64, queue: Duration) -> u64 {
    let excess = queue.saturating_sub(TARGET).as_nanos();
    let part = u128::from(window) * excess / queue.as_nanos().max(1);
    window - u64::try_from(part).unwrap_or(u64::MAX).min(window / 3)
}

#[cfg(test)]
mod tests;
