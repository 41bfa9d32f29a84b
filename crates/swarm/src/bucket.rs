//! [`Bucket`]: at most a rate on average, at most a burst at once.

use core::time::Duration;

use lanspread_proto::limits;

use crate::time::{Instant, transfer_time};

/// A token bucket. Invariant: never more than `burst` tokens.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Time in which one token comes back.
    interval: Duration,
    burst: u32,
    /// When the bucket would be full if nothing more were taken.
    full_at: Instant,
}

impl Bucket {
    /// A full bucket of `burst` tokens that regains `count` of them per `span`.
    #[must_use]
    pub fn new(count: u32, span: Duration, burst: u32) -> Self {
        Self {
            interval: span / count.max(1),
            burst,
            full_at: Instant::ZERO,
        }
    }

    /// The bucket of a peer's hello and library messages.
    #[must_use]
    pub fn control() -> Self {
        Self::new(
            limits::CONTROL_RATE_PER_SECOND,
            Duration::from_secs(1),
            limits::CONTROL_BURST,
        )
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        if self.ready_at() > now {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.interval;
        true
    }

    /// From when on there is a token.
    #[must_use]
    pub fn ready_at(&self) -> Instant {
        let slack = self.interval.saturating_mul(self.burst.saturating_sub(1));
        let slack = u64::try_from(slack.as_nanos()).unwrap_or(u64::MAX);
        Instant::from_nanos(self.full_at.as_nanos().saturating_sub(slack))
    }
}

/// A byte rate limit by a person: `None` rate means no limit.
#[derive(Debug, Clone, Default)]
pub struct ByteLimit {
    bytes_per_second: Option<u64>,
    free_at: Instant,
}

impl ByteLimit {
    /// At most so many bytes per second; `None` for no limit.
    #[must_use]
    pub const fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second,
            free_at: Instant::ZERO,
        }
    }

    /// Changes the rate.
    pub const fn set(&mut self, bytes_per_second: Option<u64>) {
        self.bytes_per_second = bytes_per_second;
    }

    /// Counts bytes that go now. Up to 50 ms may go at once.
    pub fn spend(&mut self, now: Instant, bytes: u64) {
        if let Some(rate) = self.bytes_per_second {
            self.free_at = self.free_at.max(now) + transfer_time(bytes, rate);
        }
    }

    /// When the next bytes may go.
    #[must_use]
    pub fn ready_at(&self) -> Instant {
        if self.bytes_per_second.is_none() {
            return Instant::ZERO;
        }
        Instant::from_nanos(self.free_at.as_nanos().saturating_sub(50_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn burst_then_rate() {
        let mut bucket = Bucket::new(20, Duration::from_secs(1), 100);
        assert_eq!((0..200).filter(|_| bucket.take(at(1_000))).count(), 100);
        assert_eq!((0..200).filter(|_| bucket.take(at(2_000))).count(), 20);
        assert_eq!(bucket.ready_at(), at(2_050));
        assert_eq!((0..200).filter(|_| bucket.take(at(60_000))).count(), 100);
    }

    #[test]
    fn bytes() {
        let mut limit = ByteLimit::new(Some(1_000_000));
        let mut sent = 0_u64;
        let mut now = at(0);
        while now < at(10_000) {
            limit.spend(now, 16_384);
            sent += 16_384;
            now = now.max(limit.ready_at());
        }
        assert!((9_900_000..10_200_000).contains(&sent), "{sent}");
        assert_eq!(ByteLimit::default().ready_at(), Instant::ZERO);
    }
}
