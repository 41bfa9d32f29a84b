//! Beginning a download, and taking one up again.

use std::{
    sync::{Mutex, atomic::AtomicBool},
    time::Instant,
};

use lanspread_install::{Marker, slot};
use lanspread_proto::{GameId, PieceIndex, PieceSet, geometry::Piece, manifest::FileEntry};

use super::{
    PartialContent, PartialSpec, State, StoreError, incoming_of,
    journal::{self, Head, Journal, Recovered},
    marker_of, marker_place,
};
use crate::{
    atomic_file,
    error::DiskError,
    handles::Handles,
    hashing::Progress,
    scan::{Small, read_small},
    vfs::{Disk, EntryKind, OpenMode, Place},
};

/// Letters of a game's id in the name of its journal; the content tells journals apart.
const NAME_CHARS_MAX: usize = 40;

pub(super) fn open(
    spec: PartialSpec,
    progress: &Progress,
) -> Result<(PartialContent, PieceSet), StoreError> {
    let disk = spec.disk.as_ref();
    let incoming = incoming_of(&spec.game_root);
    let name = journal_name(spec.manifest.game());
    let content = spec.manifest.content();
    let journal_place = spec.partials.listed(&format!("{name}-{}", content.short()));
    let head = Head {
        content,
        boot: spec.boot,
    };
    let known = if claim(&spec, &incoming)? {
        let recovered = journal::recover(disk, &journal_place, &head)?;
        Look {
            spec: &spec,
            incoming: &incoming,
            progress,
        }
        .check(recovered)?
    } else {
        Recovered::Unknown
    };
    let (journal, next_slot) = Journal::start(disk, &journal_place, &head, &known)?;
    let mut verified = PieceSet::new(spec.manifest.geometry().piece_count());
    if let Recovered::Pieces {
        durable, written, ..
    } = &known
    {
        verified.extend(durable.iter().chain(written).copied());
    }
    let partial = PartialContent {
        state: Mutex::new(State {
            verified: verified.clone(),
            next_slot,
            covered_slots: 0,
            unsynced_bytes: 0,
            last_checkpoint: Instant::now(),
        }),
        spec,
        incoming,
        journal_place,
        journal,
        only: None,
        handles: Handles::default(),
        checkpointing: Mutex::new(()),
        broken: AtomicBool::new(false),
    };
    Ok((partial, verified))
}

/// How the names of a game's journals begin.
pub(super) fn journal_name(game: &GameId) -> String {
    game.as_str().chars().take(NAME_CHARS_MAX).collect()
}

/// Makes `.incoming` ours. `true`: it was, and may hold pieces.
fn claim(spec: &PartialSpec, incoming: &Place) -> Result<bool, StoreError> {
    let disk = spec.disk.as_ref();
    make_game_root(disk, &spec.game_root)?;
    let marker = marker_of(&spec.manifest.content());
    match disk.stat(incoming)? {
        None => {
            disk.create_dir(incoming)?;
            // From the outside in: a name is only as durable as the directory that holds it.
            disk.sync_dir(&spec.game_root)?;
            write_marker(disk, incoming, marker)?;
            return Ok(false);
        }
        Some(stat) if stat.kind != EntryKind::Directory => {
            return Err(StoreError::NotOurs(incoming.clone()));
        }
        Some(_) => {}
    }
    match read_marker(disk, incoming)? {
        Some(found) if found == marker => Ok(true),
        Some(_) => Err(StoreError::OtherContent(incoming.clone())),
        // We may have died before the marker was whole; then nothing else is in there.
        None if holds_only_drafts(disk, incoming)? => {
            write_marker(disk, incoming, marker)?;
            Ok(false)
        }
        None => Err(StoreError::NotOurs(incoming.clone())),
    }
}

