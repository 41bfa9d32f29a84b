use alloc::{vec, vec::Vec};

use lanspread_proto::wire::Extensions;

use super::*;

const GAME: &str = "quake";

fn content(n: u8) -> ContentId {
    ContentId::from_bytes([n; 32])
}

fn entry(n: u8, version: &str, availability: Availability) -> LibraryEntry {
    LibraryEntry {
        game: GameId::parse(GAME).unwrap(),
        content: content(n),
        version: VersionLabel::parse(version).unwrap(),
        title: Title::clean("Quake"),
        availability,
        payload: Size {
            bytes: 10,
            files: 1,
        },
        unpacked: None,
        extensions: Extensions::default(),
    }
}

const READY: Availability = Availability::Ready;
const PARTIAL: Availability = Availability::Partial;
const LOCAL: Availability = Availability::LocalOnly;

type Row = (u8, &'static str, Availability);

fn merge(own: &[Row], peers: &[&[Row]]) -> Merged {
    let entries = |rows: &[Row]| -> Vec<LibraryEntry> {
        rows.iter().map(|(n, v, a)| entry(*n, v, *a)).collect()
    };
    let own = entries(own);
    let peers: Vec<Vec<LibraryEntry>> = peers.iter().map(|rows| entries(rows)).collect();
    Merged::new(&own, &[], peers.iter())
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Takes(u8),
    Ambiguous(Vec<u8>),
    NoReady,
    Here,
    OwnNewer,
    Unknown,
}

fn outcome(result: Result<Choice, ChooseError>) -> Outcome {
    let number = |choice: &Choice| choice.content.as_bytes()[0];
    match result {
        Ok(choice) => Outcome::Takes(number(&choice)),
        Err(ChooseError::Ambiguous(choices)) => {
            Outcome::Ambiguous(choices.iter().map(number).collect())
        }
        Err(ChooseError::NoReadyPeer(_)) => Outcome::NoReady,
        Err(ChooseError::AlreadyHere) => Outcome::Here,
        Err(ChooseError::OwnIsNewer) => Outcome::OwnNewer,
        Err(ChooseError::UnknownGame | ChooseError::UnknownContent) => Outcome::Unknown,
    }
}

#[track_caller]
fn check(own: &[Row], peers: &[&[Row]], expected: Outcome) {
    let merged = merge(own, peers);
    let chosen = outcome(merged.choose(&GameId::parse(GAME).unwrap(), None));
    assert_eq!(chosen, expected, "own {own:?} peers {peers:?}");
}

#[test]
fn newest_label_and_most_ready_peers() {
    check(
        &[],
        &[&[(1, "1.9", READY)], &[(2, "1.10", READY)]],
        Outcome::Takes(2),
    );
    // A newer label that nobody serves does not count.
    check(
        &[],
        &[&[(1, "1", READY)], &[(2, "2", LOCAL)]],
        Outcome::Takes(1),
    );
    // One of four peers holds the rival: below a third.
    let most: &[&[Row]] = &[
        &[(1, "1", READY)],
        &[(1, "1", READY)],
        &[(1, "1", READY)],
        &[(2, "1", READY)],
    ];
    check(&[], most, Outcome::Takes(1));
}

#[test]
fn a_person_decides_ties_and_strong_rivals() {
    check(
        &[],
        &[&[(1, "1", READY)], &[(2, "1.0", READY)]],
        Outcome::Takes(2),
    );
    check(
        &[],
        &[&[(1, "1.0", READY)], &[(2, "1.00", READY)]],
        Outcome::Ambiguous(vec![1, 2]),
    );
    let third: &[&[Row]] = &[&[(1, "1", READY)], &[(1, "1", READY)], &[(2, "1", READY)]];
    check(&[], third, Outcome::Ambiguous(vec![1, 2]));
    // A rival that is only installed or partly there is held too.
    let installed: &[&[Row]] = &[&[(1, "1", READY)], &[(2, "1", LOCAL)]];
    check(&[], installed, Outcome::Ambiguous(vec![1, 2]));
    // Ours is a rival.
    check(
        &[(2, "1", READY)],
        &[&[(1, "1", READY)], &[(1, "1", READY)]],
        Outcome::Ambiguous(vec![1, 2]),
    );
}

#[test]
fn nothing_goes_to_an_older_label() {
    check(&[(2, "2", READY)], &[&[(1, "1", READY)]], Outcome::OwnNewer);
    check(&[(2, "2", LOCAL)], &[&[(1, "1", READY)]], Outcome::OwnNewer);
    check(&[(1, "1", READY)], &[&[(1, "1", READY)]], Outcome::Here);
    check(&[(1, "1", READY)], &[], Outcome::Here);
    // Installed without payload: the payload may be fetched.
    check(&[(1, "1", LOCAL)], &[&[(1, "1", READY)]], Outcome::Takes(1));
    // Our own unfinished download decides nothing.
    check(
        &[(2, "2", PARTIAL)],
        &[&[(1, "1", READY)]],
        Outcome::Takes(1),
    );
    // A newer label that is only partly there does not lead to an older one either.
    check(
        &[],
        &[&[(2, "2", PARTIAL)], &[(1, "1", READY)]],
        Outcome::NoReady,
    );
    check(&[(1, "1", LOCAL)], &[], Outcome::NoReady);
    check(&[], &[], Outcome::Unknown);
}

#[test]
fn what_is_asked_for_is_taken() {
    let merged = merge(
        &[(2, "2", READY)],
        &[&[(1, "1", READY)], &[(3, "3", PARTIAL)]],
    );
    let game = GameId::parse(GAME).unwrap();
    let check = |n: u8, expected| {
        assert_eq!(outcome(merged.choose(&game, Some(content(n)))), expected);
    };
    check(1, Outcome::Takes(1));
    check(2, Outcome::Here);
    check(3, Outcome::NoReady);
    check(4, Outcome::Unknown);
}

#[test]
fn games_show_counts_updates_and_conflicts() {
    let merged = merge(
        &[(1, "1", READY)],
        &[
            &[(1, "1", READY), (2, "2", PARTIAL)],
            &[(2, "2", READY)],
            &[(3, "2", LOCAL)],
        ],
    );
    let game = merged.game(&GameId::parse(GAME).unwrap()).unwrap();
    let order: Vec<u8> = game
        .contents
        .iter()
        .map(|c| c.content.as_bytes()[0])
        .collect();
    assert_eq!(order, [2, 3, 1]);
    assert!(game.update_available && game.has_conflict());
    assert!(game.contents[0].conflict && game.contents[1].conflict && !game.contents[2].conflict);
    let holders = Holders {
        ready: 1,
        partial: 1,
        local_only: 0,
    };
    assert_eq!(game.contents[0].peers, holders);
    assert_eq!(game.contents[2].own, Some(READY));
    assert!(
        !merge(&[(1, "2", READY)], &[&[(2, "1", READY)]])
            .games()
            .any(|g| g.update_available)
    );
}

#[test]
fn who_has_it_installed_only_does_not_say_how_large_it_is() {
    let mut own = entry(1, "1.0", LOCAL);
    own.payload = Size::default();
    let ready = entry(1, "1.0", READY);
    let merged = Merged::new([&own], &[], [[&ready]]);
    let game = merged.game(&GameId::parse(GAME).unwrap()).unwrap();
    assert_eq!(game.contents[0].payload, ready.payload);
}

#[test]
fn a_label_that_is_here_counts_before_its_bytes_are_known() {
    let check = |labels: &[&str], served: &str, update: bool, expected: Outcome| {
        let game = GameId::parse(GAME).unwrap();
        let labels = labels.iter().map(|label| {
            let label = VersionLabel::parse(label).unwrap();
            (game.clone(), label)
        });
        let labels: Vec<_> = labels.collect();
        let merged = Merged::new(&[], &labels, [[&entry(1, served, READY)]]);
        let found = merged.game(&game).unwrap();
        assert_eq!(found.update_available, update, "{labels:?} {served}");
        assert_eq!(outcome(merged.choose(&game, None)), expected);
    };
    check(&[], "1.0", false, Outcome::Takes(1));
    check(&["2.0"], "1.0", false, Outcome::OwnNewer);
    check(&["1.0", "2.0"], "1.9", false, Outcome::OwnNewer);
    check(&["2.0", "1.0"], "2.1", true, Outcome::Takes(1));
    check(&["1.0"], "1.0", false, Outcome::Takes(1));
}
