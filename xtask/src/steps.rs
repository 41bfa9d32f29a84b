//! `cargo xtask test`: the checks one after another, and what came of them.
//!
//! Every step runs, whatever the ones before said: one run names all that is wrong.

mod cargo_test;
mod deny;
mod install;
mod report;
mod ui;

use std::time::Instant;

use anyhow::Result;

use crate::{
    args::Extent,
    edges,
    process::{self, cargo},
    repo::{self, Repo},
    tidy, tools,
};
pub(crate) use cargo_test::run as run_tests;
pub(crate) use install::packages as install_packages;
pub(crate) use report::{Report, Tally};
pub(crate) use ui::build as build_ui;

/// One check by its name.
struct Step {
    name: &'static str,
    run: fn(&Repo) -> Result<Tally>,
}

/// The checks of an extent, cheap ones first.
fn plan(repo: &Repo, extent: Extent) -> Vec<Step> {
    let step = |name, run| Step { name, run };
    let mut steps = vec![
        step("format", format),
        step("tidy", |repo| Ok(findings(&tidy::check(repo)?))),
        step("edges", |repo| Ok(findings(&edges::check(repo)?))),
        step("dependencies", deny::check),
    ];
    if repo.holds("ui/package.json") {
        steps.push(step("ui", ui::check));
    }
    steps.push(step("clippy", clippy));
    steps.push(step("tests", cargo_test::all));
    if extent != Extent::Quick {
        steps.push(step("documentation", documentation));
        if repo.holds("crates/scenarios/Cargo.toml") {
            steps.push(step("scenarios", cargo_test::scenarios));
        }
    }
    steps
}

/// Runs the checks; whether all passed, and under [`Extent::Install`] none was skipped.
pub(crate) fn test(repo: &Repo, extent: Extent) -> Result<bool> {
    let mut report = Report::default();
    if extent == Extent::Install {
        let start = Instant::now();
        install::everything()?;
        report.add("install", Tally::default(), start.elapsed());
    }
    tools::check_builders(repo)?;
    for step in plan(repo, extent) {
        println!("\n== {}", step.name);
        let start = Instant::now();
        let tally = (step.run)(repo).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally::one(false)
        });
        report.add(step.name, tally, start.elapsed());
    }
    println!("\n{report}");
    let total = report.total();
    if total.skipped > 0 {
        print_remedy();
    }
    println!("{total}");
    Ok(total.failed == 0 && (extent != Extent::Install || total.skipped == 0))
}

/// What would make the skipped checks run.
fn print_remedy() {
    let packages = tools::missing_packages();
    if !packages.is_empty() {
        println!("missing packages: {}", tools::apt_line(&packages));
    }
    if !tools::is_root() {
        println!("some checks need root: sudo -E env \"PATH=$PATH\" cargo xtask test --install");
    }
    println!();
}

fn findings(findings: &[repo::Finding]) -> Tally {
    Tally::one(repo::print(findings))
}

fn format(repo: &Repo) -> Result<Tally> {
    process::succeeds(&mut cargo(repo.root(), ["fmt", "--all", "--check"])).map(Tally::one)
}

fn clippy(repo: &Repo) -> Result<Tally> {
    // What `cargo test` leaves out, `--all-targets` leaves out too: it is named.
    let scenarios = ["--package", "lanspread-scenarios", "--test", "scenarios"];
    let mut clean = true;
    for targets in [&["--workspace", "--all-targets"][..], &scenarios] {
        let mut command = cargo(repo.root(), ["clippy", "--locked"]);
        command.args(targets).args(["--", "-D", "warnings"]);
        clean &= process::succeeds(&mut command)?;
    }
    Ok(Tally::one(clean))
}

fn documentation(repo: &Repo) -> Result<Tally> {
    let args = ["doc", "--workspace", "--no-deps", "--locked"];
    let mut command = cargo(repo.root(), args);
    command.env("RUSTDOCFLAGS", "-D warnings");
    process::succeeds(&mut command).map(Tally::one)
}
