//! [`Queue`]: events by time; those of one time in the order in which they were made.

use std::{cmp::Reverse, collections::BinaryHeap};

use lanspread_swarm::Instant;

/// Pending events. Invariant: time never goes back.
#[derive(Debug)]
pub struct Queue<E> {
    now: Instant,
    next: u64,
    due: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    /// What is due, where the heap says; places are used again.
    events: Vec<Option<E>>,
    free: Vec<usize>,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            now: Instant::ZERO,
            next: 0,
            due: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
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
        let place = self.free.pop().unwrap_or(self.events.len());
        match self.events.get_mut(place) {
            Some(free) => *free = Some(event),
            None => self.events.push(Some(event)),
        }
        let due = (time.max(self.now), self.next, place);
        self.due.push(Reverse(due));
        self.next += 1;
    }

    /// Takes the next event and moves time to it.
    pub fn take(&mut self) -> Option<E> {
        let Reverse((time, _, place)) = self.due.pop()?;
        self.now = time;
        self.free.push(place);
        self.events.get_mut(place)?.take()
    }

    /// Events taken or pending so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.next
    }
}
