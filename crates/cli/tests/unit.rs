//! The unit for systemd that is in the documents.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests, which read a page and run what checks it"
)]

use std::{fs, io::ErrorKind, process::Command};

const UNIT: &str = include_str!("../../../docs/lanspread.service");
const INSTALLED: &str = "/usr/local/bin/lanspread";

/// What systemd itself says of it, where systemd is.
#[test]
fn systemd_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lanspread.service");
    let program = env!("CARGO_BIN_EXE_lanspread");
    assert!(UNIT.contains(INSTALLED));
    fs::write(&path, UNIT.replace(INSTALLED, program)).unwrap();
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output();
    let output = match verified {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: systemd-analyze is not installed");
            return;
        }
        verified => verified.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("lanspread.service"), "{said}");
}

/// The command line in it is one that this program takes.
#[test]
fn the_program_takes_its_command_line() {
    let mut lines = UNIT.lines();
    let start = lines.find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/lanspread "));
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_str().unwrap();
    let line = start.unwrap().replace("%S", state);
    // Everything is understood before the interface, which is nowhere, is looked for.
    let output = Command::new(env!("CARGO_BIN_EXE_lanspread"))
        .env_clear()
        .env("HOME", dir.path())
        .args(line.split(' '))
        .args(["--interface", "nosuch0"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("[no-interface]"), "{said}");
}
