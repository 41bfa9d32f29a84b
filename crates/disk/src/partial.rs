//! [`PartialContent`]: a download in progress, in `.incoming/` below the game root.
//!
//! **Invariant:** a piece is *verified* only after every chunk of it matched its hash in memory and
//! was written; the journal names it only after that. The old version of the game is not touched.
//!
//! Threads store pieces side by side: no lock is held while bytes are hashed, written or synced.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lanspread_install::{Marker, Role, Slot, TransactionId, slot};
use lanspread_proto::{
    ChunkIndex, ChunkMap, ContentId, FileIndex, Manifest, PieceSet, RelPath,
    geometry::{Chunk, Piece},
    manifest::FileEntry,
};

use crate::{
    boot::BootId,
    content::{PieceSource, ServeError, each_part},
    error::DiskError,
    handles::Handles,
    hashing::Progress,
    vfs::{Disk, DiskFile, OpenMode, Place},
};

mod adopt;
mod discard;
mod journal;
mod repair;
mod resume;

pub use discard::{discard_incoming, discard_left, left_bytes};
#[cfg(any(test, feature = "test-util"))]
pub(crate) use journal::check_hostile as check_hostile_journal;

use journal::{Journal, Record};

/// Bytes written after which a checkpoint is due.
pub const CHECKPOINT_BYTES: u64 = 256 * 1024 * 1024;
/// Time after which a checkpoint is due, if anything was written.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// What is downloaded, and where to.
#[derive(Debug, Clone)]
pub struct PartialSpec {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The game's directory; it is made if it is not there.
    pub game_root: Place,
    /// The directory of the journals, which is there.
    pub partials: Place,
    /// What is downloaded.
    pub manifest: Arc<Manifest>,
    /// Its verified chunk map.
    pub chunk_map: Arc<ChunkMap>,
    /// The current run of the OS.
    pub boot: Option<BootId>,
}

/// Why a piece was not stored, or a download cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// These are not the bytes of the chunk: whoever sent them is to blame. Nothing was written.
    #[error("chunk {} has wrong bytes", .0.0)]
    BadChunk(ChunkIndex),
    /// `.incoming` holds something that is not a download of ours; nothing was touched.
    #[error("{0} is in the way, and it is not ours")]
    NotOurs(Place),
    /// `.incoming` holds a download of another content: discard it first, or take that one up.
    #[error("{0} holds the download of another version")]
    OtherContent(Place),
    /// The disk lost what was written since the last checkpoint. Take the download up again.
    #[error("the disk could not keep what was written: {0}")]
    SyncFailed(DiskError),
    /// An earlier sync failed ([`StoreError::SyncFailed`]): take the download up again.
    #[error("the disk could not keep what was written before")]
    Broken,
    /// Pieces are missing.
    #[error("{0} pieces are still missing")]
    Incomplete(u32),
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
    /// The disk failed; asked again, it may do.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl StoreError {
    /// The volume or the quota is full: freeing space helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(error) | Self::SyncFailed(error) => error.is_full(),
            Self::BadChunk(_)
            | Self::NotOurs(_)
            | Self::OtherContent(_)
            | Self::Broken
            | Self::Incomplete(_)
            | Self::Cancelled => false,
        }
    }

    /// What was written since the last checkpoint is lost: only opening it anew helps.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::SyncFailed(_) | Self::Broken)
    }
}

/// A download in progress. Dropping it leaves it on disk, to be taken up again.
#[derive(Debug)]
pub struct PartialContent {
    spec: PartialSpec,
    incoming: Place,
    journal_place: Place,
    journal: Journal,
    /// The files that are fetched; `None` for all.
    only: Option<BTreeSet<FileIndex>>,
    handles: Handles,
    state: Mutex<State>,
    /// One checkpoint at a time.
    checkpointing: Mutex<()>,
    broken: AtomicBool,
}

#[derive(Debug)]
struct State {
    verified: PieceSet,
    /// First free slot of the journal.
    next_slot: u64,
    /// Slots before it are covered by a checkpoint.
    covered_slots: u64,
    unsynced_bytes: u64,
    last_checkpoint: Instant,
}

impl PartialContent {
    /// Begins a download, or takes up the one that is there. Returns it with the pieces it has.
    /// After a restart of the OS the pieces since the last checkpoint are hashed again; `progress`
    /// counts their bytes and may stop that.
    ///
    /// # Errors
    /// `.incoming` is not ours or of another content, or the disk failed.
    pub fn create_or_resume(
        spec: PartialSpec,
        progress: &Progress,
    ) -> Result<(Self, PieceSet), StoreError> {
        resume::open(spec, progress)
    }

