//! `cargo xtask sim [SEED [COUNT]]` runs seeds, `cargo xtask sim byzantine [SEED [COUNT]]` those
//! of one source among seven liars, `cargo xtask sim suite [NAME...] [--seed N]` the large parties.
//! All print how close to the bound they came. Exit code 1 when a rule is broken.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::process::ExitCode;

use lanspread_sim::{
    Report, Scenario, Suite, byzantine,
    check::{self, time_permille},
    run,
    scenario::KINDS,
    suite::SUITES,
};

const USAGE: &str = "usage: lanspread-sim [SEED [COUNT]]
       lanspread-sim byzantine [SEED [COUNT]]
       lanspread-sim suite [NAME...] [--seed N]";

/// The word for [`byzantine::scenario`] ...
const BYZANTINE: &str = "byzantine";
/// ... of which so many are run when none is named.
const BYZANTINE_SEEDS: u64 = 200;

/// What is to be run.
enum Plan {
    Seeds(fn(u64) -> Scenario, u64, u64),
    Suites(Vec<Suite>, u64),
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let whole = match plan(&args) {
        None => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
        Some(Plan::Seeds(made, seed, count)) => {
            let seeds = seed..seed.saturating_add(count);
            let broken = seeds.filter(|seed| !report_seed(made, *seed));
            broken.count() == 0
        }
        Some(Plan::Suites(suites, seed)) => {
            let broken = suites.iter().filter(|suite| !report_suite(suite, seed));
            broken.count() == 0
        }
    };
    match whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn plan(args: &[String]) -> Option<Plan> {
    match args {
        [first, names @ ..] if first == "suite" => suites(names),
        [first, seeds @ ..] if first == BYZANTINE => {
            self::seeds(byzantine::scenario, BYZANTINE_SEEDS, seeds)
        }
        seeds => self::seeds(Scenario::of, KINDS.len() as u64, seeds),
    }
}

/// Those that are named; without any, so many from the first one.
fn seeds(made: fn(u64) -> Scenario, all: u64, args: &[String]) -> Option<Plan> {
    match args {
        [] => Some(Plan::Seeds(made, 0, all)),
        [seed] => Some(Plan::Seeds(made, seed.parse().ok()?, 1)),
        [seed, count] => Some(Plan::Seeds(made, seed.parse().ok()?, count.parse().ok()?)),
        _ => None,
    }
}

fn suites(args: &[String]) -> Option<Plan> {
    let (names, seed) = match args {
        [names @ .., option, seed] if option == "--seed" => (names, seed.parse().ok()?),
        names => (names, 1),
    };
    let suites: Option<Vec<Suite>> = names.iter().map(|name| sized(name)).collect();
    match suites? {
        none if none.is_empty() => Some(Plan::Suites(SUITES.to_vec(), seed)),
        suites => Some(Plan::Suites(suites, seed)),
    }
}

/// Runs one seed. `true` when no rule was broken.
fn report_seed(made: fn(u64) -> Scenario, seed: u64) -> bool {
    let scenario = made(seed);
    let report = run(&scenario, false);
    println!(
        "seed {seed:5}  {:32} T/T_bound {}  in vain {:3} permille  {:9} events",
        scenario.name,
        thousandths(time_permille(&scenario, &report)),
        check::waste_permille(&report),
        report.events,
    );
    let replay = match scenario.name {
        byzantine::NAME => format!("{BYZANTINE} {seed}"),
        _ => seed.to_string(),
    };
    is_whole(&scenario, &report, &replay)
}

/// The suite with other numbers, for trying things out: `NAME:DOWNLOADERS:PIECES`.
fn sized(name: &str) -> Option<Suite> {
    let mut parts = name.split(':');
    let mut suite = Suite::named(parts.next()?)?;
    if let Some(downloaders) = parts.next() {
        suite.downloaders = downloaders.parse().ok()?;
    }
    if let Some(pieces) = parts.next() {
        suite.pieces = pieces.parse().ok()?;
    }
    Some(suite)
}

/// Runs one suite, and prints it as a row of a table. `true` when no rule was broken.
fn report_suite(suite: &Suite, seed: u64) -> bool {
    let scenario = suite.scenario(seed);
    let report = run(&scenario, false);
    let inflow = match suite.switches {
        1 => "–".to_string(),
        _ => thousandths(check::inflow_permille(&scenario, &report)),
    };
    println!(
        "| {} | {} | {} | {seed} | {} (≤ {}) | {} | {} | {} |",
        suite.name,
        suite.about,
        suite.pieces,
        thousandths(time_permille(&scenario, &report)),
        thousandths(suite.allowed_permille),
        thousandths(check::seeder_permille(&scenario, &report)),
        inflow,
        per_cent(&report),
    );
    println!(
        "    half were done by {}, 99 in 100 by {}",
        thousandths(check::done_permille(&scenario, &report, 50)),
        thousandths(check::done_permille(&scenario, &report, 99)),
    );
    is_whole(
        &scenario,
        &report,
        &format!("suite {} --seed {seed}", suite.name),
    )
}

fn is_whole(scenario: &Scenario, report: &Report, replay: &str) -> bool {
    let violations = check::check(scenario, report);
    for violation in violations.iter().take(8) {
        println!("    {violation:?}   replay: cargo xtask sim {replay}");
    }
    violations.is_empty()
}

fn thousandths(permille: u64) -> String {
    format!("{}.{:03}", permille / 1_000, permille % 1_000)
}

/// Bytes in vain, in per cent with two places.
fn per_cent(report: &Report) -> String {
    let basis_points = check::waste(report) * 10_000 / check::received(report).max(1);
    format!("{}.{:02} %", basis_points / 100, basis_points % 100)
}
