//! The job behind an install: the payload becomes `local/`, as one transaction.

mod refusal;
mod volumes;

use std::{collections::BTreeSet, sync::Arc};

use lanspread_disk::{
    Disk, Place,
    content::OpenContent,
    execute::TransactionError,
    scan,
    staging::{StagedFile, Staging, StagingError},
};
use lanspread_install::{InstallRecord, Target};
use lanspread_proto::{
    GameId, Manifest, RelPath,
    library::Size,
    manifest::{ArchiveSet, FileEntry, Layout},
};
use lanspread_unpack::{
    ArchiveBytes, Canceller, Event, Limits, Mode, NameTable, Unpacker, WorkerCommand,
};

use self::refusal::published_error;
pub(crate) use self::{refusal::archive_error, volumes::Volumes};
use crate::{
    actor::Tasks,
    committing::{self, JobHooks},
    error::OperationError,
    games::{self, JobProgress, JobReport},
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
    let planned = room::Plan {
        manifest: &manifest,
        missing_bytes: 0,
        then: AfterDownload::Install,
    };
    if only.is_none() {
        room::reserve(ports, job, planned).await?;
    }
    let own_listing = room::own_listing(ports, &job.game, manifest.content());
    let places = committing::places(ports, &job.game).await?;
    let hooks = JobHooks::new(ports, job, None);
    let install = Install {
        disk: Arc::clone(&ports.disk),
        worker: ports.worker.clone(),
        manifest: Arc::clone(&manifest),
        content,
        only,
        live: places.slot(lanspread_install::Slot::Live),
        job: job.clone(),
        mailbox: ports.games.clone(),
        notices: ports.transfer.notices.clone(),
        tasks: ports.tasks.child(),
        limits: Limits::default(),
        done_bytes: 0,
        own_listing,
    };
    let target = Target {
        content: manifest.content(),
        version: manifest.version().clone(),
    };
    let done = ports
        .blocking(move || install.carry_out(&places, target, hooks))
        .await?;
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
    content: Arc<OpenContent>,
    /// `None` for all of it.
    only: Option<PutBack>,
    live: Place,
    job: Job,
    mailbox: crate::actor::Mailbox<games::Msg>,
    notices: tokio::sync::broadcast::Sender<Notice>,
    tasks: Tasks,
    limits: Limits,
    done_bytes: u64,
    own_listing: Option<Size>,
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
    fn carry_out(
        mut self,
        places: &lanspread_disk::observe::GamePlaces,
        target: Target,
        mut hooks: JobHooks,
    ) -> Result<(), InstallError> {
        let transaction = committing::transaction_id();
        let disk = Arc::clone(&self.disk);
        self.limits = room::limits(disk.as_ref(), &places.game_root, self.own_listing);
        let mut staging = match &self.only {
            None => Staging::begin(disk, places, transaction, target, &mut hooks)?,
            Some(only) => {
                Staging::begin_repair(disk, places, transaction, &only.record, &mut hooks)?
            }
        };
        let staged = self.stage(&mut staging);
        match staged.and_then(|()| self.check_all_staged(&staging)) {
            Ok(()) => Ok(staging.commit(&mut hooks)?),
            Err(error) => {
                // What was staged goes; the game is as before. A failure here is recovered later.
                if let Err(error) = staging.abort(&mut hooks) {
                    tracing::warn!(%error, "the staging of a failed install is left for recovery");
                }
                Err(error.into())
            }
        }
    }

    fn stage(&mut self, staging: &mut Staging) -> Result<(), OperationError> {
        let manifest = Arc::clone(&self.manifest);
        match manifest.layout() {
            Layout::Tree => self.stage_tree(staging),
            Layout::Archives(sets) => {
                let mut names = NameTable::new();
                for set in sets {
                    names = self.stage_archive(staging, set, names)?;
                }
                Ok(())
            }
        }
    }

    fn wants(&self, path: &RelPath) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.wanted.contains(path))
    }

    /// The payload brought every file that is to be put back.
    fn check_all_staged(&self, staging: &Staging) -> Result<(), OperationError> {
        let wanted = self.only.iter().flat_map(|only| &only.wanted);
        let Some(missing) = wanted.into_iter().find(|path| !staging.holds(path)) else {
            return Ok(());
        };
        Err(OperationError::Transaction {
            game: self.job.game.clone(),
            full: false,
            waits: false,
            reason: format!("{missing}: the payload does not hold this file"),
        })
    }

    fn stage_tree(&mut self, staging: &mut Staging) -> Result<(), OperationError> {
        let manifest = Arc::clone(&self.manifest);
        let empty_dirs = manifest.empty_dirs().iter();
        for dir in empty_dirs.filter(|_| self.only.is_none()) {
            staging
                .create_dir(dir)
                .map_err(|error| self.staging_error(error))?;
        }
        let total = manifest.total_bytes();
        for entry in manifest.files() {
            self.job.control.check()?;
            if !self.wants(&entry.path) {
                self.advance(entry.bytes, total);
                continue;
            }
            let source = self.content.place_of(&entry.path);
            let copied = staging.clone_from(&source, entry, &mut |bytes| {
                self.advance(bytes, total);
                self.goes_on()
            });
            self.job.control.check()?;
            copied.map_err(|error| self.staging_error(error))?;
        }
        Ok(())
    }

    fn stage_archive(
        &mut self,
        staging: &mut Staging,
        set: &ArchiveSet,
        names: NameTable,
    ) -> Result<NameTable, OperationError> {
        let volumes = Volumes::new(&self.content, set);
        let count = set.volumes.len();
        let source: Arc<dyn ArchiveBytes> = Arc::new(volumes);
        let how = (Mode::Unpack, self.limits.clone());
        let mut unpacker = Unpacker::start(&self.worker, source, count, how, names)
            .map_err(|error| published_error(set, &error))?;
        self.cancel_with_job(unpacker.canceller());
        let mut open = None;
        let game = self.job.game.clone();
        loop {
            self.job.control.check()?;
            let event = unpacker
                .next_event()
                .map_err(|error| published_error(set, &error))?;
            match event {
                Event::End(totals) => {
                    self.limits = room::after(&self.limits, totals);
                    return Ok(unpacker.into_names());
                }
                Event::Progress(progress) => self.show(progress.packed),
                Event::Skipped { name, .. } => self.notify_skipped(name),
                Event::Start(_)
                | Event::Directory(_)
                | Event::File(_)
                | Event::Data(_)
                | Event::EndFile(_)
                | Event::Copy { .. } => {
                    let bytes = bytes_of(&event);
                    let written = self.write_event(staging, &mut open, event);
                    self.job.control.check()?;
                    written.map_err(|error| staging_error(&game, error))?;
                    self.job.room.wrote(bytes);
                }
            }
        }
    }

    /// A worker that is silent for long is ended at once when the person gives up.
    fn cancel_with_job(&self, canceller: Canceller) {
        let cancel = self.job.control.cancel.clone();
        self.tasks
            .spawn_until_stop(tracing::debug_span!("cancel"), async move {
                cancel.cancelled().await;
                canceller.cancel();
            });
    }

    fn staging_error(&self, error: StagingError) -> OperationError {
        staging_error(&self.job.game, error)
    }

    fn advance(&mut self, bytes: u64, total: u64) {
        self.job.room.wrote(bytes);
        self.done_bytes += bytes;
        self.report(self.done_bytes, total);
    }

    /// Progress of archives is counted in packed bytes, whose total is known.
    fn show(&self, packed: u64) {
        self.report(packed, self.manifest.total_bytes());
    }

    fn report(&self, done_bytes: u64, total_bytes: u64) {
        let progress = JobProgress {
            done_bytes,
            total_bytes,
            ..JobProgress::default()
        };
        let report = JobReport::Progress(progress);
        // Garnish: if the gate is busy, the next one is as good.
        self.mailbox.try_send(games::Msg::Job(
            self.job.operation,
            self.job.game.clone(),
            report,
        ));
    }

    fn notify_skipped(&self, name: String) {
        let entry = lanspread_proto::Text::<200>::clean(&name).to_string();
        // Nobody may be listening.
        drop(self.notices.send(Notice::EntrySkipped {
            game: self.job.game.clone(),
            entry,
        }));
    }

    /// Does what an event says, for the files that are wanted.
    fn write_event(
        &self,
        staging: &mut Staging,
        open: &mut Option<StagedFile>,
        event: Event<'_>,
    ) -> Result<(), StagingError> {
        match (event, &self.only) {
            (Event::Directory(_), Some(_)) => Ok(()),
            (Event::File(file), Some(only)) if !only.wanted.contains(&file.path) => Ok(()),
            (Event::Copy { to, .. }, Some(only)) if !only.wanted.contains(&to) => Ok(()),
            (Event::Copy { from, to, .. }, Some(only)) if !staging.holds(&from) => {
                // The file that it is a copy of is not wanted, so it lies in `local/`, sound.
                let recorded = only.record.files().iter().find(|file| file.path == to);
                let Some(recorded) = recorded else {
                    return Ok(());
                };
                let entry = FileEntry {
                    path: to,
                    bytes: recorded.bytes,
                    root: recorded.root,
                };
                staging.clone_from(&self.live.join(&from), &entry, &mut |_| self.goes_on())
            }
            (Event::Copy { from, to, .. }, _) => {
                staging.copy_file((&from, &to), &mut |_| self.goes_on())
            }
            (event, _) => write_event(staging, open, event),
        }
    }

    fn goes_on(&self) -> bool {
        self.job.control.check().is_ok()
    }
}

