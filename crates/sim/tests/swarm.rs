//! Seeded parties: every seed ends whole, close to the bound, and the same each time.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test prints its figures, and may panic"
)]

use lanspread_proto::{PieceIndex, PieceSet};
use lanspread_sim::{
    Report, Scenario, Violation, check,
    check::{time_permille, waste_permille},
    run,
    scenario::{self, Defect, KINDS},
};

/// Seeds of one test: the kinds take turns.
const SEEDS: u64 = 360;

fn check_seeds(seeds: impl Iterator<Item = u64>) {
    let mut broken = Vec::new();
    let mut worst = vec![("", 0, 0); KINDS.len()];
    for seed in seeds {
        let scenario = Scenario::of(seed);
        let report = run(&scenario, false);
        let kind = usize::try_from(seed).unwrap() % KINDS.len();
        let (name, time, waste) = &mut worst[kind];
        *name = scenario.name;
        *time = time_permille(&scenario, &report).max(*time);
        *waste = waste_permille(&report).max(*waste);
        let violations = check(&scenario, &report);
        if !violations.is_empty() {
            println!("{}: {violations:?}", scenario.name);
            println!("    replay: cargo run -p lanspread-sim -- {seed}");
            broken.push(seed);
        }
    }
    for (name, time, waste) in worst {
        println!("{name:32} worst T/T_bound {time} permille, in vain {waste} permille");
    }
    assert!(broken.is_empty(), "broken seeds: {broken:?}");
}

#[test]
fn every_seed_ends_whole_and_in_time() {
    check_seeds(0..SEEDS);
}

/// Few pieces, so that every machine can be looked at after every event.
fn small(seed: u64) -> Scenario {
    let mut scenario = Scenario::of(seed);
    scenario.piece_count = 60;
    for host in &mut scenario.hosts {
        let pieces = host.has.iter().filter(|piece| piece.0 < 60);
        let pieces: Vec<PieceIndex> = pieces.collect();
        host.has = PieceSet::new(60);
        host.has.extend(pieces);
    }
    // Start and end are most of so short a run.
    scenario.allowed_permille = u64::MAX;
    scenario.waste_permille = 1_000;
    scenario.bound = core::time::Duration::from_secs(10);
    scenario
}

fn finishes(scenario: &Scenario) -> Report {
    let mut scenario = scenario.clone();
    scenario.allowed_permille = 10_000;
    let report = run(&scenario, true);
    let violations = check(&scenario, &report);
    let seed = scenario.seed;
    assert!(
        violations.is_empty(),
        "seed {seed} {}: {violations:?}",
        scenario.name
    );
    report
}

#[test]
fn invariants_hold_after_every_event() {
    for seed in 0..240 {
        finishes(&small(seed));
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    for seed in 0..24 {
        let scenario = small(seed);
        assert_eq!(finishes(&scenario), finishes(&scenario), "seed {seed}");
    }
    let other = |seed| run(&scenario::churn(seed), false).trace;
    assert_ne!(other(1), other(2));
}

/// What the checkers say about a defect that is planted.
fn planted(defect: Defect, mut scenario: Scenario) -> Vec<Violation> {
    assert_eq!(
        check(&scenario, &run(&scenario, false)),
        [],
        "sound without it"
    );
    scenario.defect = Some(defect);
    check(&scenario, &run(&scenario, false))
}

#[test]
fn planted_defects_are_caught() {
    let unverified = planted(Defect::StoresUnverified, scenario::liar(5));
    assert!(
        matches!(unverified[..], [Violation::BadStored(..), ..]),
        "{unverified:?}"
    );
    // Only a timer notices that a request got lost.
    let lossy = Scenario {
        loss: 20,
        allowed_permille: 8_000,
        ..scenario::single_pair(0)
    };
    let deaf = planted(Defect::IgnoresTimers, lossy);
    assert!(
        deaf.iter()
            .any(|v| matches!(v, Violation::NotDone(_) | Violation::Late(..))),
        "{deaf:?}"
    );
    // Here more is asked for than the budget lets come at once.
    let greedy = planted(Defect::IgnoresCredit, scenario::unlimited_pair(11));
    assert!(
        matches!(greedy[..], [Violation::Ungranted(..), ..]),
        "{greedy:?}"
    );
    let quiet = planted(Defect::KeepsQuiet, scenario::party(6));
    assert!(
        quiet
            .iter()
            .any(|v| matches!(v, Violation::NotDone(_) | Violation::Late(..))),
        "{quiet:?}"
    );
}

#[test]
fn a_liar_is_found_by_its_first_lie() {
    for seed in (5..120).step_by(KINDS.len()) {
        let report = run(&scenario::liar(seed), false);
        let seen: u64 = report.hosts.values().map(|host| host.bad_seen).sum();
        // What was already complete when the first lie was found is thrown away with it.
        assert!(seen <= 2, "seed {seed}: {seen} bad pieces");
    }
}

#[test]
fn a_seeder_sends_little_more_than_one_copy() {
    for seed in [6, 18, 30] {
        let scenario = scenario::party(seed);
        let report = run(&scenario, false);
        let sent = report
            .hosts
            .values()
            .next()
            .map_or(0, |host| host.sent_bytes);
        let copies = sent * 1_000 / scenario.total_bytes();
        println!("seed {seed}: the seeder sends {copies} permille of one copy");
        assert!(copies <= 1_100, "seed {seed}: {copies} permille");
    }
}
