//! The web UI: its packages, its checks, its build.

use std::{fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{process, repo::Repo, steps::Tally, tools};

/// Scripts of `ui/package.json` that are checks, in this order; those it lacks are left out.
const CHECKS: &[&str] = &["lint", "check", "test"];
/// Of what the files of the program were built, as a list of files with sizes and times.
const STAMP: &str = "target/ui-built-from.txt";
/// Parts of `ui/` that come out of it, or that nothing is built from.
const LEFT_OUT: &[&str] = &["node_modules", "dist", "browser"];

/// Runs every check of the UI, and builds it; skipped visibly where Node.js is missing or old.
pub(crate) fn check(repo: &Repo) -> Result<Tally> {
    if let Err(missing) = tools::check_node() {
        println!("skipped: {missing:#}");
        return Ok(Tally::skipped(count(CHECKS.len() + 1)));
    }
    install_packages(repo)?;
    let mut tally = Tally::default();
    for script in CHECKS {
        let passed = process::succeeds(npm(repo).args(["run", "--if-present", script]))?;
        tally = tally + Tally::one(passed);
    }
    Ok(tally + Tally::one(build_if_changed(repo)?))
}

/// Builds the files that the program serves, unless nothing changed since.
pub(crate) fn build(repo: &Repo) -> Result<()> {
    tools::check_node()?;
    install_packages(repo)?;
    if !build_if_changed(repo)? {
        bail!("the UI does not build");
    }
    Ok(())
}

fn build_if_changed(repo: &Repo) -> Result<bool> {
    let stamp = repo.path(STAMP);
    let sources = sources(repo)?;
    let built = fs::read_to_string(&stamp).is_ok_and(|built| built == sources);
    if built && repo.holds("ui/dist/index.html") {
        println!("the UI is built already");
        return Ok(true);
    }
    let passed = process::succeeds(npm(repo).args(["run", "build"]))?;
    if passed {
        let target = stamp.parent().context("a stamp lies in a directory")?;
        fs::create_dir_all(target)?;
        fs::write(&stamp, sources).with_context(|| format!("writing {}", stamp.display()))?;
    }
    Ok(passed)
}

/// Every file that the UI is built from, with its size and time.
fn sources(repo: &Repo) -> Result<String> {
    let mut found = Vec::new();
    gather(&repo.path("ui"), &mut found)?;
    found.sort();
    Ok(found.concat())
}

fn gather(directory: &Path, found: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(directory);
    for entry in entries.with_context(|| format!("listing {}", directory.display()))? {
        let entry = entry?;
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            gather(&entry.path(), found)?;
            continue;
        }
        let mut line = String::new();
        let (path, bytes) = (entry.path(), metadata.len());
        let changed = metadata.modified()?;
        writeln!(line, "{} {bytes} {changed:?}", path.display())?;
        found.push(line);
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
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(repo.path("ui"));
    command
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_told_by_its_sources() {
        let directory = std::env::temp_dir().join(format!("lanspread-ui-{}", std::process::id()));
        let listed = || {
            let mut found = Vec::new();
            gather(&directory, &mut found).unwrap();
            found.sort();
            found
        };
        fs::create_dir_all(directory.join("src/deep")).unwrap();
        fs::create_dir_all(directory.join("node_modules/x")).unwrap();
        fs::write(directory.join("src/deep/a.ts"), "a").unwrap();
        fs::write(directory.join("node_modules/x/b.js"), "b").unwrap();
        let before = listed();
        assert_eq!(before.len(), 1, "packages are left out: {before:?}");
        assert_eq!(listed(), before);
        fs::write(directory.join("src/deep/a.ts"), "changed").unwrap();
        assert_ne!(listed(), before);
        fs::remove_dir_all(&directory).unwrap();
    }
}
