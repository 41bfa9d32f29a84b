//! Does a whole job fit? Asked once, before its first byte.

mod ledger;

use std::collections::BTreeMap;

pub use self::ledger::{Claim, Ledger};
use crate::{
    error::DiskError,
    vfs::{CloneKind, Disk, OpenMode, Place, Space},
};

/// Left free on every volume: a completely full one harms the whole machine. Of a small volume it
/// is one in twenty.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes that a file on FAT32 may have.
pub const FAT_FILE_BYTES_MAX: u64 = u32::MAX as u64;

/// A file and its clone, made to see whether they share their bytes. No payload has such names.
const PROBE: &str = ".lanspread_probe";
const PROBE_CLONE: &str = ".lanspread_probe_clone";

/// What a job will write below one place.
#[derive(Debug, Clone)]
pub struct Need {
    /// Where; it need not be there yet.
    pub place: Place,
    /// Bytes that come to lie there at the worst moment: payload, unpacked files, an old version
    /// that is kept until commit.
    pub bytes: u64,
    /// Of these, bytes that are there already, or that will be freed before: what a partial holds,
    /// what is cloned.
    pub reusable_bytes: u64,
}

/// A job does not fit, or cannot be told to.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// A volume has too little room.
    #[error(
        "{place} needs {needed_bytes} bytes; {free_bytes} are free, and others that run will \
         write {reserved_bytes} of them"
    )]
    NotEnough {
        /// A place on that volume.
        place: Place,
        /// What the job needs there, the reserve included.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
        /// What others that run will still write there.
        reserved_bytes: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl SpaceError {
    /// Bytes to free; 0 when it is not about space.
    #[must_use]
    pub const fn missing_bytes(&self) -> u64 {
        match self {
            Self::NotEnough {
                needed_bytes,
                free_bytes,
                reserved_bytes,
                ..
            } => needed_bytes
                .saturating_add(*reserved_bytes)
                .saturating_sub(*free_bytes),
            Self::Disk(_) => 0,
        }
    }
}

/// Adds up what a job needs per volume and compares it with what is free. Where the system cannot
/// tell, the job is let through: a full disk is an error of its own later.
///
/// # Errors
/// The first volume with too little room, or a disk that fails.
pub fn check_space(disk: &dyn Disk, needs: &[Need]) -> Result<(), SpaceError> {
    let mut volumes: BTreeMap<u64, (u64, Space, &Place)> = BTreeMap::new();
    for need in needs {
        let space = match disk.space(&need.place) {
            Err(error) if error.is_unsupported() => continue,
            told => told?,
        };
        let bytes = need.bytes.saturating_sub(need.reusable_bytes);
        let volume = volumes
            .entry(space.volume)
            .or_insert((0, space, &need.place));
        volume.0 = volume.0.saturating_add(bytes);
    }
    for (bytes, space, place) in volumes.into_values() {
        check_fits(place, &space, bytes, 0)?;
    }
    Ok(())
}

/// What an install writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installs {
    /// So many bytes.
    Bytes(u64),
    /// Clones of so many bytes, which take no room where the file system can share them.
    Clones(u64),
}

/// A job that writes nothing fits even on a full volume.
fn check_fits(
    place: &Place,
    space: &Space,
    bytes: u64,
    reserved_bytes: u64,
) -> Result<(), SpaceError> {
    let reserve = RESERVE_BYTES.min(space.total_bytes / 20);
    let needed_bytes = bytes.saturating_add(reserve);
    match bytes > 0 && needed_bytes.saturating_add(reserved_bytes) > space.free_bytes {
        false => Ok(()),
        true => Err(SpaceError::NotEnough {
            place: place.clone(),
            needed_bytes,
            free_bytes: space.free_bytes,
            reserved_bytes,
        }),
    }
}

/// Whether a copy takes no room: asked of the file system by making one.
fn shares_bytes(disk: &dyn Disk, place: &Place) -> bool {
    let (one, two) = (place.own(PROBE), place.own(PROBE_CLONE));
    let written = disk
        .open(&one, OpenMode::CreateNew)
        .and_then(|file| file.write_all_at(b"?", 0));
    // Files that were there before are not ours to remove; they only say nothing.
    let Ok(()) = written else { return false };
    let cloned = disk.clone_file(&one, &two, &mut |_| true);
    drop(disk.remove_file(&one));
    if cloned.is_ok() {
        drop(disk.remove_file(&two));
    }
    matches!(cloned, Ok(CloneKind::Shared))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;

    fn need(place: &Place, bytes: u64, reusable_bytes: u64) -> Need {
        Need {
            place: place.clone(),
            bytes,
            reusable_bytes,
        }
    }

    #[test]
    fn needs_of_one_volume_add_up() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::new();
        let games = Place::root(directory.path());
        let deep = games.listed("not").listed("yet");
        let free = disk.space(&games).unwrap().free_bytes;
        // Far from the edge: other processes write meanwhile.
        let most = free / 4 * 3;
        check_space(&disk, &[need(&games, most, 0)]).unwrap();
        check_space(&disk, &[need(&games, 0, 0), need(&deep, 0, 0)]).unwrap();
        check_space(&disk, &[need(&games, most, 0), need(&deep, most, most)]).unwrap();
        let both = [need(&games, most, 0), need(&deep, most, 0)];
        let error = check_space(&disk, &both).unwrap_err();
        assert!(error.missing_bytes() > free / 4, "{error}");
        let SpaceError::NotEnough { needed_bytes, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(needed_bytes, 2 * most + RESERVE_BYTES);
        let absurd = [need(&games, u64::MAX, 0), need(&deep, u64::MAX, 1)];
        assert!(check_space(&disk, &absurd).is_err());
    }
}
