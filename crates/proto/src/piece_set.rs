//! [`PieceSet`]: which pieces of one content somebody has.

use alloc::{vec, vec::Vec};

use crate::geometry::PieceIndex;

/// A set of pieces out of a known number. Bit `i % 64` of word `i / 64`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PieceSet {
    words: Vec<u64>,
    piece_count: u32,
    len: u32,
}

impl PieceSet {
    /// An empty set for a content of `piece_count` pieces.
    #[must_use]
    pub fn new(piece_count: u32) -> Self {
        Self {
            words: vec![0; piece_count.div_ceil(64) as usize],
            piece_count,
            len: 0,
        }
    }

    /// All pieces.
    #[must_use]
    pub fn full(piece_count: u32) -> Self {
        let mut set = Self::new(piece_count);
        (0..piece_count).for_each(|index| {
            set.insert(PieceIndex(index));
        });
        set
    }

    /// Number of pieces in the content.
    #[must_use]
    pub const fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Number of pieces in the set.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// No piece.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All pieces.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len == self.piece_count
    }

    /// Whether the piece is in the set; `false` beyond the end.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.words
            .get(piece.as_usize() / 64)
            .is_some_and(|word| word >> (piece.0 % 64) & 1 == 1)
    }

    /// Adds a piece; `true` when it is new. A piece beyond the end is ignored.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        if piece.0 >= self.piece_count || self.contains(piece) {
            return false;
        }
        if let Some(word) = self.words.get_mut(piece.as_usize() / 64) {
            *word |= 1 << (piece.0 % 64);
            self.len += 1;
        }
        true
    }

    /// Takes a piece out; `true` when it was there.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        if !self.contains(piece) {
            return false;
        }
        if let Some(word) = self.words.get_mut(piece.as_usize() / 64) {
            *word &= !(1 << (piece.0 % 64));
            self.len -= 1;
        }
        true
    }

    /// The pieces in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(i, word)| {
            let mut left = *word;
            core::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros();
                left &= left - 1;
                Some(PieceIndex(i * 64 + bit))
            })
        })
    }

    /// The pieces that are missing, in ascending order.
    pub fn missing(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        (0..self.piece_count)
            .map(PieceIndex)
            .filter(|piece| !self.contains(*piece))
    }

    /// The first piece from `from` on, and around the end, that all of `sets` contain. Sets of
    /// different contents share nothing.
    #[must_use]
    pub fn next_in_all<const N: usize>(sets: [&Self; N], from: PieceIndex) -> Option<PieceIndex> {
        let first = sets.first()?;
        if sets.iter().any(|set| set.piece_count != first.piece_count) {
            return None;
        }
        let word = |index: usize| {
            let words = sets.iter().filter_map(|set| set.words.get(index));
            words.fold(u64::MAX, |all, word| all & word)
        };
        let start = from.as_usize() / 64;
        let after = u64::MAX << (from.0 % 64);
        let found = |(index, word): (usize, u64)| {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            (word != 0).then(|| PieceIndex(index * 64 + word.trailing_zeros()))
        };
        let count = first.words.len();
        let tail = (start..count).map(|index| match index == start {
            true => (index, word(index) & after),
            false => (index, word(index)),
        });
        let head = (0..count.min(start + 1)).map(|index| (index, word(index)));
        tail.chain(head).find_map(found)
    }

    /// How many pieces both have.
    #[must_use]
    pub fn count_common(&self, other: &Self) -> u32 {
        if self.piece_count != other.piece_count {
            return 0;
        }
        let both = self.words.iter().zip(&other.words).map(|(a, b)| a & b);
        both.map(u64::count_ones).sum()
    }

    /// A page of the bitmap, for the wire: eight pieces per byte, lowest first.
    #[must_use]
    pub fn page(&self, first: PieceIndex, bytes_max: usize) -> Vec<u8> {
        let end = self
            .piece_count
            .min(first.0.saturating_add(cap_u32(bytes_max * 8)));
        let mut page = vec![0_u8; end.saturating_sub(first.0).div_ceil(8) as usize];
        for (byte, base) in page.iter_mut().zip((first.0..).step_by(8)) {
            *byte = (0..8)
                .filter(|bit| self.contains(PieceIndex(base + bit)))
                .fold(0, |b, bit| b | 1 << bit);
        }
        page
    }

    /// Takes over a page of somebody's bitmap; bits beyond the end are ignored.
    pub fn insert_page(&mut self, first: PieceIndex, page: &[u8]) {
        for (byte, base) in page.iter().zip((u64::from(first.0)..).step_by(8)) {
            for bit in (0_u64..8).filter(|bit| byte >> bit & 1 == 1) {
                if let Ok(index) = u32::try_from(base + bit) {
                    self.insert(PieceIndex(index));
                }
            }
        }
    }
}

fn cap_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Extend<PieceIndex> for PieceSet {
    fn extend<T: IntoIterator<Item = PieceIndex>>(&mut self, pieces: T) {
        pieces.into_iter().for_each(|piece| {
            self.insert(piece);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(
            count in 0_u32..300,
            ops in prop::collection::vec((any::<bool>(), 0_u32..310), 0..200),
        ) {
            let mut set = PieceSet::new(count);
            let mut model = BTreeSet::new();
            for (add, index) in ops {
                let piece = PieceIndex(index);
                if add {
                    prop_assert_eq!(set.insert(piece), index < count && model.insert(index));
                } else {
                    prop_assert_eq!(set.remove(piece), model.remove(&index));
                }
            }
            prop_assert_eq!(set.len() as usize, model.len());
            prop_assert!(set.iter().map(|p| p.0).eq(model.iter().copied()));
            prop_assert_eq!(set.missing().count(), count as usize - model.len());
            let mut copy = PieceSet::new(count);
            let mut first = 0;
            while first < count {
                let page = set.page(PieceIndex(first), 5);
                copy.insert_page(PieceIndex(first), &page);
                first += 40;
            }
            prop_assert_eq!(copy, set);
        }
    }

    proptest! {
        #[test]
        fn finds_what_all_have(
            count in 1_u32..300,
            first in prop::collection::btree_set(0_u32..300, 0..40),
            second in prop::collection::btree_set(0_u32..300, 0..40),
            from in 0_u32..310,
        ) {
            let of = |pieces: &BTreeSet<u32>| {
                let mut set = PieceSet::new(count);
                set.extend(pieces.iter().copied().map(PieceIndex));
                set
            };
            let (a, b) = (of(&first), of(&second));
            let common: BTreeSet<u32> =
                first.intersection(&second).copied().filter(|piece| *piece < count).collect();
            let next = common.range(from..).chain(&common).next();
            let found = PieceSet::next_in_all([&a, &b], PieceIndex(from));
            prop_assert_eq!(found.map(|piece| piece.0), next.copied());
            prop_assert_eq!(a.count_common(&b) as usize, common.len());
            let other = PieceSet::full(count + 1);
            prop_assert_eq!(PieceSet::next_in_all([&a, &other], PieceIndex(0)), None);
            prop_assert_eq!(a.count_common(&other), 0);
        }
    }

    #[test]
    fn hostile_pages_are_cut() {
        let mut set = PieceSet::new(10);
        set.insert_page(PieceIndex(8), &[0xff; 100]);
        set.insert_page(PieceIndex(u32::MAX), &[0xff; 100]);
        assert_eq!(set.len(), 2);
        assert!(PieceSet::full(10).is_full());
    }
}
