//! [`Paths`]: how long packets wait on the ways to the peers that are probed.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use lanspread_proto::PeerId;

use crate::time::Instant;

/// Samples of one peer that are looked at; one of them in time is enough.
const SAMPLES: usize = 6;
/// Fewer say nothing.
const SAMPLES_MIN: usize = 3;
/// Older ones say nothing any more.
pub(super) const FRESH: Duration = Duration::from_millis(400);
/// The best time is that of the last one to two such spans: ways change.
const BASE_SPAN: Duration = Duration::from_secs(20);

/// The ways to all probed peers.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    paths: BTreeMap<PeerId, Path>,
}

impl Paths {
    /// A probe took so long.
    pub(super) fn on_delay(&mut self, now: Instant, peer: PeerId, delay: Duration) {
        let path = self.paths.entry(peer).or_insert_with(|| Path::new(now));
        path.on_delay(now, delay);
    }

    pub(super) fn forget(&mut self, peer: PeerId) {
        self.paths.remove(&peer);
    }

    /// What every way has in common is the queue of this machine. `None` while nothing is known.
    pub(super) fn queueing(&self, now: Instant) -> Option<Duration> {
        let queues = self.paths.values().filter_map(|path| path.queueing(now));
        queues.min()
    }

    /// The best time of the shortest way.
    pub(super) fn base(&self) -> Duration {
        let best = self.paths.values().map(Path::base).min();
        best.unwrap_or_default()
    }
}

/// The round trips to one peer.
#[derive(Debug, Clone)]
struct Path {
    recent: VecDeque<(Instant, Duration)>,
    /// The best of this span, and of the one before.
    best: (Duration, Duration),
    span_from: Instant,
}

impl Path {
    fn new(now: Instant) -> Self {
        Self {
            recent: VecDeque::with_capacity(SAMPLES),
            best: (Duration::MAX, Duration::MAX),
            span_from: now,
        }
    }

    fn on_delay(&mut self, now: Instant, delay: Duration) {
        if now.since(self.span_from) > BASE_SPAN {
            self.span_from = now;
            self.best = (Duration::MAX, self.best.0);
        }
        self.best.0 = self.best.0.min(delay);
        if self.recent.len() == SAMPLES {
            self.recent.pop_front();
        }
        self.recent.push_back((now, delay));
    }

    fn base(&self) -> Duration {
        self.best.0.min(self.best.1)
    }

    /// A queue delays every probe, a late wake-up one of them.
    fn queueing(&self, now: Instant) -> Option<Duration> {
        let fresh = self.recent.iter().filter(|(at, _)| now.since(*at) < FRESH);
        let trips = fresh.map(|(_, trip)| *trip);
        let enough = trips.clone().count() >= SAMPLES_MIN;
        let least = trips.min().filter(|_| enough)?;
        Some(least.saturating_sub(self.base()))
    }
}
