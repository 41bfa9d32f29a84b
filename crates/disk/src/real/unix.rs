//! The file system through `openat2` and the `*at` calls.
//!
//! `openat2` resolves a whole way down in one call and refuses links in it. Where the kernel has
//! no such call (or a container forbids it), the way is walked one component at a time.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Component, Path},
};

use rustix::{
    fd::OwnedFd,
    fs::{self, AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{
        CloneKind, DirEntry, Disk, DiskFile, EntryKind, FileIdentity, GoOn, OpenMode, Place, Space,
        Stat,
    },
};

use super::{RealDisk, RealFile};

/// A directory handle that only serves to start from.
#[cfg(target_os = "linux")]
const STARTING_POINT: OFlags = OFlags::PATH.union(DIRECTORY);
#[cfg(not(target_os = "linux"))]
const STARTING_POINT: OFlags = DIRECTORY;
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// A pipe somebody put in place of a file must not block us: it is opened without waiting, and
/// then refused.
const FILE: OFlags = OFlags::NONBLOCK
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Bytes of a copy between two questions whether to go on: a fraction of a second on a slow disk.
const COPY_BLOCK: u64 = 8 * 1_024 * 1_024;

/// How this kernel resolves paths.
#[derive(Debug, Default)]
pub(super) struct Platform {
    /// Never use `openat2`.
    pub(super) walk_only: bool,
}

impl Disk for RealDisk {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        let (op, flags) = match mode {
            OpenMode::Read => (DiskOp::Open, OFlags::RDONLY),
            OpenMode::Write => (DiskOp::Open, OFlags::RDWR),
            OpenMode::CreateNew => (
                DiskOp::Create,
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW,
            ),
        };
        open_regular(&self.platform, place, op, FILE | flags)
            .map(|file| Box::new(file) as Box<dyn DiskFile>)
    }

    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        let found = if place.below_root().as_os_str().is_empty() {
            fs::stat(place.root_path())
        } else {
            self.platform
                .parent_of(place)
                .and_then(|(parent, name)| fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
        };
        match found {
            Ok(stat) => Ok(Some(stat_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(fail(DiskOp::Stat, place)(errno)),
        }
    }

    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        let directory = self
            .platform
            .open_directory(place)
            .map_err(fail(DiskOp::List, place))?;
        list_open(&directory, place)
    }

    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.platform
            .parent_of(place)
            .and_then(|(parent, name)| fs::mkdirat(parent, name, Mode::from_raw_mode(0o777)))
            .map_err(fail(DiskOp::CreateDirectory, place))
    }

    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        let source = self.platform.parent_of(from);
        let (from_dir, from_name) = source.map_err(fail(DiskOp::Rename, from))?;
        let target = self.platform.parent_of(to);
        let (to_dir, to_name) = target.map_err(fail(DiskOp::Rename, to))?;
        fs::renameat(from_dir, from_name, to_dir, to_name).map_err(fail(DiskOp::Rename, from))
    }

    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError> {
        let (a_dir, a_name) = self
            .platform
            .parent_of(a)
            .map_err(fail(DiskOp::Exchange, a))?;
        let (b_dir, b_name) = self
            .platform
            .parent_of(b)
            .map_err(fail(DiskOp::Exchange, b))?;
        exchange_names((&a_dir, a_name), (&b_dir, b_name)).map_err(|errno| match errno {
            Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => DiskError::new(
                DiskOp::Exchange,
                a.path(),
                io::ErrorKind::Unsupported.into(),
            ),
            _ => fail(DiskOp::Exchange, a)(errno),
        })
    }

    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        self.platform
            .parent_of(place)
            .and_then(|(parent, name)| fs::unlinkat(parent, name, AtFlags::empty()))
            .map_err(fail(DiskOp::RemoveFile, place))
    }

    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.platform
            .parent_of(place)
            .and_then(|(parent, name)| fs::unlinkat(parent, name, AtFlags::REMOVEDIR))
            .map_err(fail(DiskOp::RemoveDirectory, place))
    }

    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        let read = FILE | OFlags::RDONLY;
        let source = open_regular(&self.platform, from, DiskOp::Clone, read)?;
        let create = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let target = open_regular(&self.platform, to, DiskOp::Create, create)?;
        clone_open(&source.file, &target.file, go_on).map_err(|source| {
            // Half a copy is of no use to anybody; the first error is the one that matters.
            drop(self.remove_file(to));
            DiskError::new(DiskOp::Clone, to.path(), source)
        })
    }

    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.platform
            .open_directory(place)
            .and_then(fs::fsync)
            .map_err(fail(DiskOp::Sync, place))
    }

    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        self.platform
            .open_directory(place)
            .and_then(sync_file_system)
            .map_err(fail(DiskOp::Sync, place))
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
                Ok(space) => return Ok(space),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(fail(DiskOp::Space, place)(errno)),
            }
        }
        Err(fail(DiskOp::Space, place)(Errno::NOENT))
    }
}

