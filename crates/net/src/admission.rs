//! [`Admission`]: how many strangers may be in the door at once, in all and per source address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::limits;

/// Counts the handshakes in progress.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    sources: Mutex<HashMap<IpAddr, usize>>,
}

/// One handshake in progress; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    source: IpAddr,
}

impl Admission {
    /// A ticket, or `None` if the source or all together have as many as they may.
    ///
    /// Programs on this machine are not limited per source: a demo is many peers at one address.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr) -> Option<Ticket> {
        let source = source.to_canonical();
        let mut sources = self.lock();
        let all: usize = sources.values().sum();
        let of_source = sources.get(&source).copied().unwrap_or(0);
        let crowded = of_source >= limits::HANDSHAKES_PER_SOURCE_MAX && !source.is_loopback();
        if all >= limits::HANDSHAKES_MAX || crowded {
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
        let admission = Arc::new(Admission::default());
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
}
