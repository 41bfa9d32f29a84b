//! Words and marks that have no place in the repository.

use super::{exceptions, exceptions::Word, finding};
use crate::repo::Finding;

/// Marks of unfinished work; a number says where it is written down.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

/// Rust that switches something off, and what to do instead.
const SWITCHES: &[(&str, &str)] = &[
    (concat!("#[ig", "nore"), "a test runs, or skips visibly"),
    (concat!("to", "do!("), "finish it"),
    (concat!("unimple", "mented!("), "finish it"),
];

/// Checks the lines of one text.
pub(super) fn check(path: &str, text: &str, words: &[Word]) -> Vec<Finding> {
    if path == exceptions::FILE || path == "Cargo.lock" || path.ends_with("package-lock.json") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut note = |rule, message: String| {
            found.push(finding(rule, path, number, message));
        };
        if is_unfinished(line) {
            note("unfinished", "unfinished, without a number".to_string());
        }
        if is_conflict(line) {
            note("conflict", "a merge left this".to_string());
        }
        for Word { word, because } in words {
            if has_word(line, word) {
                note("word", format!("`{word}`: {because}"));
            }
        }
        for (mark, instead) in SWITCHES {
            if path.ends_with(".rs") && line.contains(mark) {
                note("switched-off", format!("`{mark}`: {instead}"));
            }
        }
    }
    found
}

fn is_unfinished(line: &str) -> bool {
    UNFINISHED.iter().any(|mark| {
        let behind = |at: usize| line.get(at + mark.len()..).unwrap_or_default();
        positions(line, mark).any(|at| !has_number(behind(at)))
    })
}

/// `(#12)` behind the mark.
fn has_number(behind: &str) -> bool {
    let digits = behind
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'))
        .map_or("", |(digits, _)| digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_conflict(line: &str) -> bool {
    ["<<<<<<< ", ">>>>>>> "]
        .iter()
        .any(|mark| line.starts_with(mark))
}

fn has_word(line: &str, word: &str) -> bool {
    if word.chars().any(char::is_uppercase) {
        positions(line, word).next().is_some()
    } else {
        positions(&line.to_lowercase(), word).next().is_some()
    }
}

/// Where a word stands on its own. A letter or digit of the word must not go on outside of it.
fn positions<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = line.get(..*at).and_then(|text| text.chars().next_back());
            let after = line
                .get(at + word.len()..)
                .and_then(|text| text.chars().next());
            let open = is_letter(word.chars().next()) && is_letter(before);
            let unended = is_letter(word.chars().next_back()) && is_letter(after);
            !open && !unended
        })
}
