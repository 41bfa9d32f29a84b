//! The named suites in forms that take seconds, and what breaks them. The large ones:
//! `cargo xtask sim suite`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test prints its figures, and may panic"
)]

use lanspread_sim::{
    Scenario, Suite, Violation, check, check::time_permille, run, scenario::Defect,
};

/// The suite with fewer of all. It takes about half a second until all send and until the last have
/// the last pieces, which is much of so short a run: so many per mille of the bound are allowed.
fn small(name: &str, (switches, downloaders, pieces): (u32, u32, u32), allowed: u64) -> Scenario {
    let suite = Suite {
        switches,
        downloaders,
        pieces,
        allowed_permille: allowed,
        seeder_permille: allowed,
        inflow_permille: Some(1_250),
        ..Suite::named(name).unwrap()
    };
    suite.scenario(1)
}

fn violations(scenario: &Scenario) -> Vec<Violation> {
    let report = run(scenario, false);
    println!(
        "{}: T/T_bound {}, seeder {}, into a switch {}, in vain {} permille",
        scenario.name,
        time_permille(scenario, &report),
        check::seeder_permille(scenario, &report),
        check::inflow_permille(scenario, &report),
        check::waste_permille(&report),
    );
    check(scenario, &report)
}

fn is_whole(name: &str, size: (u32, u32, u32), allowed: u64) {
    let mut scenario = small(name, size, allowed);
    // The last pieces that are asked for twice are a larger part of a shorter content.
    scenario.waste_permille = 20;
    assert_eq!(violations(&scenario), [], "{name}");
}

#[test]
fn a_party_on_one_switch() {
    is_whole("swarm100", (1, 40, 400), 1_220);
}

#[test]
fn a_party_of_which_not_all_are_linked() {
    is_whole("swarm1000", (1, 100, 200), 1_450);
}

#[test]
fn a_fifth_leaves() {
    is_whole("leave100", (1, 40, 400), 1_320);
}

#[test]
fn each_piece_enters_a_switch_once() {
    is_whole("switches2", (2, 31, 400), 1_350);
    is_whole("switches8", (4, 31, 400), 1_400);
}

#[test]
fn planted_defects_are_caught() {
    let planted = |defect, mut scenario: Scenario| {
        scenario.defect = Some(defect);
        violations(&scenario)
    };
    let blind = planted(
        Defect::SeesNoSwitch,
        small("switches2", (2, 31, 200), 1_300),
    );
    let inflow = |v: &Violation| matches!(v, Violation::Inflow(permille) if *permille > 2_000);
    assert!(blind.iter().any(inflow), "{blind:?}");
    let pulled = planted(
        Defect::PushesNothing,
        small("swarm100", (1, 40, 200), 1_250),
    );
    let sent = |v: &Violation| matches!(v, Violation::SeederSent(_));
    assert!(pulled.iter().any(sent), "{pulled:?}");
}
