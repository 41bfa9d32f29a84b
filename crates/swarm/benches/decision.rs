//! What one scheduling decision costs: a piece is stored, the next one is asked for.
//!
//! `cargo bench -p lanspread-swarm`. It must be at most 5 µs with 48 neighbours, whatever the
//! number of pieces.
#![expect(clippy::expect_used, reason = "a bench may panic")]

use std::{collections::VecDeque, hint::black_box, time::Duration};

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use lanspread_proto::{PeerId, PieceIndex, PieceSet, wire::link::Sharing};
use lanspread_swarm::{
    Download, DownloadAction, Instant, Outcome, PeerFacts, Random,
    download::{Path, Place},
};

const NEIGHBOURS: u8 = 48;
const MIB: u32 = 1 << 20;

/// A download amid a party: each neighbour has half of the pieces.
#[derive(Clone)]
struct Busy {
    download: Download,
    open: VecDeque<(PeerId, PieceIndex)>,
    now: Instant,
}

impl Busy {
    fn new(piece_count: u32, far: u8) -> Self {
        let now = Instant::ZERO;
        let sizes = vec![MIB; piece_count as usize];
        let own = (PeerId::from_bytes([255; 32]), 1);
        let mut download = Download::new(now, own, sizes, PieceSet::new(piece_count));
        let mut random = Random::new(7);
        for n in 0..NEIGHBOURS {
            let peer = PeerId::from_bytes([n; 32]);
            let facts = PeerFacts {
                rate_hint: Some(117_000_000),
                path: Path::Wired,
                place: if n < far { Place::Far } else { Place::Near },
                sharing: Sharing::On,
                lanes: 1,
                lied_before: false,
            };
            download.on_peer(now, peer, facts);
            let mut has = PieceSet::new(piece_count);
            has.extend(
                (0..piece_count)
                    .map(PieceIndex)
                    .filter(|_| random.one_in(2)),
            );
            download.on_have_map(now, peer, has);
        }
        let mut busy = Self {
            download,
            open: VecDeque::new(),
            now,
        };
        busy.collect();
        busy
    }

    fn collect(&mut self) {
        while let Some(action) = self.download.poll_action() {
            if let DownloadAction::Request { peer, piece } = action {
                self.open.push_back((peer, piece));
            }
        }
    }

    /// The oldest request is answered.
    fn decide(&mut self) {
        let (peer, piece) = self.open.pop_front().expect("there is always more");
        self.now += Duration::from_millis(9);
        self.download.on_bytes(self.now, peer, piece, MIB);
        self.download
            .on_piece(self.now, peer, piece, Outcome::Stored);
        self.collect();
    }
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision at 48 neighbours");
    for (name, far) in [("one switch", 0), ("two switches", 16)] {
        for piece_count in [4_000, 60_000, 240_000] {
            let fresh = Busy::new(piece_count, far);
            let id = BenchmarkId::new(name, piece_count);
            group.bench_function(id, |bencher| measure(bencher, &fresh, piece_count / 2));
        }
    }
    group.finish();
}

/// Decides over and over, and starts again after so many pieces.
fn measure(bencher: &mut Bencher<'_>, fresh: &Busy, most: u32) {
    let (mut busy, mut left) = (fresh.clone(), most);
    bencher.iter(|| {
        if left == 0 {
            (busy, left) = (fresh.clone(), most);
        }
        left -= 1;
        busy.decide();
        black_box(&busy.download);
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);
