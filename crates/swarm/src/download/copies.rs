//! [`Copies`]: how many sources have each piece, and how many near ones had to fetch it.
//!
//! Invariant: the counts are those of the sets that were added and not taken away again.

use alloc::{vec, vec::Vec};

use lanspread_proto::{PieceIndex, PieceSet};

/// Counts per piece.
#[derive(Debug, Clone)]
pub(super) struct Copies {
    all: Vec<u16>,
    near: Vec<u16>,
}

impl Copies {
    pub(super) fn new(piece_count: u32) -> Self {
        let none = vec![0; piece_count as usize];
        Self {
            all: none.clone(),
            near: none,
        }
    }

    /// A source has one more.
    pub(super) fn add(&mut self, piece: PieceIndex, near: bool) {
        change(&mut self.all, piece, 1);
        if near {
            change(&mut self.near, piece, 1);
        }
    }

    /// A source has one less.
    pub(super) fn take(&mut self, piece: PieceIndex, near: bool) {
        change(&mut self.all, piece, -1);
        if near {
            change(&mut self.near, piece, -1);
        }
    }

    /// A source has all of these.
    pub(super) fn add_all(&mut self, set: &PieceSet, near: bool) {
        set.iter().for_each(|piece| self.add(piece, near));
    }

    /// A source has none of these any more.
    pub(super) fn take_all(&mut self, set: &PieceSet, near: bool) {
        set.iter().for_each(|piece| self.take(piece, near));
    }

    /// Sources that have the piece.
    pub(super) fn of(&self, piece: PieceIndex) -> u16 {
        self.all.get(piece.as_usize()).copied().unwrap_or(0)
    }

    /// Near ones among them.
    pub(super) fn near(&self, piece: PieceIndex) -> u16 {
        self.near.get(piece.as_usize()).copied().unwrap_or(0)
    }
}

fn change(counts: &mut [u16], piece: PieceIndex, by: i16) {
    if let Some(count) = counts.get_mut(piece.as_usize()) {
        *count = count.saturating_add_signed(by);
    }
}
