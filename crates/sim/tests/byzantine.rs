//! An honest source among liars: nothing bad is kept, who lies is refused at once, and it takes at
//! most twice as long as without them.

use lanspread_sim::{
    Scenario, Violation, byzantine, check,
    check::{time_permille, waste_permille},
    lie::Lie,
    run,
    scenario::Defect,
};

/// Which seven of the twelve there are follows from the seed.
const SEEDS: u64 = 200;

fn violations(scenario: &Scenario) -> Vec<Violation> {
    check(scenario, &run(scenario, false))
}

#[test]
fn no_seed_lets_a_liar_through() {
    let (mut time, mut waste, mut bad) = (0, 0, 0);
    let mut broken = Vec::new();
    for seed in 0..SEEDS {
        let scenario = byzantine::scenario(seed);
        let report = run(&scenario, false);
        time = time_permille(&scenario, &report).max(time);
        waste = waste_permille(&report).max(waste);
        bad = report
            .blames
            .iter()
            .map(|b| b.pieces)
            .max()
            .unwrap_or(0)
            .max(bad);
        let violations = check(&scenario, &report);
        if !violations.is_empty() {
            println!("{violations:?}   replay: cargo xtask sim byzantine {seed}");
            broken.push(seed);
        }
    }
    println!(
        "{SEEDS} seeds: at most {time} permille of the time, {waste} permille in vain, {bad} bad \
         pieces of one liar"
    );
    assert!(broken.is_empty(), "broken seeds: {broken:?}");
}

#[test]
fn seven_of_a_kind() {
    let mut broken = Vec::new();
    for lie in Lie::ALL {
        for seed in 0..4 {
            let scenario = byzantine::all_the_same(seed, lie);
            let report = run(&scenario, seed == 0);
            println!(
                "{lie:?}: {} permille of the time, {} permille in vain, {} events",
                time_permille(&scenario, &report),
                waste_permille(&report),
                report.events,
            );
            let violations = check(&scenario, &report);
            if !violations.is_empty() {
                broken.push((lie, seed, violations));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

fn planted(defect: Defect, mut scenario: Scenario) -> Vec<Violation> {
    assert_eq!(violations(&scenario), [], "sound without it");
    scenario.defect = Some(defect);
    violations(&scenario)
}

#[test]
fn planted_defects_are_caught() {
    let liars = |lie| byzantine::all_the_same(1, lie);
    let unverified = planted(Defect::StoresUnverified, liars(Lie::OneIn(1)));
    assert!(
        matches!(unverified[..], [Violation::BadStored(..), ..]),
        "{unverified:?}"
    );
    let forgiving = planted(Defect::Forgives, liars(Lie::OneIn(1)));
    let fooled = |v: &Violation| matches!(v, Violation::Fooled(..));
    assert!(forgiving.iter().any(fooled), "{forgiving:?}");
    let once = planted(Defect::Forgives, liars(Lie::OneIn(30)));
    let forgave = |v: &Violation| matches!(v, Violation::Forgave(..));
    assert!(once.iter().any(forgave), "{once:?}");
    let forgetful = planted(Defect::Forgets, liars(Lie::Returns));
    assert!(forgetful.iter().any(fooled), "{forgetful:?}");
    let deaf = planted(Defect::IgnoresTimers, liars(Lie::Stalls));
    let late = |v: &Violation| matches!(v, Violation::NotDone(_) | Violation::Late(..));
    assert!(deaf.iter().any(late), "{deaf:?}");
}
