//! Low-disk installs: straight from the swarm; the archives are never stored.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    fetching::done_bytes,
    games::{Game, Kind, noise, settle},
    keeping::{Volume, bind, free_bytes, unplug},
    offer::Offer,
    party::{Party, is_there},
    peer::{Peer, game_in},
    trees::{bytes_of, payload, print, tree},
    wicked::{Habit, Wicked},
};

const KINDS: [Kind; 6] = [
    Kind::Tree,
    Kind::Zip,
    Kind::SevenZ,
    Kind::TarZst,
    Kind::Rar,
    Kind::RarVolumes,
];

fn low_disk(game: &str) -> Value {
    json!({"command": "get", "game": game, "low_disk": true})
}

/// Bytes that came from others so far.
fn crossed(peer: &Peer) -> u64 {
    peer.fetched().values().sum()
}

/// What lies in a game's directory.
fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every kind of payload is installed straight from the swarm: nothing of it is stored, it crosses
/// the network once, nobody gets it from here. An update is one of the same kind, and keeps what is
/// the user's.
#[test]
fn s37_low_disk_installs() {
    let party = Party::on_loopback();
    let game = |kind: Kind, version| {
        let game = Game::new("Quake", version, 24).packed(kind);
        game.called(format!("Quake {kind:?}"))
    };
    for kind in KINDS {
        game(kind, "1.9").write(&party.games(1));
    }
    let mut giver = party.start(1);
    for kind in KINDS {
        giver.until_shared(&game(kind, "1.9").id());
    }
    let address = giver.address().to_string();
    let mut taker = party.start_with(2, &["--connect", &address]);
    for kind in KINDS {
        let old = game(kind, "1.9");
        let (id, root) = (old.id(), party.games(2).join(old.id()));
        taker.until_ready(&id, 1);
        let before = crossed(&taker);
        taker.done(low_disk(&id));
        let bytes = bytes_of(&payload(&party.games(1).join(&old.name)));
        let came = crossed(&taker) - before;
        assert!(came <= bytes / 100 * 105, "{kind:?}: {came} of {bytes}");
        assert_eq!(tree(&root.join("local")), old.installed(), "{kind:?}");
        assert_eq!(names(&root), ["local"], "{kind:?}");
        let local = taker.game(&id)["local"].clone();
        assert_eq!(local["installed"]["version"], "1.9", "{local:#}");
        assert!(local["downloaded"].is_null(), "{local:#}");
        assert_eq!(local["availability"], "local_only");
        giver.until("no other source", |s| {
            let content = &game_in(s, &id)["contents"][0];
            content["ready"] == 1 && content["local_only"] == 1
        });
        taker.refused(low_disk(&id), "up-to-date");
        fs::write(root.join("local/save.sav"), b"level 7").unwrap();
    }
    // Who has no payload could not give it either way.
    let begun = taker.notices_of("low_disk_begun");
    assert_eq!(begun.len(), KINDS.len());
    assert!(begun.iter().all(|b| b["bytes_max"] == b["bytes"]));

    for kind in KINDS {
        let new = game(kind, "1.10");
        fs::remove_dir_all(party.games(1).join(&new.name)).unwrap();
        new.write(&party.games(1));
    }
    giver.ask(json!({"command": "rescan"}));
    for kind in KINDS {
        let new = game(kind, "1.10");
        let (id, root) = (new.id(), party.games(2).join(new.id()));
        taker.until("an update", |s| game_in(s, &id)["update_available"] == true);
        taker.done(json!({"command": "update", "game": id}));
        let mut expected = new.installed();
        expected.insert("save.sav".to_owned(), print(b"level 7"));
        assert_eq!(tree(&root.join("local")), expected, "{kind:?}");
        assert_eq!(names(&root), ["local"], "{kind:?}");
        let local = taker.game(&id)["local"].clone();
        assert_eq!(local["installed"]["version"], "1.10", "{local:#}");
    }
    let (code, out, err) = party.cli(2, &["get", "quake zip", "--low-disk", "--no-install"]);
    assert_eq!(code, 2, "{out}{err}");
}

