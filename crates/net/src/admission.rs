//! [`Admission`]: how many strangers may be in the door at once, and how many guests in the house,
//! in all and per source address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::limits;

/// Counts the handshakes in progress, or the links that are open.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    per_source_max: usize,
    sources: Mutex<HashMap<IpAddr, usize>>,
}

/// One of them; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    source: IpAddr,
}

impl Admission {
    /// For handshakes.
    pub(crate) fn of_handshakes() -> Arc<Self> {
        Self::new(limits::HANDSHAKES_MAX, limits::HANDSHAKES_PER_SOURCE_MAX)
    }

    /// For accepted links.
    pub(crate) fn of_links() -> Arc<Self> {
        Self::new(limits::LINKS_MAX, limits::LINKS_PER_SOURCE_MAX)
    }

    fn new(max: usize, per_source_max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            per_source_max,
            sources: Mutex::default(),
        })
    }

    /// A ticket, or `None` if the source or all together have as many as they may.
    ///
    /// Programs on this machine are not limited per source: a demo is many peers at one address.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr) -> Option<Ticket> {
        let source = source.to_canonical();
        let mut sources = self.lock();
        let all: usize = sources.values().sum();
        let of_source = sources.get(&source).copied().unwrap_or(0);
        let crowded = of_source >= self.per_source_max && !source.is_loopback();
        if all >= self.max || crowded {
            return None;
        }
        sources.insert(source, of_source + 1);
        drop(sources);
        Some(Ticket {
            admission: Arc::clone(self),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut sources = self.admission.lock();
        match sources.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_and_all_together_are_limited() {
        let admission = Admission::of_handshakes();
        let source = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut tickets: Vec<Ticket> = (0..limits::HANDSHAKES_PER_SOURCE_MAX)
            .map(|_| admission.admit(source(1)).unwrap())
            .collect();
        assert!(admission.admit(source(1)).is_none());
        assert!(
            admission
                .admit("::ffff:10.0.0.1".parse().unwrap())
                .is_none()
        );
        while tickets.len() < limits::HANDSHAKES_MAX {
            let last = 2 + u8::try_from(tickets.len() / 8).unwrap();
            tickets.push(admission.admit(source(last)).unwrap());
        }
        assert!(admission.admit(source(200)).is_none());
        tickets.pop();
        assert!(admission.admit(source(200)).is_some());
        tickets.clear();
        assert!(admission.lock().is_empty());
    }

    #[test]
    fn one_source_cannot_take_every_place() {
        let admission = Admission::of_links();
        let source = |last: u8| IpAddr::from([10, 0, 0, last]);
        let greedy: Vec<Ticket> = std::iter::from_fn(|| admission.admit(source(1))).collect();
        assert_eq!(greedy.len(), limits::LINKS_PER_SOURCE_MAX);
        assert!(admission.admit(source(2)).is_some());
        // A demo is many peers at one address.
        let here = IpAddr::from([127, 0, 0, 1]);
        let demo: Vec<Ticket> = std::iter::from_fn(|| admission.admit(here)).collect();
        assert_eq!(demo.len(), limits::LINKS_MAX - greedy.len());
    }
}
