//! What comes of requests: pieces and refusals.

use std::{sync::Arc, time::Duration};

use lanspread_proto::{
    Manifest, PeerId, PieceIndex,
    wire::{LinkMessage, lane::GoneReason, link::PieceRef},
};
use lanspread_swarm::{credit::LaneId, download::Outcome, time::Instant};

use super::{
    Transfer,
    lane::Refusal,
    store::{Arrived, Stored},
};
use crate::{exchange, notice::Notice};

/// How long a pause that only a lane told of is believed.
const PAUSE_DOUBT: Duration = Duration::from_secs(1);

impl Transfer {
    pub(super) fn on_arrived(&mut self, arrived: Arrived) {
        let Arrived {
            peer,
            lane,
            piece,
            outcome,
        } = arrived;
        let now = self.ports.clock.now();
        self.take_asked((peer, piece), lane);
        match outcome {
            Stored::Yes => {
                // It may have been asked for twice, when a lane seemed dead.
                let is_new = !self.download.has(piece);
                self.download.on_piece(now, peer, piece, Outcome::Stored);
                if is_new {
                    self.delivered.record(piece, peer);
                    self.verified.push(piece);
                    self.tell_verified();
                    self.tell_chunks(peer, piece);
                }
            }
            Stored::InMemory(bytes) => {
                self.download.on_piece(now, peer, piece, Outcome::Stored);
                self.delivered.record(piece, peer);
                self.tell_chunks(peer, piece);
                self.keep(piece, bytes);
            }
            Stored::Before => self.download.on_piece(now, peer, piece, Outcome::Stored),
            Stored::Bad => {
                self.lied.push(peer);
                self.tell_lied();
                let bad = PieceRef {
                    content: self.content(),
                    piece,
                };
                self.ports.peers.tell(peer, LinkMessage::BadChunk(bad));
                self.download.on_piece(now, peer, piece, Outcome::BadChunk);
            }
            Stored::Failed(error) => {
                tracing::warn!(%error, "a piece cannot be stored");
                self.finish(Err(error));
            }
        }
    }

    /// The last one left, or has it no more.
    pub(super) fn tell_if_all_gone(&mut self) {
        let library = Arc::clone(&self.ports.library.borrow());
        if self.sources.lost_all(library.holders(self.content())) {
            self.notify(Notice::AllPeersGone {
                game: self.game.clone(),
            });
        }
    }

    fn tell_chunks(&self, peer: PeerId, piece: PieceIndex) {
        for notice in chunks_finished(&self.manifest, piece, Some(peer)) {
            self.notify(notice);
        }
    }

    pub(super) fn on_refused(
        &mut self,
        asked: (PeerId, PieceIndex),
        lane: LaneId,
        refusal: Refusal,
    ) {
        // What a lane said that has been given up since is not about the present request.
        if !self.take_asked(asked, lane) {
            return;
        }
        let (peer, piece) = asked;
        let outcome = match refusal {
            Refusal::Busy(queued_bytes) => Outcome::Busy { queued_bytes },
            Refusal::Gone(reason) => Outcome::Gone(reason),
        };
        let now = self.ports.clock.now();
        self.download.on_piece(now, peer, piece, outcome);
        if matches!(refusal, Refusal::Gone(GoneReason::Paused)) {
            self.paused_at.insert(peer, now);
        }
    }

    /// What a lane says of a pause may be older than what the link said: a while later, the link's
    /// word counts again.
    pub(super) fn ask_paused_again(&mut self) {
        let now = self.ports.clock.now();
        let over = |_: &PeerId, at: &mut Instant| now.since(*at) >= PAUSE_DOUBT;
        let again: Vec<PeerId> = self
            .paused_at
            .extract_if(.., over)
            .map(|(peer, _)| peer)
            .collect();
        for peer in again {
            self.update_facts(peer);
        }
    }

    /// What the exchange cannot take now is told at the next count.
    pub(super) fn tell_verified(&mut self) {
        if self.verified.is_empty() {
            return;
        }
        let (content, pieces) = (self.content(), std::mem::take(&mut self.verified));
        let message = exchange::Msg::Verified { content, pieces };
        if let Err(exchange::Msg::Verified { pieces, .. }) = self.ports.exchange.offer(message) {
            self.verified = pieces;
        }
    }

    /// What the exchange cannot take now is told at the next count.
    pub(super) fn tell_lied(&mut self) {
        let content = self.content();
        while let Some(peer) = self.lied.pop() {
            let lied = exchange::Msg::Lied { peer, content };
            if self.ports.exchange.offer(lied).is_err() {
                return self.lied.push(peer);
            }
        }
    }

    /// Forgets a request that has an answer; `false` when it is open on another lane, or not at
    /// all.
    fn take_asked(&mut self, asked: (PeerId, PieceIndex), lane: LaneId) -> bool {
        let open = self.asked.get(&asked).is_some_and(|open| open.lane == lane);
        if open {
            self.asked.remove(&asked);
        }
        open
    }
}

/// What people hear of a piece that is stored: its chunks, and from whom they are; `None` when they
/// were found on this machine.
pub(crate) fn chunks_finished(
    manifest: &Manifest,
    piece: PieceIndex,
    peer: Option<PeerId>,
) -> impl Iterator<Item = Notice> + '_ {
    let geometry = manifest.geometry();
    let piece = geometry.piece(piece).into_iter();
    let chunks = piece.flat_map(|piece| geometry.chunks(piece.chunks));
    chunks.filter_map(move |chunk| {
        let file = manifest.files().get(chunk.file.as_usize())?;
        Some(Notice::ChunkFinished {
            game: manifest.game().clone(),
            peer,
            file: file.path.clone(),
            offset: chunk.offset,
            bytes: chunk.bytes,
        })
    })
}
