//! [`Availability`]: who has which pieces of one content.
//!
//! Invariant: a piece's count is the number of peers whose set contains it.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use lanspread_proto::{PeerId, PieceIndex, PieceSet};

/// The sets of all peers, and per piece how many have it.
#[derive(Debug, Clone)]
pub struct Availability {
    sets: BTreeMap<PeerId, PieceSet>,
    counts: Vec<u16>,
}

impl Availability {
    /// For a content of so many pieces.
    #[must_use]
    pub fn new(piece_count: u32) -> Self {
        Self {
            sets: BTreeMap::new(),
            counts: vec![0; piece_count as usize],
        }
    }

    /// Replaces what a peer has. A set of another content counts as nothing.
    pub fn set(&mut self, peer: PeerId, set: PieceSet) {
        self.remove_peer(peer);
        if set.piece_count() as usize != self.counts.len() {
            return;
        }
        for piece in set.iter() {
            self.count(piece, 1);
        }
        self.sets.insert(peer, set);
    }

    /// A peer has one more; `true` when that is new.
    pub fn insert(&mut self, peer: PeerId, piece: PieceIndex) -> bool {
        let piece_count = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        let sets = self.sets.entry(peer);
        let set = sets.or_insert_with(|| PieceSet::new(piece_count));
        let added = set.insert(piece);
        if added {
            self.count(piece, 1);
        }
        added
    }

    /// A peer lost one; `true` when it had it.
    pub fn remove(&mut self, peer: PeerId, piece: PieceIndex) -> bool {
        let removed = self
            .sets
            .get_mut(&peer)
            .is_some_and(|set| set.remove(piece));
        if removed {
            self.count(piece, -1);
        }
        removed
    }

    /// A peer left.
    pub fn remove_peer(&mut self, peer: PeerId) {
        if let Some(set) = self.sets.remove(&peer) {
            for piece in set.iter() {
                self.count(piece, -1);
            }
        }
    }

    /// Whether the peer has the piece.
    #[must_use]
    pub fn has(&self, peer: PeerId, piece: PieceIndex) -> bool {
        self.sets.get(&peer).is_some_and(|set| set.contains(piece))
    }

    /// What a peer has.
    #[must_use]
    pub fn of(&self, peer: PeerId) -> Option<&PieceSet> {
        self.sets.get(&peer)
    }

    /// Who has the piece.
    pub fn holders(&self, piece: PieceIndex) -> impl Iterator<Item = PeerId> + '_ {
        let has = move |(_, set): &(&PeerId, &PieceSet)| set.contains(piece);
        self.sets.iter().filter(has).map(|(peer, _)| *peer)
    }

    /// How many have the piece.
    #[must_use]
    pub fn holder_count(&self, piece: PieceIndex) -> u16 {
        self.counts.get(piece.as_usize()).copied().unwrap_or(0)
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        let mut counts = vec![0_u16; self.counts.len()];
        for piece in self.sets.values().flat_map(PieceSet::iter) {
            if let Some(count) = counts.get_mut(piece.as_usize()) {
                *count += 1;
            }
        }
        assert_eq!(counts, self.counts);
    }

    fn count(&mut self, piece: PieceIndex, change: i16) {
        if let Some(count) = self.counts.get_mut(piece.as_usize()) {
            *count = count.saturating_add_signed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(n: u8) -> PeerId {
        PeerId::from_bytes([n; 32])
    }

    proptest! {
        #[test]
        fn counts_follow(ops in prop::collection::vec((0_u8..4, 0_u8..5, 0_u32..70), 0..200)) {
            let mut availability = Availability::new(64);
            for (op, who, piece) in ops {
                let piece = PieceIndex(piece);
                match op {
                    0 => { availability.insert(peer(who), piece); }
                    1 => { availability.remove(peer(who), piece); }
                    2 => availability.remove_peer(peer(who)),
                    _ => availability.set(peer(who), PieceSet::full(piece.0)),
                }
                availability.assert_invariants();
                prop_assert_eq!(
                    availability.holders(piece).count(),
                    usize::from(availability.holder_count(piece))
                );
            }
        }
    }
}
