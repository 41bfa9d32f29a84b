//! Verify: what rotted is mended, what the user did is named and stays.

use std::{
    fs::{self, File},
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    games::{Game, Kind, settle},
    party::{Party, is_there},
    peer::{Peer, game_in},
    trees::{payload, print, tree},
};

/// Most that may be fetched for one bad chunk: the chunk, and small files that travel with it.
const CHUNK_BYTES: u64 = 1 << 20;

/// Flips a byte and leaves size and time as they were: what a bad disk does.
fn rot(path: &Path, at: usize) {
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// A giver of a game and a taker that has installed it, which is stopped now.
fn installed(party: &Party, game: &Game) -> (Peer, String) {
    game.write(&party.games(1));
    let mut giver = party.start(1);
    giver.until_shared(&game.id());
    let address = giver.address().to_string();
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready(&game.id(), 1);
    taker.get(&game.id());
    taker.stop();
    (giver, address)
}

fn names(listed: &Value) -> Vec<&str> {
    let first = listed["first"].as_array().unwrap();
    first.iter().map(|name| name.as_str().unwrap()).collect()
}

/// A disk that rots, in the payload and in the installed game, and a file that is gone: only the
/// bad chunks come from the other peer, only damaged files are unpacked again, and what the user
/// did stays until it is put back by force.
#[test]
fn s40_verify_mends_what_rotted() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 9).packed(Kind::Rar);
    let (_giver, address) = installed(&party, &game);
    let root = party.games(2).join("quake");
    let (whole, local) = (payload(&root), root.join("local"));
    let archive = root.join("game.eti");
    rot(&archive, 5_000_000);
    rot(&archive, 5_000_100);
    rot(&local.join("data/all.pak"), 77);
    fs::remove_file(local.join("bin/game.exe")).unwrap();
    fs::write(local.join("Lies mich.txt"), b"not as it was").unwrap();
    fs::write(local.join("save.dat"), b"level 7").unwrap();
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_shared("quake");
    taker.until_connected(1);

    let end = taker.done(json!({"command": "verify", "game": "quake"}));
    let found = &end["verified"];
    assert_eq!(names(&found["payload_damaged"]), ["game.eti"], "{end:#}");
    let damaged = names(&found["local_damaged"]);
    assert_eq!(damaged, ["bin/game.exe", "data/all.pak"], "{end:#}");
    assert_eq!(names(&found["local_changed"]), ["Lies mich.txt"], "{end:#}");
    assert_eq!(names(&found["local_unknown"]), ["save.dat"], "{end:#}");
    assert_eq!(payload(&root), whole);
    let mut expected = game.installed();
    expected.insert("Lies mich.txt".to_owned(), print(b"not as it was"));
    expected.insert("save.dat".to_owned(), print(b"level 7"));
    assert_eq!(tree(&local), expected);
    let fetched: u64 = taker.fetched().values().sum();
    assert!((1..=2 * CHUNK_BYTES).contains(&fetched), "{fetched} bytes");
    // The disk did it, so nothing is kept of what rotted.
    assert!(!is_there(&root.join("kept")));
    taker.until_shared("quake");

    let (code, out, err) = party.cli(2, &["verify", "quake", "--force", "--wait"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("put back, yours is in kept/: Lies mich.txt"),
        "{out}"
    );
    expected.insert(
        "Lies mich.txt".to_owned(),
        game.installed()["Lies mich.txt"].clone(),
    );
    assert_eq!(tree(&local), expected);
    let kept: Vec<_> = tree(&root.join("kept")).into_values().collect();
    assert_eq!(kept, [print(b"not as it was")]);
}

/// Somebody wrote into the download: it is brought back to what was downloaded, and what they wrote
/// is kept.
#[test]
fn s41_verify_of_a_download_that_was_changed() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 3);
    let (mut giver, address) = installed(&party, &game);
    let content = giver.until_shared("quake");
    let root = party.games(2).join("quake");
    let whole = payload(&root);
    fs::write(root.join("data/level one.map"), b"my own map").unwrap();
    fs::remove_file(root.join("empty.cfg")).unwrap();
    settle(&root);
    let mut taker = party.start_with(2, &["--connect", &address]);
    let other = taker.until_shared("quake");
    assert_ne!(other, content, "it is another content by now");
    taker.until_connected(1);
    let end = taker.done(json!({"command": "verify", "game": "quake"}));
    let damaged = names(&end["verified"]["payload_damaged"]);
    assert_eq!(damaged, ["data/level one.map", "empty.cfg"], "{end:#}");
    assert_eq!(payload(&root), whole);
    let kept: Vec<_> = tree(&root.join("kept")).into_values().collect();
    assert_eq!(kept, [print(b"my own map")]);
    assert_eq!(taker.until_shared("quake"), content);
}

/// Nobody is there to mend from: it waits, does not serve what is damaged, and can be killed and
/// asked again; when somebody comes, it goes on. An installed game without its payload says so.
#[test]
fn s42_verify_waits_for_a_source() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 3);
    let (giver, _) = installed(&party, &game);
    giver.stop();
    let root = party.games(2).join("quake");
    let whole = payload(&root);
    rot(&root.join("data/all.pak"), 1_500_000);
    let rotten = payload(&root);
    let waits = |taker: &mut Peer| {
        taker.until_shared("quake");
        let operation = taker.begin(json!({"command": "verify", "game": "quake"}));
        taker.until("waits, and serves nothing", |s| {
            let game = game_in(s, "quake");
            game["operation"]["phase"] == "waiting_for_source"
                && game["local"]["availability"].is_null()
        });
        operation
    };
    let mut taker = party.start(2);
    waits(&mut taker);
    taker.kill();
    let mut taker = party.start(2);
    let operation = waits(&mut taker);
    taker.ask(json!({"command": "cancel", "game": "quake"}));
    assert_eq!(taker.ended("quake", operation)["phase"], "cancelled");
    assert_eq!(payload(&root), rotten);
    assert!(!is_there(&root.join(".incoming")));
    let operation = taker.begin(json!({"command": "verify", "game": "quake"}));
    let mut giver = party.start(1);
    let address = giver.address().to_string();
    taker.ask(json!({"command": "connect", "address": address}));
    taker.done_with("quake", operation);
    assert_eq!(payload(&root), whole);

    taker.done(json!({"command": "remove", "game": "quake", "keep_installed": true}));
    taker.done(json!({"command": "verify", "game": "quake"}));
    fs::remove_file(root.join("local/bin/game.exe")).unwrap();
    let report = taker.failed(json!({"command": "verify", "game": "quake"}));
    assert_eq!(report["code"], "nothing-to-mend-from", "{report:#}");
    assert!(!report["hints"].as_array().unwrap().is_empty());
}
