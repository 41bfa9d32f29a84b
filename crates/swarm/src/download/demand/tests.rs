use alloc::vec;
use core::time::Duration;

use super::*;
use crate::{
    download::{
        DownloadAction, Outcome, Path, PeerFacts, SourceState,
        tests::{FACTS, MIB, at, peer, requests},
    },
    random::Random,
    read_ahead::ReadAhead,
};
use proptest::prelude::*;

fn pieces(range: core::ops::Range<u32>) -> Vec<PieceIndex> {
    range.map(PieceIndex).collect()
}

fn download(piece_count: u32, sources: &[(u8, PeerFacts)]) -> Download {
    let own = (PeerId::from_bytes([0; 32]), 1);
    let mut download = Download::on_demand(at(0), own, vec![MIB; piece_count as usize]);
    for (n, facts) in sources {
        download.on_peer(at(0), peer(*n), *facts);
        download.on_have_map(at(0), peer(*n), PieceSet::full(piece_count));
    }
    download
}

#[test]
fn only_what_is_demanded_is_asked_for_in_the_order_of_the_reader() {
    let mut download = download(100, &[(1, FACTS)]);
    assert!(requests(&mut download).is_empty());
    assert_eq!(download.state(), SourceState::Working);
    let order = vec![
        PieceIndex(90),
        PieceIndex(3),
        PieceIndex(4),
        PieceIndex(999),
    ];
    download.demand(at(0), order);
    let asked: Vec<u32> = requests(&mut download).iter().map(|(_, p)| p.0).collect();
    assert_eq!(asked, [90, 3, 4]);
    for piece in [90, 3] {
        download.on_piece(at(1), peer(1), PieceIndex(piece), Outcome::Stored);
    }
    // Read on: what was read is forgotten, what is on its way and not needed is taken back.
    download.demand(at(2), vec![PieceIndex(3), PieceIndex(5)]);
    let cancel = DownloadAction::Cancel {
        peer: peer(1),
        piece: PieceIndex(4),
    };
    let request = DownloadAction::Request {
        peer: peer(1),
        piece: PieceIndex(5),
    };
    download.assert_invariants();
    let actions: Vec<_> = core::iter::from_fn(|| download.poll_action()).collect();
    assert!(
        actions.contains(&cancel) && actions.contains(&request),
        "{actions:?}"
    );
    assert!(download.has(PieceIndex(3)) && !download.has(PieceIndex(90)));
    // It comes all the same, and is not kept.
    download.on_piece(at(3), peer(1), PieceIndex(4), Outcome::Stored);
    assert!(!download.has(PieceIndex(4)));
    download.demand(at(4), vec![PieceIndex(90)]);
    assert!(requests(&mut download).contains(&(peer(1), PieceIndex(90))));
}

#[test]
fn a_small_content_that_is_all_here_is_not_the_end() {
    let mut download = download(2, &[(1, FACTS)]);
    download.demand(at(0), pieces(0..2));
    requests(&mut download);
    for piece in pieces(0..2) {
        download.on_piece(at(1), peer(1), piece, Outcome::Stored);
    }
    assert_eq!(download.state(), SourceState::Working);
    download.on_peer_down(at(2), peer(1));
    assert_eq!(download.state(), SourceState::Working);
    download.demand(at(3), vec![]);
    download.demand(at(4), pieces(0..1));
    assert_eq!(download.state(), SourceState::NoSource);
}

#[test]
fn what_the_reader_waits_for_is_asked_of_a_faster_one_too() {
    let slow = PeerFacts {
        rate_hint: Some(100_000),
        ..FACTS
    };
    let mut download = download(100, &[(1, slow)]);
    download.demand(at(0), pieces(0..8));
    let asked = requests(&mut download);
    assert_eq!(asked.len(), 2);
    let fast = PeerFacts {
        rate_hint: Some(100_000_000),
        ..FACTS
    };
    download.on_peer(at(1), peer(2), fast);
    download.on_have_map(at(1), peer(2), PieceSet::full(100));
    let then = requests(&mut download);
    assert!(then.contains(&(peer(2), PieceIndex(0))), "{then:?}");
    // Nobody waits for the other one yet.
    assert!(!then.contains(&(peer(2), PieceIndex(1))), "{then:?}");
}

