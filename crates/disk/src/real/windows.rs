//! The file system of Windows.
//!
//! Each component below the root is looked at before a call, so a link that is already there is
//! refused; one that appears between the look and the call is not. Creating links needs special
//! rights on Windows.
//!
//! What waits for others: an antivirus program or an indexer holds a new file for moments, so a
//! call that is refused for that reason is tried again for about a second.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::windows::fs::{FileExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
    thread,
    time::{Duration, UNIX_EPOCH},
};

use windows_sys::Win32::{
    Foundation::{
        ERROR_ACCESS_DENIED, ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE, ERROR_LOCK_VIOLATION,
        ERROR_NOT_SUPPORTED, ERROR_SHARING_VIOLATION, GENERIC_WRITE,
    },
    Storage::FileSystem::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    },
};

use crate::{
    error::{DiskError, DiskOp},
    space::FAT_FILE_BYTES_MAX,
    vfs::{
        CloneKind, DirEntry, Disk, DiskFile, EntryKind, FileIdentity, GoOn, OpenMode, Place, Space,
        Stat,
    },
    windows,
};

use super::{RealDisk, RealFile};

/// The pause before the second try; it doubles up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(2);
/// See [`PAUSE_FIRST`].
const PAUSE_MAX: Duration = Duration::from_millis(128);
/// Tries of one call: 1.0 s of pauses in all.
const TRIES_MAX: u32 = 14;
/// Somebody has the file open and shares it with nobody.
const HELD: [u32; 2] = [ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION];
/// How directories that are opened to be synced say that this volume cannot.
const NO_SYNC: [u32; 4] = [
    ERROR_ACCESS_DENIED,
    ERROR_INVALID_FUNCTION,
    ERROR_INVALID_HANDLE,
    ERROR_NOT_SUPPORTED,
];
/// Bytes of a copy between two questions whether to go on: a moment on a slow disk.
const COPY_BLOCK: usize = 1_024 * 1_024;

impl Disk for RealDisk {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        let (op, create) = match mode {
            OpenMode::Read | OpenMode::Write => (DiskOp::Open, false),
            OpenMode::CreateNew => (DiskOp::Create, true),
        };
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(mode != OpenMode::Read)
            .create_new(create);
        let file = run(op, place, |path| options.open(path))?;
        let opened = file.metadata().map_err(|e| fail(op, place, e))?;
        if !opened.is_file() {
            return Err(fail(op, place, io::ErrorKind::InvalidInput.into()));
        }
        let path = place.path();
        Ok(Box::new(RealFile { file, path }))
    }

    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        match run(DiskOp::Stat, place, |path| look_at(place, path)) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        let mut entries = Vec::new();
        for entry in run(DiskOp::List, place, read_directory)? {
            let entry = entry.map_err(|e| fail(DiskOp::List, place, e))?;
            let kind = entry
                .file_type()
                .map_err(|e| fail(DiskOp::Stat, place, e))?;
            entries.push(match entry.file_name().into_string() {
                Ok(name) => DirEntry {
                    name,
                    kind: kind_of(kind),
                },
                Err(raw) => DirEntry {
                    name: raw.to_string_lossy().into_owned(),
                    kind: EntryKind::Other,
                },
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        run(DiskOp::CreateDirectory, place, |path| fs::create_dir(path))
    }

    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        check_links(DiskOp::Rename, to)?;
        run(DiskOp::Rename, from, |path| fs::rename(path, to.path()))
    }

    fn exchange(&self, a: &Place, _: &Place) -> Result<(), DiskError> {
        Err(fail(DiskOp::Exchange, a, io::ErrorKind::Unsupported.into()))
    }

    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        run(DiskOp::RemoveFile, place, |path| fs::remove_file(path))
    }

    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        run(DiskOp::RemoveDirectory, place, |path| fs::remove_dir(path))
    }

    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        let source = self.open(from, OpenMode::Read)?;
        let copy = self.open(to, OpenMode::CreateNew)?;
        let copied = copy_blocks(source.as_ref(), copy.as_ref(), go_on)
            .map_err(|error| fail(DiskOp::Clone, to, error.source));
        if copied.is_err() {
            drop(copy);
            // Half a copy is of no use to anybody; the first error is the one that matters.
            drop(self.remove_file(to));
        }
        // Whether bytes are shared is not told.
        copied.map(|()| CloneKind::Copied)
    }

    /// Names are in the journal of the volume. Where a directory can be flushed, that is too.
    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        run(DiskOp::Sync, place, |path| match flush_directory(path) {
            Err(error) if is_one_of(&error, &NO_SYNC) => fs::symlink_metadata(path).map(drop),
            flushed => flushed,
        })
    }

    /// A whole volume can be flushed by an administrator only: one file after the other.
    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        let mut waiting = vec![place.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in self.list(&directory)? {
                let inside = directory.listed(&entry.name);
                match entry.kind {
                    EntryKind::Directory => waiting.push(inside),
                    EntryKind::File => sync_file(self, &inside)?,
                    EntryKind::Other => {}
                }
            }
        }
        Ok(())
    }

    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        let path = place.path();
        for above in path.ancestors() {
            let above = if above.as_os_str().is_empty() {
                Path::new(".")
            } else {
                above
            };
            match space_at(above) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                told => return told.map_err(|e| fail(DiskOp::Space, place, e)),
            }
        }
        Err(fail(DiskOp::Space, place, io::ErrorKind::NotFound.into()))
    }
}

