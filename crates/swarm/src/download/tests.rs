use alloc::vec;

use super::*;

pub(super) const MIB: u32 = 1 << 20;

pub(super) fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

pub(super) fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

pub(super) const FACTS: PeerFacts = PeerFacts {
    rate_hint: None,
    path: Path::Wired,
    place: Place::Near,
    sharing: Sharing::On,
    lanes: 1,
    lied_before: false,
};

/// A download of so many pieces, and complete sources.
fn download(piece_count: u32, sources: &[(u8, PeerFacts)]) -> Download {
    let sizes = vec![MIB; piece_count as usize];
    let mut download = Download::new(at(0), (peer(0), 1), sizes, PieceSet::new(piece_count));
    for (n, facts) in sources {
        download.on_peer(at(0), peer(*n), *facts);
        download.on_have_map(at(0), peer(*n), PieceSet::full(piece_count));
    }
    download
}

fn actions(download: &mut Download) -> Vec<DownloadAction> {
    download.assert_invariants();
    core::iter::from_fn(|| download.poll_action()).collect()
}

pub(super) fn requests(download: &mut Download) -> Vec<(PeerId, PieceIndex)> {
    let mut requests = Vec::new();
    for action in actions(download) {
        if let DownloadAction::Request { peer, piece } = action {
            requests.push((peer, piece));
        }
    }
    requests
}

#[test]
fn one_source_is_asked_in_order_within_its_window() {
    let mut download = download(100, &[(1, FACTS)]);
    let asked = requests(&mut download);
    let expected: Vec<_> = (0..4).map(|n| (peer(1), PieceIndex(n))).collect();
    assert_eq!(asked, expected);
    download.on_piece(at(10), peer(1), PieceIndex(0), Outcome::Stored);
    assert_eq!(requests(&mut download), [(peer(1), PieceIndex(4))]);
    assert_eq!(download.progress(at(10)).done_bytes, u64::from(MIB));
}

#[test]
fn a_fast_source_is_kept_busy_up_to_the_cap() {
    let mut download = download(1_000, &[(1, FACTS)]);
    let mut now = at(0);
    let mut asked: VecDeque<_> = requests(&mut download).into();
    for _ in 0..400 {
        let (peer, piece) = asked.pop_front().unwrap();
        now += Duration::from_micros(500);
        download.on_bytes(now, peer, piece, MIB);
        download.on_piece(now, peer, piece, Outcome::Stored);
        asked.extend(requests(&mut download));
    }
    assert_eq!(download.outstanding_bytes(), OUTSTANDING_BYTES_MAX);
}

#[test]
fn a_liar_is_refused_at_once_and_a_known_one_everywhere() {
    for lied_before in [false, true] {
        let facts = PeerFacts {
            lied_before,
            ..FACTS
        };
        let mut download = download(100, &[(1, facts)]);
        requests(&mut download);
        download.on_piece(at(10), peer(1), PieceIndex(0), Outcome::BadChunk);
        let then = actions(&mut download);
        let refused = DownloadAction::Refuse {
            peer: peer(1),
            everywhere: lied_before,
        };
        assert!(then.contains(&refused), "{then:?}");
        assert_eq!(download.outstanding_bytes(), 0);
        assert_eq!(download.state(), SourceState::Starving);
        download.on_peer(at(20), peer(1), FACTS);
        assert!(requests(&mut download).is_empty());
        download.on_offer(at(30), peer(1), PieceIndex(7));
        assert!(requests(&mut download).is_empty());
    }
}

#[test]
fn wireless_sources_are_the_last_resort() {
    let wireless = PeerFacts {
        path: Path::Wireless,
        ..FACTS
    };
    let mut download = download(100, &[(1, FACTS), (2, wireless)]);
    // The first source was there before the second.
    assert!(
        requests(&mut download)
            .iter()
            .all(|(from, _)| *from == peer(1))
    );
    download.on_peer_down(at(10), peer(1));
    let then = requests(&mut download);
    assert!(!then.is_empty() && then.iter().all(|(from, _)| *from == peer(2)));
}

