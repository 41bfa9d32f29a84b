//! Running tests, and counting them by what the harness prints.
//!
//! A test that cannot run where it is says so on stderr with a line `skipped: NAME: REASON` and
//! returns. The harness counts it as passed; here it counts as skipped.

use std::process::Command;

use anyhow::Result;

use crate::{
    process::{self, cargo},
    repo::Repo,
    steps::Tally,
};

/// The variable that tells scenarios which program they are about.
const PROGRAM: &str = "LANSPREAD_BIN";
/// How a skipping test begins its line.
const SKIPPED: &str = "skipped: ";

/// Every test of the workspace, except scenarios.
pub(crate) fn all(repo: &Repo) -> Result<Tally> {
    run(tests(repo).arg("--no-fail-fast"))
}

/// The scenarios, one at a time: each has the machine to itself. Those of a Windows peer belong to
/// `cargo xtask windows`.
pub(crate) fn scenarios(repo: &Repo) -> Result<Tally> {
    let args = ["build", "--workspace", "--locked", "--bin", "lanspread"];
    if !process::succeeds(&mut cargo(repo.root(), args))? {
        return Ok(Tally::one(false));
    }
    let program = process::target_directory(repo.root())?.join("debug/lanspread");
    let only = [
        "--no-fail-fast",
        "--test",
        "scenarios",
        "--",
        "--test-threads=1",
        "--skip",
        crate::windows::SCENARIOS,
    ];
    run(tests(repo).args(only).env(PROGRAM, program))
}

// Everything selects the whole workspace: another selection would unify features otherwise and
// build all anew.
fn tests(repo: &Repo) -> Command {
    cargo(repo.root(), ["test", "--workspace", "--locked"])
}

/// Runs tests, and counts them.
pub(crate) fn run(command: &mut Command) -> Result<Tally> {
    let (succeeded, lines) = process::watched(command)?;
    Ok(count(succeeded, &lines))
}

fn count(succeeded: bool, lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines {
        if let Some(result) = line.strip_prefix("test result: ") {
            tally.passed += number_before(result, " passed");
            tally.failed += number_before(result, " failed");
            tally.skipped += number_before(result, " ignored");
        } else if line.starts_with(SKIPPED) {
            tally.skipped += 1;
            tally.passed = tally.passed.saturating_sub(1);
        }
    }
    // A crash or a compiler error has no result line.
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    tally
}

fn number_before(text: &str, word: &str) -> u32 {
    text.split([';', '.'])
        .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(succeeded: bool, text: &str, expected: (u32, u32, u32)) {
        let lines: Vec<String> = text.lines().map(String::from).collect();
        let Tally {
            passed,
            failed,
            skipped,
        } = count(succeeded, &lines);
        assert_eq!((passed, failed, skipped), expected, "{text}");
    }

    #[test]
    fn counting() {
        let good = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; \
                    finished in 0.05s";
        let bad = "test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out";
        check(true, good, (12, 0, 0));
        check(true, &format!("{good}\nnoise\n{good}"), (24, 0, 0));
        check(false, &format!("{good}\n{bad}"), (16, 2, 1));
        let skip = "skipped: two_laptops: needs root";
        check(true, &format!("{good}\n{skip}\n{skip}"), (10, 0, 2));
        check(false, "error: could not compile", (0, 1, 0));
        check(false, good, (12, 1, 0));
    }
}
