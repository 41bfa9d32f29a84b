//! A crate's own `clippy.toml` replaces the root's, it does not add to it: so it must hold all of
//! the root's lines.

use super::finding;
use crate::repo::Finding;

/// The root's file, and the name of each crate's.
pub(super) const FILE: &str = "clippy.toml";

/// Checks a crate's file against the root's.
pub(super) fn check(path: &str, text: &str, root: &str) -> Vec<Finding> {
    if !path.ends_with("/clippy.toml") {
        return Vec::new();
    }
    root.lines()
        .filter(|line| !line.trim().is_empty() && !text.lines().any(|own| own == *line))
        .map(|line| {
            let message = format!("lacks a line of the root's {FILE}: {line}");
            finding("clippy-toml", path, 0, message)
        })
        .collect()
}
