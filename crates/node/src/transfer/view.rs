//! How a download stands, for the job that leads it.

use std::{collections::BTreeMap, sync::Arc};

use lanspread_proto::{PeerId, PieceSet};
use lanspread_swarm::{
    download::{Download, SourceState},
    progress::Progress,
    time::Instant,
};

use super::delivered::Delivered;

/// How a download stands.
#[derive(Debug, Clone)]
pub(crate) struct TransferView {
    pub(crate) state: SourceState,
    pub(crate) progress: Progress,
    /// Verified bytes and present rate by who sent them.
    pub(crate) sources: BTreeMap<PeerId, (u64, u64)>,
    pub(crate) active_peers: u32,
    /// Which part came from which of `sources`; see [`Delivered::cells`].
    pub(crate) map: Arc<[u16]>,
}

/// How a download stands now; `seen` is what was here at any time, where nothing is kept.
pub(super) fn view_of(
    download: &Download,
    (delivered, seen): (&Delivered, Option<&PieceSet>),
    now: Instant,
) -> TransferView {
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
    let in_order: Vec<PeerId> = sources.keys().copied().collect();
    let (state, progress) = (download.state(), download.progress(now));
    TransferView {
        state,
        progress,
        map: delivered.cells(seen.unwrap_or(download.have()), &in_order),
        sources,
        active_peers,
    }
}
