//! [`Queue`]: events by time; those of one time in the order in which they were made.

use std::collections::BTreeMap;

use lanspread_swarm::Instant;

/// Pending events. Invariant: time never goes back.
#[derive(Debug)]
pub struct Queue<E> {
    now: Instant,
    next: u64,
    events: BTreeMap<(Instant, u64), E>,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            now: Instant::ZERO,
            next: 0,
            events: BTreeMap::new(),
        }
    }
}

impl<E> Queue<E> {
    /// The time of the event that was taken last.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Adds an event; one in the past happens now.
    pub fn at(&mut self, time: Instant, event: E) {
        self.events.insert((time.max(self.now), self.next), event);
        self.next += 1;
    }

    /// Takes the next event and moves time to it.
    pub fn take(&mut self) -> Option<E> {
        let ((time, _), event) = self.events.pop_first()?;
        self.now = time;
        Some(event)
    }

    /// Events taken or pending so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.next
    }
}
