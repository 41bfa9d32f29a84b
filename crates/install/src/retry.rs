//! How long to wait for somebody who holds a file: an antivirus program lets go within seconds, a
//! running game does not.

use core::time::Duration;

/// Tries after the first.
pub const RETRIES_MAX: u32 = 20;
const DELAY_MIN: Duration = Duration::from_millis(10);
const DELAY_MAX: Duration = Duration::from_secs(2);

/// The waits between tries of one call: doubling from 10 ms to 2 s, under 30 s in all.
#[derive(Debug, Default)]
pub struct Backoff {
    retries: u32,
}

impl Backoff {
    /// How long to wait before the next try; `None` when it is time to give up.
    pub fn next_delay(&mut self) -> Option<Duration> {
        if self.retries >= RETRIES_MAX {
            return None;
        }
        let delay = DELAY_MIN.saturating_mul(1 << self.retries.min(16));
        self.retries += 1;
        Some(delay.min(DELAY_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_tries_within_half_a_minute() {
        let mut backoff = Backoff::default();
        let delays = core::iter::from_fn(|| backoff.next_delay());
        let (count, total) = delays.fold((0, Duration::ZERO), |(count, total), delay| {
            (count + 1, total + delay)
        });
        assert_eq!(count, RETRIES_MAX);
        assert!(total < Duration::from_secs(30), "{total:?}");
        assert!(total > Duration::from_secs(10), "{total:?}");
    }
}
