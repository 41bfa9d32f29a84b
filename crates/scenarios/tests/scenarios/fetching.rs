//! Downloading from many, while sources come, go and break off.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use lanspread_lab::{LabConfig, Rate, Rule};
use serde_json::{Value, json};

use crate::{
    games::{Game, Kind, noise},
    party::{Party, is_there},
    peer::{Peer, SOON, game_in},
    trees::{payload, tree},
};

/// Three sources whose cables are slower than the downloader's: bytes come from each.
#[test]
fn s03_three_sources() {
    let Some(party) = Party::in_lab("s03_three_sources", LabConfig::new(4)) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 24);
    let mut sources = Vec::new();
    for number in 1..=3 {
        game.write(&party.games(number));
        let host = party.host(number);
        host.limit(0, Some(Rate::mbit(12)), None).unwrap();
        sources.push(party.start(number));
    }
    let mut taker = party.start(4);
    taker.until_ready("quake", 3);
    taker.get("quake");
    let from = taker.fetched();
    for source in &sources {
        let bytes = from.get(&source.key()).copied().unwrap_or(0);
        assert!(bytes > 1_000_000, "{} gave {bytes}: {from:?}", source.name);
    }
    assert_eq!(tree(&party.games(4).join("quake/local")), game.installed());
}

/// A peer that is still downloading serves what it has to one that reaches nobody else.
#[test]
fn s04_a_partial_source_serves() {
    let Some(party) = Party::in_lab("s04_a_partial_source_serves", LabConfig::new(3)) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 40);
    game.write(&party.games(1));
    let (source, last) = (party.host(1), party.host(3));
    let block = [
        source.ipv4(0).into(),
        source.ipv6(0).into(),
        source.ipv6_link_local(0).into(),
    ];
    last.set_firewall(&block.map(Rule::Drop)).unwrap();
    let _first = party.start(1);
    let (mut middle, mut last) = (party.start(2), party.start(3));
    middle.until_ready("quake", 1);
    // It takes 40 seconds, unless it may go on sooner.
    middle.ask(json!({"command": "set_settings", "down_rate_max": 1_000_000}));
    let fetching = middle.begin(json!({"command": "get", "game": "quake"}));
    last.until("a partial source", |s| {
        game_in(s, "quake")["contents"][0]["partial"] == 1
    });
    let following = last.begin(json!({"command": "get", "game": "quake"}));
    last.until("bytes", |s| done_bytes(s, "quake") > 2_000_000);
    let ahead = middle.game("quake")["operation"].clone();
    assert_eq!(ahead["phase"], "downloading", "{ahead:#}");
    middle.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    middle.done_with("quake", fetching);
    last.done_with("quake", following);
    let from = last.fetched();
    assert_eq!(from.keys().collect::<Vec<_>>(), [&middle.key()]);
    assert_eq!(tree(&party.games(3).join("quake/local")), game.installed());
}

/// Of two sources one is killed when both have given something: the other one delivers the rest.
#[test]
fn s05_a_source_dies() {
    let Some(party) = Party::in_lab("s05_a_source_dies", LabConfig::new(3)) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 24);
    for number in [1, 2] {
        game.write(&party.games(number));
    }
    let (first, second, mut taker) = (party.start(1), party.start(2), party.start(3));
    taker.until_ready("quake", 2);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 1_500_000}));
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    let mut gave = BTreeSet::new();
    while gave.len() < 2 {
        let chunk = taker.until_notice("bytes of another source", |notice| {
            notice["notice"] == "chunk_finished" && !gave.contains(&notice["peer"].to_string())
        });
        gave.insert(chunk["peer"].to_string());
    }
    first.kill();
    let before = taker.fetched();
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    taker.done_with("quake", operation);
    let after = taker.fetched()[&second.key()];
    let left = 24_000_000 - before.values().sum::<u64>();
    assert!(left > 5_000_000, "half of it was to come: {before:?}");
    let rest = after - before[&second.key()];
    // A piece or two of the dead one may have been under way.
    assert!(rest + 4_000_000 > left, "{before:?} then {rest} of {left}");
    assert_eq!(tree(&party.games(3).join("quake/local")), game.installed());
    assert_eq!(taker.notices_of("operation_failed"), [] as [Value; 0]);
}

/// The downloader is killed at ten moments that follow from a seed, and started again each time:
/// it goes on by itself, no chunk that was verified is fetched twice, and every byte is right.
#[test]
fn s08_the_downloader_dies_ten_times() {
    const SEED: &str = "ten deaths";
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 60);
    game.write(&party.games(1));
    let mut source = party.start(1);
    source.until_shared("quake");
    source.ask(json!({"command": "set_settings", "up_rate_max": 2_000_000}));
    let address = source.address().to_string();
    let mut moments = noise(SEED, 10).into_iter().enumerate();
    let mut seen = BTreeSet::new();
    let mut fruitful = 0;
    let mut first_life = true;
    loop {
        let before = seen.len();
        let mut taker = party.start_with(2, &["--connect", &address]);
        if std::mem::take(&mut first_life) {
            taker.until_ready("quake", 1);
            taker.begin(json!({"command": "get", "game": "quake"}));
        }
        let Some((number, moment)) = moments.next() else {
            source.ask(json!({"command": "set_settings", "up_rate_max": "off"}));
            taker.until("the game", |s| {
                game_in(s, "quake")["local"]["installed"]["version"] == "1.0"
            });
            note_chunks(&taker, &mut seen);
            break;
        };
        if number.is_multiple_of(2) {
            progress(&mut taker, u64::from(moment) * 20_000);
        } else {
            live_for(&mut taker, Duration::from_millis(u64::from(moment) * 3));
        }
        taker.signal(lanspread_lab::process::Signal::KILL);
        taker.until_silent();
        note_chunks(&taker, &mut seen);
        fruitful += u32::from(seen.len() > before);
    }
    assert!(fruitful >= 5, "only {fruitful} lives fetched anything");
    let root = party.games(2).join("quake");
    assert_eq!(payload(&root), game.installed());
    assert_eq!(tree(&root.join("local")), game.installed());
    assert!(!is_there(&root.join(".incoming")));
}

