//! `cargo xtask fuzz`: libFuzzer on every parser of foreign bytes.

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, cargo},
    repo::Repo,
    tools,
};

/// A defect that allocates without bound ends here, and is one.
const LIMITS: [&str; 2] = ["-malloc_limit_mb=256", "-rss_limit_mb=1024"];

/// Fuzzes each target for so many seconds, beginning with the corpus; whether all held. What is
/// found on the way lies in `fuzz/target/corpus`, a crash in `fuzz/artifacts`.
pub(crate) fn run(repo: &Repo, seconds: u32) -> Result<bool> {
    if !tools::is_on_path("cargo-fuzz") {
        bail!("cargo-fuzz is missing; install it with:\n  cargo install cargo-fuzz --locked");
    }
    let mut broken = Vec::new();
    for target in targets(repo)? {
        println!("== {target}");
        let found = repo.path("fuzz/target/corpus").join(&target);
        std::fs::create_dir_all(&found).with_context(|| found.display().to_string())?;
        let mut command = cargo(repo.root(), ["fuzz", "run", "--fuzz-dir", "fuzz"]);
        command.args(["--features", "doors", &target]);
        command
            .arg(&found)
            .arg(repo.path("fuzz/corpus").join(&target));
        command.arg("--").arg(format!("-max_total_time={seconds}"));
        // The stable compiler with the flags that the sanitizer needs.
        command.args(LIMITS).env("RUSTC_BOOTSTRAP", "1");
        if !process::succeeds(&mut command)? {
            broken.push(target);
        }
    }
    if !broken.is_empty() {
        println!("broken: {}", broken.join(", "));
    }
    Ok(broken.is_empty())
}

/// The names of the targets, sorted.
fn targets(repo: &Repo) -> Result<Vec<String>> {
    let dir = repo.path("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&dir).with_context(|| dir.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string();
        let name = name.unwrap_or_default();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
