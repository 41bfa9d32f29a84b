//! Equal chunks that are on this machine already are not fetched.

use std::sync::Arc;

use lanspread_disk::{Place, hashing::Progress, partial::PartialContent};
use lanspread_proto::{Manifest, PieceSet};

use super::{DownloadSpec, bytes_of, store_error};
use crate::{
    error::OperationError,
    jobs::{Job, JobPorts},
    snapshot::Phase,
    transfer::chunks_finished,
};

/// Adopted pieces that are told of in one go: far below what a reader may be behind.
const TOLD_AT_ONCE: usize = 64;

/// Takes equal chunks from the old version and from the directory that was named.
pub(super) async fn adopt(
    ports: &JobPorts,
    job: &Job,
    spec: &DownloadSpec,
    partial: &Arc<PartialContent>,
    mut have: PieceSet,
) -> Result<PieceSet, OperationError> {
    let old = ports.game_root(&job.game);
    let named = spec.from.as_deref().map(Place::root);
    let manifest = Arc::clone(partial.manifest());
    for source in named.into_iter().chain([old]) {
        if have.is_full() {
            break;
        }
        job.enter(Phase::Adopting).await;
        let progress = Arc::new(Progress::default());
        let (partial, counted) = (Arc::clone(partial), Arc::clone(&progress));
        let work = ports.blocking(move || partial.adopt_from(&source, &counted));
        let gained = tokio::select! {
            gained = work => gained?,
            error = job.control.interrupted() => {
                // The work on the other thread ends at its next chunk.
                progress.cancel();
                return Err(error);
            }
        };
        let gained = gained.map_err(|error| store_error(&job.game, error))?;
        job.room.wrote(bytes_of(&manifest, &gained));
        tell_adopted(ports, job, &manifest, &gained).await;
        have.extend(gained.iter());
    }
    Ok(have)
}

/// Chunks that were found here count like those that arrive, so that all notices add up to the
/// payload. Readers get their turn in between.
async fn tell_adopted(ports: &JobPorts, job: &Job, manifest: &Manifest, gained: &PieceSet) {
    for (told, piece) in gained.iter().enumerate() {
        for notice in chunks_finished(manifest, piece, None) {
            // Nobody may be listening.
            drop(ports.transfer.notices.send(notice));
        }
        if told % TOLD_AT_ONCE == TOLD_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
    }
    tracing::debug!(game = %job.game, pieces = gained.iter().count(), "chunks were found here");
}
