//! `docs/PROTOCOL.md` carries the hash of the source it describes, so that neither changes alone.

use anyhow::Result;

use super::finding;
use crate::repo::{Finding, Repo};

/// The page.
const PAGE: &str = "docs/PROTOCOL.md";
/// What it describes, besides everything below [`WIRE`].
const SOURCES: &[&str] = &[
    "crates/proto/src/library.rs",
    "crates/proto/src/limits.rs",
    "crates/proto/src/wire.rs",
];
/// The messages.
const WIRE: &str = "crates/proto/src/wire/";

/// Checks that the page names the hash of what it describes.
pub(super) fn check(repo: &Repo) -> Result<Option<Finding>> {
    let mut texts = Vec::new();
    for path in repo.files()?.iter().filter(|path| is_source(path)) {
        texts.push(repo.read(path)?);
    }
    Ok(compare(&repo.read(PAGE)?, &texts))
}

fn is_source(path: &str) -> bool {
    SOURCES.contains(&path) || (path.starts_with(WIRE) && !path.ends_with("tests.rs"))
}

/// The page must hold the mark of the texts.
pub(super) fn compare(page: &str, texts: &[String]) -> Option<Finding> {
    let mark = mark(texts);
    if page.lines().any(|line| line == mark) {
        return None;
    }
    let message =
        format!("the wire changed: read that change, mend this page, and put in\n  {mark}");
    Some(finding("protocol", PAGE, 0, message))
}

/// The line in the page. Inline tests do not count.
pub(super) fn mark(texts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        let kept = super::shape::lines_without_tests(text);
        text.lines().take(kept).for_each(|line| {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        });
    }
    format!("<!-- describes the wire {} -->", hasher.finalize().to_hex())
}
