//! Bytes ↔ files ↔ chunks ↔ pieces. Indices are made only here, so they cannot be mixed up.
//!
//! A *chunk* is hashed: each file is cut at multiples of the chunk size. A *piece* travels: a run
//! of consecutive chunks in manifest order, cut greedily at the chunk size, so that small files
//! travel together.

use alloc::vec::Vec;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::hash::ChunkPlace;

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub u32);

        impl $name {
            /// For indexing a slice.
            #[must_use]
            pub const fn as_usize(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index_type! {
    /// A file by its place in the manifest.
    FileIndex
}
index_type! {
    /// A chunk by its place in the content. From a peer it is only a number until
    /// [`Geometry::chunk`] found it.
    ChunkIndex
}
index_type! {
    /// A piece by its place in the content. From a peer it is only a number until
    /// [`Geometry::piece`] found it.
    PieceIndex
}

/// One chunk: a part of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Which chunk.
    pub index: ChunkIndex,
    /// In which file.
    pub file: FileIndex,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// Length in bytes; never 0.
    pub bytes: u32,
    /// It is the whole file.
    pub whole_file: bool,
}

impl Chunk {
    /// What its hash depends on besides its bytes.
    #[must_use]
    pub const fn place(&self) -> ChunkPlace {
        ChunkPlace {
            offset: self.offset,
            whole_file: self.whole_file,
        }
    }
}

/// One piece: consecutive chunks, at most a chunk size long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which piece.
    pub index: PieceIndex,
    /// Its chunks.
    pub chunks: Range<u32>,
    /// Length in bytes; never 0.
    pub bytes: u32,
}

/// The cut of one content into chunks and pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    chunk_size: u32,
    /// Where each file begins and its size, and a last entry for the end.
    files: Vec<FileSpan>,
    /// First chunk of each piece, and a last entry for the end.
    pieces: Vec<u32>,
    total_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileSpan {
    first_chunk: u32,
    /// Bytes of all files before it.
    first_byte: u64,
    bytes: u64,
}

impl Geometry {
    /// Cuts files of the given sizes. The caller has checked the totals ([`crate::limits`]), so
    /// that all counts fit 32 bits.
    #[must_use]
    pub fn new(chunk_size: u32, sizes: impl IntoIterator<Item = u64>) -> Self {
        let mut cut = Cut::default();
        let mut files = Vec::new();
        let mut total_bytes = 0_u64;
        for bytes in sizes {
            files.push(FileSpan {
                first_chunk: cut.chunk_count,
                first_byte: total_bytes,
                bytes,
            });
            total_bytes = total_bytes.saturating_add(bytes);
            cut.add_file(chunk_size, bytes);
        }
        files.push(FileSpan {
            first_chunk: cut.chunk_count,
            first_byte: total_bytes,
            bytes: 0,
        });
        let mut pieces = cut.pieces;
        pieces.push(cut.chunk_count);
        Self {
            chunk_size,
            files,
            pieces,
            total_bytes,
        }
    }

