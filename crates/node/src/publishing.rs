//! The job that makes a folder a shared game: packed or moved into the games directory, or as it
//! lies there; `version.ini` last.
//!
//! Invariant: until `version.ini` is written nothing is shared, and the source is as it was.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use lanspread_disk::{
    Disk, DiskError, Place, atomic_file, leftovers,
    relocate::relocate,
    scan,
    space::SpaceError,
    vfs::{DiskFile, EntryKind, OpenMode},
};
use lanspread_proto::manifest::VERSION_INI;
use lanspread_unpack::{
    Limits, WorkerCommand,
    pack::{PackFile, Packer, TarZstd},
};

mod made;
mod source;
mod testing;

use made::{How, Made};
pub(crate) use source::{
    check_not_ours, check_still, game_of, is_in, own_version, refused, scan_source,
};

use crate::{
    actor::Tasks,
    error::OperationError,
    games::{self, JobProgress, JobReport},
    handle::{PublishHow, PublishRequest},
    jobs::{Job, JobPorts},
    shelf,
    snapshot::{NotShared, Phase},
};

/// How often a folder that changes is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How much is read at once.
const BLOCK: usize = 1024 * 1024;

/// Starts the job.
pub(crate) fn start(ports: &JobPorts, job: Job, request: PublishRequest) {
    let span = tracing::info_span!("publish", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = async {
            let mut made = None;
            let held = async {
                made = Some(bring_in(&ports, &job, request).await?);
                Ok(())
            };
            ports.holding(&job, held).await?;
            match (wait_until_shared(&ports, &job).await, made) {
                (Err(OperationError::Cancelled), Some(made)) => {
                    Err(give_up(&ports, &job, made).await)
                }
                (result, _) => result,
            }
        };
        job.carry_out(work).await;
    });
}

async fn bring_in(
    ports: &JobPorts,
    job: &Job,
    request: PublishRequest,
) -> Result<Made, OperationError> {
    let (source, at, state) = (
        request.source.clone(),
        ports.games_dir(),
        ports.state.place(),
    );
    let looked = move || check_not_ours(&source, &at, &state).map(|()| is_in(&at, &source));
    let in_place = ports.blocking(looked).await??;
    if !in_place {
        until_still(ports, job, &request.source).await?;
    }
    let (target, how) = match (in_place, request.how) {
        (true, _) => (Place::root(&request.source), How::InPlace),
        (false, PublishHow::Move) => (ports.game_root(&job.game), How::Moved),
        (false, PublishHow::Pack) => (ports.game_root(&job.game), How::Packed),
    };
    let work = Work {
        disk: Arc::clone(&ports.disk),
        worker: ports.worker.clone(),
        made: Made::new(target.clone(), how),
        target,
        in_place,
        leaving: ports.state.leaving(),
        request,
        job: job.clone(),
        games: ports.games.clone(),
        tasks: ports.tasks.child(),
        done_bytes: 0,
        total_bytes: 0,
    };
    let made = ports.blocking(move || work.run()).await??;
    ports.shelf.published(job.game.clone()).await;
    Ok(made)
}

/// Somebody may still be copying into the folder: waits until nothing changes in it any more.
async fn until_still(ports: &JobPorts, job: &Job, source: &Path) -> Result<(), OperationError> {
    loop {
        let (disk, at) = (Arc::clone(&ports.disk), source.to_owned());
        let look = move || {
            let payload = scan_source(disk.as_ref(), &at, false)?;
            check_still(disk.as_ref(), &at, &payload, SystemTime::now())
        };
        match ports.blocking(look).await? {
            Err(error) if error.code() == source::STILL_CHANGING => {}
            result => return result,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = job.control.cancel.cancelled() => return Err(OperationError::Cancelled),
        }
    }
}

/// Takes back what was made, while the shelf keeps its hands off it; how it ended.
async fn give_up(ports: &JobPorts, job: &Job, made: Made) -> OperationError {
    // The cancel was heard already: it must not stop this, too.
    if let Err(error) = ports.shelf.hold(job.game.clone()).await {
        return error;
    }
    let disk = Arc::clone(&ports.disk);
    let taken_back = ports.blocking(move || made.take_back(disk.as_ref())).await;
    ports.shelf.release(job.game.clone()).await;
    // A directory that is not there is not known any more. What cannot be listed was told before.
    drop(ports.shelf.rescan().await);
    let result = taken_back.and_then(|result| result);
    result.err().unwrap_or(OperationError::Cancelled)
}