fn copy_blocks(from: &dyn DiskFile, to: &dyn DiskFile, go_on: GoOn<'_>) -> Result<(), DiskError> {
    let bytes = from.stat()?.bytes;
    let mut block = vec![0; COPY_BLOCK];
    let mut at = 0;
    while at < bytes {
        let count = usize::try_from(bytes - at).map_or(COPY_BLOCK, |left| left.min(COPY_BLOCK));
        let block = block.get_mut(..count).unwrap_or_default();
        from.read_exact_at(block, at)?;
        to.write_all_at(block, at)?;
        at += count as u64;
        if !go_on(count as u64) {
            let stopped = io::ErrorKind::Interrupted.into();
            return Err(DiskError::new(DiskOp::Clone, PathBuf::new(), stopped));
        }
    }
    Ok(())
}

fn fail(op: DiskOp, place: &Place, source: io::Error) -> DiskError {
    DiskError::new(op, place.path(), source)
}

/// Refuses links above the last component, then calls, again while somebody holds the file.
fn run<T>(
    op: DiskOp,
    place: &Place,
    call: impl Fn(&Path) -> io::Result<T>,
) -> Result<T, DiskError> {
    check_links(op, place)?;
    let path = place.path();
    let mut pause = PAUSE_FIRST;
    for _try in 1..TRIES_MAX {
        match call(&path) {
            Err(error) if may_pass(op, &error) => thread::sleep(pause),
            done => return done.map_err(|source| fail(op, place, source)),
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
    call(&path).map_err(|source| fail(op, place, source))
}

/// Whether somebody else is in the way. A name whose file is about to go, or whose directory is in
/// use, is refused as *access denied*.
fn may_pass(op: DiskOp, error: &io::Error) -> bool {
    let changes_names = matches!(
        op,
        DiskOp::Rename
            | DiskOp::RemoveFile
            | DiskOp::RemoveDirectory
            | DiskOp::Create
            | DiskOp::CreateDirectory
    );
    is_one_of(error, &HELD) || (changes_names && is_one_of(error, &[ERROR_ACCESS_DENIED]))
}

fn is_one_of(error: &io::Error, codes: &[u32]) -> bool {
    let code = error.raw_os_error().and_then(|code| code.try_into().ok());
    code.is_some_and(|code: u32| codes.contains(&code))
}

/// The last component may be a link for calls that act on the name; opening one is refused too.
fn check_links(op: DiskOp, place: &Place) -> Result<(), DiskError> {
    let mut down = place.below_root().components();
    if !down.all(|part| matches!(part, Component::Normal(_))) {
        return Err(fail(op, place, io::ErrorKind::InvalidInput.into()));
    }
    let mut path = PathBuf::from(place.root_path());
    for name in place.below_root() {
        path.push(name);
        let last = path == place.path();
        let names_only = !matches!(op, DiskOp::Open | DiskOp::List | DiskOp::Clone);
        if last && names_only {
            return Ok(());
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Err(DiskError::link_in_the_way(op, path)),
            Ok(_) => {}
            // The call itself says what is wrong.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

fn kind_of(file_type: fs::FileType) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

/// A file is no directory; some systems say that there is nothing.
fn read_directory(path: &Path) -> io::Result<fs::ReadDir> {
    fs::read_dir(path).map_err(|error| match fs::metadata(path) {
        Ok(found) if !found.is_dir() => io::ErrorKind::NotADirectory.into(),
        Ok(_) | Err(_) => error,
    })
}

/// The root may be reached through a link: that is the person's choice.
fn look_at(place: &Place, path: &Path) -> io::Result<Stat> {
    let mut flags = FILE_FLAG_BACKUP_SEMANTICS;
    if !place.below_root().as_os_str().is_empty() {
        flags |= FILE_FLAG_OPEN_REPARSE_POINT;
    }
    let mut options = OpenOptions::new();
    options
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(flags);
    stat_open(&options.open(path)?)
}

fn stat_of(metadata: &Metadata, file_id: u64) -> Stat {
    let modified_nanos = metadata.modified().map_or(0, |time| {
        time.duration_since(UNIX_EPOCH).map_or_else(
            |before| i128::try_from(before.duration().as_nanos()).map_or(0, |nanos| -nanos),
            |after| i128::try_from(after.as_nanos()).unwrap_or(0),
        )
    });
    Stat {
        kind: kind_of(metadata.file_type()),
        bytes: metadata.len(),
        identity: FileIdentity {
            modified_nanos,
            file_id,
        },
    }
}

fn flush_directory(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .access_mode(GENERIC_WRITE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    options.open(path)?.sync_all()
}

/// A file that the user made read-only cannot be opened to be flushed; it was not written by us.
fn sync_file(disk: &RealDisk, place: &Place) -> Result<(), DiskError> {
    match disk.open(place, OpenMode::Write) {
        Ok(file) => file.sync(),
        Err(error) if is_one_of(&error.source, &[ERROR_ACCESS_DENIED]) => Ok(()),
        Err(error) => Err(error),
    }
}

fn space_at(directory: &Path) -> io::Result<Space> {
    let mut options = OpenOptions::new();
    options
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let opened = options.open(directory)?;
    let volume = windows::numbers(&opened)?.volume;
    let (free_bytes, total_bytes) = windows::free_and_total_bytes(directory)?;
    Ok(Space {
        volume: volume.into(),
        free_bytes,
        total_bytes,
        file_bytes_max: match windows::file_system(&opened)?.as_str() {
            "FAT" | "FAT32" => FAT_FILE_BYTES_MAX,
            _ => u64::MAX,
        },
    })
}

/// Where a file grows it gets a hole; where the volume knows no holes, it is filled.
pub(super) fn set_len(file: &File, bytes: u64) -> io::Result<()> {
    if bytes > file.metadata()?.len() {
        // A volume without sparse files (FAT, exFAT) refuses, and then writes zeros.
        drop(windows::make_sparse(file));
    }
    file.set_len(bytes)
}

pub(super) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = file.seek_read(buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = buffer.get_mut(read..).unwrap_or_default();
        offset += read as u64;
    }
    Ok(())
}

pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}

pub(super) fn stat_open(file: &File) -> io::Result<Stat> {
    let metadata = file.metadata()?;
    Ok(stat_of(&metadata, windows::numbers(file)?.file))
}

/// Here the name of a file says whether it can be started.
pub(super) const fn is_executable(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// See [`is_executable`].
pub(super) const fn mark_executable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
