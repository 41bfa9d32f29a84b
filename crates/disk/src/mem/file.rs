//! An open file of the disk in memory.

use std::{io::ErrorKind, path::Path};

use super::{
    MemDisk,
    names::Number,
    state::{MemBytes, State},
};
use crate::{
    error::{DiskError, DiskOp},
    vfs::{DiskFile, Place, Stat},
};

#[derive(Debug)]
pub(super) struct MemFile {
    pub(super) disk: MemDisk,
    pub(super) place: Place,
    pub(super) number: Number,
    pub(super) generation: u64,
    pub(super) writable: bool,
}

impl MemFile {
    fn run<T>(
        &self,
        op: DiskOp,
        change: impl FnOnce(&mut State) -> Result<T, ErrorKind>,
    ) -> Result<T, DiskError> {
        let writes = matches!(op, DiskOp::Write | DiskOp::Resize);
        self.disk.run(op, &self.place, |state, _path: &Path| {
            if state.generation != self.generation {
                return Err(ErrorKind::Other);
            }
            if writes && !self.writable {
                return Err(ErrorKind::PermissionDenied);
            }
            change(state)
        })
    }
}

impl DiskFile for MemFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), DiskError> {
        self.run(DiskOp::Read, |state| {
            let file = state.file(self.number).ok_or(ErrorKind::NotFound)?;
            let start = usize::try_from(offset).map_err(|_large| ErrorKind::UnexpectedEof)?;
            let end = start.saturating_add(buffer.len());
            let bytes = file.now.get(start..end).ok_or(ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.run(DiskOp::Write, |state| {
            state.write(self.number, bytes, offset)
        })
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.run(DiskOp::Resize, |state| state.set_len(self.number, bytes))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.run(DiskOp::Sync, |state| {
            state.file_mut(self.number).map(MemBytes::sync)
        })
    }

    fn mark_executable(&self) -> Result<(), DiskError> {
        // The disk in memory keeps bytes and names only.
        Ok(())
    }

    fn is_executable(&self) -> Result<bool, DiskError> {
        Ok(false)
    }

    fn set_modified(&self, seconds: i64) -> Result<(), DiskError> {
        self.run(DiskOp::Write, |state| {
            let file = state.file_mut(self.number)?;
            file.set_modified(i128::from(seconds) * 1_000_000_000);
            Ok(())
        })
    }

    fn stat(&self) -> Result<Stat, DiskError> {
        self.run(DiskOp::Stat, |state| state.stat(self.number))
    }
}
