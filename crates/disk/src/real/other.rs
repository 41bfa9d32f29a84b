//! The file system through the standard library, for systems without the `*at` calls (Windows).
//!
//! Each component below the root is looked at before a call, so a link that is already there is
//! refused; one that appears between the look and the call is not. Creating links needs special
//! rights on Windows.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{
        CloneKind, DirEntry, Disk, DiskFile, EntryKind, FileIdentity, OpenMode, Place, Space, Stat,
    },
};

use super::{RealDisk, RealFile};

/// An antivirus program or an indexer holds a new file for moments: 20 tries over about a second.
const TRIES_MAX: u32 = 20;
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`.
const HELD: [i32; 3] = [5, 32, 33];

/// Nothing to remember here.
#[derive(Debug, Default)]
pub(super) struct Platform;

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
        match run(DiskOp::Stat, place, |path| fs::symlink_metadata(path)) {
            Ok(metadata) => Ok(Some(stat_of(&metadata))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        let mut entries = Vec::new();
        for entry in run(DiskOp::List, place, |path| fs::read_dir(path))? {
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

    fn clone_file(&self, from: &Place, to: &Place) -> Result<CloneKind, DiskError> {
        check_links(DiskOp::Create, to)?;
        let target = to.path();
        run(DiskOp::Clone, from, |path| {
            reflink_copy::reflink_or_copy(path, &target)
        })
        .map(|copied| match copied {
            None => CloneKind::Shared,
            Some(_) => CloneKind::Copied,
        })
    }

    /// Directories cannot be synced here; their changes are journalled.
    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        run(DiskOp::Sync, place, |path| fs::symlink_metadata(path)).map(drop)
    }

    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        let mut waiting = vec![place.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in self.list(&directory)? {
                let inside = directory.listed(&entry.name);
                match entry.kind {
                    EntryKind::Directory => waiting.push(inside),
                    EntryKind::File => self.open(&inside, OpenMode::Write)?.sync()?,
                    EntryKind::Other => {}
                }
            }
        }
        Ok(())
    }

    /// The standard library cannot tell.
    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        Err(fail(
            DiskOp::Space,
            place,
            io::ErrorKind::Unsupported.into(),
        ))
    }
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
    let mut tries = 1;
    loop {
        match call(&path) {
            Err(error) if tries < TRIES_MAX && is_held(&error) => {
                tries += 1;
                thread::sleep(RETRY_DELAY);
            }
            done => return done.map_err(|source| fail(op, place, source)),
        }
    }
}

fn is_held(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| HELD.contains(&code))
}

/// The last component may be a link for calls that act on the name; opening one is refused too.
fn check_links(op: DiskOp, place: &Place) -> Result<(), DiskError> {
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

fn stat_of(metadata: &Metadata) -> Stat {
    let modified_nanos = metadata.modified().map_or(0, |time| {
        time.duration_since(UNIX_EPOCH).map_or_else(
            |before| -i128::try_from(before.duration().as_nanos()).unwrap_or(0),
            |after| i128::try_from(after.as_nanos()).unwrap_or(0),
        )
    });
    Stat {
        kind: kind_of(metadata.file_type()),
        bytes: metadata.len(),
        identity: FileIdentity {
            modified_nanos,
            file_id: 0,
        },
    }
}

pub(super) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
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
    use std::os::windows::fs::FileExt;
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
    Ok(stat_of(&file.metadata()?))
}

/// Here the name of a file says whether it can be started.
pub(super) const fn is_executable(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// See [`is_executable`].
pub(super) const fn mark_executable(_file: &File) -> io::Result<()> {
    Ok(())
}
