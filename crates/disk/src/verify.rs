//! Reads a game again and says what is not as it was written. Changes nothing.
//!
//! **Invariant:** nothing is believed but bytes that were read now; what the index remembers plays
//! no part.

use std::{collections::BTreeMap, io::ErrorKind};

use lanspread_install::{InstallRecord, RecordedFile, Slot};
use lanspread_proto::{
    ChunkMap, FileIndex, Manifest, RelPath,
    manifest::{FileEntry, VERSION_INI},
    rel_path,
};

use crate::{
    error::DiskError,
    execute::{is_marker, stamp},
    hashing::{HashError, Progress, WholeError, hash_whole},
    observe::GamePlaces,
    vfs::{Disk, DiskFile, EntryKind, FileIdentity, OpenMode, Place},
};

/// Deeper directories of the user are one entry.
const DEPTH_MAX: usize = 64;

/// How a payload was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadCheck {
    /// The files that are missing or hold other bytes, in the order of the manifest.
    pub damaged: Vec<FileIndex>,
    /// Per file of the manifest, what it was when it was read; `None` for damaged ones.
    identities: Vec<Option<FileIdentity>>,
}

/// How an installed game was found. Paths are below `local/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalCheck {
    /// Ours, and missing, or with other bytes although nobody wrote to them.
    pub damaged: Vec<RelPath>,
    /// Ours once, and changed by the user or the game.
    pub changed: Vec<RelPath>,
    /// Never ours.
    pub unknown: Vec<String>,
}

/// Reads every file of a payload and compares it with the manifest, chunk by chunk.
///
/// # Errors
/// A file changes meanwhile, cannot be opened although it is there, or `progress` was cancelled.
pub fn check_payload(
    disk: &dyn Disk,
    game_root: &Place,
    (manifest, chunk_map): (&Manifest, &ChunkMap),
    progress: &Progress,
) -> Result<PayloadCheck, HashError> {
    let mut found = PayloadCheck {
        damaged: Vec::new(),
        identities: Vec::new(),
    };
    let reader = PayloadReader {
        manifest,
        chunk_map,
        progress,
    };
    for (index, entry) in (0..).map(FileIndex).zip(manifest.files()) {
        let sound = match open_file(disk, &game_root.join(&entry.path))? {
            Some(file) => reader.check_file(file.as_ref(), index, entry)?,
            None => None,
        };
        if sound.is_none() {
            found.damaged.push(index);
        }
        found.identities.push(sound);
    }
    Ok(found)
}

impl PayloadCheck {
    /// The same after a repair, which always brings the sentinel anew.
    #[must_use]
    pub fn after_repair(mut self, manifest: &Manifest) -> Self {
        let files = manifest.files().iter().zip(&mut self.identities);
        for (entry, identity) in files {
            if entry.path.as_str() == VERSION_INI {
                *identity = None;
            }
        }
        self
    }

    /// No file that was sound has changed since it was read.
    #[must_use]
    pub fn still_holds(&self, disk: &dyn Disk, game_root: &Place, manifest: &Manifest) -> bool {
        let pairs = manifest.files().iter().zip(&self.identities);
        pairs
            .filter_map(|(entry, identity)| Some((entry, (*identity)?)))
            .all(|(entry, identity)| {
                let now = disk.stat(&game_root.join(&entry.path));
                matches!(now, Ok(Some(now)) if now.bytes == entry.bytes && now.identity == identity)
            })
    }
}

struct PayloadReader<'a> {
    manifest: &'a Manifest,
    chunk_map: &'a ChunkMap,
    progress: &'a Progress,
}

impl PayloadReader<'_> {
    /// The identity under which a file was read and found sound.
    fn check_file(
        &self,
        file: &dyn DiskFile,
        index: FileIndex,
        entry: &FileEntry,
    ) -> Result<Option<FileIdentity>, HashError> {
        let before = file.stat()?;
        if before.bytes != entry.bytes {
            self.progress.add(entry.bytes);
            return Ok(None);
        }
        let geometry = self.manifest.geometry();
        let (mut sound, mut buffer) = (true, Vec::new());
        for chunk in geometry.chunks(geometry.file_chunks(index)) {
            if self.progress.is_cancelled() {
                return Err(HashError::Cancelled);
            }
            buffer.resize(chunk.bytes as usize, 0);
            // What cannot be read is damaged too: the disk may have a bad spot.
            let read = file.read_exact_at(&mut buffer, chunk.offset);
            sound &= read.is_ok() && self.chunk_map.verify(&chunk, &buffer);
            self.progress.add(u64::from(chunk.bytes));
        }
        if file.stat()? != before {
            return Err(HashError::Changed(entry.path.clone()));
        }
        Ok(sound.then_some(before.identity))
    }
}

