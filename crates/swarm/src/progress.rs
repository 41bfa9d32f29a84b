//! Rates, and the time that is left.

use alloc::collections::BTreeMap;
use core::time::Duration;

use lanspread_proto::PeerId;

use crate::time::{Instant, transfer_time};

/// A sample of the rate is taken over at least this long.
const SAMPLE: Duration = Duration::from_millis(100);
/// Without bytes for this long a rate is shown as nothing.
const QUIET: Duration = Duration::from_secs(3);

/// A smoothed rate that counts only the time in which something was due.
#[derive(Debug, Clone)]
pub struct Meter {
    bytes_per_second: Option<u64>,
    bytes: u64,
    since: Instant,
}

impl Meter {
    /// Knows nothing yet.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            bytes_per_second: None,
            bytes: 0,
            since: now,
        }
    }

    /// Something is due from now on: the idle time before does not count.
    pub const fn on_due(&mut self, now: Instant) {
        self.bytes = 0;
        self.since = now;
    }

    /// Bytes came.
    pub fn on_bytes(&mut self, now: Instant, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let span = now.since(self.since);
        if span < SAMPLE {
            return;
        }
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
        let sample = self.bytes.saturating_mul(1_000_000) / micros;
        self.bytes_per_second = Some(match self.bytes_per_second {
            None => sample,
            Some(rate) => rate - rate / 4 + sample / 4,
        });
        self.on_due(now);
    }

    /// Bytes per second; `None` before the first sample.
    #[must_use]
    pub const fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second
    }

    /// The rate for people: nothing when nothing came for a while.
    #[must_use]
    pub fn shown(&self, now: Instant) -> u64 {
        if now.since(self.since) > QUIET {
            return 0;
        }
        self.bytes_per_second.unwrap_or(0)
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Verified and stored bytes.
    pub done_bytes: u64,
    /// Bytes of the content.
    pub total_bytes: u64,
    /// Bytes per second, smoothed.
    pub bytes_per_second: u64,
    /// What is left at this rate; `None` when nothing moves.
    pub time_left: Option<Duration>,
}

/// Counts what came, and from whom.
#[derive(Debug, Clone)]
pub struct Tally {
    meter: Meter,
    done_bytes: u64,
    total_bytes: u64,
    by_peer: BTreeMap<PeerId, u64>,
}

impl Tally {
    /// Starts with what is there already.
    #[must_use]
    pub const fn new(now: Instant, done_bytes: u64, total_bytes: u64) -> Self {
        Self {
            meter: Meter::new(now),
            done_bytes,
            total_bytes,
            by_peer: BTreeMap::new(),
        }
    }

    /// Bytes arrived.
    pub fn on_bytes(&mut self, now: Instant, bytes: u64) {
        self.meter.on_bytes(now, bytes);
    }

    /// A piece is stored; `from` is empty for a local one.
    pub fn on_stored(&mut self, from: Option<PeerId>, bytes: u64) {
        self.done_bytes = self.done_bytes.saturating_add(bytes);
        if let Some(peer) = from {
            let sum = self.by_peer.entry(peer).or_default();
            *sum = sum.saturating_add(bytes);
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self, now: Instant) -> Progress {
        let rate = self.meter.shown(now);
        let left = self.total_bytes.saturating_sub(self.done_bytes);
        Progress {
            done_bytes: self.done_bytes,
            total_bytes: self.total_bytes,
            bytes_per_second: rate,
            time_left: (rate > 0).then(|| transfer_time(left, rate)),
        }
    }

    /// Bytes per second of late.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.meter.bytes_per_second().unwrap_or(0)
    }

    /// Bytes of the content.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Stored bytes by who sent them.
    #[must_use]
    pub const fn by_peer(&self) -> &BTreeMap<PeerId, u64> {
        &self.by_peer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn rate_follows_and_idle_time_does_not_count() {
        let mut meter = Meter::new(at(0));
        (1..100).for_each(|i| meter.on_bytes(at(i * 10), 10_000));
        assert_eq!(meter.bytes_per_second(), Some(1_000_000));
        meter.on_due(at(60_000));
        (1..100).for_each(|i| meter.on_bytes(at(60_000 + i * 10), 20_000));
        let rate = meter.bytes_per_second().unwrap();
        assert!((1_800_000..=2_000_000).contains(&rate), "{rate}");
        assert_eq!(meter.shown(at(90_000)), 0);
    }

    #[test]
    fn time_left() {
        let mut tally = Tally::new(at(0), 1_000_000, 11_000_000);
        let peer = PeerId::from_bytes([1; 32]);
        (1..=10).for_each(|i| {
            tally.on_bytes(at(i * 100), 100_000);
            tally.on_stored(Some(peer), 100_000);
        });
        let progress = tally.progress(at(1_000));
        assert_eq!(progress.done_bytes, 2_000_000);
        assert_eq!(progress.time_left, Some(Duration::from_secs(9)));
        assert_eq!(tally.by_peer().get(&peer), Some(&1_000_000));
        assert_eq!(tally.progress(at(9_000)).time_left, None);
    }
}
