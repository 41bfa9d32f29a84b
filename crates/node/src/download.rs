//! The job behind a download: agree on the bytes, check the space, fetch, make it durable and
//! visible, then install if asked.
//!
//! Invariant: until the commit the game on disk is as it was; after it, it is the new one. A cancel
//! before the commit loses nothing but time.

mod adopting;
mod asking;
mod away;
mod blob;
mod failure;
mod prepare;

use std::{path::PathBuf, sync::Arc, time::Duration};

use lanspread_disk::{
    boot::BootId,
    content::OpenContent,
    hashing::Progress,
    partial::{PartialContent, PartialSpec, StoreError},
};
use lanspread_install::Slot;
use lanspread_proto::{ChunkMap, ContentId, Manifest, PieceSet, VersionLabel};
use lanspread_swarm::download::SourceState;

use self::adopting::adopt;
pub(crate) use self::away::Home;
use self::failure::shared_store_error;
pub(crate) use self::failure::store_error;
pub(crate) use self::prepare::{agree, files};
use crate::{
    committing,
    error::OperationError,
    exchange::{self, Served},
    games::{JobControl, JobProgress, Wishes},
    handle::AfterDownload,
    installing,
    jobs::{Job, JobPorts},
    notice::Notice,
    room,
    snapshot::Phase,
    transfer::{Transfer, TransferHandle, TransferJob, TransferView, store::Store},
};

/// How long others may hold on to what is discarded: so many times ...
const LET_GO_TRIES: u32 = 10_000;
/// ... so long.
const LET_GO_STEP: Duration = Duration::from_millis(1);

/// What is downloaded.
#[derive(Debug, Clone)]
pub(crate) struct DownloadSpec {
    pub(crate) content: ContentId,
    pub(crate) version: VersionLabel,
    pub(crate) then: AfterDownload,
    pub(crate) from: Option<PathBuf>,
}

/// A content that everybody agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) chunk_map: Arc<ChunkMap>,
}

/// Starts the job.
pub(crate) fn start(ports: &JobPorts, job: Job, spec: DownloadSpec) {
    let span = tracing::info_span!("download", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        job.decide(spec.content, spec.version.clone()).await;
        let work = async {
            let agreed = agree(&ports, &job, spec.content, Some(&spec.version)).await?;
            prepare::find_directory(&ports, &job).await?;
            run_at_home(&ports, &job, &spec, &agreed).await
        };
        Box::pin(job.carry_out(work)).await;
    });
}

/// Up to the commit it waits while the games directory is away, and begins again with what is
/// there. After that, the transaction says how it goes on.
async fn run_at_home(
    ports: &JobPorts,
    job: &Job,
    spec: &DownloadSpec,
    agreed: &Agreed,
) -> Result<(), OperationError> {
    let home = Home::of(ports, job, Slot::Incoming).await?;
    let mut boot = BootId::current();
    loop {
        let mut stage = Stage {
            boot,
            commits: false,
        };
        prepare::until_looked_at(ports, job).await;
        // The game is held from the moment on when its directory is touched, not while a source is
        // awaited.
        let held = run(ports, job, (spec, agreed), &mut stage);
        let result = ports.holding(job, held).await;
        match result {
            Err(error) if !stage.commits && home.is_away(ports, &error).await? => {
                tracing::info!(%error, "a download was interrupted");
            }
            result => return result,
        }
        job.room.release();
        home.until_back(ports, job).await?;
        // What a disk had not yet written when it was unplugged is lost, as in a power cut.
        boot = None;
    }
}

/// How far a download is, as far as a failure is concerned.
struct Stage {
    /// In which run of the system what is there was written, if all of it can be believed.
    boot: Option<BootId>,
    /// The transaction has begun.
    commits: bool,
}