    /// Bytes of a full chunk, and the most a piece holds.
    #[must_use]
    pub const fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    /// Bytes of all files.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> u32 {
        self.files.last().map_or(0, |end| end.first_chunk)
    }

    /// Number of pieces.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        u32::try_from(self.pieces.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Number of files.
    #[must_use]
    pub fn file_count(&self) -> u32 {
        u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Looks up a chunk.
    #[must_use]
    pub fn chunk(&self, index: ChunkIndex) -> Option<Chunk> {
        if index.0 >= self.chunk_count() {
            return None;
        }
        let (file_index, file) = self.file_at(index.0)?;
        let offset = u64::from(index.0 - file.first_chunk) * u64::from(self.chunk_size);
        let bytes = (file.bytes - offset).min(u64::from(self.chunk_size));
        Some(Chunk {
            index,
            file: FileIndex(u32::try_from(file_index).ok()?),
            offset,
            bytes: u32::try_from(bytes).ok()?,
            whole_file: file.bytes <= u64::from(self.chunk_size),
        })
    }

    /// Looks up a piece.
    #[must_use]
    pub fn piece(&self, index: PieceIndex) -> Option<Piece> {
        let first = *self.pieces.get(index.as_usize())?;
        let end = *self.pieces.get(index.as_usize() + 1)?;
        // Not summed over the chunks: a piece may have very many, and is looked up for each.
        let bytes = self.byte_before(end)? - self.byte_before(first)?;
        Some(Piece {
            index,
            chunks: first..end,
            bytes: u32::try_from(bytes).ok()?,
        })
    }

    /// Bytes of all chunks before one, or before the end.
    fn byte_before(&self, chunk: u32) -> Option<u64> {
        let (_, file) = self.file_at(chunk)?;
        let offset = u64::from(chunk - file.first_chunk) * u64::from(self.chunk_size);
        Some(file.first_byte + offset)
    }

    /// The file of a chunk, or the last entry for the end. Empty files share their first chunk with
    /// the next file: the last one that starts at or before the chunk owns it.
    fn file_at(&self, chunk: u32) -> Option<(usize, &FileSpan)> {
        let after = self.files.partition_point(|file| file.first_chunk <= chunk);
        let index = after.checked_sub(1)?;
        Some((index, self.files.get(index)?))
    }

    /// All pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        (0..self.piece_count()).filter_map(|index| self.piece(PieceIndex(index)))
    }

    /// The chunks of a range, in order.
    pub fn chunks(&self, range: Range<u32>) -> impl Iterator<Item = Chunk> + '_ {
        range.filter_map(|index| self.chunk(ChunkIndex(index)))
    }

    /// The chunks of one file; empty for an empty or unknown file.
    #[must_use]
    pub fn file_chunks(&self, file: FileIndex) -> Range<u32> {
        let start = self
            .files
            .get(file.as_usize())
            .map_or(0, |span| span.first_chunk);
        let end = self
            .files
            .get(file.as_usize() + 1)
            .map_or(start, |span| span.first_chunk);
        start..end
    }

    /// The piece that carries a chunk.
    #[must_use]
    pub fn piece_of(&self, chunk: ChunkIndex) -> Option<PieceIndex> {
        if chunk.0 >= self.chunk_count() {
            return None;
        }
        let after = self.pieces.partition_point(|first| *first <= chunk.0);
        u32::try_from(after.checked_sub(1)?).ok().map(PieceIndex)
    }

    /// The piece that carries a byte of a file, and where in the piece that byte lies.
    #[must_use]
    pub fn find(&self, file: FileIndex, offset: u64) -> Option<(PieceIndex, u32)> {
        let chunks = self.file_chunks(file);
        let within = u32::try_from(offset / u64::from(self.chunk_size)).ok()?;
        let chunk = chunks.start.checked_add(within)?;
        let span = self.files.get(file.as_usize())?;
        if chunk >= chunks.end || offset >= span.bytes {
            return None;
        }
        let piece = self.piece_of(ChunkIndex(chunk))?;
        let first = *self.pieces.get(piece.as_usize())?;
        let before = span.first_byte.checked_add(offset)? - self.byte_before(first)?;
        Some((piece, u32::try_from(before).ok()?))
    }
}

/// The greedy cut while it runs.
#[derive(Default)]
struct Cut {
    chunk_count: u32,
    pieces: Vec<u32>,
    piece_bytes: u64,
}

