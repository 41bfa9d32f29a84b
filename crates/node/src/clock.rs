//! The only place where the household reads the clock.

use lanspread_swarm::time::Instant;

/// Turns the runtime's clock into the deciders' instants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }

    /// Now.
    pub(crate) fn now(&self) -> Instant {
        let nanos = self.start.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The runtime's instant for a decider's one.
    pub(crate) fn at(&self, instant: Instant) -> tokio::time::Instant {
        self.start + std::time::Duration::from_nanos(instant.as_nanos())
    }
}
