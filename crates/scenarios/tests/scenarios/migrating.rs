//! Coming from the original LanSpread: what it left half done in a games directory.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    games::{Game, Kind, settle},
    party::{Party, is_there},
    peer::game_in,
    trees::{payload, print, tree},
};

/// As it may write it: what it says is nobody's business but its own.
const MARK: &[u8] = b"install of quake\n";

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

/// An update that was broken off: the old installation lies aside, the new one is half.
fn break_update_off(root: &Path) {
    put(
        root,
        ".lanspread.json",
        br#"{"id":"quake","intent":"Updating"}"#,
    );
    put(root, ".local.backup/quake.exe", b"the old program");
    put(root, ".local.backup/saves/1.sav", b"level 7");
    put(root, ".local.installing/.lanspread_owned", MARK);
    put(root, ".local.installing/quake.exe", b"the new pro");
    put(root, ".version.ini.discarded", b"1.9\n");
    settle(root);
}

/// Codes of the problems that speak of a directory.
fn codes(snapshot: &Value, root: &Path) -> BTreeSet<String> {
    let problems = snapshot["problems"].as_array().unwrap();
    let of_it = problems
        .iter()
        .filter(|problem| problem["subject"] == root.to_str().unwrap());
    let codes = of_it.map(|problem| problem["code"].as_str().unwrap().to_owned());
    codes.collect()
}

/// Files that the original LanSpread left half done are finished, rolled back or moved to the state
/// directory before a game is shared, and it is said; what nobody can prove stays. Others get
/// exactly the game.
#[test]
fn s43_what_the_original_left() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.10", 3).packed(Kind::Zip);
    let quake = game.write(&party.games(1));
    break_update_off(&quake);
    let doom = party.games(1).join("doom");
    put(&doom, "game.eti", b"half of one version, half of another");
    put(&doom, ".version.ini.tmp", b"2.0\n");
    put(&doom, ".version.ini.discarded", b"1.0\n");
    let hexen = party.games(1).join("hexen");
    put(&hexen, ".local.installing/notes.txt", b"of a person");
    let expected = game.installed();

    let mut first = party.start(1);
    first.until_shared(&game.id());
    let seen = first.until("everything was looked at", |s| {
        !codes(s, &doom).is_empty() && !codes(s, &hexen).is_empty()
    });
    assert_eq!(codes(&seen, &quake), ["migrated".into()].into());
    assert_eq!(codes(&seen, &doom), ["migrated".into()].into());
    assert_eq!(codes(&seen, &hexen), ["not-migrated".into()].into());
    let (exit, told, _) = party.cli(1, &["status"]);
    assert_eq!(exit, 0);
    assert!(told.contains(".local.backup is local again"), "{told}");

    let restored = [
        ("quake.exe".to_owned(), print(b"the old program")),
        ("saves/1.sav".to_owned(), print(b"level 7")),
    ];
    assert_eq!(tree(&quake.join("local")), restored.into());
    for gone in [".local.backup", ".local.installing", ".lanspread.json"] {
        assert!(!is_there(&quake.join(gone)), "{gone}");
    }
    let state = |game: &str, name: &str| {
        let place = party.state(1).join("games").join(game).join(name);
        fs::read(place).unwrap()
    };
    assert_eq!(state("quake", "original_version.ini.discarded"), b"1.9\n");
    assert_eq!(state("doom", "original_version.ini.tmp"), b"2.0\n");
    assert!(state("quake", "original_lanspread.json").starts_with(b"{"));
    let local = game_in(&seen, "doom")["local"].clone();
    assert!(local["downloaded"].is_null(), "{local:#}");
    assert_eq!(
        tree(&hexen),
        [(
            ".local.installing/notes.txt".to_owned(),
            print(b"of a person")
        )]
        .into()
    );

    let address = first.address().to_string();
    let mut second = party.start_with(2, &["--connect", &address]);
    second.until_ready(&game.id(), 1);
    second.get(&game.id());
    let received = party.games(2).join("quake");
    assert_eq!(payload(&received), payload(&quake));
    assert_eq!(tree(&received.join("local")), expected);

    // The restored game is the user's: an update carries the save over.
    first.done(json!({"command": "update", "game": "quake"}));
    let updated = tree(&quake.join("local"));
    assert_eq!(updated.get("saves/1.sav"), Some(&print(b"level 7")));
    first.stop();
    let mut first = party.start(1);
    let seen = first.until("the rest is still named", |s| !codes(s, &hexen).is_empty());
    assert!(codes(&seen, &quake).is_empty(), "{:#}", seen["problems"]);
}
