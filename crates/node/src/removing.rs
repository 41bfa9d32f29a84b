//! The jobs that take something away: `local/`, or the payload.

use std::sync::Arc;

use lanspread_disk::{
    content::SeenContent,
    execute::{self, Remove, Uninstall},
    launch, partial,
};
use lanspread_proto::Manifest;

use crate::{
    committing::{self, JobHooks},
    download::store_error,
    error::OperationError,
    handle::UserFiles,
    jobs::{Job, JobPorts},
    snapshot::Phase,
};

/// Starts taking `local/` away.
pub(crate) fn start_uninstall(ports: &JobPorts, job: Job, files: UserFiles) {
    let span = tracing::info_span!("uninstall", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = uninstall(&ports, &job, files);
        job.carry_out(ports.holding(&job, work)).await;
    });
}

async fn uninstall(ports: &JobPorts, job: &Job, files: UserFiles) -> Result<(), OperationError> {
    ports.until_closed(job).await?;
    job.enter(Phase::Removing).await;
    let places = committing::places(ports, &job.game).await?;
    let (disk, game_state) = (Arc::clone(&ports.disk), places.state.clone());
    let mut hooks = JobHooks::new(ports, job, None);
    let purge = files == UserFiles::Purge;
    let asked = Uninstall {
        transaction: committing::transaction_id(),
        purge,
    };
    let done = ports
        .blocking(move || execute::uninstall(disk.as_ref(), &places, asked, &mut hooks))
        .await?;
    committing::settle(ports, job, done).await?;
    // What was set and set up went with the game.
    let disk = Arc::clone(&ports.disk);
    let forget = move || launch::forget(disk.as_ref(), &game_state);
    Ok(ports.blocking(forget).await??)
}

/// Starts taking the payload away.
pub(crate) fn start_remove(ports: &JobPorts, job: Job, keep_installed: bool) {
    let span = tracing::info_span!("remove", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = remove(&ports, &job, keep_installed);
        job.carry_out(ports.holding(&job, work)).await;
    });
}

/// Starts deleting what an unfinished download left.
pub(crate) fn start_discard(ports: &JobPorts, job: Job) {
    let span = tracing::info_span!("discard", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = discard(&ports, &job);
        job.carry_out(ports.holding(&job, work)).await;
    });
}

/// Deletes it; the caller holds the game.
pub(crate) async fn discard(ports: &JobPorts, job: &Job) -> Result<(), OperationError> {
    let (disk, partials) = (Arc::clone(&ports.disk), ports.state.partials());
    let (game, root) = (job.game.clone(), ports.game_root(&job.game));
    let discarded = ports
        .blocking(move || partial::discard_left(disk.as_ref(), (&game, &root), &partials))
        .await?;
    discarded.map_err(|error| store_error(&job.game, error))
}

/// What is taken away, and what lies there as it was last seen. What was downloaded goes, and only
/// that: a file that a person put beside it stays, even where it makes another content of it, or
/// one that cannot be shared.
async fn payload_of(
    ports: &JobPorts,
    job: &Job,
) -> Result<(Arc<Manifest>, Option<SeenContent>), OperationError> {
    if let Ok(reference) = ports.shelf.reference(job.game.clone()).await {
        let there = reference.there.map(|there| there.seen().clone());
        let (disk, store) = (Arc::clone(&ports.disk), ports.state.manifests());
        let load = move || committing::load_manifest(disk.as_ref(), &store, reference.content);
        if let Some(manifest) = ports.blocking(load).await? {
            return Ok((Arc::new(manifest), there));
        }
    }
    let content = ports.shelf.content(job.game.clone()).await?;
    let payload = content.seen().clone();
    Ok((Arc::clone(payload.manifest()), Some(payload)))
}

async fn remove(ports: &JobPorts, job: &Job, keep_installed: bool) -> Result<(), OperationError> {
    let (manifest, payload) = payload_of(ports, job).await?;
    let places = committing::places(ports, &job.game).await?;
    let disk = Arc::clone(&ports.disk);
    let mut hooks = JobHooks::new(ports, job, payload);
    let transaction = committing::transaction_id();
    let done = ports
        .blocking(move || {
            let asked = Remove {
                transaction,
                manifest: &manifest,
                keep_installed,
            };
            execute::remove(disk.as_ref(), &places, asked, &mut hooks)?;
            // An empty directory is no game; one that holds anything stays.
            drop(disk.remove_dir(&places.game_root));
            Ok(())
        })
        .await?;
    committing::settle(ports, job, done).await?;
    ports.shelf.removed(job.game.clone()).await;
    Ok(())
}
