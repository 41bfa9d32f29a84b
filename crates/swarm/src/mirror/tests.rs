use alloc::format;

use proptest::prelude::*;

use super::*;

fn game(number: usize) -> GameId {
    GameId::parse(&format!("game-{number:02}")).unwrap()
}

fn candidate(number: usize, kept_bytes: u64, standing: Standing) -> Candidate {
    Candidate {
        game: game(number),
        kept_bytes,
        standing,
    }
}

fn missing(number: usize, bytes: u64) -> Candidate {
    candidate(number, 0, Standing::Missing { bytes })
}

const FREE: Bounds = Bounds {
    quota_bytes: None,
    free_min_bytes: 10,
    free_bytes: Some(1_000),
};

fn check(bounds: Bounds, candidates: &[Candidate], expected: &[Verdict]) {
    let plan = plan(bounds, candidates);
    let verdicts: Vec<Verdict> = (candidates.iter())
        .map(|candidate| plan.verdicts[&candidate.game])
        .collect();
    assert_eq!(verdicts, expected, "{candidates:?}");
}

#[test]
fn smallest_first_and_one_at_a_time() {
    use Verdict::{Fetching, Next, Waits};
    let three = [missing(1, 30), missing(2, 10), missing(3, 20)];
    check(FREE, &three, &[Waits, Next, Waits]);
    let fetching = |moves| Standing::Fetching {
        bytes: 30,
        left_bytes: 5,
        moves,
    };
    let running = [candidate(1, 0, fetching(true)), missing(2, 10)];
    check(FREE, &running, &[Fetching, Waits]);
    let stuck = [candidate(1, 0, fetching(false)), missing(2, 10)];
    check(FREE, &stuck, &[Fetching, Next]);
}

#[test]
fn a_quota_leaves_what_does_not_fit_and_takes_what_does() {
    use Verdict::{Kept, Next, OverQuota, Waits};
    let quota = Bounds {
        quota_bytes: Some(50),
        ..FREE
    };
    let kept = candidate(9, 20, Standing::Newest);
    let games = [
        kept,
        missing(1, 100),
        missing(2, 10),
        missing(3, 20),
        missing(4, 21),
    ];
    check(quota, &games, &[Kept, OverQuota, Next, Waits, OverQuota]);
    // What a newer version replaces makes room for it.
    let newer = |bytes| [candidate(1, 40, Standing::Missing { bytes })];
    check(quota, &newer(50), &[Next]);
    check(quota, &newer(51), &[OverQuota]);
}

#[test]
fn enough_stays_free() {
    use Verdict::{Fetching, Next, NoRoom, Waits};
    check(FREE, &[missing(1, 990)], &[Next]);
    check(FREE, &[missing(1, 991)], &[NoRoom]);
    check(FREE, &[missing(1, 500), missing(2, 491)], &[NoRoom, Next]);
    check(FREE, &[missing(1, 499), missing(2, 491)], &[Waits, Next]);
    let running = Standing::Fetching {
        bytes: 700,
        left_bytes: 600,
        moves: true,
    };
    let running = [candidate(1, 0, running), missing(2, 390), missing(3, 391)];
    check(FREE, &running, &[Fetching, Waits, NoRoom]);
    // An older version stays until the newer one is whole: it frees nothing before.
    let newer = [candidate(1, 900, Standing::Missing { bytes: 991 })];
    check(FREE, &newer, &[NoRoom]);
    let unknown = Bounds {
        free_bytes: None,
        ..FREE
    };
    check(unknown, &[missing(1, u64::MAX)], &[Next]);
}

