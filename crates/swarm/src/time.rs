//! Time as an argument: nobody on this floor can read a clock.

use core::{
    ops::{Add, AddAssign},
    time::Duration,
};

/// A point in time: nanoseconds since an origin that the caller chose. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const FAR: Self = Self(u64::MAX);

    /// So many nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

/// How long so many bytes take at so many bytes per second; an hour at most, so that sums fit.
#[must_use]
pub fn transfer_time(bytes: u64, bytes_per_second: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second.max(1));
    let hour = Duration::from_secs(3_600);
    u64::try_from(nanos).map_or(hour, |nanos| Duration::from_nanos(nanos).min(hour))
}

/// How many bytes go through in a span at so many bytes per second.
#[must_use]
pub fn transfer_bytes(span: Duration, bytes_per_second: u64) -> u64 {
    let bytes = span.as_nanos().saturating_mul(u128::from(bytes_per_second)) / 1_000_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let later = Instant::ZERO + Duration::from_secs(2);
        assert_eq!(later.since(Instant::ZERO), Duration::from_secs(2));
        assert_eq!(Instant::ZERO.since(later), Duration::ZERO);
        assert_eq!(Instant::FAR + Duration::MAX, Instant::FAR);
        assert_eq!(transfer_time(500, 1_000), Duration::from_millis(500));
        assert_eq!(transfer_time(u64::MAX, 0), Duration::from_secs(3_600));
        assert_eq!(transfer_bytes(Duration::from_millis(500), 1_000), 500);
    }
}
