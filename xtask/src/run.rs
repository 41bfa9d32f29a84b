//! Building and running the program, the simulator and the long tests, in release.

use anyhow::{Context, Result};

use crate::{
    process::{self, cargo},
    repo::Repo,
    tools,
};

/// What `cargo xtask run` starts when it is given nothing.
const DEMO: [&str; 2] = ["demo", "--headless"];

/// Builds and runs the program.
pub(crate) fn binary(repo: &Repo, args: &[String]) -> Result<bool> {
    tools::check_builders(repo)?;
    if repo.holds("ui/package.json") {
        crate::steps::build_ui(repo)?;
    }
    // Relative paths among the arguments are the caller's.
    let here = std::env::current_dir().context("finding the current directory")?;
    let mut command = cargo(&here, ["run", "--release", "--locked", "--manifest-path"]);
    command.arg(repo.path("Cargo.toml"));
    command.args(["--package", "lanspread-cli", "--bin", "lanspread", "--"]);
    if args.is_empty() {
        command.args(DEMO);
    } else {
        command.args(args);
    }
    process::succeeds(&mut command)
}

/// Builds and runs the simulator.
pub(crate) fn simulator(repo: &Repo, args: &[String]) -> Result<bool> {
    tools::check_builders(repo)?;
    #[cfg(target_os = "linux")]
    if args.first().is_some_and(|first| first == "suite") {
        return crate::bench::simulated(repo, args);
    }
    let mut command = cargo(repo.root(), ["run", "--release", "--locked"]);
    command
        .args(["--package", "lanspread-sim", "--"])
        .args(args);
    process::succeeds(&mut command)
}

/// States that crashes leave in each scenario in which recovery is cut at every point too.
const CRASH_STATES: &str = "400";
/// Random losses at each crash point.
const CRASH_SEEDS: &str = "24";

/// How long the soak goes on.
const SOAK_SECONDS: &str = "LANSPREAD_SOAK_SECONDS";

/// Runs the long forms of the tests on files; all of them when no part is named.
pub(crate) fn torture(repo: &Repo, parts: &[String]) -> Result<bool> {
    tools::check_builders(repo)?;
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    let tests = |target: &str| {
        let mut command = cargo(repo.root(), ["test", "--release", "--locked"]);
        command.args(["--package", "lanspread-disk", "--test", target]);
        command
    };
    let mut succeeded = true;
    if wanted("crashes") {
        let mut crashes = tests("transactions");
        crashes.args(["--", "crash::", "--nocapture", "--test-threads=2"]);
        crashes.env("LANSPREAD_CRASH_STATES", CRASH_STATES);
        crashes.env("LANSPREAD_CRASH_SEEDS", CRASH_SEEDS);
        succeeded &= process::succeeds(&mut crashes)?;
    }
    let rest: Vec<&str> = ["kills", "errors", "power"]
        .into_iter()
        .filter(|part| wanted(part))
        .collect();
    if !rest.is_empty() {
        let mut command = tests("torture");
        command.args(["--", "--long"]).args(rest);
        succeeded &= process::succeeds(&mut command)?;
    }
    if wanted("soak") {
        succeeded &= soak(repo)?;
    }
    Ok(succeeded)
}

/// Half an hour of sixteen peers that come and go, as a scenario of the program in release.
fn soak(repo: &Repo) -> Result<bool> {
    let args = ["build", "--release", "--locked", "--bin", "lanspread"];
    if !process::succeeds(cargo(repo.root(), args).args(["--package", "lanspread-cli"]))? {
        return Ok(false);
    }
    let program = process::target_directory(repo.root())?.join("release/lanspread");
    let mut command = cargo(repo.root(), ["test", "--locked"]);
    command.args(["--package", "lanspread-scenarios", "--test", "scenarios"]);
    command.args(["--", "s81_soak", "--nocapture", "--test-threads=1"]);
    command.env("LANSPREAD_BIN", program);
    if std::env::var_os(SOAK_SECONDS).is_none() {
        command.env(SOAK_SECONDS, "1800");
    }
    process::succeeds(&mut command)
}
