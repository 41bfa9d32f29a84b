//! [`ReadAhead`]: which pieces a reader needs now, and which it will need next, when no more than a
//! budget of them may be held.
//!
//! A decoder reads forward for the most part, and jumps now and then: to a directory at the end,
//! from header to header, between streams. Each place where it reads on is a *cursor*. Behind a
//! jump only the piece that is read is demanded; the longer it then reads on, the more is fetched
//! ahead.
//! Invariant: what is demanded fits the budget, and begins with the piece that is being read.

use alloc::{collections::BTreeSet, vec::Vec};

use lanspread_proto::{PieceIndex, PieceSet};

/// Bytes of pieces that are on their way or in memory for one reader.
pub const HELD_BYTES_MAX: u64 = 80 * 1024 * 1024;
/// Of these, bytes ahead of the place where it reads: ten gigabits over 40 ms.
pub const AHEAD_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// Places where a reader reads on by turns: 7z's BCJ2 reads four streams at once.
const CURSORS_MAX: usize = 6;
/// A place that was not read for so many moves has no share of the window any more.
const RECENT: u64 = 32;

/// What one reader reads, and where it is.
#[derive(Debug, Clone)]
pub struct ReadAhead {
    /// All pieces in the order in which a reader without jumps reads them, and their sizes. A
    /// piece that holds parts of several files may be in it more than once.
    order: Vec<(PieceIndex, u32)>,
    /// Most recently used last.
    cursors: Vec<Cursor>,
    /// Moves so far.
    moves: u64,
    /// Places in the order, most urgent first.
    demand: Vec<usize>,
}

/// A place where the reader reads on.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    at: usize,
    /// Bytes to hold ahead of it, if it were alone.
    ahead: u64,
    /// The move at which it was used last.
    used: u64,
}

impl ReadAhead {
    /// Nothing was read yet.
    #[must_use]
    pub const fn new(order: Vec<(PieceIndex, u32)>) -> Self {
        Self {
            order,
            cursors: Vec::new(),
            moves: 0,
            demand: Vec::new(),
        }
    }

    /// The piece at a place in the order.
    #[must_use]
    pub fn piece(&self, at: usize) -> Option<PieceIndex> {
        self.order.get(at).map(|(piece, _)| *piece)
    }

    /// The reader reads at this place in the order; `here` are the pieces in memory. `true` when
    /// what is demanded changed.
    pub fn on_read(&mut self, at: usize, here: &PieceSet) -> bool {
        let used = self.moves + 1;
        let goes_on = |cursor: &Cursor| cursor.at == at || cursor.at.checked_add(1) == Some(at);
        let fitting = self.cursors.iter().enumerate();
        let fitting = fitting.filter(|(_, cursor)| goes_on(cursor));
        // Who looked back for a moment goes on as before.
        let cursor = match fitting.max_by_key(|(_, cursor)| cursor.ahead) {
            Some((known, _)) => {
                let is_last = known + 1 == self.cursors.len();
                let cursor = self.cursors.remove(known);
                if is_last && cursor.at == at {
                    self.cursors.push(cursor);
                    return false;
                }
                Cursor {
                    used,
                    ..self.moved(cursor, at)
                }
            }
            None => {
                if self.cursors.len() >= CURSORS_MAX {
                    self.cursors.remove(0);
                }
                Cursor { at, ahead: 0, used }
            }
        };
        self.moves = used;
        self.cursors.push(cursor);
        self.demand = self.plan(here);
        true
    }

    /// What is to be here or to come, the most urgent first; nothing else need be held.
    pub fn demand(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.demand.iter().filter_map(|at| self.piece(*at))
    }

    fn moved(&self, cursor: Cursor, at: usize) -> Cursor {
        if cursor.at == at {
            return cursor;
        }
        let ahead = cursor.ahead.max(self.size(at)).saturating_mul(2);
        Cursor {
            at,
            ahead: ahead.min(AHEAD_BYTES_MAX),
            ..cursor
        }
    }

    fn plan(&self, here: &PieceSet) -> Vec<usize> {
        let is_here = |at: usize| self.piece(at).is_some_and(|piece| here.contains(piece));
        let is_recent = |cursor: &&Cursor| self.moves.saturating_sub(cursor.used) < RECENT;
        let recent = || self.cursors.iter().rev().filter(is_recent);
        let mut plan = Plan::default();
        for (number, cursor) in self.cursors.iter().rev().enumerate() {
            if number == 0 || is_here(cursor.at) {
                plan.add(self, cursor.at);
            }
        }
        let windows = recent().filter(|cursor| cursor.ahead > 0).count();
        let share = AHEAD_BYTES_MAX / u64::try_from(windows).unwrap_or(1).max(1);
        for cursor in recent() {
            let mut left = cursor.ahead.min(share);
            for at in cursor.at.saturating_add(1)..self.order.len() {
                let Some(rest) = left.checked_sub(self.size(at)) else {
                    break;
                };
                if !plan.add(self, at) {
                    break;
                }
                left = rest;
            }
        }
        // What is here may be read again: sooner what lies ahead, later what lies behind.
        let now = self.cursors.last().map_or(0, |cursor| cursor.at);
        let held = self.demand.iter().copied();
        let mut held: Vec<usize> = held.filter(|at| is_here(*at)).collect();
        held.sort_by_key(|at| (*at < now, at.abs_diff(now)));
        for at in held {
            plan.add(self, at);
        }
        plan.demand
    }

    fn size(&self, at: usize) -> u64 {
        self.order.get(at).map_or(0, |(_, bytes)| u64::from(*bytes))
    }
}

/// A demand while it is made.
#[derive(Default)]
struct Plan {
    demand: Vec<usize>,
    pieces: BTreeSet<PieceIndex>,
    bytes: u64,
}

impl Plan {
    /// `false` when there is no room for it.
    fn add(&mut self, reads: &ReadAhead, at: usize) -> bool {
        let Some(piece) = reads.piece(at) else {
            return false;
        };
        if self.pieces.contains(&piece) {
            return true;
        }
        let bytes = self.bytes.saturating_add(reads.size(at));
        // The piece that is being read comes whatever its size.
        if bytes > HELD_BYTES_MAX && !self.demand.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.pieces.insert(piece);
        self.demand.push(at);
        true
    }
}

#[cfg(test)]
mod tests;
