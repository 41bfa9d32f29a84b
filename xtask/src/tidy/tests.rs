//! Each rule catches what it is for, and lets pass what looks like it.

use super::{
    bans,
    exceptions::{Exceptions, Word},
    names, protocol, shape, words,
};
use crate::repo::Finding;

fn rules(found: &[Finding]) -> Vec<(&'static str, usize)> {
    found.iter().map(|f| (f.rule, f.line)).collect()
}

#[test]
fn file_names() {
    let check = |path: &str, expected: &[&str]| {
        let found: Vec<_> = names::check(path).iter().map(|f| f.rule).collect();
        assert_eq!(found, expected, "{path}");
    };
    check("crates/disk/src/vfs.rs", &[]);
    check("crates/disk/src/utils.rs", &["name"]);
    check("crates/disk/src/helpers/copy.rs", &["name"]);
    check("crates/disk/src/real/mod.rs", &["mod-file"]);
    check("crates/disk/src/new_disk.rs", &["name"]);
    check("crates/disk/src/parser2.rs", &["name"]);
    check("crates/disk/src/sha2_256.rs", &[]);
    check("crates/disk/src/database.rs", &[]);
    check("ui/src/Handlers.ts", &["name"]);
    check("docs/data/figure.md", &[]);
}

#[test]
fn file_length_counts_no_tests() {
    let long = |lines: usize| "x\n".repeat(lines);
    let check = |path: &str, text: &str, expected: &[(&str, usize)]| {
        assert_eq!(rules(&shape::check(path, text)), expected, "{path}");
    };
    check("crates/a/src/b.rs", &long(500), &[]);
    check("crates/a/src/b.rs", &long(501), &[("file-length", 0)]);
    let with_tests = format!("{}#[cfg(test)]\nmod tests {{\n{}", long(500), long(400));
    check("crates/a/src/b.rs", &with_tests, &[]);
    let with_other = format!("{}#[cfg(test)]\nmod tests;\n{}", long(499), long(1));
    check("crates/a/src/b.rs", &with_other, &[("file-length", 0)]);
    check("crates/a/src/b/tests.rs", &long(900), &[]);
    check("crates/a/src/lib.rs", &long(121), &[("file-length", 0)]);
    check("ui/src/app.ts", &long(501), &[("file-length", 0)]);
    check("docs/a.md", &long(900), &[]);
}

#[test]
fn lines() {
    let check = |path: &str, text: &str, expected: &[(&str, usize)]| {
        assert_eq!(rules(&shape::check(path, text)), expected, "{text:?}");
    };
    check("a.rs", &format!("{}\n", "ü".repeat(100)), &[]);
    let long = format!("ok\n{}\n", "ü".repeat(101));
    check("a.rs", &long, &[("line-length", 2)]);
    check("a.md", &long, &[]);
    check(
        "a.rs",
        "a \nb\r\nc",
        &[("line-end", 0), ("line-end", 1), ("line-end", 2)],
    );
    check("a.md", "hard break  \n", &[]);
    check("fuzz/corpus/path/good", "aux.txt ", &[]);
    check("a.rs", "", &[]);
}

#[test]
fn unfinished_work_has_a_number() {
    let check = |text: &str, expected: &[&str]| {
        let found = words::check("a.rs", text, &[]);
        let found: Vec<_> = found.iter().map(|f| f.rule).collect();
        assert_eq!(found, expected, "{text}");
    };
    let mark = concat!("TO", "DO");
    check(&format!("// {mark}: later"), &["unfinished"]);
    check(&format!("// {mark}(#12): later"), &[]);
    check(&format!("// {mark}(#): later"), &["unfinished"]);
    check(&format!("// {mark}(#1) and {mark}"), &["unfinished"]);
    check(&format!("let {mark}S = 1;"), &[]);
    check("    to_do!(x)", &[]);
    check(concat!("    to", "do!()"), &["switched-off"]);
    check(concat!("#[ig", "nore = \"slow\"]"), &["switched-off"]);
    check("<<<<<<< ours", &["conflict"]);
    check("<<<<<<<", &[]);
}

#[test]
fn forbidden_words() {
    let word = |word: &str| Word {
        word: word.to_string(),
        because: "why".to_string(),
    };
    let list = [word("simply"), word("XYZ"), word("/attic/")];
    let check = |path: &str, text: &str, expected: usize| {
        assert_eq!(words::check(path, text, &list).len(), expected, "{text}");
    };
    check("a.md", "Simply put", 1);
    check("a.md", "oversimply", 0);
    check("a.md", "an XYZ here", 1);
    check("a.md", "xyz", 0);
    check("a.md", "see /attic/x", 1);
    check("a.md", "at /home/attic", 0);
    check("tidy.toml", "simply", 0);
}

#[test]
fn a_crates_bans_hold_the_roots() {
    let root = "a = 1\nmethods = [\n  { x },\n]\n";
    let check = |path: &str, text: &str, expected: usize| {
        assert_eq!(bans::check(path, text, root).len(), expected, "{text}");
    };
    check(
        "crates/a/clippy.toml",
        "# own\na = 1\nmethods = [\n  { x },\n  { y },\n]\n",
        0,
    );
    check("crates/a/clippy.toml", "methods = [\n  { y },\n]\n", 2);
    check("clippy.toml", "", 0);
    check("crates/a/Cargo.toml", "", 0);
}

#[test]
fn the_page_and_the_wire_change_together() {
    let texts = ["pub struct A;\n".to_string()];
    let page = format!("# Protocol\n{}\n", protocol::mark(&texts));
    assert_eq!(protocol::compare(&page, &texts), None);
    let changed = ["pub struct B;\n".to_string()];
    assert!(protocol::compare(&page, &changed).is_some());
    let tested = ["pub struct A;\n#[cfg(test)]\nmod tests {\n}\n".to_string()];
    assert_eq!(protocol::compare(&page, &tested), None);
}

#[test]
fn exceptions_are_exact_and_needed() {
    let text = "words = []\n[[exception]]\npath = 'a.rs'\nrule = 'file-length'\n\
                reason = 'a table'\n";
    let finding = |path: &str, rule| super::finding(rule, path, 0, "");
    let mut exceptions = Exceptions::parse(text).unwrap();
    assert!(!exceptions.covers(&finding("b.rs", "file-length")));
    assert!(!exceptions.covers(&finding("a.rs", "name")));
    assert_eq!(exceptions.unused().len(), 1);
    assert!(exceptions.covers(&finding("a.rs", "file-length")));
    assert_eq!(exceptions.unused().len(), 0);

    let unreasoned = text.replace("a table", " ");
    let mut exceptions = Exceptions::parse(&unreasoned).unwrap();
    assert!(!exceptions.covers(&finding("a.rs", "file-length")));
    assert!(Exceptions::parse("words = []\nwhat = 1\n").is_err());
}
