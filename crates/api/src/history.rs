//! [`History`]: what came from and went to each peer within the last minutes, for charts that are
//! complete at once when a page is opened.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use lanspread_node::snapshot::PeerView;
use lanspread_proto::PeerId;

use crate::types::reply::PeerHistory;

/// Time between two samples.
pub(crate) const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// Samples that are kept.
const SAMPLES_MAX: usize = 120;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct History {
    peers: BTreeMap<PeerId, Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    /// Totals at the last sample: received and sent.
    totals: (u64, u64),
    /// Differences between samples, the newest last.
    samples: VecDeque<(u64, u64)>,
}

impl History {
    /// Takes one sample. A peer that is gone, or has exchanged nothing, goes out of it.
    pub(crate) fn sample(&mut self, peers: &[PeerView]) {
        let known = peers.iter().filter_map(|view| Some((view.peer?, view)));
        let mut next = BTreeMap::new();
        for (peer, view) in known {
            let totals = (view.received_bytes, view.sent_bytes);
            // The first look at a peer tells no rate.
            let mut traffic = self.peers.remove(&peer).unwrap_or_else(|| Traffic {
                totals,
                samples: VecDeque::new(),
            });
            traffic.add(totals);
            next.insert(peer, traffic);
        }
        self.peers = next;
    }

    /// Peers that something came from or went to.
    pub(crate) fn peers(&self) -> Vec<PeerHistory> {
        let moving = self.peers.iter().filter(|(_, traffic)| traffic.is_any());
        moving
            .map(|(peer, traffic)| PeerHistory {
                peer: peer.to_string(),
                received: traffic.samples.iter().map(|sample| sample.0).collect(),
                sent: traffic.samples.iter().map(|sample| sample.1).collect(),
            })
            .collect()
    }
}

impl Traffic {
    fn add(&mut self, totals: (u64, u64)) {
        let since = |now: u64, before: u64| now.saturating_sub(before);
        let sample = (
            since(totals.0, self.totals.0),
            since(totals.1, self.totals.1),
        );
        self.totals = totals;
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    fn is_any(&self) -> bool {
        self.samples.iter().any(|sample| *sample != (0, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_node::tests as sample;

    fn peer(number: u8, received_bytes: u64, sent_bytes: u64) -> PeerView {
        PeerView {
            peer: Some(PeerId::from_bytes([number; 32])),
            received_bytes,
            sent_bytes,
            ..sample::snapshot().peers.remove(0)
        }
    }

    #[test]
    fn differences_are_kept() {
        let mut history = History::default();
        history.sample(&[peer(1, 500, 0), peer(2, 0, 0)]);
        assert_eq!(history.peers(), [], "the first look tells no rate");
        history.sample(&[peer(1, 700, 9), peer(2, 0, 0)]);
        history.sample(&[peer(1, 700, 10), peer(2, 0, 0)]);
        let peers = history.peers();
        assert_eq!(peers.len(), 1, "who exchanged nothing is left out");
        assert_eq!(peers[0].received, [0, 200, 0]);
        assert_eq!(peers[0].sent, [0, 9, 1]);
        history.sample(&[peer(2, 0, 0)]);
        assert_eq!(history.peers(), [], "who is gone is gone");
    }

    #[test]
    fn history_is_bounded() {
        let mut history = History::default();
        for second in 0..1_000 {
            history.sample(&[peer(1, second, 0)]);
        }
        assert_eq!(history.peers()[0].received, vec![1; SAMPLES_MAX]);
    }
}
