//! Which piece next: the rarest of a small sample; of equally rare ones the next in order.
//!
//! Alone at a source the order is the content's, which disks like. Beside other downloaders each
//! starts somewhere else, so that they have something to give each other.
//! Invariant: `front` is not beyond the first wanted piece.

use alloc::vec::Vec;

use lanspread_proto::{PieceIndex, PieceSet};

use super::copies::Copies;
use crate::random::Random;

/// Candidates looked at for one choice.
const SAMPLE_MAX: usize = 32;
/// How far the next ones in order are looked for.
const NEAR: u32 = 256;
/// Random places looked at.
const PROBES: usize = 64;

/// The pieces that are neither here nor asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    set: PieceSet,
    /// The order starts here and wraps around.
    origin: u32,
    /// Distance from the origin before which nothing is wanted.
    front: u32,
    /// A reader waits: what it needs first comes first, and nothing else.
    order: Option<Vec<PieceIndex>>,
}

impl Wanted {
    pub(super) fn new(have: &PieceSet) -> Self {
        let mut set = PieceSet::new(have.piece_count());
        set.extend(have.missing());
        Self {
            set,
            origin: 0,
            front: 0,
            order: None,
        }
    }

    /// Only these are wanted from now on, in this order; those that are wanted already stay so.
    pub(super) fn take_only(&mut self, order: Vec<PieceIndex>) {
        let mut set = PieceSet::new(self.set.piece_count());
        set.extend(order.iter().copied().filter(|piece| self.contains(*piece)));
        self.set = set;
        self.order = Some(order);
    }

    pub(super) fn contains(&self, piece: PieceIndex) -> bool {
        self.set.contains(piece)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub(super) fn insert(&mut self, piece: PieceIndex) -> bool {
        self.front = self.front.min(self.distance(piece));
        self.set.insert(piece)
    }

    pub(super) fn remove(&mut self, piece: PieceIndex) -> bool {
        self.set.remove(piece)
    }

    /// The wanted pieces out of a set.
    pub(super) fn count_in(&self, set: &PieceSet) -> u32 {
        self.set.count_common(set)
    }

    /// Others download too: start somewhere else than they.
    pub(super) const fn start_at(&mut self, origin: u32) {
        self.origin = origin;
        self.front = 0;
    }

    pub(super) const fn origin(&self) -> u32 {
        self.origin
    }

    /// The pieces.
    pub(super) const fn set(&self) -> &PieceSet {
        &self.set
    }

    /// The piece to ask a peer for that has these.
    pub(super) fn pick(
        &mut self,
        copies: &Copies,
        theirs: &PieceSet,
        random: &mut Random,
    ) -> Option<PieceIndex> {
        self.advance_front();
        let useful = |piece: &PieceIndex| self.contains(*piece) && theirs.contains(*piece);
        if let Some(order) = &self.order {
            return order.iter().copied().find(useful);
        }
        let piece_count = self.set.piece_count();
        let near_end = self.front.saturating_add(NEAR).min(piece_count);
        let near = (self.front..near_end)
            .map(|distance| self.at(distance))
            .filter(useful)
            .take(SAMPLE_MAX / 2);
        let far = (0..PROBES)
            .map(|_| PieceIndex(random.below(piece_count)))
            .filter(useful)
            .take(SAMPLE_MAX / 2);
        let rarest = |piece: &PieceIndex| (copies.of(*piece), self.distance(*piece));
        near.chain(far)
            .min_by_key(rarest)
            .or_else(|| PieceSet::next_in_all([&self.set, theirs], self.at(self.front)))
    }

    pub(super) fn assert_invariants(&self) {
        let first = self.set.iter().map(|piece| self.distance(piece)).min();
        assert!(first.is_none_or(|first| first >= self.front));
    }

    fn advance_front(&mut self) {
        let piece_count = self.set.piece_count();
        while self.front < piece_count && !self.contains(self.at(self.front)) {
            self.front += 1;
        }
    }

    const fn at(&self, distance: u32) -> PieceIndex {
        let piece_count = self.set.piece_count();
        let to_end = piece_count.saturating_sub(self.origin);
        if distance < to_end {
            PieceIndex(self.origin + distance)
        } else {
            PieceIndex(distance - to_end)
        }
    }

    const fn distance(&self, piece: PieceIndex) -> u32 {
        if piece.0 >= self.origin {
            piece.0 - self.origin
        } else {
            self.set.piece_count().saturating_sub(self.origin) + piece.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_source_is_read_in_order() {
        let mut wanted = Wanted::new(&PieceSet::new(1_000));
        let theirs = PieceSet::full(1_000);
        let mut copies = Copies::new(1_000);
        copies.add_all(&theirs, true);
        let mut random = Random::new(1);
        for expected in 0..1_000 {
            let piece = wanted.pick(&copies, &theirs, &mut random);
            assert_eq!(piece, Some(PieceIndex(expected)));
            wanted.remove(PieceIndex(expected));
        }
        assert_eq!(wanted.pick(&copies, &theirs, &mut random), None);
    }

    #[test]
    fn the_rarest_of_the_sample_comes_first() {
        let mut wanted = Wanted::new(&PieceSet::new(64));
        let theirs = PieceSet::full(64);
        let mut copies = Copies::new(64);
        copies.add_all(&theirs, true);
        for piece in (0..64).filter(|piece| *piece != 40) {
            copies.add(PieceIndex(piece), true);
        }
        let mut hits = 0;
        for seed in 0..100 {
            let picked = wanted.pick(&copies, &theirs, &mut Random::new(seed));
            hits += u32::from(picked == Some(PieceIndex(40)));
        }
        // Sixteen of 64 places are drawn.
        assert!((15..35).contains(&hits), "{hits}");
    }

    proptest! {
        #[test]
        fn finds_what_there_is(
            count in 1_u32..2_000,
            origin in any::<u32>(),
            theirs in prop::collection::btree_set(0_u32..2_000, 0..5),
            seed in any::<u64>(),
        ) {
            let mut wanted = Wanted::new(&PieceSet::new(count));
            wanted.start_at(origin % count);
            let mut set = PieceSet::new(count);
            set.extend(theirs.iter().copied().map(PieceIndex));
            let mut copies = Copies::new(count);
            copies.add_all(&set, true);
            let mut random = Random::new(seed);
            let mut found = Vec::new();
            while let Some(piece) = wanted.pick(&copies, &set, &mut random) {
                wanted.assert_invariants();
                prop_assert!(wanted.remove(piece));
                found.push(piece.0);
            }
            found.sort_unstable();
            let expected: Vec<u32> = theirs.into_iter().filter(|piece| *piece < count).collect();
            prop_assert_eq!(&found, &expected);
            found.first().map(|piece| wanted.insert(PieceIndex(*piece)));
            wanted.assert_invariants();
        }
    }
}
