//! Where arrived pieces go: checked in memory, then written, on the threads for that.

use std::sync::Arc;

use lanspread_disk::partial::{PartialContent, StoreError};
use lanspread_proto::{PeerId, Piece, PieceIndex};
use lanspread_swarm::credit::LaneId;

use crate::restart::caught_in;

/// The unfinished content of one download.
#[derive(Debug)]
pub(crate) struct Store {
    partial: Arc<PartialContent>,
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
    /// It is right, and was here already.
    Before,
    /// A chunk of it is not what the chunk map says.
    Bad,
    /// Our disk failed; nobody else is to blame.
    Failed(Arc<StoreError>),
}

impl Store {
    pub(crate) const fn new(partial: Arc<PartialContent>) -> Self {
        Self { partial }
    }

    /// Checks and writes a piece.
    pub(crate) fn store(&self, piece: &Piece, bytes: &[u8]) -> Stored {
        let stored = caught_in(|| self.partial.store_piece(piece, bytes)).unwrap_or_else(|panic| {
            tracing::error!(panic, "a piece could not be stored");
            Err(StoreError::Broken)
        });
        match stored {
            Ok(true) => Stored::Yes,
            Ok(false) => Stored::Before,
            Err(StoreError::BadChunk(_)) => Stored::Bad,
            Err(error) => Stored::Failed(Arc::new(error)),
        }
    }

    /// Enough was written since the last checkpoint, or long enough ago.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.partial.is_checkpoint_due()
    }

    /// Makes durable what was stored so far.
    pub(crate) fn checkpoint(&self) -> Result<(), Arc<StoreError>> {
        self.partial.checkpoint().map_err(Arc::new)
    }
}
