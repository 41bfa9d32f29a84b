//! BLAKE3: chunk values, file roots, and how the first merge to the second.
//!
//! A chunk value is the chaining value of the chunk's subtree (BLAKE3 specification, section 2.1),
//! so the values of a file merge to the root that `b3sum` prints. A file of at most one chunk has
//! its root as its only value.

use core::fmt;

use blake3::hazmat::{self, HasherExt, Mode};
use serde::{Deserialize, Serialize};

/// A BLAKE3 root or a subtree chaining value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The root of an empty file.
    #[must_use]
    pub fn of_empty() -> Self {
        Self::of(&[])
    }

    /// The root of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Wraps the raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a chunk lies in its file: all that its value depends on besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPlace {
    /// Offset in the file; a multiple of the chunk size.
    pub offset: u64,
    /// The chunk is the whole file, so its value is the file's root.
    pub whole_file: bool,
}

/// The value of one chunk.
#[must_use]
pub fn chunk_value(place: ChunkPlace, bytes: &[u8]) -> Hash {
    let mut hasher = ChunkHasher::new(place);
    hasher.update(bytes);
    hasher.finish()
}

/// The same, fed piece by piece.
#[derive(Debug)]
pub struct ChunkHasher {
    hasher: blake3::Hasher,
    whole_file: bool,
}

impl ChunkHasher {
    /// Starts a chunk.
    #[must_use]
    pub fn new(place: ChunkPlace) -> Self {
        let mut hasher = blake3::Hasher::new();
        if !place.whole_file {
            hasher.set_input_offset(place.offset);
        }
        Self {
            hasher,
            whole_file: place.whole_file,
        }
    }

    /// Takes the next bytes of the chunk.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The value of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Hash {
        if self.whole_file {
            Hash(*self.hasher.finalize().as_bytes())
        } else {
            Hash(self.hasher.finalize_non_root())
        }
    }
}

/// Merges the values of a file's chunks to its root.
///
/// The left subtree of BLAKE3 is the largest power of two of 1 KiB blocks that leaves something
/// for the right; chunks are powers of two, so the same split holds counted in chunks.
#[must_use]
pub fn file_root(values: &[Hash]) -> Hash {
    match values {
        [] => Hash::of_empty(),
        [only] => *only,
        _ => {
            let (left, right) = split(values);
            let root = hazmat::merge_subtrees_root(&subtree(left).0, &subtree(right).0, Mode::Hash);
            Hash(*root.as_bytes())
        }
    }
}

fn subtree(values: &[Hash]) -> Hash {
    match values {
        [only] => *only,
        _ => {
            let (left, right) = split(values);
            Hash(hazmat::merge_subtrees_non_root(
                &subtree(left).0,
                &subtree(right).0,
                Mode::Hash,
            ))
        }
    }
}

fn split(values: &[Hash]) -> (&[Hash], &[Hash]) {
    values.split_at(values.len().next_power_of_two() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn values_merge_to_the_b3sum_root() {
        const CHUNK: usize = 4096;
        let bytes: Vec<u8> = (0_u32..4096 * 7 + 13)
            .map(|i| (i * 31 % 251).to_le_bytes()[0])
            .collect();
        for length in [
            1,
            CHUNK,
            CHUNK + 1,
            2 * CHUNK,
            3 * CHUNK,
            5 * CHUNK + 1,
            bytes.len(),
        ] {
            let file = &bytes[..length];
            let values: Vec<Hash> = file
                .chunks(CHUNK)
                .enumerate()
                .map(|(i, chunk)| {
                    let place = ChunkPlace {
                        offset: (i * CHUNK) as u64,
                        whole_file: length <= CHUNK,
                    };
                    chunk_value(place, chunk)
                })
                .collect();
            assert_eq!(file_root(&values), Hash::of(file), "{length}");
        }
    }
}
