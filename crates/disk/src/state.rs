//! [`StateDir`]: the node's own directory: its key, its settings, its lock.
//!
//! **Invariant:** a file here is replaced whole (draft, sync, rename) or not at all, and a key that
//! cannot be read is never replaced by a new one.
//!
//! This room speaks to the standard library and not to [`Disk`](crate::Disk): the directory is the
//! person's own, its secrets need permissions, its lock is one of the OS.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{DiskError, DiskOp},
    private_file,
    vfs::Place,
};

/// Bytes of a key file: room for every encoding of one private key.
pub const IDENTITY_BYTES: std::ops::RangeInclusive<u64> = 32..=512;
/// Longest file of remembered peers.
pub const PEERS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Keys put aside after conflicts, at most.
const OLD_KEYS_MAX: u32 = 1_000;

const IDENTITY: &str = "identity.key";
const PEERS: &str = "peers";
const BLOCKED: &str = "blocked";
const LOCK: &str = "lock";

/// The state directory of one node.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// The proof that this process owns the state directory; let go when dropped or when the process
/// ends, however it ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// What is wrong with the state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another node runs on this directory.
    #[error("{} is already owned by {}", path.display(), owner(*pid))]
    Owned {
        /// The state directory.
        path: PathBuf,
        /// The other process, if it can be told.
        pid: Option<u32>,
    },
    /// The key file is there, but holds no key. A new key would make this a stranger to everybody.
    #[error(
        "{} has {bytes} bytes and is no key; restore it from a backup, or move it away to become \
         a new peer",
        path.display()
    )]
    Key {
        /// The key file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A file is larger than it may be.
    #[error("{} is larger than {bytes_max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it may have.
        bytes_max: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl StateDir {
    /// Opens the directory, and makes it and those in it where they are missing. On Unix only the
    /// owner may look into a new one.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for directory in ["", "manifests", "partials", "games", "logs"] {
            let directory = path.join(directory);
            builder
                .create(&directory)
                .map_err(|e| DiskError::new(DiskOp::CreateDirectory, directory, e))?;
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, for everything that goes through [`Disk`](crate::Disk).
    #[must_use]
    pub fn place(&self) -> Place {
        Place::root(&self.path)
    }

    /// The directory of manifests and chunk maps.
    #[must_use]
    pub fn manifests(&self) -> Place {
        self.place().own("manifests")
    }

    /// The directory of download journals.
    #[must_use]
    pub fn partials(&self) -> Place {
        self.place().own("partials")
    }

    /// The directory with a directory per game: intents and records.
    #[must_use]
    pub fn games(&self) -> Place {
        self.place().own("games")
    }

    /// The directory with what is still to be deleted of directories that were moved.
    #[must_use]
    pub fn leaving(&self) -> Place {
        self.place().own("leaving")
    }

    /// Takes the directory for this process.
    ///
    /// # Errors
    /// [`StateError::Owned`] when another process has it.
    pub fn lock(&self) -> Result<StateLock, StateError> {
        let path = self.path.join(LOCK);
        let fail = |source| DiskError::new(DiskOp::Lock, &path, source);
        let mut options = OpenOptions::new();
        // Not truncated: another owner's number is in it.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut number = String::new();
                // Where a lock forbids reading, the number stays unknown.
                let read = Read::by_ref(&mut file).take(20).read_to_string(&mut number);
                return Err(StateError::Owned {
                    path: self.path.clone(),
                    pid: read.ok().and_then(|_| number.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(fail(source).into()),
        }
        file.set_len(0).map_err(fail)?;
        writeln!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(StateLock { _file: file })
    }

    /// The private key; `None` before the first start.
    ///
    /// # Errors
    /// It is there and unreadable, or its size is not that of a key. Never replace it then.
    pub fn load_identity(&self) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.path.join(IDENTITY);
        let Some(bytes) = read(&path, *IDENTITY_BYTES.end() + 1)? else {
            return Ok(None);
        };
        let size = bytes.len() as u64;
        if !IDENTITY_BYTES.contains(&size) {
            return Err(StateError::Key { path, bytes: size });
        }
        Ok(Some(bytes))
    }

    /// Keeps the key of a first start, readable by the owner only.
    ///
    /// # Errors
    /// There is one already, or the disk failed.
    pub fn create_identity(&self, key: &[u8]) -> Result<(), StateError> {
        let path = self.path.join(IDENTITY);
        match fs::symlink_metadata(&path) {
            Ok(_) => {
                let source = io::ErrorKind::AlreadyExists.into();
                Err(DiskError::new(DiskOp::Create, path, source).into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.write_whole(IDENTITY, key)
            }
            Err(error) => Err(DiskError::new(DiskOp::Stat, path, error).into()),
        }
    }

    /// Puts the key aside, after a conflict with a clone of this installation, and keeps a new one.
    /// Returns where the old one is now.
    ///
    /// # Errors
    /// The disk failed; a key, old or new, is in place.
    pub fn replace_identity(&self, key: &[u8]) -> Result<PathBuf, StateError> {
        let path = self.path.join(IDENTITY);
        for number in 1..=OLD_KEYS_MAX {
            let aside = self.path.join(format!("{IDENTITY}.old-{number}"));
            // A second name for the old file: at no moment is there no key.
            match fs::hard_link(&path, &aside).or_else(|_no_links| copy_new(&path, &aside)) {
                Ok(()) => {
                    self.write_whole(IDENTITY, key)?;
                    return Ok(aside);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(DiskError::new(DiskOp::Create, aside, error).into()),
            }
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(DiskError::new(DiskOp::Create, path, source).into())
    }

    /// The peers of the last party, as they were saved; `None` when there are none.
    ///
    /// # Errors
    /// Too large or unreadable.
    pub fn load_peers(&self) -> Result<Option<Vec<u8>>, StateError> {
        read_at_most(&self.path.join(PEERS), PEERS_BYTES_MAX)
    }

    /// Replaces the remembered peers.
    ///
    /// # Errors
    /// The disk failed; the old ones are whole.
    pub fn save_peers(&self, bytes: &[u8]) -> Result<(), StateError> {
        self.write_whole(PEERS, bytes)
    }

    /// The peers that the person blocked, as they were saved; `None` when there are none.
    ///
    /// # Errors
    /// Too large or unreadable.
    pub fn load_blocked(&self) -> Result<Option<Vec<u8>>, StateError> {
        read_at_most(&self.path.join(BLOCKED), PEERS_BYTES_MAX)
    }

    /// Replaces the blocked peers.
    ///
    /// # Errors
    /// The disk failed; the old ones are whole.
    pub fn save_blocked(&self, bytes: &[u8]) -> Result<(), StateError> {
        self.write_whole(BLOCKED, bytes)
    }

    fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.path.join(name);
        let draft = self.path.join(format!(".{name}.tmp"));
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DiskError::new(DiskOp::RemoveFile, draft, error).into());
            }
            Ok(()) | Err(_) => {}
        }
        let write = || {
            let mut file = private_file::create(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| DiskError::new(DiskOp::Write, &draft, e))?;
        fs::rename(&draft, &path).map_err(|e| DiskError::new(DiskOp::Rename, &path, e))?;
        #[cfg(unix)]
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|e| DiskError::new(DiskOp::Sync, &self.path, e))?;
        Ok(())
    }
}

/// Where two names for one file are impossible.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = private_file::create(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

fn read_at_most(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, StateError> {
    let bytes = read(path, bytes_max + 1)?;
    if bytes
        .as_ref()
        .is_some_and(|read| read.len() as u64 > bytes_max)
    {
        let path = path.to_owned();
        return Err(StateError::TooLarge { path, bytes_max });
    }
    Ok(bytes)
}

/// The first `bytes_max` bytes of a file, if it is there.
fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, StateError> {
    // A pipe would be waited for, for ever.
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if !metadata.is_file() => {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it is not a file");
            return Err(DiskError::new(DiskOp::Open, path, source).into());
        }
        Ok(_) | Err(_) => {}
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| DiskError::new(DiskOp::Open, path, e))?,
    };
    let mut bytes = Vec::new();
    file.take(bytes_max)
        .read_to_end(&mut bytes)
        .map_err(|e| DiskError::new(DiskOp::Read, path, e))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, StateDir) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(&directory.path().join("a/state")).unwrap();
        (directory, state)
    }

    #[cfg(unix)]
    fn mode(path: PathBuf) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn one_owner_at_a_time() {
        let (_keep, state) = state();
        let lock = state.lock().unwrap();
        let error = state.lock().unwrap_err();
        assert!(matches!(error, StateError::Owned { .. }));
        #[cfg(unix)]
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id()))
        );
        drop(lock);
        state.lock().unwrap();
    }

    #[test]
    fn a_key_is_kept_and_never_lost() {
        let (_keep, state) = state();
        assert_eq!(state.load_identity().unwrap(), None);
        state.create_identity(&[7; 85]).unwrap();
        assert_eq!(state.load_identity().unwrap(), Some(vec![7; 85]));
        assert!(state.create_identity(&[8; 85]).is_err());
        let aside = state.replace_identity(&[9; 85]).unwrap();
        assert_eq!(fs::read(&aside).unwrap(), [7; 85]);
        assert_eq!(state.load_identity().unwrap(), Some(vec![9; 85]));
        let second = state.replace_identity(&[10; 85]).unwrap();
        assert_ne!(aside, second);
        assert_eq!(fs::read(second).unwrap(), [9; 85]);
        #[cfg(unix)]
        assert_eq!(mode(state.path().join(IDENTITY)), 0o600);
    }

    #[test]
    fn a_malformed_key_is_an_error_and_stays() {
        let (_keep, state) = state();
        for size in [0, 31, 513, 10_000] {
            fs::write(state.path().join(IDENTITY), vec![1; size]).unwrap();
            let error = state.load_identity().unwrap_err();
            assert!(error.to_string().contains("backup"), "{error}");
            assert!(state.create_identity(&[1; 64]).is_err());
        }
        fs::remove_file(state.path().join(IDENTITY)).unwrap();
        fs::create_dir(state.path().join(IDENTITY)).unwrap();
        assert!(state.load_identity().is_err());
        assert!(state.create_identity(&[1; 64]).is_err());
        #[cfg(unix)]
        {
            fs::remove_dir(state.path().join(IDENTITY)).unwrap();
            let (pipe, mode) = (state.path().join(IDENTITY), rustix::fs::Mode::RUSR);
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
            assert!(state.load_identity().is_err(), "and it is not waited for");
        }
    }

    #[test]
    fn peers_and_who_is_blocked() {
        let (_keep, state) = state();
        // A draft of a write that was cut off does not hurt.
        fs::write(state.path().join(".peers.tmp"), "torn").unwrap();
        state.save_peers(b"p").unwrap();
        assert_eq!(state.load_peers().unwrap(), Some(b"p".to_vec()));
        assert_eq!(state.load_blocked().unwrap(), None);
        state.save_blocked(b"b").unwrap();
        assert_eq!(state.load_blocked().unwrap(), Some(b"b".to_vec()));
        #[cfg(unix)]
        assert_eq!(mode(state.path().to_owned()), 0o700);
    }
}