fn make_game_root(disk: &dyn Disk, game_root: &Place) -> Result<(), DiskError> {
    match disk.create_dir(game_root) {
        Err(error) if error.is_already_there() => return Ok(()),
        made => made?,
    }
    game_root
        .parent()
        .map_or(Ok(()), |games| disk.sync_dir(&games))
}

pub(super) fn read_marker(disk: &dyn Disk, incoming: &Place) -> Result<Option<Marker>, DiskError> {
    match read_small(disk, &marker_place(incoming), slot::MARKER_BYTES_MAX)? {
        Small::Bytes(bytes) => Ok(Marker::parse(&bytes)),
        Small::Missing | Small::TooLarge => Ok(None),
    }
}

fn holds_only_drafts(disk: &dyn Disk, incoming: &Place) -> Result<bool, DiskError> {
    let entries = disk.list(incoming)?;
    Ok(entries.iter().all(|entry| entry.name == slot::MARKER_DRAFT))
}

fn write_marker(disk: &dyn Disk, incoming: &Place, marker: Marker) -> Result<(), DiskError> {
    atomic_file::write(disk, incoming, slot::MARKER, marker.encode().as_bytes())
}

/// A look at what is really there.
struct Look<'a> {
    spec: &'a PartialSpec,
    incoming: &'a Place,
    progress: &'a Progress,
}

impl Look<'_> {
    /// Drops pieces whose files are not there as they must be, and hashes the doubtful ones.
    fn check(&self, recovered: Recovered) -> Result<Recovered, StoreError> {
        let geometry = self.spec.manifest.geometry();
        let (durable, written, doubtful) = match recovered {
            Recovered::Unknown => {
                let all = (0..geometry.piece_count()).map(PieceIndex).collect();
                (Vec::new(), Vec::new(), all)
            }
            Recovered::Pieces {
                durable,
                written,
                doubtful,
            } => (durable, written, doubtful),
        };
        let files = self.whole_files()?;
        let present = |piece: &PieceIndex| {
            geometry.piece(*piece).is_some_and(|piece| {
                geometry
                    .chunks(piece.chunks)
                    .all(|chunk| files.get(chunk.file.as_usize()) == Some(&true))
            })
        };
        let mut written: Vec<PieceIndex> = written.into_iter().filter(present).collect();
        for index in doubtful.into_iter().filter(present) {
            if self.progress.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            if let Some(piece) = geometry.piece(index).filter(|piece| self.holds(piece)) {
                written.push(piece.index);
            }
        }
        Ok(Recovered::Pieces {
            durable: durable.into_iter().filter(present).collect(),
            written,
            doubtful: Vec::new(),
        })
    }

    /// Which files are there at their final length.
    fn whole_files(&self) -> Result<Vec<bool>, StoreError> {
        let is_whole =
            |entry: &FileEntry| match self.spec.disk.stat(&self.incoming.join(&entry.path)) {
                Ok(stat) => Ok(stat
                    .is_some_and(|stat| stat.kind == EntryKind::File && stat.bytes == entry.bytes)),
                Err(error) if error.is_link() => Ok(false),
                Err(error) => Err(error.into()),
            };
        self.spec.manifest.files().iter().map(is_whole).collect()
    }

    /// Whether the bytes of a piece are on disk; what cannot be read is not there.
    fn holds(&self, piece: &Piece) -> bool {
        let geometry = self.spec.manifest.geometry();
        let mut buffer = Vec::new();
        geometry.chunks(piece.chunks.clone()).all(|chunk| {
            buffer.resize(chunk.bytes as usize, 0);
            let entry = self.spec.manifest.files().get(chunk.file.as_usize());
            let file = entry.and_then(|entry| {
                let place = self.incoming.join(&entry.path);
                self.spec.disk.open(&place, OpenMode::Read).ok()
            });
            let read =
                file.is_some_and(|file| file.read_exact_at(&mut buffer, chunk.offset).is_ok());
            self.progress.add(u64::from(chunk.bytes));
            read && self.spec.chunk_map.verify(&chunk, &buffer)
        })
    }
}
