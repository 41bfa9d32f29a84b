//! How a download stands, for the job that leads it.

use std::collections::BTreeMap;

use lanspread_proto::PeerId;
use lanspread_swarm::{
    download::{Download, SourceState},
    progress::Progress,
    time::Instant,
};

/// How a download stands.
#[derive(Debug, Clone)]
pub(crate) struct TransferView {
    pub(crate) state: SourceState,
    pub(crate) progress: Progress,
    /// Verified bytes and present rate by who sent them.
    pub(crate) sources: BTreeMap<PeerId, (u64, u64)>,
    pub(crate) active_peers: u32,
}

/// How a download stands now.
pub(super) fn view_of(download: &Download, now: Instant) -> TransferView {
    let mut sources: BTreeMap<PeerId, (u64, u64)> = download
        .bytes_by_peer()
        .iter()
        .map(|(peer, bytes)| (*peer, (*bytes, 0)))
        .collect();
    let mut active_peers = 0;
    for (peer, rate) in download.active_peers(now) {
        sources.entry(peer).or_default().1 = rate;
        active_peers += 1;
    }
    let (state, progress) = (download.state(), download.progress(now));
    TransferView {
        state,
        progress,
        sources,
        active_peers,
    }
}