    /// What is downloaded.
    #[must_use]
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.spec.manifest
    }

    /// The pieces that are here.
    #[must_use]
    pub fn have(&self) -> PieceSet {
        self.state().verified.clone()
    }

    /// Verifies the bytes of a piece, writes them, and writes that down. `false`: it was here
    /// before, and nothing was written.
    ///
    /// # Errors
    /// The bytes are wrong (nothing was written), or the disk failed (the piece counts as missing).
    pub fn store_piece(&self, piece: &Piece, bytes: &[u8]) -> Result<bool, StoreError> {
        self.check_whole()?;
        let geometry = self.spec.manifest.geometry();
        if bytes.len() != piece.bytes as usize {
            return Err(StoreError::BadChunk(ChunkIndex(piece.chunks.start)));
        }
        self.spec
            .chunk_map
            .verify_piece(geometry, piece.chunks.clone(), bytes)
            .map_err(StoreError::BadChunk)?;
        if self.state().verified.contains(piece.index) {
            return Ok(false);
        }
        let mut rest = bytes;
        for chunk in geometry.chunks(piece.chunks.clone()) {
            let Some((own, after)) = rest.split_at_checked(chunk.bytes as usize) else {
                return Err(StoreError::BadChunk(chunk.index));
            };
            if self.wants(chunk.file) {
                self.write_chunk(&chunk, own)?;
            }
            rest = after;
        }
        self.record(piece)
    }

    /// A checkpoint is due: enough was written, or long enough ago.
    #[must_use]
    pub fn is_checkpoint_due(&self) -> bool {
        let state = self.state();
        state.unsynced_bytes >= CHECKPOINT_BYTES
            || (state.unsynced_bytes > 0 && state.last_checkpoint.elapsed() >= CHECKPOINT_INTERVAL)
    }

    /// Makes durable what was stored so far, and writes that down. Pieces may be stored meanwhile.
    ///
    /// # Errors
    /// The sync failed: what was stored since the last checkpoint is lost, and this object with it.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.check_whole()?;
        let _turn = self
            .checkpointing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before_slot = {
            let mut state = self.state();
            state.last_checkpoint = Instant::now();
            if state.next_slot == state.covered_slots {
                return Ok(());
            }
            state.unsynced_bytes = 0;
            state.next_slot
        };
        self.sync_all(before_slot)
    }

    /// Makes the download whole and durable: empty files and directories, and a last checkpoint.
    /// The install side may then move it into place.
    ///
    /// # Errors
    /// Pieces are missing, or the disk failed.
    pub fn finish(&self) -> Result<(), StoreError> {
        self.check_whole()?;
        let missing = {
            let verified = &self.state().verified;
            verified.piece_count() - verified.len()
        };
        if missing > 0 {
            return Err(StoreError::Incomplete(missing));
        }
        for (file, entry) in (0..).map(FileIndex).zip(self.spec.manifest.files()) {
            if entry.bytes == 0 && self.wants(file) {
                self.open_or_create(entry)?;
            }
        }
        for path in self.spec.manifest.empty_dirs() {
            self.make_parents(path)?;
            self.make_dir(path)?;
        }
        self.handles.close();
        let _turn = self
            .checkpointing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before_slot = self.state().next_slot;
        self.sync_all(before_slot)
    }

    /// Forgets the journal, once the download was moved into place.
    ///
    /// # Errors
    /// The journal cannot be deleted; it does no harm.
    pub fn retire(&self) -> Result<(), DiskError> {
        remove_if_there(self.spec.disk.as_ref(), &self.journal_place)
    }

    /// Deletes the download: `.incoming`, which its marker proves ours, and the journal.
    ///
    /// # Errors
    /// The disk failed; the rest can be discarded later.
    pub fn discard(self) -> Result<(), StoreError> {
        self.handles.close();
        discard_incoming(self.spec.disk.as_ref(), &self.spec.game_root)?;
        Ok(self.retire()?)
    }

    /// Whether a file is fetched at all.
    fn wants(&self, file: FileIndex) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&file))
    }

    fn check_whole(&self) -> Result<(), StoreError> {
        if self.broken.load(Ordering::Acquire) {
            Err(StoreError::Broken)
        } else {
            Ok(())
        }
    }

    /// The piece was written: now it may be written down, and then shown.
    fn record(&self, piece: &Piece) -> Result<bool, StoreError> {
        // Half of a piece may lie elsewhere in a repair: its journal names none, so that nobody
        // takes such a piece for whole later.
        if self.only.is_none() {
            let slot = {
                let mut state = self.state();
                state.unsynced_bytes += u64::from(piece.bytes);
                state.take_slot()
            };
            self.journal.write(slot, Record::Piece(piece.index))?;
        }
        Ok(self.state().verified.insert(piece.index))
    }

    fn sync_all(&self, before_slot: u64) -> Result<(), StoreError> {
        if let Err(error) = self.spec.disk.sync_volume(&self.incoming) {
            self.broken.store(true, Ordering::Release);
            let slot = self.state().take_slot();
            // A disk that was unplugged may be back with all of it; one that failed to write may
            // show what it does not hold.
            let what = match error.is_not_found() {
                true => Record::Away,
                false => Record::Void,
            };
            let voided = self.journal.write(slot, what);
            if voided.and_then(|()| self.journal.sync()).is_err() {
                // Without a journal everything is read again, which is the next best.
                drop(self.spec.disk.remove_file(&self.journal_place));
            }
            return Err(StoreError::SyncFailed(error));
        }
        let slot = self.state().take_slot();
        self.journal
            .write(slot, Record::Checkpoint { before_slot })?;
        self.journal.sync()?;
        let mut state = self.state();
        // Nothing but this checkpoint's own record may have come since.
        if state.next_slot == before_slot + 1 {
            state.covered_slots = state.next_slot;
        }
        Ok(())
    }

    fn write_chunk(&self, chunk: &Chunk, bytes: &[u8]) -> Result<(), StoreError> {
        let Some(entry) = self.spec.manifest.files().get(chunk.file.as_usize()) else {
            return Err(StoreError::BadChunk(chunk.index));
        };
        if chunk.whole_file {
            // Written in one go: not worth a place among the open files.
            self.open_or_create(entry)?.write_all_at(bytes, 0)?;
        } else {
            self.handles
                .of(chunk.file, || self.open_or_create(entry))?
                .write_all_at(bytes, chunk.offset)?;
        }
        Ok(())
    }

    /// Whoever comes first makes the file; everybody leaves it at its final length.
    fn open_or_create(&self, entry: &FileEntry) -> Result<Box<dyn DiskFile>, DiskError> {
        let disk = &self.spec.disk;
        let place = self.incoming.join(&entry.path);
        let file = match disk.open(&place, OpenMode::CreateNew) {
            Err(error) if error.is_not_found() => {
                self.make_parents(&entry.path)?;
                match disk.open(&place, OpenMode::CreateNew) {
                    Err(error) if error.is_already_there() => disk.open(&place, OpenMode::Write),
                    opened => opened,
                }
            }
            Err(error) if error.is_already_there() => disk.open(&place, OpenMode::Write),
            opened => opened,
        }?;
        if file.stat()?.bytes != entry.bytes {
            file.set_len(entry.bytes)?;
        }
        Ok(file)
    }

    fn make_parents(&self, path: &RelPath) -> Result<(), DiskError> {
        let mut above: Vec<RelPath> = Vec::new();
        let mut next = path.parent();
        while let Some(directory) = next {
            next = directory.parent();
            above.push(directory);
        }
        above.iter().rev().try_for_each(|path| self.make_dir(path))
    }

    fn make_dir(&self, path: &RelPath) -> Result<(), DiskError> {
        make_dir(self.spec.disk.as_ref(), &self.incoming.join(path))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_slot(&mut self) -> u64 {
        let slot = self.next_slot;
        self.next_slot += 1;
        slot
    }
}

