//! `docs/SCENARIOS.md` is made from the scenarios and what is written above them.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const INTRODUCTION: &str = "\
# Scenarios

Made from `crates/scenarios/tests/scenarios`; a test keeps the two equal.

Each runs the real program: on hosts of a lab (network namespaces, so it needs root), or on
loopback where the network does not matter. `cargo xtask test` runs them all, one at a time; one
alone:

```
cargo build -p lanspread-cli
LANSPREAD_BIN=$PWD/target/debug/lanspread cargo test -p lanspread-scenarios --test scenarios s01
```
";

#[test]
fn the_page_lists_every_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = root.join("../../docs/SCENARIOS.md");
    let expected = text(&scenarios(&root.join("tests/scenarios")));
    if std::env::var_os("LANSPREAD_WRITE_DOCS").is_some() {
        fs::write(&page, &expected).unwrap();
    }
    let found = fs::read_to_string(&page).unwrap_or_default();
    let remedy = "docs/SCENARIOS.md is old: \
                  LANSPREAD_WRITE_DOCS=1 cargo test -p lanspread-scenarios the_page";
    assert!(found == expected, "{remedy}");
}

#[test]
fn what_is_found() {
    let check = |source: &str, expected: &[(&str, &str)]| {
        let found: Vec<_> = in_source(source).collect();
        let expected: Vec<_> = (expected.iter())
            .map(|(name, what)| ((*name).to_owned(), (*what).to_owned()))
            .collect();
        assert_eq!(found, expected, "{source}");
    };
    check(
        "/// One\n/// two.\n#[test]\nfn s07_a_b() {",
        &[("s07_a_b", "One two.")],
    );
    check("#[test]\nfn s07_a() {", &[("s07_a", "")]);
    check("/// Not one.\nfn s07_a() {", &[]);
    check("/// Other.\nfn a() {}\n\n#[test]\nfn b() {", &[("b", "")]);
}

/// Every scenario by its name, with what is written above it.
fn scenarios(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        for (name, what) in in_source(&fs::read_to_string(&path).unwrap()) {
            let numbered = name.strip_prefix('s').and_then(|rest| rest.get(..2));
            let number = numbered.and_then(|digits| digits.parse::<u8>().ok());
            assert!(number.is_some(), "{name} is not called s01_...");
            assert!(!what.is_empty(), "{name} does not say what it shows");
            assert_eq!(found.insert(name, what), None);
        }
    }
    assert!(!found.is_empty());
    found
}

fn in_source(source: &str) -> impl Iterator<Item = (String, String)> {
    let mut above = Vec::new();
    let mut is_test = false;
    let found = source.lines().filter_map(move |line| {
        if let Some(words) = line.strip_prefix("/// ") {
            above.push(words.to_owned());
            return None;
        }
        if line == "#[test]" {
            is_test = true;
            return None;
        }
        let what = std::mem::take(&mut above).join(" ");
        let name = line
            .strip_prefix("fn ")
            .and_then(|rest| rest.split('(').next());
        let tested = std::mem::take(&mut is_test);
        name.filter(|_| tested).map(|name| (name.to_owned(), what))
    });
    found.collect::<Vec<_>>().into_iter()
}

fn text(scenarios: &BTreeMap<String, String>) -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n| scenario | what it shows |\n|---|---|\n");
    for (name, what) in scenarios {
        text.push_str(&format!("| `{name}` | {what} |\n"));
    }
    text
}
