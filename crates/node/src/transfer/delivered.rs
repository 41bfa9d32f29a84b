//! [`Delivered`]: who delivered which part of a download, for the bar that shows it.

use std::sync::Arc;

use lanspread_proto::{PeerId, PieceIndex, PieceSet};

/// Cells of the bar; more would be thinner than a pixel.
pub(crate) const CELLS_MAX: usize = 150;

/// Nobody has delivered this cell yet.
const MISSING: u16 = 0;
/// It was found on this machine.
const FOUND: u16 = 1;
/// From here on, cells name a source.
const FIRST_SOURCE: u16 = 2;

/// Who delivered each piece in this run.
#[derive(Debug)]
pub(super) struct Delivered {
    /// Peers in the order in which they first delivered.
    peers: Vec<PeerId>,
    /// For each piece: nobody, or the position in `peers` from 1 on.
    by_piece: Vec<u16>,
}

impl Delivered {
    pub(super) fn new(pieces: usize) -> Self {
        Self {
            peers: Vec::new(),
            by_piece: vec![0; pieces],
        }
    }

    /// A piece came from a peer. Peers beyond the number that a cell can hold count as nobody.
    pub(super) fn record(&mut self, piece: PieceIndex, peer: PeerId) {
        let known = self.peers.iter().position(|other| *other == peer);
        let at = known.unwrap_or_else(|| {
            self.peers.push(peer);
            self.peers.len() - 1
        });
        if let (Some(by), Ok(at)) = (self.by_piece.get_mut(piece.as_usize()), u16::try_from(at)) {
            *by = at.saturating_add(1);
        }
    }

    /// The bar in at most [`CELLS_MAX`] cells: 0 is missing, 1 found on this machine, 2 + n came
    /// mostly from the n-th of `sources`. A cell counts once half of its pieces are there.
    pub(super) fn cells(&self, have: &PieceSet, sources: &[PeerId]) -> Arc<[u16]> {
        let pieces = self.by_piece.len();
        let cells = pieces.min(CELLS_MAX);
        let owners: Vec<u16> = self.owners(sources);
        let cell = |number: usize| {
            let range = number * pieces / cells..(number + 1) * pieces / cells;
            self.cell(range, have, &owners)
        };
        (0..cells).map(cell).collect()
    }

    /// What a cell says of a piece by who delivered it.
    fn owners(&self, sources: &[PeerId]) -> Vec<u16> {
        let of = |peer: &PeerId| {
            let at = sources.iter().position(|other| other == peer)?;
            u16::try_from(at).ok()?.checked_add(FIRST_SOURCE)
        };
        let peers = self.peers.iter().map(|peer| of(peer).unwrap_or(FOUND));
        std::iter::once(FOUND).chain(peers).collect()
    }

    fn cell(&self, pieces: std::ops::Range<usize>, have: &PieceSet, owners: &[u16]) -> u16 {
        let count = pieces.len();
        let mut votes: Vec<(u16, usize)> = Vec::new();
        let mut there = 0;
        for piece in pieces {
            let Some(by) = self.by_piece.get(piece).filter(|_| is_in(have, piece)) else {
                continue;
            };
            there += 1;
            let owner = owners.get(usize::from(*by)).copied().unwrap_or(FOUND);
            match votes.iter_mut().find(|(other, _)| *other == owner) {
                Some((_, votes)) => *votes += 1,
                None => votes.push((owner, 1)),
            }
        }
        if there * 2 < count || there == 0 {
            return MISSING;
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
        most.map_or(MISSING, |(owner, _)| owner)
    }
}

fn is_in(have: &PieceSet, piece: usize) -> bool {
    u32::try_from(piece).is_ok_and(|piece| have.contains(PieceIndex(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn set(count: u32, pieces: impl IntoIterator<Item = u32>) -> PieceSet {
        let mut set = PieceSet::new(count);
        for piece in pieces {
            set.insert(PieceIndex(piece));
        }
        set
    }

    #[test]
    fn small_downloads_are_shown_piece_by_piece() {
        let mut delivered = Delivered::new(5);
        delivered.record(PieceIndex(1), peer(9));
        delivered.record(PieceIndex(3), peer(2));
        delivered.record(PieceIndex(99), peer(2));
        let have = set(5, [0, 1, 3]);
        let sources = [peer(2), peer(9)];
        assert_eq!(*delivered.cells(&have, &sources), [1, 3, 0, 2, 0]);
        // One that is no source any more.
        assert_eq!(*delivered.cells(&have, &[peer(2)]), [1, 1, 0, 2, 0]);
        // Recorded, and thrown away since.
        assert_eq!(*delivered.cells(&set(5, []), &sources), [0; 5]);
        assert_eq!(*Delivered::new(0).cells(&set(0, []), &[]), [0_u16; 0]);
    }

    #[test]
    fn large_ones_by_who_delivered_most() {
        let count = 1_500;
        let mut delivered = Delivered::new(count);
        let mut have = Vec::new();
        // The first cell holds pieces 0 to 9.
        for piece in 0..10 {
            delivered.record(PieceIndex(piece), peer(if piece < 4 { 1 } else { 2 }));
            have.push(piece);
        }
        // Four of ten are too few, five are enough.
        have.extend(10..14);
        have.extend(20..25);
        let have = set(1_500, have);
        let cells = delivered.cells(&have, &[peer(1), peer(2)]);
        assert_eq!(cells.len(), CELLS_MAX);
        assert_eq!(cells[..4], [3, 0, 1, 0]);
        let full = delivered.cells(&PieceSet::full(1_500), &[peer(1), peer(2)]);
        assert!(full.iter().all(|cell| *cell != MISSING));
    }
}
