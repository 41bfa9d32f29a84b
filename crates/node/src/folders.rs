//! Directories of this machine as a person walks through them: to choose a games directory, before
//! a node runs too. Everything here blocks.

use std::path::{Path, PathBuf};

use lanspread_disk::folders;
pub use lanspread_disk::folders::{Folder, LISTED_MAX, roots};

/// A directory, or what was tried with it, is not usable.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system refused.
    #[error(transparent)]
    Disk(#[from] lanspread_disk::DiskError),
    /// Directories are named from the root on: this process's own directory means nothing to people
    /// elsewhere.
    #[error("{} does not begin at a root", .0.display())]
    Relative(PathBuf),
}

impl FolderError {
    /// The volume is full: freeing space helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(error) => error.is_full(),
            Self::Relative(_) => false,
        }
    }
}

/// A volume and what is free on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Lists a directory.
///
/// # Errors
/// It is no absolute path, or cannot be read.
pub fn list(folder: &Path) -> Result<Folder, FolderError> {
    Ok(folders::list(absolute(folder)?)?)
}

/// Makes one directory in a directory that is there.
///
/// # Errors
/// It is no absolute path, is there already, or cannot be made.
pub fn make(folder: &Path) -> Result<(), FolderError> {
    Ok(folders::make(absolute(folder)?)?)
}

/// Tries whether something can be written into a directory.
///
/// # Errors
/// It is no absolute path, or nothing can be written.
pub fn probe(folder: &Path) -> Result<(), FolderError> {
    Ok(folders::probe(absolute(folder)?)?)
}

/// The volume of a directory, which need not be there yet; `None` where the system does not tell.
#[must_use]
pub fn volume(folder: &Path) -> Option<Volume> {
    folders::volume(folder).map(|space| Volume {
        free_bytes: space.free_bytes,
        total_bytes: space.total_bytes,
    })
}

fn absolute(folder: &Path) -> Result<&Path, FolderError> {
    if folder.is_absolute() {
        Ok(folder)
    } else {
        Err(FolderError::Relative(folder.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_a_root() {
        for relative in ["", ".", "x", "../x"] {
            let relative = Path::new(relative);
            assert!(matches!(list(relative), Err(FolderError::Relative(_))));
            assert!(matches!(make(relative), Err(FolderError::Relative(_))));
            assert!(matches!(probe(relative), Err(FolderError::Relative(_))));
        }
    }
}
