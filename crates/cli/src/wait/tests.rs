use super::*;
use crate::sample;

fn watched(kind: OperationKind) -> Watched {
    let mut watched = Watched::new(&Job::new("Quake", 7));
    watched.last = Some(Operation {
        kind,
        ..sample::operation(Phase::Downloading)
    });
    watched
}

fn game(operation: Option<Operation>) -> Game {
    Game {
        game: "quake".to_owned(),
        operation,
        ..sample::games().remove(0)
    }
}

#[test]
fn ends() {
    let check = |phase: Phase, expected: Option<End>| {
        let mut watched = Watched::new(&Job::new("Quake", 7));
        watched.on_games(&[game(Some(sample::operation(phase)))]);
        assert_eq!(watched.end, expected, "{phase:?}");
    };
    check(Phase::Done, Some(End::Well));
    check(Phase::Cancelled, Some(End::Cancelled));
    check(Phase::Downloading, None);
    check(Phase::WaitingForSource, None);
    let unknown = Report::new("internal", "it failed without a reason");
    check(Phase::Failed, Some(End::Failed(Box::new(unknown))));
}

#[test]
fn a_game_is_found_however_its_name_is_written() {
    for written in ["Größe", "GRÖSSE", "grösse"] {
        let mut watched = Watched::new(&Job::new(written, 7));
        let found = Game {
            game: "grösse".to_owned(),
            ..game(Some(sample::operation(Phase::Done)))
        };
        watched.on_games(&[found]);
        assert_eq!(watched.end, Some(End::Well), "{written}");
    }
}

#[test]
fn an_older_operation_is_not_ours() {
    let mut watched = Watched::new(&Job::new("quake", 8));
    watched.on_games(&[game(Some(sample::operation(Phase::Done)))]);
    assert_eq!(watched.end, None, "the snapshot is a little late");
    for _ in 0..POLLS_UNSEEN_MAX {
        watched.on_games(&[game(Some(sample::operation(Phase::Done)))]);
    }
    assert_eq!(watched.end, Some(End::Lost));
}

#[test]
fn what_vanishes() {
    let check = |kind, games: &[Game], expected| {
        let mut watched = watched(kind);
        watched.on_games(games);
        assert_eq!(watched.end, Some(expected), "{kind:?}");
    };
    check(OperationKind::Remove, &[], End::Well);
    check(OperationKind::Remove, &[game(None)], End::Lost);
    check(OperationKind::Download, &[], End::Lost);
}

#[test]
fn one_line_of_80_columns() {
    let one = View::of(&[watched(OperationKind::Download)]);
    insta::assert_snapshot!(one.text(), @" 44% downloading 112 MB/s 4:53 left 2 peers");
    let two = View::of(&[
        watched(OperationKind::Download),
        watched(OperationKind::Download),
    ]);
    assert_eq!(two.peers, one.peers, "the same peers serve both");
    assert_eq!(two.rate, one.rate * 2);
    let widest = View {
        phase: words::phase(Phase::Downloading).to_owned(),
        percent: Some(100),
        rate: 999_000_000,
        left_ms: Some(86_399_000),
        peers: 64,
    };
    let bar = 16 + " [".len() + 12 + "] ".len();
    assert!(
        bar + widest.text().chars().count() <= 80,
        "{}",
        widest.text()
    );
}
