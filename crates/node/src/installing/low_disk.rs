//! A low-disk install: straight from the swarm into the staging; the payload is never stored.
//!
//! Invariant: what came is nowhere but in the staging. Whatever breaks it off, the staging goes,
//! the game is as before, and the next try begins anew.

use std::{io, sync::Arc};

use lanspread_install::Slot;
use lanspread_proto::{ContentId, FileIndex, Manifest, PieceSet, manifest::Layout};
use lanspread_swarm::{read_ahead, time::transfer_time};
use lanspread_unpack::detect::{self, Format};
use tokio::sync::oneshot;

use super::{
    Destination, Install, Turn,
    source::{Source, files_of, profile_of},
};
use crate::{
    committing::{self, JobHooks},
    download::{self, Agreed, DownloadSpec, Home, Shown},
    error::OperationError,
    handle::AfterDownload,
    jobs::{Job, JobPorts},
    notice::Notice,
    removing, room,
    snapshot::Phase,
    transfer::{
        Transfer, TransferHandle, TransferJob,
        reader::{Reached, ReadOrder, SwarmReader},
        store::Store,
    },
    views::ShelfView,
};

/// Archives whose format is looked at beforehand: each costs a piece.
const LOOKED_AT_MAX: usize = 8;

/// Starts the job.
pub(crate) fn start(ports: &JobPorts, job: Job, spec: DownloadSpec) {
    let span = tracing::info_span!("low_disk", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        job.decide(spec.content, spec.version.clone()).await;
        let work = async {
            let agreed = download::agree(&ports, &job, spec.content, Some(&spec.version)).await?;
            ports
                .holding(&job, run_at_home(&ports, &job, &agreed))
                .await
        };
        Box::pin(job.carry_out(work)).await;
    });
}

/// Until all is staged it waits while the games directory is away, and begins anew. After that, the
/// transaction says how it goes on. The game is held meanwhile: whoever looks for what was begun
/// must not take an empty mount point for a staging that is gone.
async fn run_at_home(ports: &JobPorts, job: &Job, agreed: &Agreed) -> Result<(), OperationError> {
    let home = Home::of(ports, job, Slot::Staging).await?;
    loop {
        let mut is_staged = false;
        match run(ports, job, agreed, &mut is_staged).await {
            Err(error) if !is_staged && home.is_away(ports, &error).await? => {
                tracing::info!(%error, "a low-disk install was interrupted");
            }
            result => return result,
        }
        job.room.release();
        home.until_back(ports, job).await?;
        let undone = committing::recover(ports, job).await?;
        undone.map_err(|error| committing::transaction_error(&job.game, error))?;
    }
}

async fn run(
    ports: &JobPorts,
    job: &Job,
    agreed: &Agreed,
    is_staged: &mut bool,
) -> Result<(), OperationError> {
    job.control.check()?;
    let manifest = &agreed.manifest;
    if is_installed(ports, job, manifest.content()) {
        // The node stopped after the commit.
        return Ok(());
    }
    let planned = room::Plan {
        manifest,
        missing_bytes: 0,
        then: AfterDownload::InstallLowDisk,
    };
    room::reserve(ports, job, planned).await?;
    let places = committing::places(ports, &job.game).await?;
    let transfer = fetch(ports, job, agreed);
    let reader = Arc::new(transfer.reader(order_of(manifest)));
    let reached = reader.reached();
    let (staged_tx, staged) = oneshot::channel();
    let (go, go_rx) = oneshot::channel();
    let from = (Arc::clone(manifest), Source::Swarm(Arc::clone(&reader)));
    let to = Destination { places, only: None };
    let mut install = Install::new(ports, job, from, to);
    install.turn = Some(Turn {
        staged: staged_tx,
        go: go_rx,
    });
    let hooks = JobHooks::new(ports, job, None);
    let work = ports.blocking(move || {
        install.announce(&reader);
        drop(reader);
        install.carry_out(hooks)
    });
    job.enter(Phase::Downloading).await;
    let lead = async {
        if lead(ports, job, (transfer, reached), staged).await
            && ports.until_closed(job).await.is_ok()
        {
            *is_staged = true;
            job.enter(Phase::Committing).await;
            // The thread waits for it.
            let _gone = go.send(());
        }
    };
    let (done, ()) = tokio::join!(work, lead);
    super::settle(ports, job, done?).await?;
    discard_partial(ports, job).await;
    Ok(())
}

/// Who has no room for the archives has none for a part of them either: what an earlier download
/// left has no use any more.
async fn discard_partial(ports: &JobPorts, job: &Job) {
    let left = |shelf: &ShelfView| shelf.games.get(&job.game).map(|g| g.local.partial_bytes);
    let left_bytes = left(&ports.shelf_view.borrow()).unwrap_or(0);
    if left_bytes == 0 {
        return;
    }
    match removing::discard(ports, job).await {
        Ok(()) => ports.shelf.partial_bytes(job.game.clone(), 0).await,
        Err(error) => tracing::warn!(%error, "an unfinished download stays"),
    }
}