impl Platform {
    fn open_directory(&self, place: &Place) -> Result<OwnedFd, Errno> {
        self.open_below(place.root_path(), place.below_root(), DIRECTORY)
    }

    /// The directory that holds a place, and the place's name in it.
    fn parent_of<'a>(&self, place: &'a Place) -> Result<(OwnedFd, &'a OsStr), Errno> {
        let below = place.below_root();
        if let Some(parent) = below.parent() {
            let name = below.file_name().ok_or(Errno::INVAL)?;
            let directory = self.open_below(place.root_path(), parent, STARTING_POINT)?;
            return Ok((directory, name));
        }
        let root = place.root_path();
        let name = root.file_name().ok_or(Errno::INVAL)?;
        let above = root.parent().filter(|above| !above.as_os_str().is_empty());
        let directory = fs::open(
            above.unwrap_or(Path::new(".")),
            STARTING_POINT,
            Mode::empty(),
        )?;
        Ok((directory, name))
    }

    /// Opens what lies below a root without following a link on the way or at the end.
    fn open_below(&self, root: &Path, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        if !below
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(Errno::INVAL);
        }
        if below.as_os_str().is_empty() {
            return fs::open(root, flags - OFlags::NOFOLLOW, NEW_FILE);
        }
        let start = fs::open(root, STARTING_POINT, Mode::empty())?;
        if self.walk_only {
            return walk(start, below, flags);
        }
        match resolve(&start, below, flags) {
            Err(Errno::NOSYS | Errno::PERM) => walk(start, below, flags),
            resolved => resolved,
        }
    }
}

/// The person's umask takes away what it takes away.
const NEW_FILE: Mode = Mode::from_raw_mode(0o666);

/// A mode on a file that is not created is an error for `openat2`.
fn mode_for(flags: OFlags) -> Mode {
    if flags.contains(OFlags::CREATE) {
        NEW_FILE
    } else {
        Mode::empty()
    }
}

#[cfg(target_os = "linux")]
fn resolve(start: &OwnedFd, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let strict = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    fs::openat2(start, below, flags, mode_for(flags), strict)
}

#[cfg(not(target_os = "linux"))]
fn resolve(_: &OwnedFd, _: &Path, _: OFlags) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

fn walk(start: OwnedFd, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut directory = start;
    let mut names = below.iter().peekable();
    while let Some(name) = names.next() {
        let step = if names.peek().is_some() {
            STARTING_POINT
        } else {
            flags
        };
        let opened = fs::openat(&directory, name, step | OFlags::NOFOLLOW, mode_for(step));
        directory = opened.map_err(|errno| link_or(errno, &directory, name))?;
    }
    Ok(directory)
}

/// `O_DIRECTORY` calls a link "not a directory"; say what it is.
fn link_or(errno: Errno, directory: &OwnedFd, name: &OsStr) -> Errno {
    let is_link = errno == Errno::NOTDIR
        && fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    if is_link { Errno::LOOP } else { errno }
}

fn fail(op: DiskOp, place: &Place) -> impl FnOnce(Errno) -> DiskError + '_ {
    move |errno| match errno {
        Errno::LOOP => DiskError::link_in_the_way(op, place.path()),
        _ => DiskError::new(op, place.path(), errno.into()),
    }
}

fn open_regular(
    platform: &Platform,
    place: &Place,
    op: DiskOp,
    flags: OFlags,
) -> Result<RealFile, DiskError> {
    let fd = platform
        .open_below(place.root_path(), place.below_root(), flags)
        .map_err(fail(op, place))?;
    let kind = fs::fstat(&fd).map_err(fail(op, place))?.st_mode;
    if FileType::from_raw_mode(kind) != FileType::RegularFile {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(DiskError::new(op, place.path(), source));
    }
    Ok(RealFile {
        file: File::from(fd),
        path: place.path(),
    })
}

