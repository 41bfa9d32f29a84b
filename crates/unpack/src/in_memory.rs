//! Archives and installed games in memory, for tests.

use std::{collections::BTreeMap, io, sync::Arc};

use crate::{
    error::UnpackError,
    events::{Event, Totals},
    frame::{Mode, SkipReason, StartFacts},
    limits::Limits,
    names::NameTable,
    parent::{ArchiveBytes, Unpacker, WorkerCommand},
};

/// The volumes of an archive.
#[derive(Debug, Clone, Default)]
pub struct MemoryArchive {
    /// Their bytes, in order.
    pub volumes: Vec<Vec<u8>>,
}

impl MemoryArchive {
    /// An archive of one volume.
    #[must_use]
    pub fn single(bytes: Vec<u8>) -> Self {
        Self {
            volumes: vec![bytes],
        }
    }
}

impl ArchiveBytes for MemoryArchive {
    fn len(&self, volume: usize) -> u64 {
        let length = self.volumes.get(volume).map_or(0, Vec::len);
        u64::try_from(length).unwrap_or(u64::MAX)
    }

    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.volumes.get(volume).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(offset)
            .ok()
            .and_then(|offset| bytes.get(offset..));
        let from = from.unwrap_or_default();
        let count = from.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

/// A file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its execute bit.
    pub executable: bool,
    /// When it was last changed, in seconds since 1970, if the archive tells.
    pub modified: Option<i64>,
}

/// What an archive came to.
#[derive(Debug, Default)]
pub struct MemoryGame {
    /// The facts at the start.
    pub start: Option<StartFacts>,
    /// Files and copies by path.
    pub files: BTreeMap<String, MemoryFile>,
    /// How many files matched a checksum of the archive.
    pub verified: u64,
    /// Paths of copies.
    pub copies: Vec<String>,
    /// Paths of directory entries.
    pub directories: Vec<String>,
    /// Names left out.
    pub skipped: Vec<(String, SkipReason)>,
    /// What the end said; without it the archive was refused.
    pub totals: Option<Totals>,
}

/// Unpacks an archive into `game`, which keeps what came before an error.
///
/// # Errors
/// As [`Unpacker::next_event`].
pub fn unpack_into(
    game: &mut MemoryGame,
    command: &WorkerCommand,
    archive: MemoryArchive,
    limits: Limits,
    names: NameTable,
) -> Result<NameTable, UnpackError> {
    let volumes = archive.volumes.len();
    let request = (Mode::Unpack, limits);
    let mut unpacker = Unpacker::start(command, Arc::new(archive), volumes, request, names)?;
    let mut open = String::new();
    loop {
        match unpacker.next_event()? {
            Event::Start(start) => game.start = Some(start),
            Event::Directory(path) => game.directories.push(path.into()),
            Event::File(file) => {
                open = file.path.into();
                let empty = MemoryFile {
                    bytes: Vec::new(),
                    executable: file.executable,
                    modified: file.modified,
                };
                game.files.insert(open.clone(), empty);
            }
            Event::Data(data) => {
                if let Some(file) = game.files.get_mut(&open) {
                    file.bytes.extend_from_slice(data);
                }
            }
            Event::EndFile(end) => game.verified += u64::from(end.verified),
            Event::Copy { from, to, .. } => {
                let to = String::from(to);
                if let Some(file) = game.files.get(from.as_str()).cloned() {
                    game.files.insert(to.clone(), file);
                }
                game.copies.push(to);
            }
            Event::Skipped { name, reason } => game.skipped.push((name, reason)),
            Event::Progress(_) => {}
            Event::End(totals) => {
                game.totals = Some(totals);
                return Ok(unpacker.into_names());
            }
        }
    }
}

/// Unpacks an archive with default limits.
///
/// # Errors
/// As [`Unpacker::next_event`].
pub fn unpack(command: &WorkerCommand, archive: MemoryArchive) -> Result<MemoryGame, UnpackError> {
    let mut game = MemoryGame::default();
    unpack_into(
        &mut game,
        command,
        archive,
        Limits::default(),
        NameTable::new(),
    )?;
    Ok(game)
}
