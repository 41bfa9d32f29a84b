//! Building and running the program and the simulator, in release.

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
    let mut command = cargo(repo.root(), ["run", "--release", "--locked"]);
    command
        .args(["--package", "lanspread-sim", "--"])
        .args(args);
    process::succeeds(&mut command)
}