/// What a simulated source does with what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Sends,
    Lies,
    Stalls,
    Leaves,
}

/// Reads some places through sources of which the first is honest; how many pieces came.
fn read_all(places: &[usize], does: &[Does], seed: u64) -> u32 {
    let count = 120_u32;
    let mut reads = ReadAhead::new(pieces(0..count).into_iter().map(|p| (p, MIB)).collect());
    let names: Vec<(u8, PeerFacts)> = (0..).take(does.len()).map(|n| (n, FACTS)).collect();
    let mut download = download(count, &names);
    let mut random = Random::new(seed);
    let mut open: Vec<(PeerId, PieceIndex)> = Vec::new();
    let (mut now, mut came) = (at(0), 0);
    for place in places {
        if reads.on_read(*place, download.have()) {
            download.demand(now, reads.demand().collect());
        }
        let wanted = reads.piece(*place).unwrap();
        let end = now + Duration::from_secs(120);
        while !download.has(wanted) {
            assert!(now < end, "{wanted:?} does not come");
            while let Some(action) = download.poll_action() {
                match action {
                    DownloadAction::Request { peer, piece } => open.push((peer, piece)),
                    DownloadAction::Cancel { peer, piece } => {
                        open.retain(|ask| *ask != (peer, piece));
                    }
                    DownloadAction::DeclineOffer { .. }
                    | DownloadAction::Refuse { .. }
                    | DownloadAction::State(_) => {}
                }
            }
            now += Duration::from_millis(u64::from(random.below(50)));
            // Each sends what was asked of it first; who is next is chance.
            let turn = u8::try_from(random.index(does.len())).unwrap();
            let next = open.iter().position(|(from, _)| *from == peer(turn));
            if let Some(next) = next {
                let (from, piece) = open.remove(next);
                let index = usize::from(from.as_bytes()[0]);
                match does[index] {
                    Does::Sends => {
                        came += 1;
                        download.on_bytes(now, from, piece, MIB);
                        download.on_piece(now, from, piece, Outcome::Stored);
                    }
                    Does::Lies => download.on_piece(now, from, piece, Outcome::BadChunk),
                    Does::Stalls => {}
                    Does::Leaves => download.on_peer_down(now, from),
                }
            }
            if download.poll_timeout().is_some_and(|due| due <= now) {
                download.on_timeout(now);
            }
        }
        download.assert_invariants();
    }
    came
}

#[test]
fn whoever_lies_stalls_or_leaves_is_replaced() {
    use Does::{Leaves, Lies, Sends, Stalls};
    let all: Vec<usize> = (0..120).collect();
    for seed in 0..20 {
        let came = read_all(&all, &[Sends, Sends], seed);
        assert!(came <= 122, "{came} pieces for 120");
        read_all(&all, &[Sends, Lies, Leaves], seed);
        let came = read_all(&all, &[Sends, Lies, Stalls, Leaves], seed);
        assert!(came <= 130, "{came} pieces for 120");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_order_of_reading_comes_to_its_end(
        places in prop::collection::vec(0_usize..120, 1..60),
        seed in any::<u64>(),
    ) {
        read_all(&places, &[Does::Sends, Does::Stalls, Does::Leaves], seed);
    }
}

#[test]
fn wireless_sources_stay_the_last_resort() {
    let wireless = PeerFacts {
        path: Path::Wireless,
        ..FACTS
    };
    let mut download = download(10, &[(1, wireless), (2, FACTS)]);
    download.demand(at(0), pieces(0..2));
    let asked = requests(&mut download);
    assert!(asked.iter().all(|(from, _)| *from == peer(2)), "{asked:?}");
}
