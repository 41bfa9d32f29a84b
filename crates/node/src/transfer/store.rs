//! Where arrived pieces go: checked in memory, then written, or handed to a reader, on the threads
//! for that.

use std::sync::Arc;

use lanspread_disk::partial::{PartialContent, StoreError};
use lanspread_proto::{ChunkMap, Manifest, PeerId, Piece, PieceIndex};
use lanspread_swarm::credit::LaneId;

use crate::restart::caught_in;

/// Where the pieces of one download go.
#[derive(Debug)]
pub(crate) enum Store {
    /// Into the unfinished content on disk.
    Partial(Arc<PartialContent>),
    /// To a reader; nothing is kept.
    Reader {
        /// What is read.
        manifest: Arc<Manifest>,
        /// Its verified chunk map.
        chunk_map: Arc<ChunkMap>,
    },
}

/// What became of a piece.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) peer: PeerId,
    pub(crate) lane: LaneId,
    pub(crate) piece: PieceIndex,
    pub(crate) outcome: Stored,
}

/// How storing went.
#[derive(Debug)]
pub(crate) enum Stored {
    /// It is written and in the journal.
    Yes,
    /// It is right, and these are its bytes, for the reader.
    InMemory(Arc<Vec<u8>>),
    /// It is right, and was here already.
    Before,
    /// A chunk of it is not what the chunk map says.
    Bad,
    /// Our disk failed; nobody else is to blame.
    Failed(Arc<StoreError>),
}

impl Store {
    /// Checks a piece, and writes it or keeps its bytes.
    pub(crate) fn store(&self, piece: &Piece, bytes: &[u8]) -> Stored {
        let stored = caught_in(|| self.take(piece, bytes)).unwrap_or_else(|panic| {
            tracing::error!(panic, "a piece could not be stored");
            Err(StoreError::Broken)
        });
        match stored {
            Ok(stored) => stored,
            Err(StoreError::BadChunk(_)) => Stored::Bad,
            Err(error) => Stored::Failed(Arc::new(error)),
        }
    }

    fn take(&self, piece: &Piece, bytes: &[u8]) -> Result<Stored, StoreError> {
        match self {
            Self::Partial(partial) => Ok(match partial.store_piece(piece, bytes)? {
                true => Stored::Yes,
                false => Stored::Before,
            }),
            Self::Reader {
                manifest,
                chunk_map,
            } => {
                chunk_map
                    .verify_piece(manifest.geometry(), piece.chunks.clone(), bytes)
                    .map_err(StoreError::BadChunk)?;
                Ok(Stored::InMemory(Arc::new(bytes.to_vec())))
            }
        }
    }

    /// Enough was written since the last checkpoint, or long enough ago.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        match self {
            Self::Partial(partial) => partial.is_checkpoint_due(),
            Self::Reader { .. } => false,
        }
    }

    /// Makes durable what was stored so far.
    pub(crate) fn checkpoint(&self) -> Result<(), Arc<StoreError>> {
        match self {
            Self::Partial(partial) => partial.checkpoint().map_err(Arc::new),
            Self::Reader { .. } => Ok(()),
        }
    }
}
