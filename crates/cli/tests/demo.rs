//! The demo as people start it: the real binary, small games, a directory of its own.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, which look at the directory that the demo uses"
)]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

fn demo(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanspread"));
    command.args(["demo", "--dir"]).arg(dir).args(args);
    // Nothing of this user's own is read or written.
    command.env("LANSPREAD_STATE", dir.join("no-state"));
    command
}

fn entries(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Everything of the product in one go: hash, share, find, download from two, unpack, install.
#[test]
fn a_party_ends_well_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--headless", "--json", "--size", "40"];
    let output = demo(dir.path(), &args).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |pointer: &str| summary.pointer(pointer).unwrap().as_u64().unwrap();
    assert_eq!(summary["games"].as_array().unwrap().len(), 5);
    assert!(number("/delivered/source-1") > 0, "{summary}");
    assert!(number("/delivered/source-2") > 0, "{summary}");
    assert!(number("/files_checked") > 250, "{summary}");
    assert!(number("/bytes_checked") > 30_000_000, "{summary}");
    assert_eq!(summary["all_as_generated"], true);
    assert_eq!(entries(dir.path()), 0);
}

#[test]
fn wrong_sizes_and_places_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let check = |at: &Path, args: &[&str], code: i32, expected: &str| {
        let output = demo(at, args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
    };
    check(dir.path(), &["--size", "0"], 2, "5..=100000");
    check(&dir.path().join("none"), &["--headless"], 2, "[bad-value]");
    assert_eq!(entries(dir.path()), 0);
}

/// Ctrl+C at the worst moment: while games are made.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    use std::io::{BufRead, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let mut child = demo(dir.path(), &["--headless", "--size", "100"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert!(first.contains("a party of three peers"), "{first}");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("[demo-stopped]"),
        "{}",
        said(&output)
    );
    assert_eq!(entries(dir.path()), 0);
}

/// Without `--headless` the party stays, answers, and goes when it is told to.
#[cfg(unix)]
#[test]
fn people_may_play_with_it() {
    use std::io::{BufRead, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let mut child = demo(dir.path(), &["--size", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut state = String::new();
    for line in lines.by_ref().map(Result::unwrap) {
        if let Some(found) = line.trim().strip_prefix("export LANSPREAD_STATE=") {
            found.clone_into(&mut state);
        }
        if line.contains("Ctrl+C ends the party") {
            break;
        }
    }
    let asked = Command::new(env!("CARGO_BIN_EXE_lanspread"))
        .args(["--state", &state, "games"])
        .output()
        .unwrap();
    assert!(said(&asked).contains("word-duel"), "{}", said(&asked));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(entries(dir.path()), 0);
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}
