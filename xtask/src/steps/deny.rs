//! cargo-deny: licences, sources and bans of the dependencies, and known flaws in them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    process::{self, cargo},
    repo::Repo,
    steps::Tally,
    tools::{self, CARGO_DENY_VERSION},
};

/// What cargo-deny says when it cannot fetch the list of known flaws.
const UNREACHABLE: &str = "failed to fetch advisory database";

/// Licences, sources and bans always; known flaws where their list can be reached.
pub(crate) fn check(repo: &Repo) -> Result<Tally> {
    if !is_installed() {
        println!("skipped: cargo-deny is missing; install it with:");
        println!("  cargo install --locked cargo-deny@{CARGO_DENY_VERSION}");
        return Ok(Tally::skipped(1));
    }
    let rules = ["bans", "licenses", "sources"];
    let lasting = process::succeeds(deny(repo).args(rules)).map(Tally::one)?;
    let (sound, lines) = process::watched(deny(repo).arg("advisories"))?;
    if !sound && lines.iter().any(|line| line.contains(UNREACHABLE)) {
        println!("note: the list of known flaws cannot be reached from here, so it was not asked");
        return Ok(lasting);
    }
    Ok(lasting + Tally::one(sound))
}

fn deny(repo: &Repo) -> Command {
    let args = ["deny", "--locked", "--log-level", "error", "check"];
    let mut command = cargo(repo.root(), args);
    command.args(["--hide-inclusion-graph"]);
    command
}

/// Whether cargo-deny can be started.
pub(crate) fn is_installed() -> bool {
    tools::is_on_path("cargo-deny")
}

/// Builds cargo-deny with little optimisation: it runs for seconds, and building takes minutes.
pub(crate) fn install() -> Result<()> {
    let package = format!("cargo-deny@{CARGO_DENY_VERSION}");
    let mut command = Command::new("cargo");
    command
        .args(["install", "--locked", "--debug", &package])
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        // Nothing of the workspace's own build belongs to it.
        .env_remove("CARGO_TARGET_DIR");
    if !process::succeeds(&mut command)? {
        bail!("installing {package} failed");
    }
    Ok(())
}
