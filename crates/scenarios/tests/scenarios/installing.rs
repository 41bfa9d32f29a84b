//! Installing, updating, removing: what is the user's stays the user's.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    fetching::done_bytes,
    games::{Game, Kind, noise, settle},
    party::{Party, is_there},
    peer::{Peer, game_in},
    trees::{Tree, bytes_of, payload, print, tree},
};

/// Two peers on loopback: the first has a game, the second has downloaded and installed it.
fn installed(party: &Party, game: &Game) -> (Peer, Peer) {
    game.write(&party.games(1));
    let mut first = party.start(1);
    first.until_shared(&game.id());
    let address = first.address().to_string();
    let mut second = party.start_with(2, &["--connect", &address]);
    second.until_ready(&game.id(), 1);
    second.get(&game.id());
    (first, second)
}

/// Puts another version in the place of a published one.
fn replace(peer: &mut Peer, party: &Party, game: &Game) {
    fs::remove_dir_all(party.games(1).join(&game.name)).unwrap();
    game.write(&party.games(1));
    peer.ask(json!({"command": "rescan"}));
    let version = game.version;
    peer.until(version, |s| {
        let local = game_in(s, &game.id())["local"].clone();
        local["downloaded"] == version && local["availability"] == "ready"
    });
}

/// An update of an installed game: until it is committed the old version stays whole; the save,
/// the changed settings and the added mod are there afterwards.
#[test]
fn s09_update_while_installed() {
    let party = Party::on_loopback();
    let plain = |version| Game::new("Quake", version, 16).with("settings.ini", b"volume=1\n");
    let old = plain("1.9")
        .packed(Kind::Rar)
        .with("keys.ini", b"jump=space\n");
    let new = plain("1.10")
        .packed(Kind::Rar)
        .with("keys.ini", b"jump=space\nduck=c\n");
    let (mut first, mut second) = installed(&party, &old);
    let root = party.games(2).join("quake");
    let local = root.join("local");
    fs::create_dir_all(local.join("saves")).unwrap();
    fs::write(local.join("saves/slot1.sav"), b"level 7").unwrap();
    fs::write(local.join("data/mod.pak"), b"my mod").unwrap();
    fs::write(local.join("settings.ini"), b"volume=11\n").unwrap();
    fs::write(local.join("keys.ini"), b"jump=mouse2\n").unwrap();
    let (before, before_payload) = (tree(&local), payload(&root));

    replace(&mut first, &party, &new);
    second.until("an update", |s| {
        game_in(s, "quake")["update_available"] == true
    });
    second.ask(json!({"command": "set_settings", "down_rate_max": 1_000_000}));
    let operation = second.begin(json!({"command": "update", "game": "quake"}));
    // Looking for equal chunks counts bytes too.
    second.until("some of it", |s| {
        let is_here = game_in(s, "quake")["operation"]["phase"] == "downloading";
        is_here && done_bytes(s, "quake") > 3_000_000
    });
    assert_eq!(
        tree(&local),
        before,
        "the old installation is whole meanwhile"
    );
    assert_eq!(
        payload(&root),
        before_payload,
        "the old payload is whole meanwhile"
    );
    let phase = second.game("quake")["operation"]["phase"].clone();
    assert_eq!(phase, "downloading", "too late to see that");
    second.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    second.done_with("quake", operation);

    let mut expected = new.installed();
    for (path, bytes) in [
        ("saves/slot1.sav", &b"level 7"[..]),
        ("data/mod.pak", b"my mod"),
        ("settings.ini", b"volume=11\n"),
        ("keys.ini.old", b"jump=mouse2\n"),
    ] {
        expected.insert(path.to_owned(), print(bytes));
    }
    assert_eq!(tree(&local), expected);
    assert_eq!(payload(&root), payload(&party.games(1).join("Quake")));
    let now = second.game("quake")["local"].clone();
    assert_eq!(now["installed"]["version"], "1.10", "{now:#}");
    assert!(!is_there(&root.join(".local.backup")));
}

