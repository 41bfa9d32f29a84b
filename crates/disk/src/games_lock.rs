//! [`GamesLock`]: one node at a time works in a games directory, whatever state directory it has.
//! Two would finish, undo and clear away each other's operations.
//!
//! The lock lies in a directory of this person for temporary files, named after the games
//! directory: an open file in the games directory itself would keep its disk from being unmounted.
//!
//! A guard, no proof: nodes of other people and other machines are not kept out, and where nothing
//! can be locked nobody is; that is said. The file stays when the lock is let go: to remove it
//! would take it away from who has just opened it.

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use lanspread_proto::Hash;

use crate::{
    error::{DiskError, DiskOp},
    vfs::{Disk, Place},
};

/// The claim of this process on a games directory; let go when dropped or when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct GamesLock {
    games: PathBuf,
    /// The file system's number for the directory; 0 where there is none.
    id: u64,
    /// Or why nobody can be kept out.
    file: Result<File, DiskError>,
}

/// Another process works in the games directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is used by another node", games.display())]
pub struct GamesTaken {
    /// The games directory.
    pub games: PathBuf,
    /// The other process, if it can be told.
    pub pid: Option<u32>,
}

impl GamesLock {
    /// Takes a games directory, or keeps it when `before` is the lock on it. `None`: the directory
    /// is not there, or cannot be looked at.
    ///
    /// # Errors
    /// Another process has it; `before` is let go of.
    pub fn take(
        disk: &dyn Disk,
        games: &Path,
        before: Option<Self>,
    ) -> Result<Option<Self>, GamesTaken> {
        if let Some(before) = before.filter(|before| before.is_on(disk, games)) {
            return Ok(Some(before));
        }
        let Some(id) = id(disk, games) else {
            return Ok(None);
        };
        let volume = disk
            .space(&Place::root(games))
            .map_or(0, |space| space.volume);
        let name = lock_name(games, (volume, id));
        let file = match lock_dir().and_then(|dir| lock(&dir.join(name))) {
            Ok(file) => Ok(file),
            Err(Refusal::Taken(pid)) => {
                let games = games.to_owned();
                return Err(GamesTaken { games, pid });
            }
            Err(Refusal::Disk(error)) => Err(error),
        };
        let games = games.to_owned();
        Ok(Some(Self { games, id, file }))
    }

    /// Why other nodes are not kept out, if they are not.
    #[must_use]
    pub fn weakness(&self) -> Option<&DiskError> {
        self.file.as_ref().err()
    }

    /// Whether this is the lock on a directory, by whatever name.
    #[must_use]
    pub fn is_on(&self, disk: &dyn Disk, games: &Path) -> bool {
        let found = id(disk, games);
        found == Some(self.id) && (self.id != 0 || self.games == games)
    }
}

fn id(disk: &dyn Disk, games: &Path) -> Option<u64> {
    let stat = disk.stat(&Place::root(games)).ok()??;
    Some(stat.identity.file_id)
}

/// Symbolic links and other spellings lead to the same numbers.
fn lock_name(games: &Path, (volume, id): (u64, u64)) -> String {
    match id {
        0 => format!("games-{}", Hash::of(games.as_os_str().as_encoded_bytes())),
        id => format!("games-{volume:x}-{id:x}"),
    }
}

/// A directory that nobody else can write to.
fn lock_dir() -> Result<PathBuf, Refusal> {
    #[cfg(unix)]
    let dir = env::temp_dir().join(format!("lanspread-{}", rustix::process::getuid().as_raw()));
    #[cfg(not(unix))]
    let dir = env::temp_dir().join("lanspread");
    let fail = |source| Refusal::Disk(DiskError::new(DiskOp::Lock, &dir, source));
    match private_dir().create(&dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error)),
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(&dir).map_err(fail)?;
    #[cfg(unix)]
    let is_ours = std::os::unix::fs::MetadataExt::uid(&found) == rustix::process::getuid().as_raw();
    #[cfg(not(unix))]
    let is_ours = true;
    if found.is_dir() && is_ours {
        return Ok(dir);
    }
    let reason = "it is not a directory of this user";
    Err(fail(io::Error::new(io::ErrorKind::InvalidData, reason)))
}

#[cfg(unix)]
fn private_dir() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// The directory for temporary files is this user's alone there.
#[cfg(not(unix))]
fn private_dir() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

enum Refusal {
    Taken(Option<u32>),
    Disk(DiskError),
}

fn lock(path: &Path) -> Result<File, Refusal> {
    let fail = |source| Refusal::Disk(DiskError::new(DiskOp::Lock, path, source));
    match fs::symlink_metadata(path) {
        // A link leads elsewhere, and a pipe would be waited for.
        Ok(found) if !found.is_file() => {
            return Err(fail(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not a file",
            )));
        }
        Ok(_) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    // Not truncated: another owner's number is in it.
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut number = String::new();
            // Where a lock forbids reading, the number stays unknown.
            let read = Read::by_ref(&mut file).take(20).read_to_string(&mut number);
            let pid = read.ok().and_then(|_| number.trim().parse().ok());
            return Err(Refusal::Taken(pid));
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    // The number is for people; the lock holds without it, on a full disk too.
    let _written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;

    fn take(games: &Path, before: Option<GamesLock>) -> Result<Option<GamesLock>, GamesTaken> {
        GamesLock::take(&RealDisk::new(), games, before)
    }

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path(), None).unwrap().unwrap();
        assert!(first.weakness().is_none());
        let taken = take(dir.path(), None).unwrap_err();
        assert_eq!(taken.games, dir.path());
        assert_eq!(taken.pid, Some(std::process::id()));
        // Who has it keeps it, by another name too.
        #[cfg(unix)]
        let first = {
            let name = dir.path().with_extension("link");
            std::os::unix::fs::symlink(dir.path(), &name).unwrap();
            take(&name, None).unwrap_err();
            let first = take(&name, Some(first)).unwrap().unwrap();
            fs::remove_file(name).unwrap();
            first
        };
        drop(first);
        assert!(
            take(dir.path(), None)
                .unwrap()
                .unwrap()
                .weakness()
                .is_none()
        );
    }

    #[test]
    fn another_directory_is_another_lock() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = take(old.path(), None).unwrap();
        let second = take(new.path(), first).unwrap().unwrap();
        assert!(second.weakness().is_none());
        take(new.path(), None).unwrap_err();
        assert!(
            take(old.path(), None)
                .unwrap()
                .unwrap()
                .weakness()
                .is_none()
        );
        assert!(take(&old.path().join("missing"), None).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_lock_file_keeps_nobody_out_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let is_weak = |path: &Path| matches!(lock(path), Err(Refusal::Disk(_)));
        let mine = dir.path().join("mine");
        fs::write(&mine, "mine").unwrap();
        let path = dir.path().join("games-1-2");
        std::os::unix::fs::symlink(&mine, &path).unwrap();
        assert!(is_weak(&path));
        assert_eq!(fs::read(&mine).unwrap(), b"mine");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(is_weak(&path));
        fs::remove_dir(&path).unwrap();
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(is_weak(&path));
    }

    #[test]
    fn nothing_is_put_into_the_games_directory() {
        let dir = tempfile::tempdir().unwrap();
        let lock = take(dir.path(), None).unwrap().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        drop(lock);
    }
}