#[test]
fn what_is_nobodys_business_is_left() {
    use Verdict::{Foreign, Resting, Unclear};
    let games = [
        candidate(1, 0, Standing::Newest),
        candidate(2, 0, Standing::Foreign),
        candidate(3, 0, Standing::Resting),
        candidate(4, 0, Standing::Unclear),
    ];
    check(FREE, &games, &[Foreign, Foreign, Resting, Unclear]);
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Newest),
        (0..200_u64).prop_map(|bytes| Standing::Missing { bytes }),
        (0..200_u64, 0..200_u64, any::<bool>()).prop_map(|(bytes, left, moves)| {
            Standing::Fetching {
                bytes,
                left_bytes: left.min(bytes),
                moves,
            }
        }),
        Just(Standing::Resting),
        Just(Standing::Foreign),
        Just(Standing::Unclear),
    ]
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0..200_u64, any_standing());
    proptest::collection::vec(one, 0..12).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        numbered
            .map(|(number, (kept, standing))| candidate(number, kept, standing))
            .collect()
    })
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    (
        proptest::option::of(0..600_u64),
        0..200_u64,
        proptest::option::of(0..900_u64),
    )
        .prop_map(|(quota_bytes, free_min_bytes, free_bytes)| Bounds {
            quota_bytes,
            free_min_bytes,
            free_bytes,
        })
}

proptest! {
    #[test]
    fn never_beyond_the_bounds(bounds in any_bounds(), games in any_candidates()) {
        let plan = plan(bounds, &games);
        prop_assert_eq!(plan.verdicts.len(), games.len());
        let taken = |candidate: &&Candidate| {
            matches!(plan.verdicts[&candidate.game], Verdict::Next | Verdict::Waits)
        };
        let (mut promised, mut unwritten) = (0, bounds.free_min_bytes);
        for game in &games {
            promised += match game.standing {
                Standing::Fetching { bytes, left_bytes, .. } => {
                    unwritten += left_bytes;
                    bytes
                }
                Standing::Missing { bytes } if taken(&game) => {
                    unwritten += bytes;
                    bytes
                }
                Standing::Newest
                | Standing::Missing { .. }
                | Standing::Resting
                | Standing::Foreign
                | Standing::Unclear => game.kept_bytes,
            };
        }
        if games.iter().any(|game| taken(&game)) {
            prop_assert!(bounds.quota_bytes.is_none_or(|quota| promised <= quota));
            prop_assert!(bounds.free_bytes.is_none_or(|free| unwritten <= free));
        }
        // Only what is missing is taken, and one at a time.
        let missing = |game: &Candidate| matches!(game.standing, Standing::Missing { .. });
        prop_assert!(games.iter().filter(taken).all(missing));
        let next = plan.verdicts.values().filter(|v| **v == Verdict::Next).count();
        let moves = games.iter().any(|game| {
            matches!(game.standing, Standing::Fetching { moves: true, .. })
        });
        prop_assert!(next <= 1 && (next == 0 || !moves));
        prop_assert_eq!(plan.next().is_some(), next == 1);
    }

    /// Nothing that would fit is left aside for something larger. (What replaces something larger
    /// makes room, and is left out here.)
    #[test]
    fn smallest_first(bounds in any_bounds(), mut games in any_candidates()) {
        for game in &mut games {
            if let Standing::Missing { .. } = game.standing {
                game.kept_bytes = 0;
            }
        }
        let plan = plan(bounds, &games);
        let sizes = |wanted: &[Verdict]| -> Vec<u64> {
            let of = |game: &Candidate| {
                let Standing::Missing { bytes } = game.standing else {
                    return None;
                };
                wanted.contains(&plan.verdicts[&game.game]).then_some(bytes)
            };
            games.iter().filter_map(of).collect()
        };
        let taken = sizes(&[Verdict::Next, Verdict::Waits]);
        let left = sizes(&[Verdict::OverQuota, Verdict::NoRoom]);
        if let (Some(largest), Some(smallest)) = (taken.iter().max(), left.iter().min()) {
            prop_assert!(largest <= smallest);
        }
    }

    /// The order in which games are named says nothing.
    #[test]
    fn the_order_says_nothing(bounds in any_bounds(), games in any_candidates()) {
        let mut turned = games.clone();
        turned.reverse();
        prop_assert_eq!(plan(bounds, &games), plan(bounds, &turned));
    }
}