async fn run(
    ports: &JobPorts,
    job: &Job,
    (spec, agreed): (&DownloadSpec, &Agreed),
    stage: &mut Stage,
) -> Result<(), OperationError> {
    if let Ok(content) = ports.shelf.content(job.game.clone()).await
        && content.manifest().content() == spec.content
    {
        // The node stopped after the commit.
        return finish_committed(ports, job, spec, content).await;
    }
    prepare::keep(ports, agreed).await?;
    let (partial, have) = open_partial(ports, job, agreed, stage.boot).await?;
    let partial = Arc::new(partial);
    let checked = match job.control.check() {
        Ok(()) => check_space(ports, job, agreed, (spec, &have)).await,
        Err(error) => Err(error),
    };
    if let Err(error) = checked {
        return give_up(ports, job, partial, error).await;
    }
    let have = match adopt(ports, job, spec, &partial, have).await {
        Ok(have) => have,
        Err(error) => return give_up(ports, job, partial, error).await,
    };
    let fetched = fetch(ports, job, agreed, (&partial, have)).await;
    withdraw(ports, spec.content).await;
    if let Err(error) = fetched {
        return give_up(ports, job, partial, error).await;
    }
    job.enter(Phase::Committing).await;
    let committed = commit(ports, job, (agreed, partial), stage).await;
    // Whatever came of it, nobody gets pieces of it out of `.incoming` any more.
    ports.shelf.downloading(job.game.clone(), None).await;
    committed?;
    match spec.then {
        AfterDownload::Keep => Ok(()),
        AfterDownload::Install | AfterDownload::InstallLowDisk => {
            installing::run_committed(ports, job, &agreed.manifest).await
        }
    }
}

/// The payload is here: what is left is to install it, unless that was done too.
async fn finish_committed(
    ports: &JobPorts,
    job: &Job,
    spec: &DownloadSpec,
    content: Arc<OpenContent>,
) -> Result<(), OperationError> {
    let installed = {
        let shelf = ports.shelf_view.borrow();
        let local = shelf.games.get(&job.game).map(|game| &game.local);
        local.and_then(|local| local.installed.as_ref()?.content())
    };
    match spec.then {
        AfterDownload::Keep => Ok(()),
        _ if installed == Some(spec.content) => Ok(()),
        AfterDownload::Install | AfterDownload::InstallLowDisk => {
            installing::run(ports, job, content).await
        }
    }
}

async fn open_partial(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    boot: Option<BootId>,
) -> Result<(PartialContent, PieceSet), OperationError> {
    let spec = PartialSpec {
        disk: Arc::clone(&ports.disk),
        game_root: ports.game_root(&job.game),
        partials: ports.state.partials(),
        manifest: Arc::clone(&agreed.manifest),
        chunk_map: Arc::clone(&agreed.chunk_map),
        boot,
    };
    let game = job.game.clone();
    let opened = ports.blocking(move || open_or_replace(&spec)).await?;
    opened.map_err(|error| store_error(&game, error))
}

/// Takes up the download that is there, or begins one; what is left of another version is ours by
/// its marker, and goes.
fn open_or_replace(spec: &PartialSpec) -> Result<(PartialContent, PieceSet), StoreError> {
    let progress = Progress::default();
    match PartialContent::create_or_resume(spec.clone(), &progress) {
        Err(StoreError::OtherContent(_)) => {
            lanspread_disk::partial::discard_incoming(spec.disk.as_ref(), &spec.game_root)?;
            PartialContent::create_or_resume(spec.clone(), &progress)
        }
        opened => opened,
    }
}

/// The whole job must fit before its first byte: what is still missing of the payload, and what
/// comes out of it.
async fn check_space(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    (spec, have): (&DownloadSpec, &PieceSet),
) -> Result<(), OperationError> {
    let payload = agreed.manifest.total_bytes();
    let planned = room::Plan {
        manifest: &agreed.manifest,
        missing_bytes: payload.saturating_sub(bytes_of(&agreed.manifest, have)),
        then: spec.then,
    };
    room::reserve(ports, job, planned).await
}