/// What may be removed when: an installed game's payload only when that is wanted, and then it is
/// no source any more; nothing of it is left in the end.
#[test]
fn s12_remove_and_uninstall() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 3).packed(Kind::Zip);
    let (mut first, mut second) = installed(&party, &game);
    let root = party.games(2).join("quake");
    first.until_ready("quake", 2);
    second.refused(
        json!({"command": "remove", "game": "quake"}),
        "still-installed",
    );
    second.done(json!({"command": "remove", "game": "quake", "keep_installed": true}));
    assert_eq!(names(&root), ["local"]);
    assert_eq!(tree(&root.join("local")), game.installed());
    let seen = first.until("no second source", |s| {
        game_in(s, "quake")["contents"][0]["ready"] == 1
    });
    let content = &game_in(&seen, "quake")["contents"][0];
    assert_eq!(content["local_only"], 1, "{content:#}");
    second.done(json!({"command": "uninstall", "game": "quake"}));
    assert_eq!(names(&root), [""; 0]);
    second.refused(
        json!({"command": "uninstall", "game": "quake"}),
        "not-installed",
    );
    second.refused(
        json!({"command": "remove", "game": "quake"}),
        "not-downloaded",
    );
    second.until("neither", |s| {
        let local = game_in(s, "quake")["local"].clone();
        local["installed"].is_null() && local["downloaded"].is_null()
    });
    second.get("quake");
    assert_eq!(tree(&root.join("local")), game.installed());
    second.done(json!({"command": "uninstall", "game": "quake"}));
    second.done(json!({"command": "remove", "game": "quake"}));
    assert!(!is_there(&root), "{:?}", names(&root));
}

/// An uninstall puts the user's files into `kept/`; only `--purge` loses them.
#[test]
fn s33_uninstall_keeps_what_is_the_users() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 3).with("settings.ini", b"volume=1\n");
    let (_first, mut second) = installed(&party, &game);
    let root = party.games(2).join("quake");
    let play = || {
        fs::create_dir_all(root.join("local/saves")).unwrap();
        fs::write(root.join("local/saves/slot1.sav"), b"level 7").unwrap();
        fs::write(root.join("local/settings.ini"), b"volume=11\n").unwrap();
    };
    play();
    second.done(json!({"command": "uninstall", "game": "quake"}));
    assert!(!is_there(&root.join("local")));
    let kept = tree(&root.join("kept"));
    let mut files: Vec<_> = (kept.iter())
        .map(|(path, print)| (path.split_once('/').unwrap().1, print.clone()))
        .collect();
    files.sort();
    let expected = [
        ("saves/slot1.sav", print(b"level 7")),
        ("settings.ini", print(b"volume=11\n")),
    ];
    assert_eq!(files, expected);
    let local = second.game("quake")["local"].clone();
    assert_eq!(local["kept_bytes"], 17, "{local:#}");
    second.done(json!({"command": "install", "game": "quake"}));
    play();
    let (code, out, err) = party.cli(2, &["uninstall", "quake", "--purge", "--wait"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!is_there(&root.join("local")));
    assert_eq!(tree(&root.join("kept")), kept, "what was kept before stays");
}