impl PieceSource for PartialContent {
    fn read_range(&self, piece: &Piece, offset: u32, buffer: &mut [u8]) -> Result<(), ServeError> {
        if !self.state().verified.contains(piece.index) {
            return Err(ServeError::Missing);
        }
        let manifest = &self.spec.manifest;
        let chunk_size = u64::from(manifest.geometry().chunk_size());
        each_part(manifest.geometry(), piece, offset, buffer, |part, own| {
            let entry = manifest.files().get(part.file.as_usize());
            let entry = entry.ok_or(ServeError::Range)?;
            let place = self.incoming.join(&entry.path);
            if entry.bytes <= chunk_size {
                let file = self.spec.disk.open(&place, OpenMode::Read)?;
                return Ok(file.read_exact_at(own, part.offset)?);
            }
            let open = || self.spec.disk.open(&place, OpenMode::Write);
            let file = self.handles.of(part.file, open)?;
            Ok(file.read_exact_at(own, part.offset)?)
        })
    }
}

fn make_dir(disk: &dyn Disk, place: &Place) -> Result<(), DiskError> {
    match disk.create_dir(place) {
        Err(error) if error.is_already_there() => Ok(()),
        made => made,
    }
}

fn remove_if_there(disk: &dyn Disk, place: &Place) -> Result<(), DiskError> {
    match disk.remove_file(place) {
        Err(error) if error.is_not_found() => Ok(()),
        removed => removed,
    }
}

/// The marker in `.incoming`: which content is downloaded there.
fn marker_of(content: &ContentId) -> Marker {
    let half = content.as_bytes().first_chunk().copied();
    Marker {
        transaction: TransactionId::from_u128(u128::from_be_bytes(half.unwrap_or_default())),
        role: Role::New,
    }
}

fn incoming_of(game_root: &Place) -> Place {
    game_root.own(Slot::Incoming.name())
}

fn marker_place(incoming: &Place) -> Place {
    incoming.own(slot::MARKER)
}

fn marker_draft_place(incoming: &Place) -> Place {
    incoming.own(slot::MARKER_DRAFT)
}

#[cfg(test)]
mod tests;
