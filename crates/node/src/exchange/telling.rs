//! [`Telling`]: what peers are told of our pieces.
//!
//! Invariant: whoever could not be told something is told all of it later: a map replaces what was
//! said before.

use std::collections::{BTreeMap, BTreeSet};

use lanspread_proto::{
    ContentId, PeerId, PieceIndex, limits as wire_limits,
    wire::{
        Bounded, LinkMessage,
        link::{Have, HaveMap},
    },
};

use super::Served;
use crate::peers::PeersHandle;

/// Says it, and remembers what could not be said.
pub(super) struct Telling {
    peers: PeersHandle,
    /// Who missed something about which content.
    missed: BTreeSet<(PeerId, ContentId)>,
}

impl Telling {
    pub(super) const fn new(peers: PeersHandle) -> Self {
        Self {
            peers,
            missed: BTreeSet::new(),
        }
    }

    /// Sends the whole map of what we have of a content.
    pub(super) fn tell_map(&mut self, peer: PeerId, served: &Served) {
        let content = served.manifest.content();
        match send_map(&self.peers, peer, served) {
            true => self.missed.remove(&(peer, content)),
            false => self.missed.insert((peer, content)),
        };
    }

    /// Tells of more pieces.
    pub(super) fn tell_have(
        &mut self,
        to: impl Iterator<Item = PeerId>,
        content: ContentId,
        (pieces, queued_bytes): (&[PieceIndex], u64),
    ) {
        for peer in to {
            // The map that it is still to get has them too.
            let told = !self.missed.contains(&(peer, content))
                && pieces.chunks(wire_limits::HAVE_PIECES_MAX).all(|batch| {
                    let have = Have {
                        content,
                        pieces: Bounded::cut(batch.iter().copied()),
                        queued_bytes,
                    };
                    self.peers.tell(peer, LinkMessage::Have(have))
                });
            if !told {
                self.missed.insert((peer, content));
            }
        }
    }

    /// Tells that a content is no longer here.
    pub(super) fn tell_gone(&mut self, peer: PeerId, content: ContentId) {
        match self.peers.tell(peer, LinkMessage::HaveNot(content)) {
            true => self.missed.remove(&(peer, content)),
            false => self.missed.insert((peer, content)),
        };
    }

    /// A peer does not want to hear of a content any more.
    pub(super) fn on_interest_off(&mut self, peer: PeerId, content: ContentId) {
        self.missed.remove(&(peer, content));
    }

    pub(super) fn on_peer_down(&mut self, peer: PeerId) {
        self.missed.retain(|(missed, _)| *missed != peer);
    }

    /// Tells those who missed something how things are now.
    pub(super) fn catch_up(&mut self, served: &BTreeMap<ContentId, Served>) {
        for (peer, content) in std::mem::take(&mut self.missed) {
            match served.get(&content) {
                Some(served) => self.tell_map(peer, served),
                None => self.tell_gone(peer, content),
            }
        }
    }
}

/// Page by page; `false` when the link did not take all of them.
fn send_map(peers: &PeersHandle, peer: PeerId, served: &Served) -> bool {
    let pieces_per_page =
        u32::try_from(wire_limits::HAVE_MAP_PAGE_BYTES_MAX * 8).unwrap_or(u32::MAX);
    let count = served.have.piece_count();
    let mut first = 0;
    loop {
        let next = first + pieces_per_page;
        let bits = served
            .have
            .page(PieceIndex(first), wire_limits::HAVE_MAP_PAGE_BYTES_MAX);
        let map = HaveMap {
            content: served.manifest.content(),
            first: PieceIndex(first),
            last: next >= count,
            bits: Bounded::cut(bits),
        };
        if !peers.tell(peer, LinkMessage::HaveMap(map)) {
            return false;
        }
        if next >= count {
            return true;
        }
        first = next;
    }
}
