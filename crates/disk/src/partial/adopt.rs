//! Taking over chunks that are on this machine already: an older version, a copied folder.
//!
//! A file that the file system can share is cloned first and hashed as *our* copy, so nobody can
//! change it in between; otherwise each chunk is hashed in memory and then written.

use std::ops::Range;

use lanspread_proto::{
    ChunkIndex, FileIndex, PieceIndex, PieceSet, geometry::Chunk, manifest::FileEntry,
};

use super::{PartialContent, StoreError, remove_if_there};
use crate::{
    error::DiskError,
    hashing::Progress,
    vfs::{CloneKind, DiskFile, EntryKind, OpenMode, Place},
};

impl PartialContent {
    /// Takes over equal chunks of the files below `source` that have the same paths; returns the
    /// pieces that came in. Files that are missing, unreadable or links are passed over.
    ///
    /// # Errors
    /// Our own disk failed, or `progress` was cancelled. What came in before stays.
    pub fn adopt_from(&self, source: &Place, progress: &Progress) -> Result<PieceSet, StoreError> {
        self.check_whole()?;
        let geometry = self.spec.manifest.geometry();
        let mut adoption = Adoption {
            partial: self,
            source,
            progress,
            present: vec![false; geometry.chunk_count() as usize],
            gained: PieceSet::new(geometry.piece_count()),
            next_piece: 0,
            may_share: true,
        };
        for (file, entry) in (0..).map(FileIndex).zip(self.spec.manifest.files()) {
            if progress.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            adoption.take_file(file, entry)?;
            adoption.record_until(geometry.file_chunks(file).end)?;
        }
        Ok(adoption.gained)
    }
}

struct Adoption<'a> {
    partial: &'a PartialContent,
    source: &'a Place,
    progress: &'a Progress,
    /// Per chunk: its bytes came in.
    present: Vec<bool>,
    gained: PieceSet,
    next_piece: u32,
    /// Until the file system proves otherwise.
    may_share: bool,
}

impl Adoption<'_> {
    fn take_file(&mut self, file: FileIndex, entry: &FileEntry) -> Result<(), StoreError> {
        let partial = self.partial;
        let geometry = partial.spec.manifest.geometry();
        let range = geometry.file_chunks(file);
        if !partial.wants(file) {
            // It lies at its place in the payload.
            self.progress.add(entry.bytes);
            let own = range.start as usize..range.end as usize;
            self.present.get_mut(own).unwrap_or_default().fill(true);
            return Ok(());
        }
        let held = partial.held(&range);
        if range.is_empty() || held == Held::All {
            self.progress.add(entry.bytes);
            return Ok(());
        }
        let large = range.len() > 1;
        let shared = large && held == Held::Nothing && self.share(entry)?;
        let root = if shared {
            &partial.incoming
        } else {
            self.source
        };
        let Some(opened) = self.open_local(&root.join(&entry.path)) else {
            self.progress.add(entry.bytes);
            return Ok(());
        };
        let mut buffer = Vec::new();
        for chunk in geometry.chunks(range) {
            if self.progress.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            self.progress.add(u64::from(chunk.bytes));
            if !self.matches(opened.as_ref(), &chunk, &mut buffer) {
                continue;
            }
            if !shared {
                partial.write_chunk(&chunk, &buffer)?;
            }
            if let Some(present) = self.present.get_mut(chunk.index.as_usize()) {
                *present = true;
            }
        }
        Ok(())
    }

    /// Clones a local file into place. `true`: the target shares its bytes.
    fn share(&mut self, entry: &FileEntry) -> Result<bool, StoreError> {
        let partial = self.partial;
        let disk = partial.spec.disk.as_ref();
        let target = partial.incoming.join(&entry.path);
        if !self.may_share || disk.stat(&target)?.is_some() {
            return Ok(false);
        }
        let from = self.source.join(&entry.path);
        let is_file = disk.stat(&from).ok().flatten();
        if is_file.is_none_or(|stat| stat.kind != EntryKind::File || stat.bytes != entry.bytes) {
            return Ok(false);
        }
        partial.make_parents(&entry.path)?;
        // A copy would be read again to check it: reading it once is the shorter way.
        match disk.clone_file(&from, &target, &mut |_| false) {
            Ok(CloneKind::Shared) => Ok(true),
            // It was copied: as good this once, but reading twice is not worth it again.
            Ok(CloneKind::Copied) => {
                self.may_share = false;
                Ok(true)
            }
            Err(error) if error.is_full() => Err(error.into()),
            Err(_) => {
                self.may_share = false;
                remove_if_there(disk, &target)?;
                Ok(false)
            }
        }
    }

    fn open_local(&self, place: &Place) -> Option<Box<dyn DiskFile>> {
        self.partial.spec.disk.open(place, OpenMode::Read).ok()
    }

    fn matches(&self, file: &dyn DiskFile, chunk: &Chunk, buffer: &mut Vec<u8>) -> bool {
        buffer.resize(chunk.bytes as usize, 0);
        let read: Result<(), DiskError> = file.read_exact_at(buffer, chunk.offset);
        read.is_ok() && self.partial.spec.chunk_map.verify(chunk, buffer)
    }

    /// Writes down the pieces that end before a chunk and came in whole.
    fn record_until(&mut self, end: u32) -> Result<(), StoreError> {
        let geometry = self.partial.spec.manifest.geometry();
        while let Some(piece) = geometry.piece(PieceIndex(self.next_piece)) {
            if piece.chunks.end > end {
                break;
            }
            self.next_piece += 1;
            let own = piece.chunks.start as usize..piece.chunks.end as usize;
            let whole = self
                .present
                .get(own)
                .is_some_and(|all| all.iter().all(|p| *p));
            if whole && !self.partial.state().verified.contains(piece.index) {
                self.partial.record(&piece)?;
                self.gained.insert(piece.index);
            }
        }
        Ok(())
    }
}

/// What is here of a file's pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    Some,
    All,
}

impl PartialContent {
    fn held(&self, chunks: &Range<u32>) -> Held {
        let geometry = self.spec.manifest.geometry();
        let (mut here, mut missing) = (false, false);
        let state = self.state();
        let mut next = geometry.piece_of(ChunkIndex(chunks.start));
        while let Some(piece) = next.and_then(|index| geometry.piece(index)) {
            if piece.chunks.start >= chunks.end {
                break;
            }
            let verified = state.verified.contains(piece.index);
            here |= verified;
            missing |= !verified;
            next = Some(PieceIndex(piece.index.0 + 1));
        }
        match (here, missing) {
            (false, _) => Held::Nothing,
            (true, true) => Held::Some,
            (true, false) => Held::All,
        }
    }
}
