//! `cargo run -p lanspread-sim -- SEED [COUNT]`: runs seeds and prints how close to the bound they
//! came. Exit code 1 when a run breaks a rule.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::process::ExitCode;

use lanspread_sim::{Scenario, check, check::time_permille, run};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (seed, count) = match (numbers.next(), numbers.next()) {
        (Some(Ok(seed)), None) => (seed, 1),
        (Some(Ok(seed)), Some(Ok(count))) => (seed, count),
        (None, _) => (0, lanspread_sim::scenario::KINDS.len() as u64),
        (Some(Err(_)), _) | (_, Some(Err(_))) => {
            println!("usage: lanspread-sim [SEED [COUNT]]");
            return ExitCode::from(2);
        }
    };
    let failed = (seed..seed.saturating_add(count)).filter(|seed| !report(*seed));
    match failed.count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Runs one seed. `true` when no rule was broken.
fn report(seed: u64) -> bool {
    let scenario = Scenario::of(seed);
    let report = run(&scenario, false);
    let violations = check(&scenario, &report);
    let permille = time_permille(&scenario, &report);
    let waste = check::waste_permille(&report);
    println!(
        "seed {seed:5}  {:32} T/T_bound {}.{:03}  in vain {waste:3} permille  {:9} events",
        scenario.name,
        permille / 1_000,
        permille % 1_000,
        report.events,
    );
    for violation in &violations {
        println!("    {violation:?}   replay: cargo run -p lanspread-sim -- {seed}");
    }
    violations.is_empty()
}
