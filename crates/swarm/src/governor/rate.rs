//! [`BestRate`]: the best rate of late, which tells what a window or a limit has cost.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Instant;

/// The rate is the best of so many bins ...
const BINS: usize = 40;
/// ... of this length.
const BIN: Duration = Duration::from_millis(250);
/// Bins that tell the present rate.
const LATELY: usize = 3;

/// The best rate of the last ten seconds.
#[derive(Debug, Clone)]
pub(super) struct BestRate {
    bins: VecDeque<u64>,
    bytes: u64,
    from: Instant,
}

impl BestRate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            bins: VecDeque::with_capacity(BINS),
            bytes: 0,
            from: now,
        }
    }

    /// `true` when the bin that ended is the best.
    pub(super) fn on_bytes(&mut self, now: Instant, bytes: u64) -> bool {
        let span = now.since(self.from);
        let ends = span >= BIN;
        if ends {
            let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
            if self.bins.len() == BINS {
                self.bins.pop_front();
            }
            self.bins
                .push_back(self.bytes.saturating_mul(1_000_000) / micros);
            self.bytes = 0;
            self.from = now;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        ends && self.bins.back() == self.bins.iter().max()
    }

    /// Bytes per second of the last bins.
    pub(super) fn lately(&self) -> u64 {
        let last = self.bins.iter().rev().take(LATELY);
        let count = u64::try_from(last.len()).unwrap_or(1).max(1);
        last.sum::<u64>() / count
    }

    /// Bytes per second; nothing after a long silence.
    pub(super) fn best(&self, now: Instant) -> u64 {
        if now.since(self.from) > BIN * 40 {
            return 0;
        }
        self.bins.iter().copied().max().unwrap_or(0)
    }
}