impl Cut {
    fn add_file(&mut self, chunk_size: u32, bytes: u64) {
        let mut left = bytes;
        while left > 0 {
            let chunk = left.min(u64::from(chunk_size));
            if self.pieces.is_empty() || self.piece_bytes + chunk > u64::from(chunk_size) {
                self.pieces.push(self.chunk_count);
                self.piece_bytes = 0;
            }
            self.piece_bytes += chunk;
            self.chunk_count = self.chunk_count.saturating_add(1);
            left -= chunk;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_files_travel_together() {
        let geometry = Geometry::new(100, [0, 250, 30, 0, 20, 40, 100, 0]);
        assert_eq!(geometry.chunk_count(), 3 + 1 + 1 + 1 + 1);
        let pieces: Vec<_> = geometry.pieces().map(|p| (p.chunks, p.bytes)).collect();
        assert_eq!(
            pieces,
            [
                (0..1, 100),
                (1..2, 100),
                (2..5, 100),
                (5..6, 40),
                (6..7, 100)
            ]
        );
        let chunk = geometry.chunk(ChunkIndex(3)).unwrap();
        assert_eq!(
            (chunk.file, chunk.offset, chunk.bytes),
            (FileIndex(2), 0, 30)
        );
        assert_eq!(geometry.chunk(ChunkIndex(7)), None);
        assert_eq!(geometry.piece(PieceIndex(5)), None);
        assert_eq!(geometry.file_chunks(FileIndex(1)), 0..3);
        assert_eq!(geometry.file_chunks(FileIndex(3)), 4..4);
    }

    #[test]
    fn nothing() {
        let geometry = Geometry::new(100, []);
        assert_eq!(
            (
                geometry.chunk_count(),
                geometry.piece_count(),
                geometry.file_count()
            ),
            (0, 0, 0)
        );
        let empty_files = Geometry::new(100, [0, 0]);
        assert_eq!(
            (empty_files.chunk_count(), empty_files.piece_count()),
            (0, 0)
        );
    }

    #[test]
    fn a_piece_of_very_many_files_is_looked_up_for_each_of_them() {
        let files = 200_000;
        let geometry = Geometry::new(1 << 20, core::iter::repeat_n(1, files as usize));
        let bytes: u64 = (0..files)
            .filter_map(|chunk| geometry.piece(geometry.piece_of(ChunkIndex(chunk))?))
            .map(|piece| u64::from(piece.bytes))
            .sum();
        assert_eq!(bytes, u64::from(files) * u64::from(files));
    }

    proptest! {
        #[test]
        fn every_byte_is_in_one_chunk_and_one_piece(
            sizes in prop::collection::vec(0_u64..500, 0..40),
        ) {
            let geometry = Geometry::new(128, sizes.iter().copied());
            let mut expected_offset = alloc::vec![0_u64; sizes.len()];
            for chunk in geometry.chunks(0..geometry.chunk_count()) {
                let offset = &mut expected_offset[chunk.file.as_usize()];
                prop_assert_eq!(*offset, chunk.offset);
                prop_assert!(chunk.bytes > 0 && chunk.bytes <= 128);
                *offset += u64::from(chunk.bytes);
                let piece = geometry.piece(geometry.piece_of(chunk.index).unwrap()).unwrap();
                prop_assert!(piece.chunks.contains(&chunk.index.0));
            }
            prop_assert_eq!(&expected_offset, &sizes);
            let mut first_byte = 0;
            for (file, bytes) in (0..).map(FileIndex).zip(&sizes) {
                for offset in 0..*bytes {
                    let (piece, within) = geometry.find(file, offset).unwrap();
                    let before = geometry.pieces().take(piece.as_usize());
                    let before: u64 = before.map(|piece| u64::from(piece.bytes)).sum();
                    prop_assert_eq!(before + u64::from(within), first_byte + offset);
                    prop_assert!(within < geometry.piece(piece).unwrap().bytes);
                }
                prop_assert_eq!(geometry.find(file, *bytes), None);
                first_byte += bytes;
            }
            prop_assert_eq!(geometry.find(FileIndex(u32::MAX), 0), None);
            let mut next = 0;
            for piece in geometry.pieces() {
                prop_assert_eq!(piece.chunks.start, next);
                prop_assert!(piece.bytes > 0 && piece.bytes <= 128);
                let chunks = geometry.chunks(piece.chunks.clone());
                prop_assert_eq!(piece.bytes, chunks.map(|chunk| chunk.bytes).sum::<u32>());
                next = piece.chunks.end;
            }
            prop_assert_eq!(next, geometry.chunk_count());
        }
    }
}