/// An update whose archive is damaged fails and changes nothing that is installed; neither does a
/// kill at any moment of an install. Whatever happened, the user's files are there at the end.
#[test]
fn s28_the_users_files_survive_everything() {
    let party = Party::on_loopback();
    let version = |version| Game::new("Quake", version, 48).packed(Kind::Rar);
    let old = version("1.0");
    let (mut first, mut second) = installed(&party, &old);
    let root = party.games(2).join("quake");
    let save = |tree: &mut Tree| {
        tree.insert("saves/slot1.sav".to_owned(), print(b"level 7"));
    };
    fs::create_dir_all(root.join("local/saves")).unwrap();
    fs::write(root.join("local/saves/slot1.sav"), b"level 7").unwrap();
    let mut before = old.installed();
    save(&mut before);

    replace(&mut first, &party, &version("1.1"));
    damage(&party.games(1).join("Quake/game.eti"));
    first.ask(json!({"command": "rescan"}));
    first.until_shared("quake");
    second.until("an update", |s| {
        game_in(s, "quake")["update_available"] == true
    });
    let report = second.failed(json!({"command": "update", "game": "quake"}));
    assert_eq!(report["code"], "checksum-mismatch", "{report:#}");
    assert_eq!(tree(&root.join("local")), before);
    let local = second.game("quake")["local"].clone();
    assert_eq!(local["installed"]["version"], "1.0", "{local:#}");

    let new = version("1.2");
    replace(&mut first, &party, &new);
    let newest = first.until_shared("quake");
    second.until("a newer one", |s| game_in(s, "quake")["newest"] == newest);
    second.done(json!({"command": "get", "game": "quake", "install": false}));
    let mut after = new.installed();
    save(&mut after);
    second.stop();
    let mut killed = 0;
    for moment in 0..60 {
        let mut again = party.start(2);
        let seen = again.until("the old or the new version", |s| {
            !game_in(s, "quake")["local"]["installed"].is_null()
        });
        let version = game_in(&seen, "quake")["local"]["installed"]["version"].clone();
        let expected = if version == "1.2" { &after } else { &before };
        assert_eq!(
            &tree(&root.join("local")),
            expected,
            "after a kill, with {version}"
        );
        if version == "1.2" {
            break;
        }
        again.until_shared("quake");
        again.begin(json!({"command": "install", "game": "quake"}));
        // Close together at first, and seconds apart for a machine that needs seconds.
        let end = Instant::now() + Duration::from_millis(2 * moment * moment);
        while Instant::now() < end && again.game("quake")["operation"]["phase"] != "done" {}
        again.kill();
        killed += 1;
    }
    assert!(killed > 2, "the install was over too soon to be killed");
    let mut last = party.start(2);
    last.until_shared("quake");
    if last.game("quake")["local"]["installed"]["version"] != "1.2" {
        last.done(json!({"command": "install", "game": "quake"}));
    }
    assert_eq!(tree(&root.join("local")), after);
    assert_eq!(names(&root), ["game.eti", "local", "version.ini"]);
    last.done(json!({"command": "uninstall", "game": "quake"}));
    let kept: Vec<_> = tree(&root.join("kept")).into_values().collect();
    assert_eq!(kept, [print(b"level 7")]);
}

/// Changes one byte of a packed file: the listing is right, the checksum is not.
fn damage(archive: &Path) {
    let mut bytes = fs::read(archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(archive, bytes).unwrap();
    settle(archive.parent().unwrap());
}

/// An update fetches only what it does not have: equal chunks are taken from the old version, or
/// from a directory that was named and holds an older copy.
#[test]
fn s34_equal_chunks_are_not_fetched() {
    let party = Party::on_loopback();
    let large = noise("the same in every version", 24_000_000);
    let version = |version| Game::new("Quake", version, 1).with("data/textures.pak", &large);
    let (mut first, mut second) = installed(&party, &version("1.0"));
    let before = second.fetched()[&first.key()];
    let new = version("1.1");
    replace(&mut first, &party, &new);
    second.until("an update", |s| {
        game_in(s, "quake")["update_available"] == true
    });
    second.done(json!({"command": "update", "game": "quake"}));
    let fetched = second.fetched()[&first.key()] - before;
    assert!(
        fetched < 6_000_000,
        "{fetched} bytes for an update of 1.4 MB"
    );
    assert_eq!(tree(&party.games(2).join("quake/local")), new.installed());

    let usb = party.folder("usb stick");
    version("0.9").write_folder(&usb);
    let address = first.address().to_string();
    let mut third = party.start_with(3, &["--connect", &address]);
    third.until_ready("quake", 1);
    third.done(json!({"command": "get", "game": "quake", "from": usb}));
    let fetched = third.fetched().values().sum::<u64>();
    assert!(
        fetched < 6_000_000,
        "{fetched} bytes, though 24 MB lay on the stick"
    );
    // What was announced adds up to the payload: what came, and what lay here.
    let chunks = third.notices_of("chunk_finished");
    let told: u64 = chunks.iter().map(|c| c["bytes"].as_u64().unwrap()).sum();
    let here = chunks.iter().filter(|chunk| chunk["peer"].is_null());
    let here: u64 = here.map(|chunk| chunk["bytes"].as_u64().unwrap()).sum();
    let all = bytes_of(&payload(&party.games(3).join("quake")));
    assert_eq!((told, here + fetched), (all, all));
    assert_eq!(tree(&party.games(3).join("quake/local")), new.installed());
}

/// The names in a game's directory, sorted.
fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
