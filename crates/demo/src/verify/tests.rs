use std::fs;

use lanspread_proto::GameId;

use super::*;
use crate::generate::Format;

fn game() -> Game {
    let file = |path: &str, bytes: &[u8]| Expected {
        path: RelPath::parse(path).unwrap(),
        bytes: bytes.len() as u64,
        hash: Hash::of(bytes),
    };
    Game {
        id: GameId::parse("maze").unwrap(),
        format: Format::Zip,
        payload_bytes: 1,
        files: vec![file("a/one", b"first"), file("empty", b"")],
        empty_dirs: vec![RelPath::parse("saves").unwrap()],
    }
}

/// Installs what was generated, spoils it, and returns what the comparison says.
fn check(spoil: impl FnOnce(&Path)) -> String {
    let games_dir = tempfile::tempdir().unwrap();
    let local = games_dir.path().join("maze/local");
    fs::create_dir_all(local.join("a")).unwrap();
    fs::create_dir(local.join("saves")).unwrap();
    fs::write(local.join("a/one"), b"first").unwrap();
    fs::write(local.join("empty"), b"").unwrap();
    fs::write(local.join(".lanspread_owned"), b"marker").unwrap();
    spoil(&local);
    let progress = watch::Sender::new(Progress::default());
    let stop = Stop::default();
    match verify(games_dir.path(), &[game()], &stop, &progress) {
        Ok(compared) => format!("{compared:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_as_generated_passes() {
    assert_eq!(check(|_local| {}), "(2, 5)");
}

#[test]
fn every_difference_is_found() {
    let found = check(|local| fs::write(local.join("a/one"), b"firsT").unwrap());
    assert_eq!(
        found,
        "maze: the installed file a/one has other bytes than were generated"
    );
    let found = check(|local| fs::write(local.join("empty"), b"x").unwrap());
    assert!(found.contains("empty has other bytes"), "{found}");
    let found = check(|local| fs::remove_file(local.join("a/one")).unwrap());
    assert!(found.contains("a/one is missing"), "{found}");
    let found = check(|local| fs::write(local.join("a/more"), b"").unwrap());
    assert!(found.contains("4 files and directories"), "{found}");
    let found = check(|local| fs::create_dir(local.join("a/more")).unwrap());
    assert!(found.contains("4 files and directories"), "{found}");
    let found = check(|local| fs::remove_dir(local.join("saves")).unwrap());
    assert!(found.contains("cannot read"), "{found}");
}