/// Reads every file of `local/` that the record names, and lists what else lies there.
///
/// # Errors
/// The disk fails, or `progress` was cancelled.
pub fn check_local(
    disk: &dyn Disk,
    places: &GamePlaces,
    record: &InstallRecord,
    progress: &Progress,
) -> Result<LocalCheck, HashError> {
    let live = places.slot(Slot::Live);
    let mut found = LocalCheck::default();
    for file in record.files() {
        match check_recorded(disk, &live.join(&file.path), file, progress)? {
            Recorded::Sound => {}
            Recorded::Damaged => found.damaged.push(file.path.clone()),
            Recorded::Changed => found.changed.push(file.path.clone()),
        }
    }
    let known = record.by_fold_key();
    list_unknown(disk, &live, &known, &mut found.unknown)?;
    Ok(found)
}

enum Recorded {
    Sound,
    Damaged,
    Changed,
}

fn check_recorded(
    disk: &dyn Disk,
    place: &Place,
    recorded: &RecordedFile,
    progress: &Progress,
) -> Result<Recorded, HashError> {
    let file = match disk.stat(place) {
        Ok(None) => None,
        Ok(Some(stat)) if stat.kind != EntryKind::File => return Ok(Recorded::Changed),
        Ok(Some(_)) => Some(disk.open(place, OpenMode::Read)?),
        // A file or a link where a directory was: the user's.
        Err(error) if error.is_link() || is_not_a_directory(&error) => {
            return Ok(Recorded::Changed);
        }
        Err(error) => return Err(error.into()),
    };
    let Some(file) = file else {
        progress.add(recorded.bytes);
        return Ok(Recorded::Damaged);
    };
    let before = file.stat()?;
    let sound = before.bytes == recorded.bytes
        && hash(file.as_ref(), recorded.bytes, progress)? == Some(recorded.root);
    let untouched = before.bytes == recorded.bytes && stamp(&before) == recorded.stamp;
    if before.bytes != recorded.bytes {
        progress.add(recorded.bytes);
    }
    // Nobody wrote to it, and yet it reads otherwise: the disk did that.
    Ok(match (sound, untouched && file.stat()? == before) {
        (true, _) => Recorded::Sound,
        (false, true) => Recorded::Damaged,
        (false, false) => Recorded::Changed,
    })
}

/// The root of a file; `None` when it cannot be read.
fn hash(
    file: &dyn DiskFile,
    bytes: u64,
    progress: &Progress,
) -> Result<Option<lanspread_proto::Hash>, HashError> {
    let mut counted = 0;
    let mut count = |done| {
        counted += done;
        progress.add(done);
        !progress.is_cancelled()
    };
    match hash_whole(file, bytes, &mut count) {
        Ok(root) => Ok(Some(root)),
        Err(WholeError::Stopped) => Err(HashError::Cancelled),
        Err(WholeError::Disk(_)) => {
            progress.add(bytes - counted);
            Ok(None)
        }
    }
}

fn list_unknown(
    disk: &dyn Disk,
    live: &Place,
    known: &BTreeMap<String, &RecordedFile>,
    unknown: &mut Vec<String>,
) -> Result<(), DiskError> {
    let mut open = vec![(live.clone(), String::new(), 0_usize)];
    while let Some((dir, path, depth)) = open.pop() {
        for entry in disk.list(&dir)? {
            if depth == 0 && is_marker(&entry.name) {
                continue;
            }
            let place = dir.listed(&entry.name);
            let path = match path.as_str() {
                "" => entry.name,
                above => format!("{above}/{}", entry.name),
            };
            match entry.kind {
                EntryKind::Directory if depth < DEPTH_MAX => open.push((place, path, depth + 1)),
                EntryKind::File | EntryKind::Directory | EntryKind::Other => {
                    if !known.contains_key(&rel_path::fold(&path)) {
                        unknown.push(path);
                    }
                }
            }
        }
    }
    unknown.sort();
    Ok(())
}

/// Opens a file of the payload; `None` when no file is there.
fn open_file(disk: &dyn Disk, place: &Place) -> Result<Option<Box<dyn DiskFile>>, DiskError> {
    match disk.stat(place) {
        Ok(Some(stat)) if stat.kind == EntryKind::File => {
            disk.open(place, OpenMode::Read).map(Some)
        }
        Ok(Some(_) | None) => Ok(None),
        Err(error) if error.is_link() || is_not_a_directory(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_not_a_directory(error: &DiskError) -> bool {
    error.source.kind() == ErrorKind::NotADirectory
}

#[cfg(test)]
mod tests;
