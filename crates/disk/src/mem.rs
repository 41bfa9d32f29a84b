//! [`MemDisk`]: a disk in memory that keeps the durability contract of [`crate::vfs`] and nothing
//! more, so that code which forgets a sync loses data in a test.
//!
//! Invariant: what [`MemDisk::crash`] leaves is a state that the contract allows: synced names and
//! bytes are there, every other name change happened or not, in order where one needs another;
//! unsynced bytes are torn at 512-byte sectors.

mod faults;
mod file;
mod names;
mod state;

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{CloneKind, DirEntry, Disk, DiskFile, GoOn, OpenMode, Place, Space, Stat},
};
pub use faults::{Count, Fault, Loss};
use file::MemFile;
use state::{Node, State};

/// A file system in memory. Clones are doors to the same one; see [`MemDisk::fork`] for a copy.
#[derive(Clone)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

impl MemDisk {
    /// An empty disk with the directory `root` on it, durable.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let disk = Self {
            state: Arc::new(Mutex::new(State::default())),
        };
        disk.lock().plant(root, Node::directory());
        disk
    }

    /// An independent copy, with the same content, pending changes and faults.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.lock().clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a durable file there, with its directories, as a test's starting point or as the deed
    /// of a user. It replaces what is there.
    pub fn put_file(&self, path: &Path, bytes: &[u8]) {
        self.lock().plant_file(path, bytes);
    }

    /// Puts a durable empty directory there.
    pub fn put_dir(&self, path: &Path) {
        self.lock().plant(path, Node::directory());
    }

    /// Puts something there that is neither file nor directory, for example a link.
    pub fn put_other(&self, path: &Path) {
        self.lock().plant(path, Node::Other);
    }

    /// The bytes of a file; `None` when there is no file.
    #[must_use]
    pub fn bytes_of(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.lock();
        let number = state.find(path)?;
        state.file(number).map(|file| file.now.clone())
    }

    /// Every file below a directory by its path from there; `None` for its bytes stands for an
    /// empty directory or something that is no file.
    #[must_use]
    pub fn tree(&self, below: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        self.lock().tree(below)
    }

    /// Cuts the power: keeps what is durable and what the loss leaves of the rest. Open files are
    /// dead, faults are gone, everything that is left is durable.
    pub fn crash(&self, loss: Loss) {
        self.lock().crash(loss);
    }

    /// How many name changes are not durable yet, for [`Loss::Names`].
    #[must_use]
    pub fn pending_names(&self) -> usize {
        self.lock().pending.len()
    }

    /// Lets later calls fail; replaces the fault before.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.inject(fault);
    }

    /// No call fails any more.
    pub fn heal(&self) {
        self.lock().faults.heal();
    }

    /// Calls so far, of the kind that a [`Fault`] counts.
    #[must_use]
    pub fn calls(&self, count: Count) -> u64 {
        self.lock().faults.calls(count)
    }

    /// Somebody holds a path open: it and what holds it cannot be renamed or removed.
    pub fn hold(&self, path: &Path) {
        self.lock().held.insert(path.to_path_buf());
    }

    /// They let go.
    pub fn release(&self, path: &Path) {
        self.lock().held.remove(path);
    }

    /// Whether two entries can be exchanged; they can until told otherwise.
    pub fn allow_exchange(&self, allowed: bool) {
        self.lock().exchange_refused = !allowed;
    }

    /// Limits the bytes of all files.
    pub fn limit_space(&self, total_bytes: u64) {
        self.lock().total_bytes = total_bytes;
    }

    /// Does something to the state, or fails as the faults say.
    fn run<T>(
        &self,
        op: DiskOp,
        place: &Place,
        change: impl FnOnce(&mut State, &Path) -> Result<T, ErrorKind>,
    ) -> Result<T, DiskError> {
        let path = place.path();
        let mut state = self.lock();
        let result = state
            .faults
            .on_call(op)
            .and_then(|()| change(&mut state, &path));
        if result.is_err() && op == DiskOp::Sync {
            state.forget_dirty_bytes();
        }
        result.map_err(|kind| DiskError::new(op, path, kind.into()))
    }
}

impl std::fmt::Debug for MemDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemDisk")
    }
}

impl Disk for MemDisk {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        let op = match mode {
            OpenMode::Read | OpenMode::Write => DiskOp::Open,
            OpenMode::CreateNew => DiskOp::Create,
        };
        let (number, generation) = self.run(op, place, |state, path| {
            let number = match mode {
                OpenMode::Read | OpenMode::Write => state.existing_file(path)?,
                OpenMode::CreateNew => state.create(path, Node::file())?,
            };
            Ok((number, state.generation))
        })?;
        Ok(Box::new(MemFile {
            disk: self.clone(),
            place: place.clone(),
            number,
            generation,
            writable: mode != OpenMode::Read,
        }))
    }

    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        self.run(DiskOp::Stat, place, |state, path| {
            match state.resolve(path) {
                Ok(number) => state.stat(number).map(Some),
                Err(ErrorKind::NotFound) => Ok(None),
                Err(kind) => Err(kind),
            }
        })
    }

    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        self.run(DiskOp::List, place, |state, path| state.list(path))
    }

    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.run(DiskOp::CreateDirectory, place, |state, path| {
            state.create(path, Node::directory()).map(|_number| ())
        })
    }

    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        let to = to.path();
        self.run(DiskOp::Rename, from, |state, from| state.rename(from, &to))
    }

    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError> {
        let b = b.path();
        self.run(DiskOp::Exchange, a, |state, a| state.exchange(a, &b))
    }

    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        self.run(DiskOp::RemoveFile, place, State::remove_file)
    }

    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.run(DiskOp::RemoveDirectory, place, State::remove_dir)
    }

    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        let from = from.path();
        // Asked while nothing is locked: the asker may use the disk.
        let count = self.bytes_of(&from).map_or(0, |bytes| bytes.len());
        if !go_on(count as u64) {
            let stopped = ErrorKind::Interrupted.into();
            return Err(DiskError::new(DiskOp::Clone, to.path(), stopped));
        }
        self.run(DiskOp::Clone, to, |state, to| {
            let source = state.existing_file(&from)?;
            let bytes = state.file(source).map(|file| file.now.clone());
            let number = state.create(to, Node::file())?;
            state.write(number, &bytes.unwrap_or_default(), 0)?;
            Ok(CloneKind::Copied)
        })
    }

    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.run(DiskOp::Sync, place, State::sync_dir)
    }

    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        self.run(DiskOp::Sync, place, |state, path| {
            state.directory(state.resolve(path)?)?;
            state.sync_everything();
            Ok(())
        })
    }

    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        self.run(DiskOp::Space, place, |state, _path| {
            Ok(Space {
                volume: 1,
                free_bytes: state.total_bytes.saturating_sub(state.used_bytes()),
                total_bytes: state.total_bytes,
                file_bytes_max: u64::MAX,
            })
        })
    }
}

#[cfg(test)]
mod tests;