/// A RAR of many files has its headers all over it, and they are read first. What the memory does
/// not hold comes a second time, which is said before anything comes.
#[test]
fn s37_low_disk_reads_a_rar_twice_at_most() {
    let party = Party::on_loopback();
    let mut game = Game::new("Quake", "1.0", 1).packed(Kind::Rar);
    for number in 0..280 {
        let path = format!("maps/{number}.map");
        let bytes = noise(&path, 500_000);
        game = game.with(&path, &bytes);
    }
    let source = game.write(&party.games(1));
    let profile = "[play]\nlinux = \"maps/1.map\"\n";
    fs::write(source.join("lanspread.toml"), profile).unwrap();
    settle(&source);
    let mut giver = party.start(1);
    giver.until_shared("quake");
    let address = giver.address().to_string();
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.done(low_disk("quake"));
    let root = party.games(2).join("quake");
    let mut expected = game.installed();
    expected.insert("lanspread.toml".to_owned(), print(profile.as_bytes()));
    assert_eq!(tree(&root.join("local")), expected);
    // How it is started lay beside the archive, and was brought along.
    taker.until("it can be played", |s| {
        game_in(s, "quake")["play"]["can_play"] == true
    });
    assert_eq!(names(&root), ["local"]);
    let bytes = fs::metadata(party.games(1).join("Quake/game.eti"))
        .unwrap()
        .len();
    let begun = taker.notices_of("low_disk_begun");
    let all = bytes + profile.len() as u64;
    assert_eq!(begun[0]["bytes"], all);
    assert_eq!(begun[0]["bytes_max"], all + bytes);
    let came = crossed(&taker);
    eprintln!("{came} came for {bytes}, memory {}", taker.memory_peak());
    assert!(came <= bytes / 100 * 205, "{came} for {bytes}");
}

