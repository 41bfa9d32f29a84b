//! The web UI: its packages, its checks, its build.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, repo::Repo, steps::Tally};

/// Scripts of `ui/package.json` that are checks, in this order; those it lacks are left out.
const CHECKS: &[&str] = &["lint", "check", "test", "build"];

/// Runs every check of the UI.
pub(crate) fn check(repo: &Repo) -> Result<Tally> {
    install_packages(repo)?;
    let mut tally = Tally::default();
    for script in CHECKS {
        let passed = process::succeeds(npm(repo).args(["run", "--if-present", script]))?;
        tally = tally + Tally::one(passed);
    }
    Ok(tally)
}

/// Builds the files that the program serves.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    install_packages(repo)?;
    if !process::succeeds(npm(repo).args(["run", "build"]))? {
        bail!("the UI does not build");
    }
    Ok(())
}

/// Installs what `package-lock.json` names, unless that was done since it changed.
fn install_packages(repo: &Repo) -> Result<()> {
    let changed = |path: &str| repo.path(path).metadata().and_then(|file| file.modified());
    let wanted = changed("ui/package-lock.json")?;
    if changed("ui/node_modules/.package-lock.json").is_ok_and(|done| done >= wanted) {
        return Ok(());
    }
    let quiet = ["ci", "--no-audit", "--no-fund"];
    if !process::succeeds(npm(repo).args(quiet))? {
        bail!("npm ci failed");
    }
    Ok(())
}

fn npm(repo: &Repo) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(repo.path("ui"));
    command
}
