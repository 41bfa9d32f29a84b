//! The games directory under way: changed, full, unplugged; and a node that stops and starts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    fetching::done_bytes,
    games::{Game, settle},
    party::{Party, is_there},
    peer::{Peer, game_in},
    trees::{entries, payload, tree},
};

/// A file system of its own in memory; unmounted when dropped.
pub(crate) struct Volume(PathBuf);

impl Volume {
    /// Mounts one of so many MiB; `None`, and a visible skip, where that is not allowed.
    pub(crate) fn mount(scenario: &str, at: &Path, mebibytes: u32) -> Option<Self> {
        let size = format!("size={mebibytes}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "lanspread-scenario"]);
        let output = command.arg(at).output().unwrap();
        if output.status.success() {
            return Some(Self(at.to_owned()));
        }
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        lanspread_lab::skip(scenario, &format!("needs a mount: {reason}"));
        None
    }

    /// Takes it away as an unplugged disk, even when files are open.
    fn unplug(&self) {
        let status = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // It may be unplugged already.
        drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
    }
}

/// Bytes that are free where a directory lies.
pub(crate) fn free_bytes(place: &Path) -> u64 {
    let mut command = Command::new("stat");
    command.args(["--file-system", "--format=%a %S"]).arg(place);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = text.split_whitespace().map(|n| n.parse::<u64>().unwrap());
    numbers.product()
}

/// A giver on loopback with a shared game, and its address.
fn giver(party: &Party, game: &Game) -> (Peer, String) {
    game.write(&party.games(1));
    let mut giver = party.start(1);
    giver.until_shared(&game.id());
    let address = giver.address().to_string();
    (giver, address)
}

/// A volume of 64 MiB that the game does not fit on: refused with both numbers before the first
/// byte, nothing is left behind. One that fills up in the middle: an error that says so, and the
/// rest is fetched once there is room.
#[test]
fn s14_no_space_left() {
    let party = Party::on_loopback();
    let games = party.games(2);
    let Some(_volume) = Volume::mount("s14_no_space_left", &games, 64) else {
        return;
    };
    let (_giver, address) = giver(&party, &Game::new("Big", "1", 60));
    let small = Game::new("Small", "1", 12);
    small.write(&party.games(1));
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("big", 1);
    let report = taker.failed(json!({"command": "get", "game": "big"}));
    assert_eq!(report["code"], "disk-full", "{report:#}");
    // Payload, installation, and the twentieth part that stays free.
    let message = report["message"].as_str().unwrap();
    assert!(
        message.contains("needs 124 MB and has 67.1 MB free; payload: 60.4 MB; unpacked: 60.4 MB"),
        "{message}"
    );
    let left = entries(&games);
    assert!(
        left.is_subset(&BTreeSet::from([games.join("big")])),
        "{left:?}"
    );
    let (code, _, err) = party.cli(2, &["get", "big", "--wait"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("disk-full"), "{err}");

    taker.until_ready("small", 1);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 500_000}));
    let operation = taker.begin(json!({"command": "get", "game": "small"}));
    taker.until("some bytes", |s| done_bytes(s, "small") > 1_000_000);
    let filler = games.join("filler");
    let full = fs::write(&filler, vec![1; 64 << 20]);
    assert!(full.is_err(), "the volume holds more than it should");
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    let end = taker.ended("small", operation);
    assert_eq!(
        (&end["phase"], &end["error"]["code"]),
        (&"failed".into(), &"disk-full".into())
    );
    fs::remove_file(&filler).unwrap();
    taker.get("small");
    assert_eq!(tree(&games.join("small/local")), small.installed());
}

