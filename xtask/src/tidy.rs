//! `cargo xtask tidy`: the caps, names, words and documents that no compiler checks.
//!
//! Rules are pure functions over a path and its text; only [`check`] reads files.

mod bans;
mod exceptions;
mod names;
mod protocol;
mod shape;
mod words;

use anyhow::Result;

use crate::repo::{Finding, Repo};
use exceptions::Exceptions;

/// Checks every text file of the work tree.
pub(crate) fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut exceptions = Exceptions::parse(&repo.read(exceptions::FILE)?)?;
    let root_bans = repo.read(bans::FILE)?;
    let mut found = Vec::new();
    for path in repo.files()? {
        found.extend(names::check(&path));
        // What a fuzzer found is no text, whatever it looks like.
        if path.starts_with("fuzz/corpus/") {
            continue;
        }
        // Pictures and archives are no text.
        let Ok(text) = repo.read(&path) else {
            continue;
        };
        found.extend(shape::check(&path, &text));
        found.extend(words::check(&path, &text, exceptions.words()));
        found.extend(bans::check(&path, &text, &root_bans));
    }
    found.extend(protocol::check(repo)?);
    found.retain(|finding| !exceptions.covers(finding));
    found.extend(exceptions.unused());
    found.sort();
    Ok(found)
}

/// A finding about one line, or with line 0 about a file.
fn finding(rule: &'static str, path: &str, line: usize, message: impl Into<String>) -> Finding {
    Finding {
        path: path.to_string(),
        line,
        rule,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
