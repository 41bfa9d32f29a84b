//! [`Directory`]: the one directory of a demo. Nothing outside it is ever written or removed.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use crate::error::DemoError;

/// Tries to remove it: a task that was cut off may write its last file meanwhile.
const REMOVALS_MAX: u32 = 5;
/// Time between two tries.
const REMOVAL_PAUSE: Duration = Duration::from_millis(200);

/// The directory of a demo; removed with all that is in it, also when it is only dropped.
#[derive(Debug)]
pub(crate) struct Directory(TempDir);

impl Directory {
    /// Makes a new directory in `parent`, for this user only, if there is room for the demo.
    pub(crate) fn create(parent: &Path, needed_bytes: u64) -> Result<Self, DemoError> {
        let made = tempfile::Builder::new()
            .prefix("lanspread-demo-")
            .tempdir_in(parent)
            .map_err(DemoError::file("make a directory in", parent))?;
        let free = free_bytes(made.path()).map_err(DemoError::file("ask", parent))?;
        match free {
            Some(free_bytes) if free_bytes < needed_bytes => Err(DemoError::NoSpace {
                path: parent.to_owned(),
                needed_bytes,
                free_bytes,
            }),
            Some(_) | None => Ok(Self(made)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes it. Nothing may use it any more.
    pub(crate) async fn remove(self) -> Result<(), DemoError> {
        let path: PathBuf = self.0.path().to_owned();
        for _try in 1..REMOVALS_MAX {
            if remove(&path).is_ok() {
                // There is nothing left to drop, and nothing can be lost by trying.
                drop(self.0.close());
                return Ok(());
            }
            tokio::time::sleep(REMOVAL_PAUSE).await;
        }
        self.0.close().map_err(DemoError::file("remove", path))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(path)
}

/// Bytes that this user may write; `None` where that cannot be asked.
#[cfg(unix)]
fn free_bytes(path: &Path) -> io::Result<Option<u64>> {
    let volume = rustix::fs::statvfs(path)?;
    Ok(volume.f_bavail.checked_mul(volume.f_frsize))
}

/// Bytes that this user may write; `None` where that cannot be asked.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other form can fail")]
fn free_bytes(_path: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> usize {
        std::fs::read_dir(dir).unwrap().count()
    }

    #[tokio::test]
    async fn only_its_own_directory_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("lanspread-demo-other"), b"not ours").unwrap();
        let directory = Directory::create(parent.path(), 1).unwrap();
        std::fs::create_dir(directory.path().join("deep")).unwrap();
        std::fs::write(directory.path().join("deep/file"), b"ours").unwrap();
        assert_eq!(names(parent.path()), 2);
        directory.remove().await.unwrap();
        assert_eq!(names(parent.path()), 1);
    }

    #[cfg(unix)]
    #[test]
    fn too_little_space_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let error = Directory::create(parent.path(), u64::MAX).unwrap_err();
        assert_eq!(error.code(), "disk-full");
        assert_eq!(names(parent.path()), 0);
    }
}
