//! Caps on files and lines, and how a text file ends its lines.

use super::finding;
use crate::repo::Finding;

/// Lines of a file of source without its tests.
const FILE_LINES_MAX: usize = 500;
/// Lines of a `lib.rs`: it is a map.
const MAP_LINES_MAX: usize = 120;
/// Characters of a line of Rust.
const LINE_CHARS_MAX: usize = 100;

/// Checks the shape of one text.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut found = ends(path, text);
    let rust = path.ends_with(".rs");
    if rust {
        found.extend(long_lines(path, text));
    }
    let source = rust || path.ends_with(".ts") || path.ends_with(".svelte");
    if source && !is_test_file(path) {
        found.extend(length(path, text));
    }
    found
}

fn ends(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    // Examples of bytes are what they are, though some of them read as text.
    if path.contains("/fixtures/") || path.starts_with("fuzz/corpus/") {
        return found;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        found.push(finding("line-end", path, 0, "the last line has no end"));
    }
    // Markdown ends a line with two spaces on purpose; patches and snapshots are what they are.
    if is_verbatim(path) {
        return found;
    }
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.ends_with([' ', '\t', '\r']) {
            found.push(finding("line-end", path, number, "white space at the end"));
        }
    }
    found
}

fn is_verbatim(path: &str) -> bool {
    [".md", ".patch", ".snap", ".svg", ".txt"]
        .iter()
        .any(|end| path.ends_with(end))
}

fn long_lines(path: &str, text: &str) -> Vec<Finding> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.chars().count() > LINE_CHARS_MAX && !is_table_row(line))
        .map(|(number, _)| {
            let message = format!("longer than {LINE_CHARS_MAX} characters");
            finding("line-length", path, number, message)
        })
        .collect()
}

/// A table in a document comment and a text for people cannot be wrapped.
fn is_table_row(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//! |") || line.starts_with("/// |") || line.starts_with('"')
}

fn is_test_file(path: &str) -> bool {
    let named = |part: &str| matches!(part, "tests" | "tests.rs" | "benches");
    path.split('/').any(named) || path.ends_with(".test.ts") || path.ends_with(".spec.ts")
}

fn length(path: &str, text: &str) -> Option<Finding> {
    let lines = lines_without_tests(text);
    let max = if path.ends_with("/lib.rs") {
        MAP_LINES_MAX
    } else {
        FILE_LINES_MAX
    };
    let message = format!("{lines} lines without tests, {max} are allowed");
    (lines > max).then(|| finding("file-length", path, 0, message))
}

/// Lines before the inline test module, which is always the last item.
pub(super) fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let starts_tests = |pair: &[&str]| match pair {
        [attribute, module] => {
            attribute.starts_with("#[cfg(test)]")
                && module.starts_with("mod ")
                && module.ends_with('{')
        }
        _ => false,
    };
    lines
        .windows(2)
        .position(starts_tests)
        .unwrap_or(lines.len())
}
