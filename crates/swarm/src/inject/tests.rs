use super::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

fn party(piece_count: u32, downloaders: u8) -> Injector {
    let mut injector = Injector::new(piece_count, 1 << 20, (0, 1), 7);
    for n in 0..downloaders {
        injector.on_interest(peer(n));
        injector.on_downloader(at(0), peer(n), PieceSet::new(piece_count));
    }
    injector
}

fn offers(injector: &mut Injector) -> Vec<(PeerId, PieceIndex)> {
    injector.assert_invariants();
    core::iter::from_fn(|| injector.poll_action())
        .filter_map(|action| match action {
            InjectAction::Offer { peer, piece } => Some((peer, piece)),
            InjectAction::WantHave { .. } => None,
        })
        .collect()
}

#[test]
fn two_downloaders_pull() {
    assert!(offers(&mut party(50, 2)).is_empty());
}

#[test]
fn each_piece_goes_out_once() {
    let mut injector = party(50, 3);
    let mut seen = BTreeSet::new();
    loop {
        let batch = offers(&mut injector);
        assert!(batch.len() <= 10);
        if batch.is_empty() {
            break;
        }
        for (peer, piece) in batch {
            assert!(seen.insert(piece), "{piece:?} twice");
            injector.on_sent(at(10), peer, piece);
            injector.on_have(at(20), peer, &[piece]);
        }
    }
    assert_eq!(seen.len(), 50);
    assert!(!injector.has_fresh());
    // Its holder leaves: what only it had is offered again.
    injector.on_downloader(at(20), peer(9), PieceSet::new(50));
    let held = injector.outside.of(peer(0)).unwrap().len();
    injector.on_downloader_gone(at(30), peer(0));
    assert!(held > 5 && !offers(&mut injector).is_empty());
}

#[test]
fn what_a_finished_downloader_has_is_outside_until_it_leaves() {
    let mut injector = party(30, 4);
    offers(&mut injector);
    injector.on_downloader_done(at(5), peer(0));
    assert!(!injector.has_fresh() && offers(&mut injector).is_empty());
    injector.on_downloader_gone(at(6), peer(0));
    assert!(!offers(&mut injector).is_empty());
}

#[test]
fn another_place_begins_elsewhere() {
    let mut injector = party(30, 3);
    let first = offers(&mut injector);
    assert_eq!(first.first().map(|(_, piece)| piece.0), Some(0));
    for (peer, piece) in first {
        injector.on_have(at(1), peer, &[piece]);
    }
    let before = offers(&mut injector).len();
    injector.set_place((1, 2));
    for n in 10..20 {
        injector.on_have(at(2), peer(0), &[PieceIndex(n)]);
    }
    let then = offers(&mut injector);
    assert!(
        before > 0 && then.iter().all(|(_, piece)| piece.0 >= 20),
        "{then:?}"
    );
}

#[test]
fn an_unconfirmed_piece_is_free_again() {
    let mut injector = party(4, 3);
    assert_eq!(offers(&mut injector).len(), 4);
    assert!(offers(&mut injector).is_empty());
    let due = injector.poll_timeout(at(0)).unwrap();
    assert!(due > at(2_000) && due < at(2_200), "{due:?}");
    injector.on_timeout(at(3_000));
    assert_eq!(offers(&mut injector).len(), 4);
}

#[test]
fn downloaders_are_asked_once_there_are_three() {
    let mut injector = Injector::new(9, 1 << 20, (0, 1), 7);
    for n in [0, 1, 1] {
        injector.on_interest(peer(n));
        assert_eq!(injector.poll_action(), None);
    }
    injector.on_interest(peer(2));
    let asked: Vec<_> = core::iter::from_fn(|| injector.poll_action()).collect();
    let expected = [0, 1, 2].map(|n| InjectAction::WantHave { peer: peer(n) });
    assert_eq!(asked, expected);
    assert!(injector.was_asked(peer(0)) && !injector.was_asked(peer(3)));
    (0..3).for_each(|n| injector.on_downloader_gone(at(0), peer(n)));
    assert!(injector.is_idle());
}

#[test]
fn while_pieces_were_never_sent_only_offers_and_takers_are_served() {
    let mut injector = party(30, 3);
    let (to, piece) = offers(&mut injector)[0];
    assert!(injector.admits(at(0), to, piece));
    assert!(
        !injector.admits(at(0), to, PieceIndex(20)),
        "not its choice"
    );
    assert!(
        injector.admits(at(0), peer(9), PieceIndex(20)),
        "one that only takes"
    );
    let rest: Vec<PieceIndex> = (0..30).map(PieceIndex).collect();
    injector.on_have(at(3), peer(2), &rest);
    assert!(
        injector.admits(at(3), peer(1), PieceIndex(20)),
        "nothing is left to push"
    );
}

#[test]
fn what_two_pull_is_not_pushed_to_a_third() {
    let mut injector = party(30, 2);
    for n in 0..4 {
        assert!(injector.admits(at(0), peer(0), PieceIndex(n)));
    }
    injector.on_interest(peer(2));
    injector.on_downloader(at(1), peer(2), PieceSet::new(30));
    let pushed = offers(&mut injector);
    assert!(!pushed.is_empty() && pushed.iter().all(|(_, piece)| piece.0 >= 4));
}

#[test]
fn a_declined_piece_goes_elsewhere() {
    let mut injector = party(1, 3);
    let (first, piece) = offers(&mut injector)[0];
    injector.on_declined(at(1), first, piece);
    let (second, again) = offers(&mut injector)[0];
    assert_eq!(again, piece);
    assert_ne!(first, second);
}