/// Two downloads that fit each alone, not both: the second is refused before its first byte, with
/// what the first will still write; nobody is promised room that somebody else has. When the first
/// is gone, the second fits.
#[test]
fn s14_two_downloads_for_one_place() {
    let party = Party::on_loopback();
    let games = party.games(2);
    let Some(_volume) = Volume::mount("s14_two_downloads_for_one_place", &games, 64) else {
        return;
    };
    let (_giver, address) = giver(&party, &Game::new("First", "1", 36));
    let second = Game::new("Second", "1", 36);
    second.write(&party.games(1));
    let mut taker = party.start_with(2, &["--connect", &address]);
    for game in ["first", "second"] {
        taker.until_ready(game, 1);
    }
    taker.ask(json!({"command": "set_settings", "down_rate_max": 500_000}));
    let get = |game: &str| json!({"command": "get", "game": game, "install": false});
    let first = taker.begin(get("first"));
    taker.until("some bytes", |s| done_bytes(s, "first") > 2_000_000);
    let report = taker.failed(get("second"));
    assert_eq!(report["code"], "disk-full", "{report:#}");
    let message = report["message"].as_str().unwrap();
    assert!(
        message.contains("reserved by running operations: 3"),
        "{message}"
    );
    taker.ask(json!({"command": "cancel", "game": "first", "discard": true}));
    taker.ended("first", first);
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    taker.done(get("second"));
    assert_eq!(
        payload(&games.join("second")),
        payload(&party.games(1).join("Second"))
    );
}

/// The disk with the games is unplugged: unavailable, nothing is forgotten or offered; then it is
/// back, and so is everything.
#[test]
fn s15_unplugged_and_back() {
    check_unplugged("s15_unplugged_and_back", false);
}

/// The same where an empty directory lies below the mount: it is not the one that held games.
#[test]
fn s15_an_empty_mount_point() {
    check_unplugged("s15_an_empty_mount_point", true);
}

fn check_unplugged(scenario: &str, mount_point_is_empty: bool) {
    let party = Party::on_loopback();
    let disk = party.folder("disk");
    let games = party.games(1);
    let Some(volume) = Volume::mount(scenario, &disk, 64) else {
        return;
    };
    fs::remove_dir(&games).unwrap();
    std::os::unix::fs::symlink(disk.join("games"), &games).unwrap();
    fs::create_dir(disk.join("games")).unwrap();
    let game = Game::new("Quake", "1.0", 4);
    game.write(&disk.join("games"));
    let mut owner = party.start(1);
    let content = owner.until_shared("quake");
    let address = owner.address().to_string();
    let mut other = party.start_with(2, &["--connect", &address]);
    other.until_ready("quake", 1);
    volume.unplug();
    if mount_point_is_empty {
        // What is left is an empty directory of that name.
        fs::create_dir(disk.join("games")).unwrap();
    }
    owner.refused(json!({"command": "rescan"}), "games-dir-unavailable");
    let seen = owner.until("unavailable", |s| s["me"]["games_dir_available"] == false);
    assert_eq!(
        game_in(&seen, "quake")["local"]["downloaded"],
        "1.0",
        "{seen:#}"
    );
    other.until("nothing offered", |s| ready(s, "quake") == 0);
    let report = owner.failed(json!({"command": "remove", "game": "quake"}));
    assert_eq!(report["code"], "games-dir-unavailable", "{report:#}");
    let back = Volume::mount(scenario, &disk, 64).unwrap();
    fs::create_dir(disk.join("games")).unwrap();
    game.write(&disk.join("games"));
    owner.ask(json!({"command": "rescan"}));
    owner.until("available", |s| s["me"]["games_dir_available"] == true);
    assert_eq!(owner.until_shared("quake"), content);
    other.until("offered again", |s| ready(s, "quake") == 1);
    other.get("quake");
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    drop(back);
}