fn list_open(directory: &OwnedFd, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
    let mut entries = Vec::new();
    let reader = fs::Dir::read_from(directory).map_err(fail(DiskOp::List, place))?;
    for entry in reader {
        let entry = entry.map_err(fail(DiskOp::List, place))?;
        let raw = entry.file_name();
        if matches!(raw.to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(name) = raw.to_str() else {
            entries.push(DirEntry {
                name: raw.to_string_lossy().into_owned(),
                kind: EntryKind::Other,
            });
            continue;
        };
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            // Some file systems do not tell; ask about the entry itself.
            kind = fs::statat(directory, raw, AtFlags::SYMLINK_NOFOLLOW)
                .map(|stat| FileType::from_raw_mode(stat.st_mode))
                .map_err(fail(DiskOp::Stat, &place.listed(name)))?;
        }
        entries.push(DirEntry {
            name: name.to_owned(),
            kind: kind_of(kind),
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

const fn kind_of(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => EntryKind::Other,
    }
}

#[expect(
    clippy::allow_attributes,
    reason = "the widths of these fields differ between systems, so the lint fires on some only"
)]
#[allow(clippy::useless_conversion, reason = "see above")]
fn stat_of(stat: &fs::Stat) -> Stat {
    let seconds = i128::from(stat.st_mtime);
    Stat {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        identity: FileIdentity {
            modified_nanos: seconds * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            file_id: u64::from(stat.st_ino),
        },
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange_names(a: (&OwnedFd, &OsStr), b: (&OwnedFd, &OsStr)) -> Result<(), Errno> {
    fs::renameat_with(a.0, a.1, b.0, b.1, fs::RenameFlags::EXCHANGE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange_names(_: (&OwnedFd, &OsStr), _: (&OwnedFd, &OsStr)) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

#[cfg(target_os = "linux")]
fn sync_file_system(directory: OwnedFd) -> Result<(), Errno> {
    fs::syncfs(directory)
}

/// There is no call for one file system; the one for all of them waits on the systems we know.
#[cfg(not(target_os = "linux"))]
fn sync_file_system(directory: OwnedFd) -> Result<(), Errno> {
    fs::sync();
    fs::fsync(directory)
}

pub(super) fn is_executable(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.permissions().mode() & 0o100 != 0)
}

/// Everybody who may read it may start it.
pub(super) fn mark_executable(file: &File) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode();
    permissions.set_mode(mode | (mode & 0o444) >> 2);
    file.set_permissions(permissions)
}

fn clone_open(source: &File, target: &File, go_on: GoOn<'_>) -> io::Result<CloneKind> {
    if is_executable(source)? {
        mark_executable(target)?;
    }
    #[cfg(target_os = "linux")]
    if fs::ioctl_ficlone(target, source).is_ok() {
        go_on(source.metadata()?.len());
        return Ok(CloneKind::Shared);
    }
    loop {
        // Uses `copy_file_range` where it can.
        let copied = io::copy(&mut source.take(COPY_BLOCK), &mut &*target)?;
        if !go_on(copied) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if copied < COPY_BLOCK {
            return Ok(CloneKind::Copied);
        }
    }
}

#[expect(
    clippy::allow_attributes,
    reason = "the widths of these fields differ between systems, so the lint fires on some only"
)]
#[allow(clippy::useless_conversion, reason = "see above")]
fn space_at(path: &Path) -> Result<Space, Errno> {
    let volume = fs::stat(path)?.st_dev;
    let free = fs::statvfs(path)?;
    Ok(Space {
        volume: u64::from(volume),
        free_bytes: u64::from(free.f_bavail).saturating_mul(free.f_frsize),
        total_bytes: u64::from(free.f_blocks).saturating_mul(free.f_frsize),
        file_bytes_max: file_bytes_max(path),
    })
}

#[cfg(target_os = "linux")]
fn file_bytes_max(path: &Path) -> u64 {
    /// What the kernel calls FAT, of 32 bits and less.
    const MSDOS: u64 = 0x4d44;
    let kind = fs::statfs(path).ok().map(|volume| volume.f_type);
    if kind.and_then(|kind| u64::try_from(kind).ok()) == Some(MSDOS) {
        crate::space::FAT_FILE_BYTES_MAX
    } else {
        u64::MAX
    }
}

/// Others do not tell in one way; there a file that is too large fails when it is made.
#[cfg(not(target_os = "linux"))]
const fn file_bytes_max(_path: &Path) -> u64 {
    u64::MAX
}

pub(super) fn set_len(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

pub(super) fn stat_open(file: &File) -> io::Result<Stat> {
    Ok(stat_of(&fs::fstat(file)?))
}