/// The shelf hashes it; what the shelf refuses is the result.
async fn wait_until_shared(ports: &JobPorts, job: &Job) -> Result<(), OperationError> {
    let mut view = ports.shelf_view.clone();
    ports.shelf.rescan().await?;
    ports.shelf.published(job.game.clone()).await;
    loop {
        let (local, hashing) = {
            let shelf = view.borrow_and_update();
            (
                shelf.games.get(&job.game).map(|game| game.local.clone()),
                shelf.hashing,
            )
        };
        if let Some(local) = local {
            if local.content.is_some() {
                return Ok(());
            }
            if let Some(NotShared::Refused {
                entry,
                code,
                reason,
            }) = local.not_shared
            {
                return Err(OperationError::Publish {
                    entry,
                    code,
                    reason,
                });
            }
        }
        if let Some(hashing) = hashing {
            let (done_bytes, total_bytes) = (hashing.done_bytes, hashing.total_bytes);
            let progress = JobProgress {
                done_bytes,
                total_bytes,
                ..JobProgress::default()
            };
            job.enter(Phase::Publishing).await;
            job.progress(progress).await;
        }
        tokio::select! {
            changed = view.changed() => changed.map_err(|_stopped| OperationError::Stopping)?,
            () = job.control.cancel.cancelled() => return Err(OperationError::Cancelled),
        }
    }
}

/// One publish, on its thread.
struct Work {
    disk: Arc<dyn Disk>,
    worker: WorkerCommand,
    /// The game's directory to be.
    target: Place,
    in_place: bool,
    made: Made,
    /// Where moves are written down.
    leaving: Place,
    request: PublishRequest,
    job: Job,
    games: crate::actor::Mailbox<games::Msg>,
    /// What runs beside it, until it ends.
    tasks: Tasks,
    done_bytes: u64,
    total_bytes: u64,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

impl Work {
    fn run(mut self) -> Result<Made, OperationError> {
        let source = Place::root(&self.request.source);
        if self.in_place {
            self.check_whole(&source)?;
        } else {
            self.drop_draft()?;
            if self.disk.stat(&self.target)?.is_some() {
                return Err(OperationError::Publish {
                    entry: self.target.to_string(),
                    code: "exists",
                    reason: format!("{} is there already", self.target),
                });
            }
            match self.request.how {
                PublishHow::Move => {
                    let payload = self.check_whole(&source)?;
                    source::check_no_name_of_ours(&payload)?;
                    self.check_unchanged(&payload)?;
                    self.take_over(&source)?;
                }
                PublishHow::Pack => self.pack(&source)?,
            }
        }
        self.write_version()?;
        let nothing = Made::new(self.target.clone(), How::InPlace);
        Ok(std::mem::replace(&mut self.made, nothing))
    }

    /// All that could be refused later is refused before anything changes.
    fn check_whole(&mut self, source: &Place) -> Result<scan::Payload, OperationError> {
        if let Some(own) = own_version(self.disk.as_ref(), source)? {
            self.request.version = own;
        }
        let payload = self.check()?;
        let tools = (self.disk.as_ref(), &self.worker);
        if let Some(judged) = shelf::check_layout(tools, source, &payload)? {
            self.test_archives(source, &judged)?;
        }
        Ok(payload)
    }

    fn take_over(&mut self, source: &Place) -> Result<(), OperationError> {
        let (disk, target) = (Arc::clone(&self.disk), self.target.clone());
        let leaving = self.leaving.clone();
        let go_on = &mut |bytes| {
            self.advance(bytes);
            self.job.control.check().is_ok()
        };
        let moved = relocate(disk.as_ref(), (source, &target), &leaving, go_on);
        // Only a move to another volume takes long enough to be stopped.
        if moved.is_err() {
            self.job.control.check()?;
        }
        Ok(moved?)
    }

    /// Takes away what an interrupted packing left: a directory with nothing but our draft in it.
    fn drop_draft(&self) -> Result<(), OperationError> {
        let Some(stat) = self.disk.stat(&self.target)? else {
            return Ok(());
        };
        if stat.kind != EntryKind::Directory {
            return Ok(());
        }
        leftovers::drop_packing(self.disk.as_ref(), &self.target)?;
        Ok(())
    }

    /// Everything in the folder must be something that others can hold.
    fn check(&mut self) -> Result<scan::Payload, OperationError> {
        let source_path = &self.request.source;
        let payload = scan_source(self.disk.as_ref(), source_path, self.in_place)?;
        if payload
            .files
            .iter()
            .all(|file| file.path.as_str() == VERSION_INI)
        {
            return Err(OperationError::Publish {
                entry: self.request.source.display().to_string(),
                code: "payload",
                reason: "there is nothing in it to share".to_owned(),
            });
        }
        if !self.in_place {
            check_still(self.disk.as_ref(), source_path, &payload, SystemTime::now())?;
        }
        self.total_bytes = payload.bytes;
        Ok(payload)
    }

    /// What came, went or changed since the folder was looked at would be torn from the game.
    fn check_unchanged(&self, payload: &scan::Payload) -> Result<(), OperationError> {
        let source = (self.request.source.as_path(), self.in_place);
        source::check_unchanged(self.disk.as_ref(), source, payload)
    }