/// Does what an event says.
fn write_event(
    staging: &mut Staging,
    open: &mut Option<StagedFile>,
    event: Event<'_>,
) -> Result<(), StagingError> {
    match event {
        Event::Directory(path) => staging.create_dir(&path),
        Event::File(file) => {
            let mut staged = staging.create_file(&file.path, file.bytes)?;
            staged.set_modified(file.modified);
            let marked = if file.executable {
                staged.mark_executable()
            } else {
                Ok(())
            };
            *open = Some(staged);
            marked
        }
        Event::Data(bytes) => match open {
            Some(file) => file.write(bytes),
            None => Ok(()),
        },
        Event::EndFile(_) => match open.take() {
            Some(file) => staging.finish_file(file).map(|_| ()),
            None => Ok(()),
        },
        // Copies are the caller's.
        Event::Copy { .. }
        | Event::Start(_)
        | Event::Skipped { .. }
        | Event::Progress(_)
        | Event::End(_) => Ok(()),
    }
}

fn bytes_of(event: &Event<'_>) -> u64 {
    if let Event::Data(bytes) = event {
        bytes.len() as u64
    } else {
        0
    }
}

fn staging_error(game: &GameId, error: StagingError) -> OperationError {
    match error {
        StagingError::Disk(error) => error.into(),
        error @ (StagingError::Twin { .. }
        | StagingError::Length { .. }
        | StagingError::NothingToCopy(_)
        | StagingError::TooMany) => OperationError::Transaction {
            game: game.clone(),
            full: error.is_full(),
            waits: false,
            reason: error.to_string(),
        },
    }
}
