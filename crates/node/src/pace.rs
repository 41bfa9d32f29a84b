//! [`Pace`]: the limits on what is sent and received that a person set.
//!
//! Invariant: over any time the bytes that passed are at most the rate times that time, plus one
//! passage; a limit that is changed holds from the next passage on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::config::Settings;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From us.
    Up,
    /// To us.
    Down,
}

/// One limit, shared by all lanes of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    way: Way,
    settings: watch::Receiver<Settings>,
    start: Instant,
    /// When the line is free again, in nanoseconds since the start.
    free_at: Arc<AtomicU64>,
}

impl Pace {
    pub(crate) fn new(way: Way, settings: watch::Receiver<Settings>) -> Self {
        Self {
            way,
            settings,
            start: Instant::now(),
            free_at: Arc::default(),
        }
    }

    /// A limit is set.
    pub(crate) fn is_limited(&self) -> bool {
        self.rate().is_some()
    }

    /// Waits until so many bytes may pass. Without a limit it does not wait.
    pub(crate) async fn pass(&self, bytes: u32) {
        let Some(rate) = self.rate() else { return };
        let cost = u64::from(bytes).saturating_mul(1_000_000_000) / rate;
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let take = |free: u64| Some(free.max(now).saturating_add(cost));
        let turn = self
            .free_at
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .unwrap_or(now)
            .max(now);
        tokio::time::sleep_until(self.start + Duration::from_nanos(turn)).await;
    }

    /// Bytes per second, if there is a limit; 0 is taken as the slowest there is.
    pub(crate) fn rate(&self) -> Option<u64> {
        let settings = self.settings.borrow();
        let rate = match self.way {
            Way::Up => settings.up_rate_max,
            Way::Down => settings.down_rate_max,
        };
        rate.map(|rate| rate.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_and_may_change() {
        let limited = |rate| Settings {
            up_rate_max: rate,
            ..Settings::default()
        };
        let (settings, seen) = watch::channel(limited(Some(1_000_000)));
        let pace = Pace::new(Way::Up, seen);
        let begun = Instant::now();
        for _ in 0..10 {
            pace.pass(100_000).await;
        }
        // The first passes at once.
        assert_eq!(begun.elapsed().as_millis(), 900);
        settings.send_replace(limited(None));
        let begun = Instant::now();
        pace.pass(u32::MAX).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