#[test]
fn states_of_the_sources() {
    let mut download = download(10, &[]);
    assert_eq!(download.state(), SourceState::NoSource);
    download.on_peer(at(0), peer(1), FACTS);
    assert_eq!(download.state(), SourceState::NoSource);
    download.on_have(at(0), peer(1), &[PieceIndex(3), PieceIndex(99)], 0);
    assert_eq!(download.state(), SourceState::Working);
    assert_eq!(requests(&mut download), [(peer(1), PieceIndex(3))]);
    let paused = Outcome::Gone(GoneReason::Paused);
    download.on_piece(at(1), peer(1), PieceIndex(3), paused);
    assert_eq!(download.state(), SourceState::Starving);
    download.on_peer(at(2), peer(1), FACTS);
    assert_eq!(requests(&mut download), [(peer(1), PieceIndex(3))]);
    let gone = Outcome::Gone(GoneReason::NotHere);
    download.on_piece(at(3), peer(1), PieceIndex(3), gone);
    assert_eq!(download.state(), SourceState::NoSource);
    (0..10).for_each(|n| download.on_adopted(at(4), PieceIndex(n)));
    assert_eq!(download.state(), SourceState::Complete);
    let last = actions(&mut download).pop();
    assert_eq!(last, Some(DownloadAction::State(SourceState::Complete)));
    assert_eq!(download.poll_timeout(), None);
}

#[test]
fn a_busy_source_is_asked_again_soon() {
    let mut download = download(100, &[(1, FACTS)]);
    let asked = requests(&mut download);
    for (from, piece) in asked {
        let busy = Outcome::Busy {
            queued_bytes: 10 << 20,
        };
        download.on_piece(at(1), from, piece, busy);
    }
    assert!(requests(&mut download).is_empty());
    let due = download.poll_timeout().unwrap();
    assert!(due <= at(30), "{due:?}");
    download.on_timeout(due);
    assert_eq!(requests(&mut download).len(), 1);
}

/// The first source sends only so many bytes of each piece at a time; how long it takes.
fn time_with_a_bad_source(bytes_at_a_time: u32) -> Instant {
    let mut download = download(8, &[(1, FACTS), (2, FACTS)]);
    let mut open = requests(&mut download);
    let mut now = at(0);
    while !open.is_empty() && !download.have().is_full() && now < at(60_000) {
        now += Duration::from_millis(200);
        for (from, piece) in core::mem::take(&mut open) {
            if from == peer(2) {
                download.on_bytes(now, from, piece, MIB);
                download.on_piece(now, from, piece, Outcome::Stored);
            } else {
                if bytes_at_a_time > 0 {
                    download.on_bytes(now, from, piece, bytes_at_a_time);
                }
                open.push((from, piece));
            }
        }
        download.on_timeout(now);
        open.extend(requests(&mut download));
    }
    assert!(download.have().is_full());
    assert_eq!(download.outstanding_bytes(), 0);
    now
}

#[test]
fn pieces_of_a_stalled_source_are_asked_elsewhere() {
    assert!(time_with_a_bad_source(0) <= at(3_000));
    // Single bytes are no progress.
    assert!(time_with_a_bad_source(1) <= at(12_000));
}

#[test]
fn the_slower_of_two_is_cancelled_when_the_piece_is_here() {
    let mut download = download(1, &[(1, FACTS), (2, FACTS)]);
    assert_eq!(requests(&mut download).len(), 1);
    download.on_timeout(at(2_000));
    assert_eq!(requests(&mut download).len(), 1, "asked a second time");
    download.on_piece(at(2_100), peer(2), PieceIndex(0), Outcome::Stored);
    let then = actions(&mut download);
    let cancel = |action: &DownloadAction| matches!(action, DownloadAction::Cancel { .. });
    assert_eq!(then.iter().filter(|action| cancel(action)).count(), 1);
}