fn bytes_of(manifest: &Manifest, have: &PieceSet) -> u64 {
    let pieces = have
        .iter()
        .filter_map(|piece| manifest.geometry().piece(piece));
    pieces.map(|piece| u64::from(piece.bytes)).sum()
}

/// Fetches what is missing, and serves what is there meanwhile.
async fn fetch(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    (partial, have): (&Arc<PartialContent>, PieceSet),
) -> Result<(), OperationError> {
    job.control.check()?;
    let source: Arc<dyn lanspread_disk::content::PieceSource> =
        Arc::<PartialContent>::clone(partial);
    let served = Served {
        game: job.game.clone(),
        manifest: Arc::clone(&agreed.manifest),
        chunk_map: Arc::clone(&agreed.chunk_map),
        source,
        have: have.clone(),
    };
    ports
        .transfer
        .exchange
        .send(exchange::Msg::Serve(served))
        .await;
    ports
        .shelf
        .downloading(job.game.clone(), Some(Arc::clone(&agreed.manifest)))
        .await;
    fetch_missing(ports, job, agreed, (partial, have)).await
}

/// Fetches what is missing, from whoever has it.
pub(crate) async fn fetch_missing(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    (partial, have): (&Arc<PartialContent>, PieceSet),
) -> Result<(), OperationError> {
    job.enter(Phase::Downloading).await;
    let transfer = Transfer::start(
        ports.transfer.clone(),
        TransferJob {
            game: job.game.clone(),
            manifest: Arc::clone(&agreed.manifest),
            store: Arc::new(Store::Partial(Arc::clone(partial))),
            have,
            reads: None,
        },
    );
    follow(ports, job, transfer).await
}

/// Shows how the transfer goes and leads it, until it ends.
async fn follow(
    ports: &JobPorts,
    job: &Job,
    mut transfer: TransferHandle,
) -> Result<(), OperationError> {
    let mut wishes = job.control.wishes();
    // What was wished before the transfer began holds for it too.
    wishes.mark_changed();
    let mut shown = Shown::Downloading;
    let mut stored_bytes = transfer.view.borrow().progress.done_bytes;
    let mut tick = tokio::time::interval(crate::limits::SNAPSHOT_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            error = job.control.interrupted() => return Err(error),
            end = &mut transfer.end => {
                let view = transfer.view.borrow().clone();
                show(job, &view, &mut stored_bytes).await;
                return match end {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(shared_store_error(&job.game, &error)),
                    Err(_stopped) => Err(OperationError::Stopping),
                };
            }
            Ok(()) = wishes.changed() => {
                let now = *wishes.borrow_and_update();
                transfer.set_paused(now.paused || now.awaits_turn()).await;
            }
            _ = tick.tick() => {
                let view = transfer.view.borrow_and_update().clone();
                let now = Shown::of(&view, *wishes.borrow());
                if now != shown {
                    job.enter(now.phase()).await;
                    shown = now;
                }
                show(job, &view, &mut stored_bytes).await;
                notify_progress(ports, job, &view);
            }
        }
    }
}

/// What is stored is on the disk, and needs no room any more.
async fn show(job: &Job, view: &TransferView, stored_bytes: &mut u64) {
    let done_bytes = view.progress.done_bytes;
    job.room.wrote(done_bytes.saturating_sub(*stored_bytes));
    *stored_bytes = done_bytes.max(*stored_bytes);
    job.progress(progress_of(view)).await;
}

/// What a person is told of a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Downloading,
    Waiting,
    Held,
    Paused,
}

impl Shown {
    pub(crate) fn of(view: &TransferView, wishes: Wishes) -> Self {
        match view.state {
            _ if wishes.paused => Self::Paused,
            _ if wishes.awaits_turn() => Self::Held,
            SourceState::Working | SourceState::Complete => Self::Downloading,
            SourceState::Starving | SourceState::NoSource => Self::Waiting,
        }
    }

