//! [`StagedFile`]: a file of a staging while it is written.

use lanspread_proto::{RelPath, hash::ChunkHasher};

use super::StagingError;
use crate::vfs::DiskFile;

/// A file being written, from its beginning to its end.
#[derive(Debug)]
pub struct StagedFile {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) path: RelPath,
    pub(super) declared: Option<u64>,
    pub(super) bytes: u64,
    pub(super) modified: Option<i64>,
    pub(super) hasher: ChunkHasher,
}

impl StagedFile {
    /// Lets the file be started as a program.
    ///
    /// # Errors
    /// The disk fails.
    pub fn mark_executable(&self) -> Result<(), StagingError> {
        Ok(self.file.mark_executable()?)
    }

    /// When it was last changed, in seconds since 1970, if its archive tells: it gets that time in
    /// the end, where the file system can hold it.
    pub const fn set_modified(&mut self, seconds: Option<i64>) {
        self.modified = seconds;
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// More bytes than declared, or the disk fails.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let end = self.bytes.saturating_add(bytes.len() as u64);
        if let Some(declared) = self.declared
            && end > declared
        {
            return Err(self.wrong_length(end, declared));
        }
        self.file.write_all_at(bytes, self.bytes)?;
        self.hasher.update(bytes);
        self.bytes = end;
        Ok(())
    }

    /// Where it lies.
    #[must_use]
    pub const fn path(&self) -> &RelPath {
        &self.path
    }

    pub(super) fn wrong_length(&self, bytes: u64, declared: u64) -> StagingError {
        StagingError::Length {
            path: self.path.clone(),
            bytes,
            declared,
        }
    }
}