/// Watches how much of a volume is used, from now on.
struct HighWater {
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HighWater {
    fn of(volume: PathBuf) -> Self {
        let (most, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (seen, end, before) = (most.clone(), stop.clone(), free_bytes(&volume));
        let watch = move || {
            while !end.load(Ordering::Relaxed) {
                let used = before.saturating_sub(free_bytes(&volume));
                seen.fetch_max(used, Ordering::Relaxed);
                std::thread::park_timeout(Duration::from_millis(2));
            }
        };
        let thread = Some(std::thread::spawn(watch));
        Self { most, stop, thread }
    }

    fn bytes(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

/// A source that has the game and sends it slowly.
fn slow_source(party: &Party, number: u8, game: &Game) -> Peer {
    game.write(&party.games(number));
    let mut source = party.start(number);
    source.until_shared("quake");
    source.ask(json!({"command": "set_settings", "up_rate_max": 10_000_000}));
    source
}

/// A disk that is too small for archive and game together, and just large enough for the game: a
/// plain `get` is refused and says so, a low-disk install fits. One source dies in the middle and
/// one lies; another one takes over, and the archive still crosses the network hardly more than
/// once.
#[test]
fn s38_a_low_disk_install_on_a_disk_that_is_too_small() {
    let party = Party::on_loopback();
    let games = party.games(4);
    let scenario = "s38_a_low_disk_install_on_a_disk_that_is_too_small";
    let game = Game::new("Quake", "1.0", 140).packed(Kind::Zip);
    let unpacked = bytes_of(&game.installed());
    // State and games are on one disk.
    let mebibytes = u32::try_from(unpacked.div_ceil(1 << 20)).unwrap() + 64;
    let Some(_volume) = Volume::mount(scenario, &games, mebibytes) else {
        return;
    };
    let mut sources = vec![slow_source(&party, 1, &game), slow_source(&party, 2, &game)];
    let root = party.games(1).join("Quake");
    let archive = fs::read(root.join("game.zip")).unwrap();
    let bytes = archive.len() as u64;
    let packed = BTreeMap::from([("game.zip".to_owned(), archive)]);
    let liar = Wicked::start(
        Habit::Lies(4),
        vec![Offer::new("quake", "1.0", packed, &["game.zip"])],
    );
    let addresses: Vec<String> = sources
        .iter_mut()
        .map(|s| s.address().to_string())
        .collect();
    let flags = [
        "--connect",
        &addresses[0],
        "--connect",
        &addresses[1],
        "--connect",
        &liar.address(),
    ];
    let mut taker = party.start_with(4, &flags);
    taker.until_ready("quake", 3);
    let report = taker.failed(json!({"command": "get", "game": "quake"}));
    assert_eq!(report["code"], "disk-full", "{report:#}");
    let message = report["message"].as_str().unwrap();
    assert!(message.contains("would fit"), "{message}");

    let used = HighWater::of(games.clone());
    let operation = taker.begin(low_disk("quake"));
    taker.until("a good part", |s| done_bytes(s, "quake") > 40_000_000);
    let dying = sources.pop().unwrap();
    let from_dying = taker.fetched()[&dying.key()];
    dying.kill();
    assert!(
        from_dying > 5_000_000,
        "only {from_dying} came from who died"
    );
    sources[0].ask(json!({"command": "set_settings", "up_rate_max": "off"}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&games.join("quake/local")), game.installed());
    assert_eq!(names(&games.join("quake")), ["local"]);
    let (used, came) = (used.bytes(), crossed(&taker));
    let memory = taker.memory_peak();
    assert!(memory < 256 << 20, "{memory} bytes of memory");
    eprintln!(
        "memory {memory}, used {used} for {unpacked} unpacked, {came} came for {bytes} packed"
    );
    assert!(used <= unpacked + (64 << 20), "{used} for {unpacked}");
    assert!(came <= bytes / 100 * 110, "{came} for {bytes}");
    let refused = taker.notices_of("peer_refused");
    assert!(
        refused.iter().any(|one| one["peer"] == liar.key()),
        "{refused:#?}"
    );
}

/// Broken off, a low-disk install leaves nothing: a cancel drops everything; after a kill the
/// staging goes, and it begins anew by itself. Paused, it waits; a download is another operation.
#[test]
fn s39_a_low_disk_install_that_is_broken_off() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 40).packed(Kind::TarZst);
    game.write(&party.games(1));
    let mut giver = party.start(1);
    giver.until_shared("quake");
    let address = giver.address().to_string();
    let root = party.games(2).join("quake");
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    taker.ask(json!({"command": "set_settings", "down_rate_max": 6_000_000}));
    let operation = taker.begin(low_disk("quake"));
    taker.until("some of it", |s| done_bytes(s, "quake") > 3_000_000);
    assert!(is_there(&root.join(".local.installing")));
    taker.refused(json!({"command": "get", "game": "quake"}), "busy");
    taker.ask(json!({"command": "pause", "game": "quake"}));
    taker.until("a pause", |s| {
        game_in(s, "quake")["operation"]["phase"] == "paused"
    });
    taker.ask(json!({"command": "resume", "game": "quake"}));
    taker.until("more of it", |s| {
        game_in(s, "quake")["operation"]["phase"] == "downloading"
    });
    taker.ask(json!({"command": "cancel", "game": "quake"}));
    assert_eq!(taker.ended("quake", operation)["phase"], "cancelled");
    assert!(
        !is_there(&root.join("local")) && names(&root).is_empty(),
        "{:?}",
        names(&root)
    );

    let operation = taker.begin(low_disk("quake"));
    taker.until("some of it", |s| {
        let is_it = game_in(s, "quake")["operation"]["operation"] == operation;
        is_it && done_bytes(s, "quake") > 3_000_000
    });
    taker.kill();
    assert_eq!(names(&root), [".local.installing"]);
    let mut again = party.start_with(2, &["--connect", &address]);
    again.until("it installed", |s| {
        game_in(s, "quake")["local"]["installed"]["version"] == "1.0"
    });
    assert_eq!(tree(&root.join("local")), game.installed());
    assert_eq!(names(&root), ["local"]);
    assert_eq!(again.game("quake")["local"]["availability"], "local_only");
}

/// The games directory is unmounted in the middle: it waits, and begins anew when it is back.
#[test]
fn s39_away_during_a_low_disk_install() {
    let party = Party::on_loopback();
    let disk = party.folder("disk");
    let games = party.games(2);
    let scenario = "s39_away_during_a_low_disk_install";
    let Some(_volume) = Volume::mount(scenario, &disk, 128) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 24).packed(Kind::SevenZ);
    game.write(&party.games(1));
    let mut giver = party.start(1);
    giver.until_shared("quake");
    let address = giver.address().to_string();
    let mut bound = vec![bind(&disk, &games)];
    let mut taker = party.start_with(2, &["--connect", &address]);
    taker.until_ready("quake", 1);
    // What an earlier download left goes with the install that needs no room.
    taker.ask(json!({"command": "set_settings", "down_rate_max": 4_000_000}));
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    taker.until("some bytes", |s| done_bytes(s, "quake") > 2_000_000);
    taker.ask(json!({"command": "cancel", "game": "quake"}));
    taker.ended("quake", operation);

    let operation = taker.begin(low_disk("quake"));
    taker.until("some bytes", |s| {
        let is_it = game_in(s, "quake")["operation"]["operation"] == operation;
        is_it && done_bytes(s, "quake") > 4_000_000
    });
    assert_eq!(
        names(&games.join("quake")),
        [".incoming", ".local.installing"]
    );
    unplug(&games);
    let phase = |s: &Value| game_in(s, "quake")["operation"]["phase"].clone();
    taker.until("it waits", |s| phase(s) == "waiting_for_games_dir");
    bound.push(bind(&disk, &games));
    taker.until("it goes on", |s| phase(s) == "downloading");
    taker.ask(json!({"command": "set_settings", "down_rate_max": "off"}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&games.join("quake/local")), game.installed());
    assert_eq!(names(&games.join("quake")), ["local"]);
    let local = taker.game("quake")["local"].clone();
    assert_eq!(local["partial_bytes"], 0, "{local:#}");
}
