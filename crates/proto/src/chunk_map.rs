//! [`ChunkMap`]: the value of every chunk. It merges to the roots in the manifest, so it may come
//! from anybody.

use alloc::vec::Vec;

use crate::{
    geometry::{Chunk, ChunkIndex, FileIndex, Geometry},
    hash::{self, Hash},
    manifest::Manifest,
};

/// One hash per chunk, in chunk order; encoded as the plain concatenation.
#[derive(Clone, PartialEq, Eq)]
pub struct ChunkMap {
    values: Vec<Hash>,
}

/// Why a chunk map is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkMapError {
    /// It has not one hash per chunk.
    #[error("the chunk map has {actual} bytes instead of {expected}")]
    Length {
        /// What the manifest asks for.
        expected: usize,
        /// What came.
        actual: usize,
    },
    /// The values of a file do not merge to its root.
    #[error("the chunk map does not belong to file {}", .0.0)]
    Root(FileIndex),
}

impl ChunkMap {
    /// Parses and verifies an encoded map against its manifest.
    ///
    /// # Errors
    /// Wrong length, or a file's values do not merge to its root.
    pub fn parse(bytes: &[u8], manifest: &Manifest) -> Result<Self, ChunkMapError> {
        let geometry = manifest.geometry();
        let expected = geometry.chunk_count() as usize * 32;
        if bytes.len() != expected {
            return Err(ChunkMapError::Length {
                expected,
                actual: bytes.len(),
            });
        }
        let (values, _) = bytes.as_chunks::<32>();
        Self::new(
            values
                .iter()
                .map(|value| Hash::from_bytes(*value))
                .collect(),
            manifest,
        )
    }

    /// Verifies values, for example from hashing, against the manifest.
    ///
    /// # Errors
    /// As [`ChunkMap::parse`].
    pub fn new(values: Vec<Hash>, manifest: &Manifest) -> Result<Self, ChunkMapError> {
        let geometry = manifest.geometry();
        let expected = geometry.chunk_count() as usize;
        if values.len() != expected {
            let (expected, actual) = (expected * 32, values.len() * 32);
            return Err(ChunkMapError::Length { expected, actual });
        }
        for (index, file) in (0..).map(FileIndex).zip(manifest.files()) {
            let range = geometry.file_chunks(index);
            let own = values
                .get(range.start as usize..range.end as usize)
                .unwrap_or_default();
            if hash::file_root(own) != file.root {
                return Err(ChunkMapError::Root(index));
            }
        }
        Ok(Self { values })
    }

    /// The encoded map.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.values
            .iter()
            .flat_map(|value| value.as_bytes())
            .copied()
            .collect()
    }

    /// The value of a chunk.
    #[must_use]
    pub fn value(&self, chunk: ChunkIndex) -> Option<Hash> {
        self.values.get(chunk.as_usize()).copied()
    }

    /// All values, in chunk order.
    #[must_use]
    pub fn values(&self) -> &[Hash] {
        &self.values
    }

    /// Whether these are the bytes of the chunk.
    #[must_use]
    pub fn verify(&self, chunk: &Chunk, bytes: &[u8]) -> bool {
        bytes.len() == chunk.bytes as usize
            && self.value(chunk.index) == Some(hash::chunk_value(chunk.place(), bytes))
    }

    /// Whether the bytes of a whole piece are right; names the first chunk that is not.
    ///
    /// # Errors
    /// The first chunk of the piece whose bytes do not match.
    pub fn verify_piece(
        &self,
        geometry: &Geometry,
        chunks: core::ops::Range<u32>,
        bytes: &[u8],
    ) -> Result<(), ChunkIndex> {
        let mut rest = bytes;
        for chunk in geometry.chunks(chunks) {
            let Some((own, after)) = rest.split_at_checked(chunk.bytes as usize) else {
                return Err(chunk.index);
            };
            if !self.verify(&chunk, own) {
                return Err(chunk.index);
            }
            rest = after;
        }
        Ok(())
    }
}

impl core::fmt::Debug for ChunkMap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ChunkMap({} chunks)", self.values.len())
    }
}
