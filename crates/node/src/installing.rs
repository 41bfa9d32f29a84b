//! The job behind an install: the payload becomes `local/`, as one transaction.

pub(crate) mod low_disk;
mod refusal;
mod source;
mod stage;

use std::{collections::BTreeSet, sync::Arc};

use lanspread_disk::{
    Disk, Place, content::OpenContent, execute::TransactionError, observe::GamePlaces, scan,
    staging::Staging, vfs::EntryKind,
};
use lanspread_install::{InstallRecord, Target};
use lanspread_proto::{Manifest, RelPath, library::Size};
use lanspread_unpack::{Limits, WorkerCommand};
use tokio::sync::oneshot;

pub(crate) use self::refusal::archive_error;
use self::source::Source;
use crate::{
    actor::Tasks,
    committing::{self, JobHooks},
    error::OperationError,
    games,
    handle::AfterDownload,
    jobs::{Job, JobPorts},
    notice::Notice,
    room,
    snapshot::Phase,
};

/// Starts the job for a payload that is here.
pub(crate) fn start(ports: &JobPorts, job: Job) {
    let span = tracing::info_span!("install", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = async {
            let content = ports.shelf.content(job.game.clone()).await?;
            run(&ports, &job, content).await
        };
        let checked_first = async {
            ports.until_checked(&job).await?;
            ports.holding(&job, work).await
        };
        job.carry_out(Box::pin(checked_first)).await;
    });
}

/// Installs a payload that was committed a moment ago; the caller holds the game.
pub(crate) async fn run_committed(
    ports: &JobPorts,
    job: &Job,
    manifest: &Arc<Manifest>,
) -> Result<(), OperationError> {
    let (disk, root) = (Arc::clone(&ports.disk), ports.game_root(&job.game));
    let (manifest, game) = (Arc::clone(manifest), job.game.clone());
    let open = move || {
        let payload = scan::scan_payload(disk.as_ref(), &root)
            .map_err(|error| crate::publishing::refused(&root.path(), &error))?;
        OpenContent::new(disk, root, manifest, &payload).ok_or(OperationError::NotDownloaded(game))
    };
    let content = ports.blocking(open).await??;
    run(ports, job, Arc::new(content)).await
}

/// Some files of an installed game that are to be as the payload has them.
pub(crate) struct PutBack {
    /// Which, below `local/`.
    pub(crate) wanted: BTreeSet<RelPath>,
    /// What was installed.
    pub(crate) record: InstallRecord,
}

/// Installs a payload; the caller holds the game.
pub(crate) async fn run(
    ports: &JobPorts,
    job: &Job,
    content: Arc<OpenContent>,
) -> Result<(), OperationError> {
    install(ports, job, content, None).await
}

/// Puts single files of an installed game back; the caller holds the game.
pub(crate) async fn put_back(
    ports: &JobPorts,
    job: &Job,
    content: Arc<OpenContent>,
    put_back: PutBack,
) -> Result<(), OperationError> {
    install(ports, job, content, Some(put_back)).await
}

async fn install(
    ports: &JobPorts,
    job: &Job,
    content: Arc<OpenContent>,
    only: Option<PutBack>,
) -> Result<(), OperationError> {
    job.control.check()?;
    ports.until_closed(job).await?;
    job.enter(Phase::Installing).await;
    let manifest = Arc::clone(content.manifest());
    let content_id = manifest.content();
    let planned = room::Plan {
        manifest: &manifest,
        missing_bytes: 0,
        then: AfterDownload::Install,
    };
    if only.is_none() {
        room::reserve(ports, job, planned).await?;
    }
    let places = committing::places(ports, &job.game).await?;
    let hooks = JobHooks::new(ports, job, None);
    let to = Destination { places, only };
    let install = Install::new(ports, job, (manifest, Source::Payload(content)), to);
    let done = ports.blocking(move || install.carry_out(hooks)).await?;
    let settled = settle(ports, job, done).await;
    if matches!(settled, Err(OperationError::Rotten { .. })) {
        // Nobody else gets it either.
        ports.shelf.rotten(job.game.clone(), content_id).await;
    }
    settled
}

async fn settle(
    ports: &JobPorts,
    job: &Job,
    done: Result<(), InstallError>,
) -> Result<(), OperationError> {
    match done {
        Ok(()) => Ok(()),
        Err(InstallError::Transaction(error)) => committing::settle(ports, job, Err(error)).await,
        Err(InstallError::Other(error)) => Err(error),
    }
}