#[test]
fn offers_are_taken_while_wanted_and_the_pushing_seeder_is_not_asked() {
    let mut download = download(100, &[]);
    download.on_peer(at(0), peer(1), FACTS);
    download.on_offer(at(0), peer(1), PieceIndex(50));
    assert_eq!(requests(&mut download), [(peer(1), PieceIndex(50))]);
    download.on_have_map(at(1), peer(1), PieceSet::full(100));
    assert!(requests(&mut download).is_empty());
    download.on_offer(at(2), peer(1), PieceIndex(50));
    let declined = DownloadAction::DeclineOffer {
        peer: peer(1),
        piece: PieceIndex(50),
    };
    assert!(actions(&mut download).contains(&declined));
    download.on_piece(at(20), peer(1), PieceIndex(50), Outcome::Stored);
    assert!(requests(&mut download).is_empty());
    // It stops offering: now it is asked.
    download.on_timeout(at(1_100));
    assert!(!requests(&mut download).is_empty());
}

#[test]
fn a_pause_cancels_and_a_resume_asks_again() {
    let mut download = download(10, &[(1, FACTS)]);
    assert_eq!(requests(&mut download).len(), 4);
    download.set_paused(at(1), true);
    let cancels = actions(&mut download);
    assert_eq!(cancels.len(), 4, "{cancels:?}");
    assert_eq!(download.poll_timeout(), None);
    download.set_paused(at(2), false);
    assert_eq!(requests(&mut download).len(), 4);
}

#[test]
fn what_a_peer_says_breaks_nothing() {
    let mut download = download(10, &[(1, FACTS)]);
    let beyond = PieceIndex(u32::MAX);
    download.on_have(at(0), peer(1), &[beyond], u64::MAX);
    download.on_have_map(at(0), peer(1), PieceSet::full(99));
    download.on_have_map(at(0), peer(9), PieceSet::full(10));
    download.on_offer(at(0), peer(1), beyond);
    download.on_offer(at(0), peer(9), PieceIndex(1));
    download.on_piece(at(0), peer(1), beyond, Outcome::Stored);
    download.on_piece(at(0), peer(9), PieceIndex(1), Outcome::BadChunk);
    download.on_bytes(at(0), peer(9), beyond, u32::MAX);
    download.on_have_not(at(0), peer(1));
    download.on_peer_down(at(0), peer(9));
    download.assert_invariants();
    let empty = Download::new(at(0), (peer(0), 0), Vec::new(), PieceSet::new(0));
    assert_eq!(empty.state(), SourceState::Complete);
}

#[test]
fn who_breaks_off_a_piece_is_not_asked_at_once() {
    let check = |bytes: u32, asked_again: bool| {
        let mut download = download(100, &[(1, FACTS)]);
        for (from, piece) in requests(&mut download) {
            download.on_bytes(at(10), from, piece, bytes);
            let gone = Outcome::Gone(GoneReason::Cancelled);
            download.on_piece(at(10), from, piece, gone);
        }
        assert_eq!(!requests(&mut download).is_empty(), asked_again, "{bytes}");
    };
    check(0, true);
    check(MIB / 2, false);
}

#[test]
fn a_piece_that_two_owe_in_vain_is_asked_of_a_third() {
    let mut download = download(1, &[(1, FACTS), (2, FACTS)]);
    let mut now = at(0);
    let mut asked: Vec<PeerId> = Vec::new();
    while now < at(3_000) {
        now += Duration::from_millis(200);
        download.on_timeout(now);
        asked.extend(requests(&mut download).iter().map(|(peer, _)| *peer));
    }
    assert_eq!(asked.len(), 2, "{asked:?}");
    download.on_peer(now, peer(3), FACTS);
    download.on_have_map(now, peer(3), PieceSet::full(1));
    let then = requests(&mut download);
    assert_eq!(then, [(peer(3), PieceIndex(0))]);
}

#[test]
fn what_a_slow_one_owes_keeps_nobody_from_being_asked() {
    let mut download = download(100, &[(1, FACTS), (2, FACTS), (3, FACTS)]);
    let mut now = at(0);
    for _ in 0..20 {
        now += Duration::from_millis(200);
        for (n, first) in [(1, 0), (2, 1), (3, 2)] {
            download.on_bytes(now, peer(n), PieceIndex(first), 16 << 10);
        }
        download.on_timeout(now);
        requests(&mut download);
    }
    download.on_peer(now, peer(4), FACTS);
    download.on_have_map(now, peer(4), PieceSet::full(100));
    assert!(!requests(&mut download).is_empty());
}
