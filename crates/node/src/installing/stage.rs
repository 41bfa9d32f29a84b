//! Filling the staging of an install: files cloned or read, archives unpacked.

use std::sync::Arc;

use lanspread_disk::staging::{StagedFile, Staging, StagingError};
use lanspread_proto::{
    FileIndex, GameId, RelPath,
    manifest::{ArchiveSet, FileEntry, Layout},
};
use lanspread_unpack::{ArchiveBytes, Canceller, Event, Mode, NameTable, Unpacker};

use super::{
    Install,
    refusal::published_error,
    source::{self, Source},
};
use crate::{
    error::OperationError,
    games::{self, JobProgress, JobReport},
    notice::Notice,
    room,
    transfer::reader::SwarmReader,
};

/// Bytes of a file that are written at once.
const READ_BYTES: usize = 1 << 20;

impl Install {
    pub(super) fn stage(&mut self, staging: &mut Staging) -> Result<(), OperationError> {
        let manifest = Arc::clone(&self.manifest);
        match manifest.layout() {
            Layout::Tree => self.stage_tree(staging),
            Layout::Archives(sets) => {
                let mut names = NameTable::new();
                for set in sets {
                    names = self.stage_archive(staging, set, names)?;
                }
                match self.source.clone() {
                    Source::Payload(_) => Ok(()),
                    Source::Swarm(reader) => self.stage_profile(staging, &reader),
                }
            }
        }
    }

    /// How the game is started lies beside its archives. Without a payload it is brought along,
    /// unless the archives have a file of that name.
    fn stage_profile(
        &mut self,
        staging: &mut Staging,
        reader: &SwarmReader,
    ) -> Result<(), OperationError> {
        let manifest = Arc::clone(&self.manifest);
        let Some(file) = source::profile_of(&manifest) else {
            return Ok(());
        };
        let Some(entry) = manifest.files().get(file.as_usize()) else {
            return Ok(());
        };
        if staging.holds(&entry.path) {
            return Ok(());
        }
        match staging.create_file(&entry.path, Some(entry.bytes)) {
            Err(StagingError::Twin { .. }) => Ok(()),
            created => self.stage_file((staging, created), reader, (file, entry)),
        }
    }

    fn wants(&self, path: &RelPath) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.wanted.contains(path))
    }

    /// The payload brought every file that is to be put back.
    pub(super) fn check_all_staged(&self, staging: &Staging) -> Result<(), OperationError> {
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
        for (file, entry) in (0..).map(FileIndex).zip(manifest.files()) {
            self.job.control.check()?;
            if !self.wants(&entry.path) {
                self.advance(entry.bytes, total);
                continue;
            }
            let staged = match self.source.clone() {
                Source::Payload(content) => {
                    let source = content.place_of(&entry.path);
                    let copied = staging.clone_from(&source, entry, &mut |bytes| {
                        self.advance(bytes, total);
                        self.goes_on()
                    });
                    copied.map_err(|error| self.staging_error(error))
                }
                Source::Swarm(reader) => {
                    let created = staging.create_file(&entry.path, Some(entry.bytes));
                    self.stage_file((staging, created), &reader, (file, entry))
                }
            };
            self.job.control.check()?;
            staged?;
        }
        Ok(())
    }

    /// Writes a file as it comes.
    fn stage_file(
        &mut self,
        (staging, created): (&mut Staging, Result<StagedFile, StagingError>),
        reader: &SwarmReader,
        (file, entry): (FileIndex, &FileEntry),
    ) -> Result<(), OperationError> {
        let game = self.job.game.clone();
        let failed = |error| staging_error(&game, error);
        let mut staged = created.map_err(failed)?;
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        while offset < entry.bytes {
            self.job.control.check()?;
            let read = reader.read_at(file, offset, &mut buffer);
            let count = read.map_err(|error| self.unreadable(&entry.path, &error))?;
            let bytes = buffer.get(..count).filter(|bytes| !bytes.is_empty());
            let Some(bytes) = bytes else { break };
            staged.write(bytes).map_err(failed)?;
            offset += bytes.len() as u64;
            self.job.room.wrote(bytes.len() as u64);
            reader.count();
        }
        let (_, root) = staging.finish_file(staged).map_err(failed)?;
        if root == entry.root {
            return Ok(());
        }
        // Every chunk matched, so this cannot be; but it is looked at here for nothing.
        Err(self.unreadable(&entry.path, &"it is not what was published"))
    }

    fn unreadable(&self, path: &RelPath, reason: &dyn std::fmt::Display) -> OperationError {
        if let Err(stopped) = self.job.control.check() {
            return stopped;
        }
        OperationError::Transaction {
            game: self.job.game.clone(),
            full: false,
            waits: false,
            reason: format!("{path}: {reason}"),
        }
    }

    fn stage_archive(
        &mut self,
        staging: &mut Staging,
        set: &ArchiveSet,
        names: NameTable,
    ) -> Result<NameTable, OperationError> {
        let count = set.volumes.len();
        let source: Arc<dyn ArchiveBytes> = Arc::new(self.source.volumes(&self.manifest, set));
        let how = (Mode::Unpack, self.limits.clone());
        let mut unpacker = Unpacker::start(&self.worker, source, count, how, names)
            .map_err(|error| published_error(set, &error))?;
        self.cancel_with_job(unpacker.canceller());
        let mut open = None;
        let game = self.job.game.clone();
        loop {
            self.job.control.check()?;
            let event = unpacker.next_event().map_err(|error| {
                // What a job that stops did not get is no fault of the archive.
                let stopped = self.job.control.check().err();
                stopped.unwrap_or_else(|| published_error(set, &error))
            })?;
            match event {
                Event::End(totals) => {
                    self.limits = room::after(&self.limits, totals);
                    return Ok(unpacker.into_names());
                }
                Event::Progress(progress) => self.show(progress.packed),
                Event::Skipped { name, .. } => self.notify_skipped(name),
                Event::Start(_) => self.source.begin(),
                Event::Directory(_)
                | Event::File(_)
                | Event::Data(_)
                | Event::EndFile(_)
                | Event::Copy { .. } => {
                    let bytes = bytes_of(&event);
                    let written = self.write_event(staging, &mut open, event);
                    self.job.control.check()?;
                    written.map_err(|error| staging_error(&game, error))?;
                    self.job.room.wrote(bytes);
                    self.source.count(bytes);
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
        // Of what comes from the swarm, who leads the transfer tells more.
        if let Source::Swarm(_) = self.source {
            return;
        }
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
        tracing::warn!(game = %self.job.game, entry, "left out: no file and no folder");
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
        StagingError::Differs(path) => OperationError::Rotten {
            game: game.clone(),
            path,
        },
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