/// The games directory is unmounted in the middle of a download, or renamed: the download says so
/// and waits; when it is back, it goes on by itself, and fetches no chunk twice that was there.
#[test]
fn s15_away_during_a_download() {
    let party = Party::on_loopback();
    let disk = party.folder("disk");
    let games = party.games(2);
    let Some(_volume) = Volume::mount("s15_away_during_a_download", &disk, 128) else {
        return;
    };
    let (_giver, address) = giver(&party, &Game::new("Quake", "1.0", 24));
    let game = Game::new("Quake", "1.0", 24);
    let mut bound = vec![bind(&disk, &games)];
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 1_000_000}));
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    let aside = games.with_file_name("aside");
    for (more, renamed) in [(4_000_000, false), (10_000_000, true)] {
        taker.until("some bytes", |s| done_bytes(s, "quake") > more);
        unplug(&games);
        // Without that, an empty directory lies where the games were.
        if renamed {
            fs::rename(&games, &aside).unwrap();
        }
        let waits = |s: &Value| phase(s, "quake") == "waiting_for_games_dir";
        taker.until("it waits", waits);
        if renamed {
            fs::rename(&aside, &games).unwrap();
        }
        bound.push(bind(&disk, &games));
        taker.until("it goes on", |s| phase(s, "quake") == "downloading");
    }
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&games.join("quake/local")), game.installed());
    let fetched: u64 = taker.fetched().values().sum();
    // Twice at most what was on its way, each time.
    assert!(fetched < 24_000_000 + 6_000_000, "{fetched}");
}

/// Shows one directory at another place, until it is taken away.
pub(crate) fn bind(from: &Path, at: &Path) -> Volume {
    let mut command = Command::new("mount");
    let status = command.arg("--bind").arg(from).arg(at).status();
    assert!(status.unwrap().success());
    Volume(at.to_owned())
}

pub(crate) fn unplug(at: &Path) {
    let status = Command::new("umount").arg("--lazy").arg(at).status();
    assert!(status.unwrap().success());
}

fn phase(snapshot: &Value, game: &str) -> String {
    let phase = &game_in(snapshot, game)["operation"]["phase"];
    phase.as_str().unwrap_or_default().to_owned()
}

/// Another games directory during a download, first moved, then used as it is: the download pauses
/// and goes on in the new one; what is moved takes its verified chunks along, and what is not stays
/// as it was.
#[test]
fn s16_another_games_directory() {
    let party = Party::on_loopback();
    let (game, next) = (Game::new("Quake", "1.0", 16), Game::new("Next", "2", 12));
    let (mut giver, address) = giver(&party, &game);
    next.write(&party.games(1));
    giver.ask(json!({"command": "rescan"}));
    let mut taker = party.start_with(2, &["--connect", &address]);
    let own = Game::new("Own", "3", 2);
    own.write(&party.games(2));
    taker.ask(json!({"command": "rescan"}));
    taker.until_shared("own");
    let (first, second) = (party.games(2), party.folder("elsewhere"));
    let mut change_during = |game: &Game, to: &Path, moves: bool| {
        let id = game.id();
        taker.until_ready(&id, 1);
        taker.ask(json!({"command": "set_settings", "down_rate_max": 1_000_000}));
        let operation = taker.begin(json!({"command": "get", "game": id}));
        taker.until("some bytes", |s| done_bytes(s, &id) > 2_000_000);
        taker.ask(json!({"command": "set_games_dir", "folder": to, "move": moves}));
        taker.until("the other directory", |s| {
            s["me"]["games_dir"] == to.to_str().unwrap()
        });
        taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
        taker.done_with(&id, operation);
        assert_eq!(tree(&to.join(&id).join("local")), game.installed());
    };
    change_during(&game, &second, true);
    assert_eq!(entries(&first), BTreeSet::new());
    assert_eq!(payload(&second.join("Own")), own.installed());
    change_during(&next, &first, false);
    assert_eq!(tree(&second.join("quake/local")), game.installed());
    assert!(!is_there(&second.join("next/version.ini")));
}