/// Everything an install needs on its thread.
struct Install {
    disk: Arc<dyn Disk>,
    worker: WorkerCommand,
    manifest: Arc<Manifest>,
    source: Source,
    /// `None` for all of it.
    only: Option<PutBack>,
    places: GamePlaces,
    live: Place,
    job: Job,
    mailbox: crate::actor::Mailbox<games::Msg>,
    notices: tokio::sync::broadcast::Sender<Notice>,
    tasks: Tasks,
    limits: Limits,
    done_bytes: u64,
    own_listing: Option<Size>,
    /// Who leads it says when it may be committed; `None` where that is any time.
    turn: Option<Turn>,
}

/// Between the staging and the commit.
struct Turn {
    /// Told when everything is staged: the bytes of the source are not needed any more.
    staged: oneshot::Sender<()>,
    /// Answers when the commit may begin; nothing comes when it must not.
    go: oneshot::Receiver<()>,
}

/// Where an install goes.
struct Destination {
    places: GamePlaces,
    /// `None` for all of it.
    only: Option<PutBack>,
}

impl Drop for Install {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// A transaction's own failure may wait; everything else has been undone.
enum InstallError {
    Transaction(TransactionError),
    Other(OperationError),
}

impl From<TransactionError> for InstallError {
    fn from(error: TransactionError) -> Self {
        Self::Transaction(error)
    }
}

impl From<OperationError> for InstallError {
    fn from(error: OperationError) -> Self {
        Self::Other(error)
    }
}

impl Install {
    fn new(
        ports: &JobPorts,
        job: &Job,
        (manifest, source): (Arc<Manifest>, Source),
        Destination { places, only }: Destination,
    ) -> Self {
        Self {
            disk: Arc::clone(&ports.disk),
            worker: ports.worker.clone(),
            own_listing: room::own_listing(ports, &job.game, manifest.content()),
            manifest,
            source,
            only,
            live: places.slot(lanspread_install::Slot::Live),
            places,
            job: job.clone(),
            mailbox: ports.games.clone(),
            notices: ports.transfer.notices.clone(),
            tasks: ports.tasks.child(),
            limits: Limits::default(),
            done_bytes: 0,
            turn: None,
        }
    }

    fn carry_out(mut self, mut hooks: JobHooks) -> Result<(), InstallError> {
        let mut staging = self.begin(&mut hooks)?;
        let staged = self.stage(&mut staging);
        let staged = staged.and_then(|()| self.check_all_staged(&staging));
        match staged.and_then(|()| self.await_turn()) {
            Ok(()) => Ok(staging.commit(&mut hooks)?),
            Err(error) => {
                // What was staged goes; the game is as before. A failure here is recovered later,
                // and on a disk that is away the staging only seems to be gone.
                let aborted = match self.is_here() {
                    true => staging.abort(&mut hooks).map_err(|error| error.to_string()),
                    false => Err("the games directory is away".to_owned()),
                };
                if let Err(error) = aborted {
                    tracing::warn!(
                        error,
                        "the staging of a failed install is left for recovery"
                    );
                }
                Err(error.into())
            }
        }
    }

    fn await_turn(&mut self) -> Result<(), OperationError> {
        let Some(Turn { staged, go }) = self.turn.take() else {
            return Ok(());
        };
        // Who leads it may have given up by now; then nothing comes.
        let _gone = staged.send(());
        let stopped = |_gone| match self.job.control.check() {
            Err(stopped) => stopped,
            Ok(()) => OperationError::Cancelled,
        };
        go.blocking_recv().map_err(stopped)
    }

    fn is_here(&self) -> bool {
        let found = self.disk.stat(&self.places.game_root).ok().flatten();
        found.is_some_and(|stat| stat.kind == EntryKind::Directory)
    }

    fn begin(&mut self, hooks: &mut JobHooks) -> Result<Staging, TransactionError> {
        let transaction = committing::transaction_id();
        let (disk, places) = (Arc::clone(&self.disk), &self.places);
        let left = match self.source {
            Source::Payload(_) => room::Left::ForOthers,
            Source::Swarm(_) => room::Left::LeastPossible,
        };
        let own = self.own_listing;
        self.limits = room::limits(disk.as_ref(), &places.game_root, (own, left));
        let target = Target {
            content: self.manifest.content(),
            version: self.manifest.version().clone(),
        };
        match (&self.only, &self.source) {
            (Some(only), _) => {
                Staging::begin_repair(disk, places, transaction, &only.record, hooks)
            }
            (None, Source::Payload(_)) => Staging::begin(disk, places, transaction, target, hooks),
            (None, Source::Swarm(_)) => {
                Staging::begin_low_disk(disk, places, transaction, target, hooks)
            }
        }
    }
}
