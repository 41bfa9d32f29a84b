//! Runs transactions: makes a finished download the payload, and brings what was interrupted to an
//! end.

use std::{sync::Arc, time::Duration};

use lanspread_disk::{
    DiskError, Place, atomic_file,
    content::SeenContent,
    execute::{self, Brings, CommitDownload, Hooks, TransactionError},
    observe::GamePlaces,
    vfs::FileIdentity,
};
use lanspread_install::TransactionId;
use lanspread_proto::{ContentId, GameId, manifest::FileEntry};

use crate::{
    actor::Mailbox,
    download::Agreed,
    error::OperationError,
    exchange,
    games::JobControl,
    jobs::{Job, JobPorts},
    random,
    snapshot::Phase,
};

/// How often a transaction that waits for a game to be closed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Makes the payload in `.incoming/` the game's payload.
pub(crate) async fn commit(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
) -> Result<(), OperationError> {
    let places = places(ports, &job.game).await?;
    let content = ports.shelf.content(job.game.clone()).await.ok();
    let old = content.map(|content| content.seen().clone());
    let mut hooks = JobHooks::new(ports, job, old.clone());
    let (disk, new) = (Arc::clone(&ports.disk), Arc::clone(&agreed.manifest));
    let transaction = transaction_id();
    let done = ports
        .blocking(move || {
            let download = CommitDownload {
                transaction,
                manifest: &new,
                old_manifest: old.as_ref().map(|old| old.manifest().as_ref()),
                brings: Brings::Everything,
            };
            execute::commit_download(disk.as_ref(), &places, download, &mut hooks)
        })
        .await?;
    settle(ports, job, done).await?;
    ports
        .shelf
        .committed(job.game.clone(), agreed.clone())
        .await;
    Ok(())
}

/// Where a game lives; its directory in the state directory is made.
pub(crate) async fn places(ports: &JobPorts, game: &GameId) -> Result<GamePlaces, OperationError> {
    let places = GamePlaces {
        game_root: ports.game_root(game),
        state: ports.state.games().listed(game.as_str()),
    };
    let (disk, made) = (Arc::clone(&ports.disk), places.clone());
    let ensure = move || -> Result<(), DiskError> {
        if let Some(parent) = made.state.parent() {
            atomic_file::ensure_dir(disk.as_ref(), &parent)?;
        }
        atomic_file::ensure_dir(disk.as_ref(), &made.state)
    };
    ports.blocking(ensure).await??;
    Ok(places)
}

/// A transaction that waits because files are in use is tried until it works or the person gives
/// up; whatever else failed is the result.
pub(crate) async fn settle(
    ports: &JobPorts,
    job: &Job,
    done: Result<(), TransactionError>,
) -> Result<(), OperationError> {
    let mut result = done;
    while let Err(error) = &result {
        if !(error.is_waiting() && error.is_in_use()) {
            break;
        }
        job.enter(Phase::CloseTheGame).await;
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = job.control.cancel.cancelled() => return abandon(ports, job).await,
        }
        result = recover(ports, job).await?;
    }
    result.map_err(|error| transaction_error(&job.game, error))
}

/// Brings to an end, or undoes, what was interrupted; the caller holds the game.
pub(crate) async fn recover(
    ports: &JobPorts,
    job: &Job,
) -> Result<Result<(), TransactionError>, OperationError> {
    let places = places(ports, &job.game).await?;
    let (disk, manifests) = (Arc::clone(&ports.disk), ports.state.manifests());
    let mut hooks = JobHooks::new(ports, job, None);
    ports
        .blocking(move || {
            let load = |content: &ContentId| load_manifest(disk.as_ref(), &manifests, *content);
            execute::recover(disk.as_ref(), &places, &load, &mut hooks).map(|_| ())
        })
        .await
}

async fn abandon(ports: &JobPorts, job: &Job) -> Result<(), OperationError> {
    let places = places(ports, &job.game).await?;
    let disk = Arc::clone(&ports.disk);
    let mut hooks = JobHooks::new(ports, job, None);
    let undone = ports
        .blocking(move || execute::abandon(disk.as_ref(), &places, &mut hooks))
        .await?;
    match undone {
        Ok(_) => Err(OperationError::Cancelled),
        Err(error) => Err(transaction_error(&job.game, error)),
    }
}

/// A manifest of our own store, if it is there and right.
pub(crate) fn load_manifest(
    disk: &dyn lanspread_disk::Disk,
    manifests: &Place,
    content: ContentId,
) -> Option<lanspread_proto::Manifest> {
    let store = lanspread_disk::index::ManifestStore::new(disk, manifests);
    store
        .load(content)
        .ok()
        .flatten()
        .map(|(manifest, _)| manifest)
}

/// A new transaction's number.
pub(crate) fn transaction_id() -> TransactionId {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    TransactionId::at(since_1970.unwrap_or_default().as_secs(), random::seed())
}

/// What transactions ask of the household.
pub(crate) struct JobHooks {
    exchange: Mailbox<exchange::Msg>,
    control: JobControl,
    /// The payload as the index knows it.
    payload: Option<SeenContent>,
}

impl JobHooks {
    /// `payload` is what is served out of the game's directory now.
    pub(crate) fn new(ports: &JobPorts, job: &Job, payload: Option<SeenContent>) -> Self {
        let exchange = ports.transfer.exchange.clone();
        Self {
            exchange,
            control: job.control.clone(),
            payload,
        }
    }
}

impl Hooks for JobHooks {
    fn stop_serving(&mut self) {
        if let Some(payload) = &self.payload {
            let content = payload.manifest().content();
            self.exchange
                .blocking_send(exchange::Msg::Withdraw { content });
        }
    }

    fn known(&self, entry: &FileEntry) -> Option<FileIdentity> {
        self.payload.as_ref()?.identity(entry)
    }

    fn wait(&mut self, delay: Duration) -> bool {
        std::thread::sleep(delay);
        // What still waits when the node stops is brought to its end at the next start.
        self.control.check().is_ok()
    }
}

/// What a failed transaction means for people.
pub(crate) fn transaction_error(game: &GameId, error: TransactionError) -> OperationError {
    if error.is_in_use() {
        return OperationError::InUse(game.clone());
    }
    match error {
        TransactionError::NothingStaged => OperationError::Archive {
            archive: game.to_string(),
            entry: None,
            code: "no-files",
            reason: "no file is in the archives".to_owned(),
        },
        TransactionError::Refused(refusal) => crate::games::refused(game.clone(), refusal),
        error @ (TransactionError::Unexpected(_)
        | TransactionError::State(_)
        | TransactionError::Incomplete(_)
        | TransactionError::ManifestMissing(_)
        | TransactionError::Unrecordable(_)
        | TransactionError::Step { .. }) => OperationError::Transaction {
            game: game.clone(),
            full: error.is_full(),
            waits: error.is_waiting(),
            reason: error.to_string(),
        },
    }
}
