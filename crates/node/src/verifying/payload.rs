//! Mends a payload: the bad chunks come from peers, the rest of each damaged file from itself.

use std::sync::Arc;

use lanspread_disk::{
    boot::BootId,
    execute::{self, Brings, CommitDownload},
    hashing::Progress,
    observe::GamePlaces,
    partial::{PartialContent, PartialSpec},
    verify::PayloadCheck,
};
use lanspread_proto::PieceSet;

use super::Payload;
use crate::{
    committing::{self, JobHooks},
    download::{self, Agreed, store_error},
    error::OperationError,
    jobs::{Job, JobPorts},
    room,
    snapshot::Phase,
};

/// Brings a payload to what it should be.
pub(super) async fn mend(
    ports: &JobPorts,
    job: &Job,
    (places, payload): (&GamePlaces, &Payload),
    check: &PayloadCheck,
) -> Result<(), OperationError> {
    let agreed = &payload.agreed;
    if check.damaged.is_empty() {
        return believe(ports, job, (places, agreed), check.clone()).await;
    }
    let content = agreed.manifest.content();
    ports.shelf.rotten(job.game.clone(), content).await;
    reserve(ports, job, agreed, check).await?;
    job.enter(Phase::Adopting).await;
    let (partial, have) = begin(ports, job, agreed, check).await?;
    let partial = Arc::new(partial);
    let fetched = match job.control.check() {
        Ok(()) => download::fetch_missing(ports, job, agreed, (&partial, have)).await,
        Err(error) => Err(error),
    };
    if let Err(error) = fetched {
        discard(ports, job, partial).await;
        return Err(error);
    }
    // From here on what was fetched belongs to the transaction, which may have to wait.
    commit(ports, job, (places, payload), &partial).await?;
    if let Err(error) = ports.blocking(move || partial.retire()).await? {
        tracing::warn!(game = %job.game, %error, "the journal of a repair stays");
    }
    let repaired = check.clone().after_repair(&agreed.manifest);
    believe(ports, job, (places, agreed), repaired).await
}

/// The payload is known to be what it should, so nobody need hash it; unless somebody changed it
/// since it was read.
async fn believe(
    ports: &JobPorts,
    job: &Job,
    (places, agreed): (&GamePlaces, &Agreed),
    check: PayloadCheck,
) -> Result<(), OperationError> {
    let (disk, root) = (Arc::clone(&ports.disk), places.game_root.clone());
    let manifest = Arc::clone(&agreed.manifest);
    let holds = move || check.still_holds(disk.as_ref(), &root, &manifest);
    if ports.blocking(holds).await? {
        ports
            .shelf
            .committed(job.game.clone(), agreed.clone())
            .await;
    }
    Ok(())
}

async fn reserve(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    check: &PayloadCheck,
) -> Result<(), OperationError> {
    let files = agreed.manifest.files();
    let damaged = check.damaged.iter();
    let sizes = damaged.filter_map(|index| files.get(index.as_usize()).map(|entry| entry.bytes));
    room::reserve_bytes(ports, job, sizes.sum()).await
}

async fn begin(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    check: &PayloadCheck,
) -> Result<(PartialContent, PieceSet), OperationError> {
    let spec = PartialSpec {
        disk: Arc::clone(&ports.disk),
        game_root: ports.game_root(&job.game),
        partials: ports.state.partials(),
        manifest: Arc::clone(&agreed.manifest),
        chunk_map: Arc::clone(&agreed.chunk_map),
        boot: BootId::current(),
    };
    let progress = Arc::new(Progress::default());
    let (counted, damaged) = (Arc::clone(&progress), check.damaged.clone());
    let mut work =
        Box::pin(ports.blocking(move || PartialContent::repair(spec, &damaged, &counted)));
    let begun = tokio::select! {
        begun = &mut work => begun?,
        () = job.control.cancel.cancelled() => {
            progress.cancel();
            work.await?
        }
    };
    begun.map_err(|error| store_error(&job.game, error))
}

async fn commit(
    ports: &JobPorts,
    job: &Job,
    (places, payload): (&GamePlaces, &Payload),
    partial: &Arc<PartialContent>,
) -> Result<(), OperationError> {
    job.enter(Phase::Committing).await;
    let finishing = Arc::clone(partial);
    let finished = ports.blocking(move || finishing.finish()).await?;
    finished.map_err(|error| store_error(&job.game, error))?;
    let seen = payload.open.as_ref().map(|open| open.seen().clone());
    let mut hooks = JobHooks::new(ports, job, seen);
    let (disk, places) = (Arc::clone(&ports.disk), places.clone());
    let manifest = Arc::clone(&payload.agreed.manifest);
    let transaction = committing::transaction_id();
    let done = ports
        .blocking(move || {
            let download = CommitDownload {
                transaction,
                manifest: &manifest,
                // Only what is of this content is ours; all else that is in the way is kept.
                old_manifest: Some(&manifest),
                brings: Brings::Repairs,
            };
            execute::commit_download(disk.as_ref(), &places, download, &mut hooks)
        })
        .await?;
    committing::settle(ports, job, done).await
}

/// A repair that did not come to its end begins anew the next time: the damage may be another one.
async fn discard(ports: &JobPorts, job: &Job, partial: Arc<PartialContent>) {
    let control = job.control.clone();
    let discarded = ports
        .blocking(move || match download::take_alone(partial, &control) {
            Ok(alone) => alone.discard(),
            // Left for the next repair, which discards it.
            Err(_shared) => Ok(()),
        })
        .await;
    if let Ok(Err(error)) = discarded {
        tracing::warn!(game = %job.game, %error, "what a repair fetched could not be put away");
    }
}