/// Waits until more than so many bytes arrived in this life.
pub(crate) fn progress(taker: &mut Peer, bytes: u64) {
    let end = Instant::now() + SOON;
    while taker.fetched().values().sum::<u64>() <= bytes {
        if Instant::now() >= end {
            taker.fail(&format!("more than {bytes} bytes did not come"));
        }
        taker.snapshot();
    }
}

/// Lets time pass: sometimes before anything goes on.
fn live_for(taker: &mut Peer, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        taker.snapshot();
    }
}

/// Takes down which chunks arrived; none may have arrived before.
pub(crate) fn note_chunks(taker: &Peer, seen: &mut BTreeSet<(String, u64)>) {
    for chunk in taker.notices_of("chunk_finished") {
        let file = chunk["file"].as_str().unwrap().to_owned();
        let offset = chunk["offset"].as_u64().unwrap();
        if !seen.insert((file, offset)) {
            taker.fail(&format!("was verified before: {chunk}"));
        }
    }
}

/// Two peers offer different bytes under one label: `get` asks, naming both, and takes the one
/// that is chosen; nothing of the other gets in.
#[test]
fn s10_same_label_other_bytes() {
    let party = Party::on_loopback();
    let honest = Game::new("Quake", "1.0", 3);
    let other = honest.clone().with("bin/game.exe", b"patched by somebody");
    honest.write(&party.games(1));
    other.write(&party.games(2));
    let (mut first, mut second) = (party.start(1), party.start(2));
    let contents = [first.until_shared("quake"), second.until_shared("quake")];
    assert_ne!(contents[0], contents[1]);
    let addresses = [first.address().to_string(), second.address().to_string()];
    let mut taker = party.start_with(3, &["--connect", &addresses[0], "--connect", &addresses[1]]);
    taker.until("both", |s| {
        game_in(s, "quake")["contents"].as_array().map(Vec::len) == Some(2)
    });
    assert_eq!(taker.game("quake")["conflict"], true);
    let (code, out, err) = party.cli(3, &["get", "quake", "--wait"]);
    assert_eq!(code, 1, "{out}{err}");
    for content in &contents {
        assert!(
            err.contains(content.as_str()),
            "{content} is no choice: {out}{err}"
        );
    }
    let report = taker.refused(json!({"command": "get", "game": "quake"}), "choose-content");
    assert_eq!(report["choices"].as_array().unwrap().len(), 2, "{report:#}");
    let (code, out, err) = party.cli(3, &["get", "quake", "--content", &contents[1], "--wait"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(tree(&party.games(3).join("quake/local")), other.installed());
    assert_eq!(taker.game("quake")["local"]["content"], contents[1]);
}

/// A cancel is no failure and keeps what was verified, so that the next try fetches only the rest;
/// `--discard` drops it.
#[test]
fn s11_cancel() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 24).packed(Kind::Rar);
    let root = game.write(&party.games(1));
    let mut source = party.start(1);
    source.until_shared("quake");
    let address = source.address().to_string();
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 2_000_000}));
    let kept = cancel_at(&mut taker, 8_000_000, false);
    assert!(kept >= 8_000_000, "{kept} bytes are kept");
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    let before = taker.fetched()[&source.key()];
    let end = taker.done(json!({"command": "get", "game": "quake", "install": false}));
    let fetched = taker.fetched()[&source.key()] - before;
    let total: u64 = end["total_bytes"].as_u64().unwrap();
    assert!(
        fetched <= total - kept,
        "{fetched} of {total} with {kept} there"
    );
    let copy = party.games(2).join("quake");
    assert_eq!(payload(&copy), payload(&root));
    taker.done(json!({"command": "remove", "game": "quake"}));
    taker.ask(json!({"command": "set_settings", "down_rate_max": 2_000_000}));
    assert_eq!(cancel_at(&mut taker, 4_000_000, true), 0);
    assert!(!is_there(&copy.join(".incoming")));
    assert_eq!(taker.notices_of("operation_failed"), [] as [Value; 0]);
    assert_eq!(taker.notices_of("operation_cancelled").len(), 2);
}

/// Cancels a download at so many bytes; returns how many are kept.
fn cancel_at(taker: &mut Peer, bytes: u64, discard: bool) -> u64 {
    let operation = taker.begin(json!({"command": "get", "game": "quake", "install": false}));
    taker.until("some bytes", |s| done_bytes(s, "quake") >= bytes);
    taker.ask(json!({"command": "cancel", "game": "quake", "discard": discard}));
    let end = taker.ended("quake", operation);
    assert_eq!(end["phase"], "cancelled", "{end:#}");
    let what = if discard {
        "nothing kept"
    } else {
        "kept chunks"
    };
    let seen = taker.until(what, |s| {
        let kept = game_in(s, "quake")["local"]["partial_bytes"].as_u64();
        (kept.unwrap_or(0) == 0) == discard
    });
    game_in(&seen, "quake")["local"]["partial_bytes"]
        .as_u64()
        .unwrap_or(0)
}

/// Verified bytes of the operation on a game.
pub(crate) fn done_bytes(snapshot: &Value, game: &str) -> u64 {
    let operation = &game_in(snapshot, game)["operation"];
    operation["done_bytes"].as_u64().unwrap_or(0)
}