fn is_installed(ports: &JobPorts, job: &Job, content: ContentId) -> bool {
    let shelf = ports.shelf_view.borrow();
    let local = shelf.games.get(&job.game).map(|game| &game.local);
    let installed = local.and_then(|local| local.installed.as_ref()?.content());
    installed == Some(content)
}

/// What is read, in the order of an install: all of a tree, of others only the archives, and how
/// the game is started.
fn order_of(manifest: &Arc<Manifest>) -> ReadOrder {
    match manifest.layout() {
        Layout::Tree => {
            let files = (0..manifest.geometry().file_count()).map(FileIndex);
            ReadOrder::new(manifest, files)
        }
        Layout::Archives(sets) => {
            let files = sets.iter().flat_map(|set| files_of(manifest, set));
            ReadOrder::new(manifest, files.chain(profile_of(manifest)))
        }
    }
}

fn fetch(ports: &JobPorts, job: &Job, agreed: &Agreed) -> TransferHandle {
    let manifest = Arc::clone(&agreed.manifest);
    let store = Store::Reader {
        manifest: Arc::clone(&manifest),
        chunk_map: Arc::clone(&agreed.chunk_map),
    };
    let order = order_of(&manifest);
    Transfer::start(
        ports.transfer.clone(),
        TransferJob {
            game: job.game.clone(),
            have: PieceSet::new(manifest.geometry().piece_count()),
            manifest,
            store: Arc::new(store),
            reads: Some(order.read_ahead()),
        },
    )
}

/// Shows how the transfer goes, and ends it when nothing more is read; `true` when all is staged.
async fn lead(
    ports: &JobPorts,
    job: &Job,
    (transfer, reached): (TransferHandle, Arc<Reached>),
    mut staged: oneshot::Receiver<()>,
) -> bool {
    let mut wishes = job.control.wishes();
    // What was wished before the transfer began holds for it too.
    wishes.mark_changed();
    let mut shown = Shown::Downloading;
    let mut tick = tokio::time::interval(crate::limits::SNAPSHOT_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            // Without the transfer the reader has nothing to wait for.
            _ = job.control.interrupted() => return false,
            end = &mut staged => return end.is_ok(),
            Ok(()) = wishes.changed() => {
                let now = *wishes.borrow_and_update();
                transfer.set_paused(now.paused || now.awaits_turn()).await;
            }
            _ = tick.tick() => {
                let mut view = transfer.view.borrow().clone();
                let now = Shown::of(&view, *wishes.borrow());
                if now != shown {
                    job.enter(now.phase()).await;
                    shown = now;
                }
                let progress = &mut view.progress;
                progress.done_bytes = reached.done_bytes();
                progress.total_bytes = reached.total_bytes;
                let left = progress.total_bytes.saturating_sub(progress.done_bytes);
                let rate = progress.bytes_per_second;
                progress.time_left = (rate > 0).then(|| transfer_time(left, rate));
                job.progress(download::progress_of(&view)).await;
                download::notify_progress(ports, job, &view);
            }
        }
    }
}

impl Install {
    /// Says how many bytes will come, before the first file is written. An engine that reads all
    /// headers first may need what does not fit the memory a second time.
    fn announce(&self, reader: &SwarmReader) {
        let bytes = reader.total_bytes();
        let again = match self.manifest.layout() {
            Layout::Tree => 0,
            Layout::Archives(_) if bytes <= read_ahead::HELD_BYTES_MAX => 0,
            Layout::Archives(_) => self.read_twice(reader),
        };
        // Nobody may be listening.
        drop(self.notices.send(Notice::LowDiskBegun {
            game: self.job.game.clone(),
            bytes,
            bytes_max: bytes.saturating_add(again),
        }));
    }

    /// Bytes of archives whose headers lie all over them.
    fn read_twice(&self, reader: &SwarmReader) -> u64 {
        let Layout::Archives(sets) = self.manifest.layout() else {
            return 0;
        };
        let files = self.manifest.files();
        let bytes = |file: FileIndex| files.get(file.as_usize()).map_or(0, |entry| entry.bytes);
        let mut again = 0_u64;
        for (number, set) in sets.iter().enumerate() {
            let volumes: Vec<FileIndex> = files_of(&self.manifest, set).collect();
            let first = volumes.first().copied();
            // Of so many nobody looks at the others: they are taken for what costs most.
            let walked = number >= LOOKED_AT_MAX || first.is_some_and(|f| is_rar(reader, f));
            if walked {
                again = volumes
                    .into_iter()
                    .fold(again, |sum, f| sum.saturating_add(bytes(f)));
            }
        }
        again
    }
}

/// What cannot be read is said later.
fn is_rar(reader: &SwarmReader, first: FileIndex) -> bool {
    let mut prefix = [0; detect::PREFIX_BYTES];
    let read: io::Result<usize> = reader.read_at(first, 0, &mut prefix);
    let found = prefix.get(..read.unwrap_or(0)).and_then(detect::detect);
    matches!(found, Some(Format::Rar4 | Format::Rar5))
}