/// A byte of a shared game changes on disk: it is withdrawn and hashed again; nobody ever gets a
/// mixture.
#[test]
fn s27_changed_on_disk() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 16);
    let (mut giver, address) = giver(&party, &game);
    let before = giver.until_shared("quake");
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 500_000}));
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    taker.until("some bytes", |s| done_bytes(s, "quake") > 1_000_000);
    let file = party.games(1).join("Quake/data/all.pak");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    settle(&party.games(1).join("Quake"));
    giver.ask(json!({"command": "rescan"}));
    giver.until("another content", |s| {
        let local = game_in(s, "quake")["local"].clone();
        local["availability"] == "ready" && local["content"] != before
    });
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    taker.until("no source", |s| {
        game_in(s, "quake")["operation"]["phase"] == "waiting_for_source"
    });
    assert!(!is_there(&party.games(2).join("quake/version.ini")));
    assert_eq!(
        taker.notices_of("peer_refused"),
        [] as [Value; 0],
        "nobody lied"
    );
    taker.ask(json!({"command": "cancel", "game": "quake", "discard": true}));
    taker.ended("quake", operation);
    taker.until_ready("quake", 1);
    taker.get("quake");
    let changed = game.with("data/all.pak", &bytes);
    assert_eq!(
        tree(&party.games(2).join("quake/local")),
        changed.installed()
    );
}

/// A restart hashes nothing: the index knows every file by size, time and identity. So a byte that
/// changed while all three stayed is seen only by who reads the file again.
#[test]
fn s29_restart_hashes_nothing() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 30);
    let root = game.write(&party.games(1));
    let mut first = party.start(1);
    let content = first.until_shared("quake");
    first.stop();
    let file = root.join("data/all.pak");
    flip_unseen(&file);
    let mut second = party.start(1);
    assert_eq!(second.until_shared("quake"), content, "it was read again");
    let hashed = second.snapshot()["me"]["hashing"].clone();
    assert_eq!(hashed, Value::Null);
    second.stop();
    flip_unseen(&file);
    let mut third = party.start(1);
    assert_eq!(third.until_shared("quake"), content);
    let address = third.address().to_string();
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.get("quake");
    assert_eq!(taker.fetched().keys().collect::<Vec<_>>(), [&third.key()]);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
}

/// Flips a bit of a file, in place, and puts its time back: nobody can tell without reading it.
fn flip_unseen(file: &Path) {
    let changed = fs::metadata(file).unwrap().modified().unwrap();
    let mut bytes = fs::read(file).unwrap();
    bytes[12_345] ^= 1;
    fs::write(file, bytes).unwrap();
    let opened = fs::File::options().write(true).open(file).unwrap();
    opened.set_modified(changed).unwrap();
}

/// A second start on the same state directory ends with 4 and disturbs nobody; after the first one
/// stopped, even by force, there is room again. A node with a state of its own on the same games
/// directory ends with 1, and says which directory it is and who has it.
#[test]
fn s32_one_owner() {
    let party = Party::on_loopback();
    let mut first = party.start(1);
    let key = first.key();
    let (code, out, err) = party.cli(1, &["node", "--jsonl", "--no-mdns"]);
    assert_eq!(code, 4, "{out}{err}");
    assert!(!err.is_empty());
    first.snapshot();
    let games = party.games(1).display().to_string();
    let (code, out, err) = party.cli(2, &["node", "--jsonl", "--no-mdns", "--games", &games]);
    assert_eq!(code, 1, "{out}{err}");
    for word in [games.as_str(), "--games", "(process "] {
        assert!(
            err.contains(word) || out.contains(word),
            "{word}: {out}{err}"
        );
    }
    first.snapshot();
    first.kill();
    let mut again = party.start(1);
    assert_eq!(again.key(), key);
    again.snapshot();
    again.stop();
    let (code, _, err) = party.cli(1, &["status"]);
    assert_eq!(code, 3, "{err}");
}

/// Peers that have a game ready.
fn ready(snapshot: &Value, game: &str) -> u64 {
    let game = game_in(snapshot, game);
    let contents = game["contents"].as_array().into_iter().flatten();
    contents
        .map(|content| content["ready"].as_u64().unwrap())
        .sum()
}
