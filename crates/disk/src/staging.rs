//! [`Staging`]: an install or update being written beside the living game, and its commit.
//!
//! Invariant: every file below the staging was written here, hashed while it was written, and
//! stands in the record; until [`Staging::commit`] the game is untouched.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lanspread_install::{
    Goal, InstallRecord, Intent, Phase, RecordedFile, SealError, Slot, Target, Transaction,
    TransactionId,
};
use lanspread_proto::{
    ContentId, Hash, RelPath, VersionLabel,
    hash::{ChunkHasher, ChunkPlace},
    manifest::FileEntry,
    rel_path::{PathTable, TwinError},
};

use crate::{
    error::DiskError,
    execute::{self, Hands, Hooks, Job, TransactionError, stamp},
    hashing::hash_whole,
    observe::{self, GamePlaces},
    vfs::{Disk, GoOn, OpenMode, Place},
};

mod file;

pub use file::StagedFile;

/// Files and directories of one install: what a manifest may hold.
pub const ENTRIES_MAX: usize = lanspread_install::record::RECORD_FILES_MAX;

/// An install or update being written.
#[derive(Debug)]
pub struct Staging {
    disk: Arc<dyn Disk>,
    places: GamePlaces,
    root: Place,
    intent: Intent,
    target: Target,
    names: PathTable,
    dirs: BTreeSet<RelPath>,
    files: BTreeMap<RelPath, RecordedFile>,
    /// The files of a repaired install that are not staged.
    untouched: Vec<RecordedFile>,
    /// Begun, but not finished.
    open: BTreeSet<RelPath>,
}

/// Why an entry cannot be staged. The staging can be aborted then, or go on without it.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The path cannot lie beside the others.
    #[error("{path}: {reason}")]
    Twin {
        /// Which.
        path: RelPath,
        /// Why.
        reason: TwinError,
    },
    /// More bytes than were declared, or fewer.
    #[error("{path}: {bytes} bytes came, {declared} were declared")]
    Length {
        /// Which file.
        path: RelPath,
        /// How many came, at least.
        bytes: u64,
        /// How many were declared.
        declared: u64,
    },
    /// Nothing was staged at the path that is to be copied.
    #[error("{0}: there is no such file to copy")]
    NothingToCopy(RelPath),
    /// The bytes of a file that was cloned are not those that they should be.
    #[error("{0}: its bytes are not what they were when it was published or downloaded")]
    Differs(RelPath),
    /// More than [`ENTRIES_MAX`].
    #[error("more than {ENTRIES_MAX} files and directories")]
    TooMany,
}

impl StagingError {
    /// The volume is full: freeing space helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(error) => error.is_full(),
            Self::Twin { .. }
            | Self::Length { .. }
            | Self::NothingToCopy(_)
            | Self::Differs(_)
            | Self::TooMany => false,
        }
    }
}

impl Staging {
    /// Writes the intent and makes the empty staging. A game that is installed will be updated.
    ///
    /// # Errors
    /// Another transaction is unfinished, or the disk fails.
    pub fn begin(
        disk: Arc<dyn Disk>,
        places: &GamePlaces,
        transaction: TransactionId,
        target: Target,
        hooks: &mut dyn Hooks,
    ) -> Result<Self, TransactionError> {
        execute::check_ready(&*disk, places)?;
        let installed = observe::observe_slots(&*disk, places)?.live.is_filled();
        let goal = if installed {
            Goal::Update(target.clone())
        } else {
            Goal::Install(target.clone())
        };
        Self::begin_goal(disk, places, (transaction, goal, target), hooks)
    }

    /// As [`Staging::begin`], but what is staged comes straight from the swarm: the intent says so.
    ///
    /// # Errors
    /// As [`Staging::begin`].
    pub fn begin_low_disk(
        disk: Arc<dyn Disk>,
        places: &GamePlaces,
        transaction: TransactionId,
        target: Target,
        hooks: &mut dyn Hooks,
    ) -> Result<Self, TransactionError> {
        execute::check_ready(&*disk, places)?;
        let goal = Goal::LowDisk(target.clone());
        Self::begin_goal(disk, places, (transaction, goal, target), hooks)
    }

    /// As [`Staging::begin`], but what is staged replaces single files of `local/`, which the
    /// record of the install names; all others stay as they are.
    ///
    /// # Errors
    /// Nothing is installed, another transaction is unfinished, or the disk fails.
    pub fn begin_repair(
        disk: Arc<dyn Disk>,
        places: &GamePlaces,
        transaction: TransactionId,
        record: &InstallRecord,
        hooks: &mut dyn Hooks,
    ) -> Result<Self, TransactionError> {
        execute::check_ready(&*disk, places)?;
        if !observe::observe_slots(&*disk, places)?.live.is_filled() {
            return Err(lanspread_install::Refusal::NotInstalled.into());
        }
        let target = Target {
            content: record.content(),
            version: record.version().clone(),
        };
        let goal = Goal::Repair(target.clone());
        let begun = Self::begin_goal(disk, places, (transaction, goal, target), hooks)?;
        Ok(Self {
            untouched: record.files().to_vec(),
            ..begun
        })
    }

