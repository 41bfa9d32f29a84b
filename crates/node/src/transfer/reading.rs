//! A download that a reader waits for: pieces come in the order in which it reads, and are kept in
//! memory only as long as it may need them.
//!
//! Invariant: `pieces` holds exactly what the scheduler says is here.

use std::{collections::BTreeMap, sync::Arc};

use lanspread_proto::{PieceIndex, PieceSet};
use lanspread_swarm::{ReadAhead, download::Download, time::Instant};
use tokio::sync::oneshot;

use super::Transfer;

/// The bytes of a piece, for as many as need them.
pub(crate) type PieceBytes = Arc<Vec<u8>>;

/// What a reader has in the transfer.
pub(super) struct Reading {
    reads: ReadAhead,
    pieces: BTreeMap<PieceIndex, PieceBytes>,
    /// Every piece that was here at any time.
    pub(super) seen: PieceSet,
    /// For which piece the reader waits. It asks for one after the other.
    waiting: Option<(PieceIndex, oneshot::Sender<PieceBytes>)>,
}

impl Reading {
    pub(super) const fn new(reads: ReadAhead, nothing: PieceSet) -> Self {
        Self {
            reads,
            pieces: BTreeMap::new(),
            seen: nothing,
            waiting: None,
        }
    }

    fn on_read(
        &mut self,
        now: Instant,
        at: usize,
        reply: oneshot::Sender<PieceBytes>,
        download: &mut Download,
    ) {
        if self.reads.on_read(at, download.have()) {
            download.demand(now, self.reads.demand().collect());
            self.pieces.retain(|piece, _| download.has(*piece));
        }
        self.waiting = self.reads.piece(at).map(|piece| (piece, reply));
        self.answer();
    }

    fn keep(&mut self, piece: PieceIndex, bytes: PieceBytes) {
        self.seen.insert(piece);
        self.pieces.insert(piece, bytes);
        self.answer();
    }

    fn answer(&mut self) {
        let Some((piece, reply)) = self.waiting.take() else {
            return;
        };
        match self.pieces.get(&piece) {
            // A reader that has gone away needs no answer.
            Some(bytes) => drop(reply.send(Arc::clone(bytes))),
            None => self.waiting = Some((piece, reply)),
        }
    }
}

impl Transfer {
    /// The reader needs the piece at a place of its order.
    pub(super) fn on_read(&mut self, at: usize, reply: oneshot::Sender<PieceBytes>) {
        let now = self.ports.clock.now();
        if let Some(reading) = &mut self.reading {
            reading.on_read(now, at, reply, &mut self.download);
        }
    }

    /// A piece came that is wanted in memory; the scheduler knows.
    pub(super) fn keep(&mut self, piece: PieceIndex, bytes: PieceBytes) {
        if let Some(reading) = self.reading.as_mut().filter(|_| self.download.has(piece)) {
            reading.keep(piece, bytes);
        }
    }
}