    pub(crate) const fn phase(self) -> Phase {
        match self {
            Self::Downloading => Phase::Downloading,
            Self::Waiting => Phase::WaitingForSource,
            Self::Held => Phase::Queued,
            Self::Paused => Phase::Paused,
        }
    }
}

pub(crate) fn progress_of(view: &TransferView) -> JobProgress {
    JobProgress {
        done_bytes: view.progress.done_bytes,
        total_bytes: view.progress.total_bytes,
        rate: view.progress.bytes_per_second,
        left: view.progress.time_left,
        sources: view
            .sources
            .iter()
            .map(|(peer, (bytes, rate))| (*peer, *bytes, *rate))
            .collect(),
        map: Arc::clone(&view.map),
    }
}

pub(crate) fn notify_progress(ports: &JobPorts, job: &Job, view: &TransferView) {
    let notice = Notice::Progress {
        game: job.game.clone(),
        done_bytes: view.progress.done_bytes,
        total_bytes: view.progress.total_bytes,
        rate: view.progress.bytes_per_second,
        active_peers: view.active_peers,
    };
    // Nobody may be listening.
    drop(ports.transfer.notices.send(notice));
}

async fn withdraw(ports: &JobPorts, content: ContentId) {
    ports
        .transfer
        .exchange
        .send(exchange::Msg::Withdraw { content })
        .await;
}

/// Verified chunks stay for the next try, unless the person said otherwise.
async fn give_up(
    ports: &JobPorts,
    job: &Job,
    partial: Arc<PartialContent>,
    error: OperationError,
) -> Result<(), OperationError> {
    let have = partial.have();
    // What holds nothing yet leaves nothing behind.
    let discard = have.is_empty() || job.control.discards();
    let kept = if discard {
        0
    } else {
        bytes_of(partial.manifest(), &have)
    };
    let (disk, root) = (Arc::clone(&ports.disk), ports.game_root(&job.game));
    let control = job.control.clone();
    let result = ports
        .blocking(move || match discard {
            true => match take_alone(partial, &control) {
                Ok(alone) => {
                    let discarded = alone.discard();
                    // An empty directory is no game; one that holds anything stays.
                    drop(disk.remove_dir(&root));
                    discarded
                }
                Err(shared) => shared.checkpoint(),
            },
            false => partial.checkpoint(),
        })
        .await?;
    if let Err(error) = result {
        tracing::warn!(game = %job.game, %error, "an unfinished download could not be put away");
    }
    ports.shelf.partial_bytes(job.game.clone(), kept).await;
    ports.shelf.downloading(job.game.clone(), None).await;
    Err(error)
}

/// The last pieces that are written or sent hold on to it for a moment. Who holds it for longer is
/// stuck, and the download stays for the next time.
pub(crate) fn take_alone(
    mut partial: Arc<PartialContent>,
    control: &JobControl,
) -> Result<PartialContent, Arc<PartialContent>> {
    for _ in 0..LET_GO_TRIES {
        partial = match Arc::try_unwrap(partial) {
            Ok(alone) => return Ok(alone),
            Err(shared) => shared,
        };
        if matches!(control.check(), Err(OperationError::Stopping)) {
            break;
        }
        std::thread::sleep(LET_GO_STEP);
    }
    Err(partial)
}

/// Makes what was fetched durable, then the payload; its journal has no use after that.
async fn commit(
    ports: &JobPorts,
    job: &Job,
    (agreed, partial): (&Agreed, Arc<PartialContent>),
    stage: &mut Stage,
) -> Result<(), OperationError> {
    let game = job.game.clone();
    let finishing = Arc::clone(&partial);
    let finished = ports.blocking(move || finishing.finish()).await?;
    finished.map_err(|error| store_error(&game, error))?;
    stage.commits = true;
    committing::commit(ports, job, agreed).await?;
    ports.shelf.partial_bytes(game.clone(), 0).await;
    if let Err(error) = ports.blocking(move || partial.retire()).await? {
        tracing::warn!(%game, %error, "the journal of a finished download stays");
    }
    Ok(())
}
