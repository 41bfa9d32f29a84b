use std::{collections::BTreeSet, path::Path};

use super::*;

#[test]
fn every_code_has_hints_in_both_languages() {
    let mut seen = BTreeSet::new();
    for entry in entries() {
        assert!(seen.insert(entry.code), "{} is there twice", entry.code);
        assert!(!entry.english.is_empty(), "{} has no hint", entry.code);
        assert_eq!(entry.english.len(), entry.german.len(), "{}", entry.code);
        assert!(entry.meaning.ends_with('.'), "{}", entry.code);
        let hints = entry.english.iter().chain(entry.german);
        assert!(
            hints.clone().all(|hint| !hint.ends_with('.')),
            "{}",
            entry.code
        );
    }
}

/// The codes that the crates below name in their sources, so that a new one cannot be forgotten.
#[test]
fn every_code_of_the_node_is_known() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut codes = BTreeSet::new();
    for sources in ["node/src", "cli/src", "api/src"] {
        collect(&crates.join(sources), &mut codes);
    }
    // What tests invent, and the code of a closed list that is not shown.
    let unknown: Vec<_> = codes.iter().filter(|code| entry(code).is_none()).collect();
    assert!(unknown.is_empty(), "without hints: {unknown:?}");
    assert!(
        codes.contains("not-a-game"),
        "the search finds what is there"
    );
}

#[expect(clippy::disallowed_methods, reason = "the test reads sources")]
fn collect(dir: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if entry.file_type().unwrap().is_dir() {
            collect(&path, codes);
        } else if name.ends_with(".rs") && !name.contains("test") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for mark in ["code: \"", "Report::new(\"", "not(\""] {
                codes.extend(text.split(mark).skip(1).map(until_quote));
            }
        }
    }
}

fn until_quote(text: &str) -> String {
    text.split('"').next().unwrap().to_owned()
}

/// With `LANSPREAD_WRITE_DOCS` set, the page is written instead.
#[test]
fn the_page_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ERRORS.md");
    if std::env::var_os("LANSPREAD_WRITE_DOCS").is_some() {
        write(&page);
    }
    assert!(
        read(&page) == documentation(),
        "docs/ERRORS.md is old: LANSPREAD_WRITE_DOCS=1 cargo test -p lanspread-api the_page"
    );
}

#[expect(clippy::disallowed_methods, reason = "the page is written on demand")]
fn write(page: &Path) {
    std::fs::create_dir_all(page.parent().unwrap()).unwrap();
    std::fs::write(page, documentation()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test reads the page")]
fn read(page: &Path) -> String {
    std::fs::read_to_string(page).unwrap()
}

#[test]
fn languages() {
    let check = |header: &str, expected| assert_eq!(Language::preferred(header), expected);
    check("de-DE,de;q=0.9,en;q=0.8", Language::German);
    check("fr, de;q=0.5", Language::German);
    check("en-US,de;q=0.5", Language::English);
    check("", Language::English);
    assert!(hint("busy", Language::German)[0].contains("warte"));
    assert!(hint("no such code", Language::English).is_empty());
}