    fn pack(&mut self, source: &Place) -> Result<(), OperationError> {
        let payload = self.check_whole(source)?;
        source::check_nothing_stays_behind(self.disk.as_ref(), source)?;
        let room = &self.job.room;
        let reserved = room.reserve(self.disk.as_ref(), &self.target, payload.bytes);
        reserved.map_err(|error| match error {
            SpaceError::NotEnough { .. } => OperationError::Publish {
                entry: self.target.to_string(),
                code: "disk-full",
                reason: error.to_string(),
            },
            SpaceError::Disk(error) => error.into(),
        })?;
        self.disk.create_dir(&self.target)?;
        let draft = self.target.own(leftovers::PACKING);
        let packed = self
            .write_archive(source, &payload, &draft)
            .and_then(|()| self.check_proportion(payload.bytes, &draft));
        // What changed is also why it could not be read.
        let packed = self.check_unchanged(&payload).and(packed);
        if let Err(error) = packed {
            // Both are ours: the directory was not there before.
            drop(self.disk.remove_file(&draft));
            drop(self.disk.remove_dir(&self.target));
            self.job.control.check()?;
            return Err(error);
        }
        let name = format!("{}.tar.zst", self.job.game);
        self.disk.rename(&draft, &self.target.listed(&name))?;
        self.made.wrote(self.disk.as_ref(), &name)?;
        Ok(self.disk.sync_dir(&self.target)?)
    }

    /// What others would refuse as a bomb is not shared.
    fn check_proportion(&self, unpacked: u64, draft: &Place) -> Result<(), OperationError> {
        let packed = self.disk.stat(draft)?.map_or(0, |stat| stat.bytes);
        if Limits::default().is_in_proportion(packed, unpacked) {
            return Ok(());
        }
        Err(OperationError::Publish {
            entry: self.request.source.display().to_string(),
            code: "limit-ratio",
            reason: format!(
                "its {unpacked} bytes are packed into {packed}, which others would take for a \
                 bomb: publish it unpacked, with `--move`"
            ),
        })
    }

    fn write_archive(
        &mut self,
        source: &Place,
        payload: &scan::Payload,
        draft: &Place,
    ) -> Result<(), OperationError> {
        let file = self.disk.open(draft, OpenMode::CreateNew)?;
        let out = Appending { file, offset: 0 };
        let failed = |error: io::Error| OperationError::Publish {
            entry: draft.to_string(),
            code: "disk",
            reason: error.to_string(),
        };
        let mut archive = TarZstd::new(out).map_err(failed)?;
        for dir in &payload.empty_dirs {
            archive.add_dir(dir).map_err(failed)?;
        }
        for entry in &payload.files {
            self.job.control.check()?;
            let place = source.join(&entry.path);
            let file = self.disk.open(&place, OpenMode::Read)?;
            let executable = file.is_executable()?;
            let reader = Reading {
                work: self,
                file,
                offset: 0,
                bytes: entry.bytes,
            };
            let mut buffered = io::BufReader::with_capacity(BLOCK, reader);
            let file = PackFile {
                path: &entry.path,
                bytes: entry.bytes,
                executable,
            };
            archive.add_file(file, &mut buffered).map_err(failed)?;
        }
        let out = archive.finish().map_err(failed)?;
        Ok(out.file.sync()?)
    }

    fn write_version(&mut self) -> Result<(), OperationError> {
        let disk = self.disk.as_ref();
        if own_version(disk, &self.target)?.is_none() {
            let text = format!("{}\n", self.request.version);
            atomic_file::write(disk, &self.target, VERSION_INI, text.as_bytes())?;
            self.made.wrote(disk, VERSION_INI)?;
        }
        Ok(())
    }

    fn advance(&mut self, bytes: u64) {
        self.job.room.wrote(bytes);
        self.done_bytes += bytes;
        self.show(self.done_bytes, self.total_bytes);
    }

    fn show(&self, done_bytes: u64, total_bytes: u64) {
        let progress = JobProgress {
            done_bytes,
            total_bytes,
            ..JobProgress::default()
        };
        // Garnish: if the gate is busy, the next one is as good.
        self.games
            .try_send(self.says(JobReport::Progress(progress)));
    }

    fn enter(&self, phase: Phase) {
        self.games.blocking_send(self.says(JobReport::Phase(phase)));
    }

    fn says(&self, report: JobReport) -> games::Msg {
        games::Msg::Job(self.job.operation, self.job.game.clone(), report)
    }
}

/// A file that is read from its beginning to its end, and the cancel that may come meanwhile.
struct Reading<'a> {
    work: &'a mut Work,
    file: Box<dyn DiskFile>,
    offset: u64,
    bytes: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.work.job.control.check().is_err() {
            return Err(io::Error::other("cancelled"));
        }
        let left = usize::try_from(self.bytes - self.offset).unwrap_or(usize::MAX);
        let len = left.min(buf.len());
        let part = buf.get_mut(..len).unwrap_or_default();
        self.file
            .read_exact_at(part, self.offset)
            .map_err(|error: DiskError| error.source)?;
        self.offset += len as u64;
        self.work.advance(len as u64);
        Ok(len)
    }
}

/// A file that grows.
struct Appending {
    file: Box<dyn DiskFile>,
    offset: u64,
}

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file
            .write_all_at(bytes, self.offset)
            .map_err(|error: DiskError| error.source)?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
