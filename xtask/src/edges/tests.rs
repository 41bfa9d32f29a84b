//! The table catches each kind of forbidden edge.

use std::collections::BTreeSet;

use super::{check_package, check_pure, metadata, table};

fn check(package: &str, dependency: &str, expected: bool) {
    let json =
        format!(r#"{{"packages":[{{"name":"{package}","dependencies":[{{{dependency}}}]}}]}}"#);
    let packages = metadata::parse(&json).unwrap();
    let found: Vec<_> = packages.iter().flat_map(check_package).collect();
    assert_eq!(found.is_empty(), expected, "{package}: {found:?}");
}

fn ours(name: &str, kind: &str) -> String {
    format!(r#""name":"lanspread-{name}","kind":{kind},"uses_default_features":true,"path":"/x""#)
}

fn others(name: &str, kind: &str, default_features: bool) -> String {
    format!(r#""name":"{name}","kind":{kind},"uses_default_features":{default_features}"#)
}

#[test]
fn arrows_go_down() {
    check("lanspread-node", &ours("disk", "null"), true);
    check("lanspread-disk", &ours("install", "null"), true);
    check("lanspread-disk", &ours("net", "null"), false);
    check("lanspread-proto", &ours("swarm", "null"), false);
    check("lanspread-swarm", &ours("install", "\"dev\""), false);
    check("lanspread-cli", &ours("disk", "null"), false);
    check("lanspread-cli", &ours("disk", "\"build\""), false);
    check("lanspread-node", &ours("sim", "\"dev\""), false);
    check("lanspread-node", &ours("node", "\"dev\""), true);
    check("lanspread-attic", &ours("proto", "null"), false);
}

#[test]
fn the_lab_is_for_tests() {
    check("lanspread-net", &ours("lab", "\"dev\""), true);
    check("lanspread-net", &ours("lab", "null"), false);
    check("lanspread-proto", &ours("lab", "\"dev\""), false);
}

#[test]
fn outsiders() {
    check("lanspread-proto", &others("serde", "null", false), true);
    check("lanspread-proto", &others("serde", "null", true), false);
    check("lanspread-proto", &others("rand", "null", false), false);
    check(
        "lanspread-proto",
        &others("proptest", "\"dev\"", true),
        true,
    );
    check("lanspread-disk", &others("tokio", "null", false), false);
    check("lanspread-net", &others("tokio", "null", false), true);
    check("lanspread-node", &others("quinn", "null", false), false);
}

#[test]
fn pure_crates_say_so() {
    let check = |text: &str, expected: bool| {
        assert_eq!(check_pure("lib.rs", text).is_none(), expected, "{text}");
    };
    check("//! Map.\n#![no_std]\n", true);
    check("//! Map.\n", false);
    check("// #![no_std]\n", false);
    check("#![cfg_attr(not(test), no_std)]\n", false);
    check("#![no_std]\nextern crate std;\n", false);
}

#[test]
fn the_table_has_no_cycle() {
    let mut built = BTreeSet::new();
    loop {
        let ready: Vec<&str> = table::rooms()
            .iter()
            .filter(|room| !built.contains(room.name))
            .filter(|room| room.imports.iter().all(|import| built.contains(import)))
            .map(|room| room.name)
            .collect();
        if ready.is_empty() {
            break;
        }
        built.extend(ready);
    }
    assert_eq!(built.len(), table::rooms().len());
}
