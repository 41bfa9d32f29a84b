//! [`Disk`]: the only door to a file system, narrow enough to be faked.
//!
//! **Durability contract**, which the disk in memory enforces and the real one keeps: bytes written
//! to a file are durable after [`DiskFile::sync`] or [`Disk::sync_volume`]; a created, renamed or
//! removed name is durable after [`Disk::sync_dir`] of the directory that holds it (or
//! [`Disk::sync_volume`]). Before that a crash may keep or drop each of them on its own. A failed
//! sync is final: what it covered must be written anew.
//!
//! No method follows a symbolic link below the root of a [`Place`].

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lanspread_proto::RelPath;

use crate::error::DiskError;

/// A path that is safe to touch: a trusted root, and a way down that came from [`RelPath`]s and our
/// own names only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    root: Arc<Path>,
    below: PathBuf,
}

impl Place {
    /// A root that the person chose; links on the way to it are theirs.
    #[must_use]
    pub fn root(path: &Path) -> Self {
        Self {
            root: Arc::from(path),
            below: PathBuf::new(),
        }
    }

    /// Down by a checked path.
    #[must_use]
    pub fn join(&self, path: &RelPath) -> Self {
        let mut below = self.below.clone();
        below.extend(path.components());
        Self {
            root: Arc::clone(&self.root),
            below,
        }
    }

    /// Down by one of our own names, written in the program.
    #[must_use]
    pub fn own(&self, name: &'static str) -> Self {
        self.listed(name)
    }

    /// Down by a name that [`Disk::list`] returned for this directory.
    #[must_use]
    pub fn listed(&self, name: &str) -> Self {
        Self {
            root: Arc::clone(&self.root),
            below: self.below.join(name),
        }
    }

    /// The directory that holds it; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let below = self.below.parent()?.to_path_buf();
        Some(Self {
            root: Arc::clone(&self.root),
            below,
        })
    }

    /// The trusted part.
    #[must_use]
    pub fn root_path(&self) -> &Path {
        &self.root
    }

    /// The part below the root, in which no link is followed.
    #[must_use]
    pub fn below_root(&self) -> &Path {
        &self.below
    }

    /// The whole path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.below)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// As the mode says; never follows a link.
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError>;

    /// What is at a place; `None` when nothing is, an error when that cannot be told.
    ///
    /// # Errors
    /// Anything but *not found*.
    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError>;

    /// The entries of a directory, sorted by name. An entry whose name is not Unicode is
    /// [`EntryKind::Other`] under a readable form of it: it can be shown, and not touched.
    ///
    /// # Errors
    /// Not a directory, or not readable.
    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError>;

    /// Makes one directory. That it is there already is an error with
    /// [`DiskError::is_already_there`].
    ///
    /// # Errors
    /// See above.
    fn create_dir(&self, place: &Place) -> Result<(), DiskError>;

    /// Renames a file or directory. Replaces a file; never a directory that holds something.
    ///
    /// # Errors
    /// Not there, in use, across volumes, or the target is a directory in the way.
    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError>;

    /// Exchanges two entries atomically; [`DiskError::is_unsupported`] where that is impossible.
    ///
    /// # Errors
    /// One of the two is not there, or the file system cannot.
    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError>;

    /// Removes a file or a link.
    ///
    /// # Errors
    /// Not there, or in use.
    fn remove_file(&self, place: &Place) -> Result<(), DiskError>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Not there, not empty, or in use.
    fn remove_dir(&self, place: &Place) -> Result<(), DiskError>;

    /// Makes a new file with the bytes of another, sharing them where the file system can. Else
    /// they are copied: `go_on` hears of every block and may stop it.
    ///
    /// # Errors
    /// The source is not there, or the target is; or it was stopped
    /// ([`std::io::ErrorKind::Interrupted`]): then the target is gone again.
    fn clone_file(&self, from: &Place, to: &Place, go_on: GoOn<'_>)
    -> Result<CloneKind, DiskError>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// The write-back failed.
    fn sync_dir(&self, place: &Place) -> Result<(), DiskError>;

    /// Makes everything written so far below a directory durable, names and bytes; it may sync more
    /// than that.
    ///
    /// # Errors
    /// The write-back failed.
    fn sync_volume(&self, place: &Place) -> Result<(), DiskError>;

    /// Free space where a place is or would be made.
    ///
    /// # Errors
    /// Nothing above the place exists.
    fn space(&self, place: &Place) -> Result<Space, DiskError>;
}

/// An open file with positioned reads and writes, shared freely between threads.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Fills the whole buffer from an offset.
    ///
    /// # Errors
    /// The file is shorter, or the disk fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), DiskError>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// The volume is full, or the disk fails.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError>;

    /// Sets the length; the file is sparse where it grows, if the file system can.
    ///
    /// # Errors
    /// The volume is full, or the disk fails.
    fn set_len(&self, bytes: u64) -> Result<(), DiskError>;

    /// Makes the file's bytes and length durable.
    ///
    /// # Errors
    /// The write-back failed; the bytes must be written anew.
    fn sync(&self) -> Result<(), DiskError>;

    /// Lets the file be started as a program, where the system asks for that. It is no part of its
    /// bytes: nothing is synced for it and nothing compares it.
    ///
    /// # Errors
    /// The disk fails.
    fn mark_executable(&self) -> Result<(), DiskError>;

    /// Whether it may be started as a program; `false` where the system does not ask for that.
    ///
    /// # Errors
    /// The disk fails.
    fn is_executable(&self) -> Result<bool, DiskError>;

    /// Sets when it was last changed, in seconds since 1970; the next write sets it anew.
    ///
    /// # Errors
    /// The file system cannot hold that time, or the disk fails.
    fn set_modified(&self, seconds: i64) -> Result<(), DiskError>;

    /// What this open file is now.
    ///
    /// # Errors
    /// The disk fails.
    fn stat(&self) -> Result<Stat, DiskError>;
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, to read and write; one that is there is an error.
    CreateNew,
}

/// What kind of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, junction, device, socket, a name that is not Unicode, or anything else we
    /// never touch.
    Other,
}

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What kind of entry.
    pub kind: EntryKind,
    /// Size in bytes.
    pub bytes: u64,
    /// Tells a changed or replaced file from the one that was hashed.
    pub identity: FileIdentity,
}

/// Changes whenever a file's bytes may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Last modification, nanoseconds since 1970.
    pub modified_nanos: i128,
    /// The file system's number for the file; 0 where there is none.
    pub file_id: u64,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Hears of the bytes that a long copy has done since it was last asked; `false` stops it.
pub type GoOn<'a> = &'a mut dyn FnMut(u64) -> bool;

/// How a file was cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloneKind {
    /// The bytes are shared until one of the two is written.
    Shared,
    /// The bytes were copied.
    Copied,
}

/// Free space of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Two places with the same number share their space.
    pub volume: u64,
    /// Bytes that we may still use.
    pub free_bytes: u64,
    /// Bytes of the whole volume.
    pub total_bytes: u64,
    /// Bytes that one file may have there: on FAT32 one less than 4 GiB.
    pub file_bytes_max: u64,
}
