//! What files and directories of source may be called.

use super::finding;
use crate::repo::Finding;

/// Names that say nothing about what is inside.
const BANNED: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "handlers",
    "service", "services", "context", "db", "data", "impl",
];

/// Checks the parts of the path of a source file.
pub(super) fn check(path: &str) -> Vec<Finding> {
    if !is_source(path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for part in path.split('/') {
        let name = part.split('.').next().unwrap_or(part);
        if part == "mod.rs" {
            let message = "a module is foo.rs beside foo/, never foo/mod.rs";
            found.push(finding("mod-file", path, 0, message));
        } else if is_banned(name) {
            let message = format!("`{name}` says nothing; name it after a noun of the domain");
            found.push(finding("name", path, 0, message));
        }
    }
    found
}

fn is_source(path: &str) -> bool {
    let extension = path.rsplit('.').next().unwrap_or_default();
    matches!(extension, "rs" | "ts" | "svelte")
}

fn is_banned(name: &str) -> bool {
    let name = name.to_lowercase();
    BANNED.contains(&name.as_str()) || name.starts_with("new_") || is_second_try(&name)
}

/// `parser2`: what was wrong with the first one? Fixed numbers of a standard are longer.
fn is_second_try(name: &str) -> bool {
    name.strip_suffix('2')
        .is_some_and(|stem| stem.ends_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}