    fn begin_goal(
        disk: Arc<dyn Disk>,
        places: &GamePlaces,
        (transaction, goal, target): (TransactionId, Goal, Target),
        hooks: &mut dyn Hooks,
    ) -> Result<Self, TransactionError> {
        let intent = Intent {
            transaction,
            phase: Phase::Preparing,
            goal,
        };
        let staging = Self {
            disk,
            places: places.clone(),
            root: places.slot(Slot::Staging),
            target,
            names: PathTable::default(),
            dirs: BTreeSet::new(),
            files: BTreeMap::new(),
            untouched: Vec::new(),
            open: BTreeSet::new(),
            intent,
        };
        staging.run(
            Transaction::begin_staging(staging.intent.clone()),
            None,
            hooks,
        )?;
        Ok(staging)
    }

    /// The content that is being installed.
    #[must_use]
    pub const fn content(&self) -> ContentId {
        self.target.content
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> &VersionLabel {
        &self.target.version
    }

    /// Whether a file was staged at this path.
    #[must_use]
    pub fn holds(&self, path: &RelPath) -> bool {
        self.files.contains_key(path)
    }

    /// Makes a directory and those above it; one that is there is fine.
    ///
    /// # Errors
    /// The path cannot lie beside the others, or the disk fails.
    pub fn create_dir(&mut self, path: &RelPath) -> Result<(), StagingError> {
        if self.dirs.contains(path) {
            return Ok(());
        }
        self.names
            .add_directory(path)
            .map_err(|reason| twin(path, reason))?;
        self.make_dir(path)
    }

    /// Begins a file.
    ///
    /// # Errors
    /// The path cannot lie beside the others, or the disk fails.
    pub fn create_file(
        &mut self,
        path: &RelPath,
        declared: Option<u64>,
    ) -> Result<StagedFile, StagingError> {
        let place = self.make_way(path)?;
        let file = self.disk.open(&place, OpenMode::CreateNew)?;
        self.open.insert(path.clone());
        Ok(StagedFile {
            file,
            path: path.clone(),
            declared,
            bytes: 0,
            modified: None,
            hasher: ChunkHasher::new(ChunkPlace {
                offset: 0,
                whole_file: true,
            }),
        })
    }

    /// Ends a file: its size and BLAKE3 root, which stand in the record from now on.
    ///
    /// # Errors
    /// Fewer bytes than declared, or the disk fails. A staging with a file that was neither
    /// finished cannot be committed.
    pub fn finish_file(&mut self, file: StagedFile) -> Result<(u64, Hash), StagingError> {
        if let Some(declared) = file.declared
            && declared != file.bytes
        {
            return Err(file.wrong_length(file.bytes, declared));
        }
        let root = file.hasher.finish();
        if let Some(seconds) = file.modified {
            // Not every file system can hold every time, and no game is worse without it.
            drop(file.file.set_modified(seconds));
        }
        let stamp = stamp(&file.file.stat()?);
        let recorded = RecordedFile {
            path: file.path.clone(),
            bytes: file.bytes,
            root,
            stamp,
        };
        self.open.remove(&file.path);
        self.files.insert(file.path, recorded);
        Ok((file.bytes, root))
    }

    /// Copies a file that was staged before.
    ///
    /// # Errors
    /// It was not, the new path cannot lie beside the others, it was stopped, or the disk fails.
    pub fn copy_file(
        &mut self,
        (from, to): (&RelPath, &RelPath),
        go_on: GoOn<'_>,
    ) -> Result<(), StagingError> {
        let source = self.files.get(from);
        let source = source.ok_or_else(|| StagingError::NothingToCopy(from.clone()))?;
        let entry = FileEntry {
            path: to.clone(),
            bytes: source.bytes,
            root: source.root,
        };
        if from == to {
            return Ok(());
        }
        self.clone_known(&self.root.join(from), &entry, go_on)
    }

    /// Clones a file of the payload, or of anywhere; the entry says what it is and where it goes.
    /// The clone is hashed: its source may have rotted, or be written meanwhile.
    ///
    /// # Errors
    /// It has another length or other bytes, its path cannot lie beside the others, it was stopped,
    /// or the disk fails.
    pub fn clone_from(
        &mut self,
        source: &Place,
        entry: &FileEntry,
        go_on: GoOn<'_>,
    ) -> Result<(), StagingError> {
        self.clone_known(source, entry, go_on)?;
        let place = self.root.join(&entry.path);
        let clone = self.disk.open(&place, OpenMode::Read)?;
        // It was counted when it was cloned.
        let root = hash_whole(clone.as_ref(), entry.bytes, &mut |_| go_on(0))
            .map_err(|error| error.on(&place))?;
        drop(clone);
        if root == entry.root {
            return Ok(());
        }
        self.disk.remove_file(&place)?;
        self.files.remove(&entry.path);
        Err(StagingError::Differs(entry.path.clone()))
    }

    /// Clones a file whose bytes are known to be those of the entry.
    fn clone_known(
        &mut self,
        source: &Place,
        entry: &FileEntry,
        go_on: GoOn<'_>,
    ) -> Result<(), StagingError> {
        let place = self.make_way(&entry.path)?;
        self.disk.clone_file(source, &place, go_on)?;
        let stat = self.disk.open(&place, OpenMode::Read)?.stat()?;
        if stat.bytes != entry.bytes {
            return Err(StagingError::Length {
                path: entry.path.clone(),
                bytes: stat.bytes,
                declared: entry.bytes,
            });
        }
        let recorded = RecordedFile {
            path: entry.path.clone(),
            bytes: entry.bytes,
            root: entry.root,
            stamp: stamp(&stat),
        };
        self.files.insert(entry.path.clone(), recorded);
        Ok(())
    }

    /// Makes the staging the game: everything durable, then one exchange; the user's files of the
    /// old `local/` are carried over.
    ///
    /// # Errors
    /// The old game is untouched, or the transaction waits: [`TransactionError::is_waiting`].
    pub fn commit(self, hooks: &mut dyn Hooks) -> Result<(), TransactionError> {
        let (record, transaction) = match self.prepare_commit() {
            Ok(prepared) => prepared,
            Err(error) => {
                self.abort(hooks)?;
                return Err(error);
            }
        };
        self.run(transaction, Some(&record), hooks)
    }

    fn prepare_commit(&self) -> Result<(InstallRecord, Transaction), TransactionError> {
        let record = self.check_record()?;
        let observed = observe::observe_slots(&*self.disk, &self.places)?;
        let transaction = Transaction::commit_staging(self.intent.clone(), &observed)?;
        Ok((record, transaction))
    }

    /// Deletes the staging; the game is as before.
    ///
    /// # Errors
    /// The disk fails: recovery goes on with it.
    pub fn abort(&self, hooks: &mut dyn Hooks) -> Result<(), TransactionError> {
        self.run(Transaction::drop_staging(self.intent.clone()), None, hooks)
    }

    fn check_record(&self) -> Result<InstallRecord, TransactionError> {
        if self.files.is_empty() {
            return Err(TransactionError::NothingStaged);
        }
        if let Some(path) = self.open.first() {
            return Err(TransactionError::Incomplete(path.clone()));
        }
        let mut untouched = self.untouched.clone();
        untouched.retain(|file| !self.files.contains_key(&file.path));
        let files = self.files.values().cloned().chain(untouched).collect();
        let Target { content, version } = self.target.clone();
        InstallRecord::new(content, version, files)
            .map_err(|reason: SealError| TransactionError::Unrecordable(reason))
    }

    fn run(
        &self,
        transaction: Transaction,
        staged: Option<&InstallRecord>,
        hooks: &mut dyn Hooks,
    ) -> Result<(), TransactionError> {
        let job = Job {
            hands: Hands {
                disk: &*self.disk,
                hooks,
            },
            places: &self.places,
            intent: &self.intent,
            new: None,
            old: None,
            staged,
        };
        execute::run(transaction, job)
    }

    /// The place for a file at a path, with its directories made.
    fn make_way(&mut self, path: &RelPath) -> Result<Place, StagingError> {
        let place = self.root.join(path);
        if self.files.len() + self.dirs.len() >= ENTRIES_MAX {
            return Err(StagingError::TooMany);
        }
        self.names
            .add_file(path)
            .map_err(|reason| twin(path, reason))?;
        if let Some(parent) = path.parent() {
            self.make_dir(&parent)?;
        }
        Ok(place)
    }

    fn make_dir(&mut self, path: &RelPath) -> Result<(), StagingError> {
        if self.dirs.contains(path) {
            return Ok(());
        }
        if self.files.len() + self.dirs.len() >= ENTRIES_MAX {
            return Err(StagingError::TooMany);
        }
        if let Some(parent) = path.parent() {
            self.make_dir(&parent)?;
        }
        match self.disk.create_dir(&self.root.join(path)) {
            Err(error) if !error.is_already_there() => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        self.dirs.insert(path.clone());
        Ok(())
    }
}

fn twin(path: &RelPath, reason: TwinError) -> StagingError {
    StagingError::Twin {
        path: path.clone(),
        reason,
    }
}
