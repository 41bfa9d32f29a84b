use alloc::{collections::BTreeMap, vec};

use super::*;
use proptest::prelude::*;

const MIB: u32 = 1 << 20;

/// A reader with a memory, and a swarm that delivers at once.
struct Reader {
    reads: ReadAhead,
    here: PieceSet,
    fetched: BTreeMap<PieceIndex, u32>,
}

impl Reader {
    fn new(count: u32, bytes: u32) -> Self {
        Self {
            reads: ReadAhead::new((0..count).map(|n| (PieceIndex(n), bytes)).collect()),
            here: PieceSet::new(count),
            fetched: BTreeMap::new(),
        }
    }

    fn read(&mut self, at: usize) {
        if !self.reads.on_read(at, &self.here) {
            return;
        }
        let mut next = PieceSet::new(self.here.piece_count());
        next.extend(self.reads.demand());
        for piece in next.iter().filter(|piece| !self.here.contains(*piece)) {
            *self.fetched.entry(piece).or_default() += 1;
        }
        self.here = next;
        assert!(self.here.contains(self.reads.piece(at).unwrap()));
    }

    fn fetched_count(&self) -> u32 {
        self.fetched.values().sum()
    }
}

#[test]
fn a_forward_reader_fetches_everything_once() {
    let mut reader = Reader::new(1_000, MIB);
    for at in 0..1_000 {
        reader.read(at);
        reader.read(at);
    }
    assert_eq!(reader.fetched_count(), 1_000);
    assert_eq!(reader.reads.cursors.len(), 1);
}

#[test]
fn the_window_grows_with_what_is_read_in_one_go() {
    let mut reader = Reader::new(1_000, MIB);
    let mut ahead = Vec::new();
    for at in 0..8 {
        reader.read(at);
        ahead.push(reader.reads.demand().count() - at - 1);
    }
    assert_eq!(ahead, [0, 2, 4, 8, 16, 32, 48, 48]);
    reader.read(500);
    let first: Vec<PieceIndex> = reader.reads.demand().take(2).collect();
    assert_eq!(first, [PieceIndex(500), PieceIndex(7)]);
}

#[test]
fn a_directory_at_the_end_is_not_fetched_again() {
    let mut reader = Reader::new(500, MIB);
    for at in [499, 498, 490] {
        reader.read(at);
    }
    (490..500).chain(0..500).for_each(|at| reader.read(at));
    assert_eq!(reader.fetched_count(), 500);
}

#[test]
fn what_fits_the_memory_is_walked_twice_and_fetched_once() {
    let mut reader = Reader::new(75, MIB);
    (0..75).chain(0..75).for_each(|at| reader.read(at));
    assert_eq!(reader.fetched_count(), 75);
    // And what does not is fetched twice at most.
    let mut reader = Reader::new(400, MIB);
    (0..400).chain(0..400).for_each(|at| reader.read(at));
    assert!(reader.fetched_count() < 800, "{}", reader.fetched_count());
}

#[test]
fn streams_that_are_read_by_turns_do_not_push_each_other_out() {
    let mut reader = Reader::new(1_000, MIB);
    for step in 0..100 {
        for stream in 0..3 {
            reader.read(stream * 300 + step);
        }
    }
    let read = 300;
    assert!(reader.fetched_count() <= read + 3 * 64);
}

#[test]
fn headers_far_apart_are_all_that_is_fetched() {
    let mut reader = Reader::new(1_000, MIB);
    (0..1_000).step_by(10).for_each(|at| reader.read(at));
    assert_eq!(reader.fetched_count(), 100);
}

proptest! {
    #[test]
    fn the_budget_holds(
        sizes in prop::collection::vec(1_u32..=4 * MIB, 1..200),
        shared in prop::collection::vec(0_usize..200, 0..20),
        reads in prop::collection::vec((any::<bool>(), 0_usize..240), 1..200),
    ) {
        let mut order: Vec<(PieceIndex, u32)> =
            (0..).map(PieceIndex).zip(sizes.iter().copied()).collect();
        let count = u32::try_from(order.len()).unwrap();
        for at in shared {
            let twin = order[at % order.len()];
            order.push(twin);
        }
        let len = order.len();
        let mut ahead = ReadAhead::new(order);
        let mut here = PieceSet::new(count);
        let mut at = 0;
        for (jumps, to) in reads {
            at = if jumps { to } else { at + 1 };
            ahead.on_read(at, &here);
            let demand: Vec<PieceIndex> = ahead.demand().collect();
            if at < len {
                prop_assert_eq!(demand.first().copied(), ahead.piece(at));
            }
            let bytes: u64 = demand.iter().map(|p| u64::from(sizes[p.as_usize()])).sum();
            prop_assert!(bytes <= HELD_BYTES_MAX);
            let mut once = vec![false; sizes.len()];
            prop_assert!(demand.iter().all(|p| !core::mem::replace(&mut once[p.as_usize()], true)));
            here = PieceSet::new(count);
            here.extend(demand);
        }
    }
}
