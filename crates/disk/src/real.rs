//! [`RealDisk`]: the file system of this machine behind [`Disk`](crate::Disk).
//!
//! **Invariant:** below the root of a [`Place`](crate::Place) no symbolic link is followed, not
//! even one that appears between two calls: every call resolves its path anew, relative to the
//! opened root, and nothing is cached.

use std::{
    fs::File,
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{DiskFile, Stat},
};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

/// The file system of this machine.
#[derive(Debug, Default)]
pub struct RealDisk {
    #[cfg(unix)]
    platform: platform::Platform,
}

impl RealDisk {
    /// The file system of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// An open regular file. The path is only for messages.
#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
}

impl RealFile {
    fn fail(&self, op: DiskOp) -> impl FnOnce(io::Error) -> DiskError + '_ {
        move |source| DiskError::new(op, &self.path, source)
    }
}

impl DiskFile for RealFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), DiskError> {
        platform::read_exact_at(&self.file, buffer, offset).map_err(self.fail(DiskOp::Read))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        platform::write_all_at(&self.file, bytes, offset).map_err(self.fail(DiskOp::Write))
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        platform::set_len(&self.file, bytes).map_err(self.fail(DiskOp::Resize))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_all().map_err(self.fail(DiskOp::Sync))
    }

    fn mark_executable(&self) -> Result<(), DiskError> {
        platform::mark_executable(&self.file).map_err(self.fail(DiskOp::Write))
    }

    fn is_executable(&self) -> Result<bool, DiskError> {
        platform::is_executable(&self.file).map_err(self.fail(DiskOp::Stat))
    }

    fn set_modified(&self, seconds: i64) -> Result<(), DiskError> {
        let since_1970 = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(since_1970)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(since_1970)
        };
        time.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
            .and_then(|time| self.file.set_modified(time))
            .map_err(self.fail(DiskOp::Write))
    }

    fn stat(&self) -> Result<Stat, DiskError> {
        platform::stat_open(&self.file).map_err(self.fail(DiskOp::Stat))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
