//! Small files that are whole or old, never torn: draft, sync, rename, sync of the directory.

use std::io::{Error, ErrorKind};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{Disk, OpenMode, Place},
};

/// Writes `name` in `dir`; durable on return. After a failure the old file is there, or the new.
///
/// # Errors
/// The disk is full or fails.
pub fn write(
    disk: &dyn Disk,
    dir: &Place,
    name: &'static str,
    bytes: &[u8],
) -> Result<(), DiskError> {
    let draft = dir.listed(&format!("{name}.tmp"));
    if disk.stat(&draft)?.is_some() {
        disk.remove_file(&draft)?;
    }
    let written = write_draft(disk, &draft, bytes).and_then(|()| {
        disk.rename(&draft, &dir.own(name))?;
        disk.sync_dir(dir)
    });
    if written.is_err() {
        // The first error is the one to tell; a draft that stays is replaced next time.
        drop(disk.remove_file(&draft));
    }
    written
}

fn write_draft(disk: &dyn Disk, draft: &Place, bytes: &[u8]) -> Result<(), DiskError> {
    let file = disk.open(draft, OpenMode::CreateNew)?;
    file.write_all_at(bytes, 0)?;
    file.sync()
}

/// Reads a whole file; `None` when it is not there.
///
/// # Errors
/// The disk fails, or the file is longer than `bytes_max` ([`ErrorKind::InvalidData`]).
pub fn read(disk: &dyn Disk, place: &Place, bytes_max: u64) -> Result<Option<Vec<u8>>, DiskError> {
    if disk.stat(place)?.is_none() {
        return Ok(None);
    }
    let file = disk.open(place, OpenMode::Read)?;
    let length = file.stat()?.bytes;
    let too_large = || DiskError::new(DiskOp::Read, place.path(), ErrorKind::InvalidData.into());
    if length > bytes_max {
        return Err(too_large());
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_large| too_large())?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

/// Removes a file if it is there; durable on return.
///
/// # Errors
/// The disk fails.
pub fn remove(disk: &dyn Disk, dir: &Place, name: &'static str) -> Result<(), DiskError> {
    let place = dir.own(name);
    if disk.stat(&place)?.is_some() {
        disk.remove_file(&place)?;
    }
    // Also when it was not there: an earlier removal may not be durable yet.
    disk.sync_dir(dir)
}

/// Makes a directory and those above it, each durable before the next is made in it.
///
/// # Errors
/// The disk fails, or something that is no directory is in the way.
pub fn ensure_dir(disk: &dyn Disk, place: &Place) -> Result<(), DiskError> {
    use crate::vfs::EntryKind;
    match disk.stat(place)?.map(|stat| stat.kind) {
        Some(EntryKind::Directory) => return Ok(()),
        Some(EntryKind::File | EntryKind::Other) => {
            let in_the_way = Error::from(ErrorKind::NotADirectory);
            return Err(DiskError::new(
                DiskOp::CreateDirectory,
                place.path(),
                in_the_way,
            ));
        }
        None => {}
    }
    let parent = place.parent();
    if let Some(parent) = &parent {
        ensure_dir(disk, parent)?;
    }
    match disk.create_dir(place) {
        Err(error) if !error.is_already_there() => return Err(error),
        Ok(()) | Err(_) => {}
    }
    parent.map_or(Ok(()), |parent| disk.sync_dir(&parent))
}
