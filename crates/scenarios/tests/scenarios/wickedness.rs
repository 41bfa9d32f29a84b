//! Peers and archives that mean ill.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Instant,
};

use lanspread_proto::{
    ContentId, Manifest, PieceIndex, VersionLabel, library::Size, wire::lane::GoneReason,
};
use lanspread_unpack::pack::evil::{self, Evil};
use serde_json::{Value, json};

use crate::{
    games::{Game, Kind},
    offer::Offer,
    party::{Party, is_there},
    peer::{SOON, game_in},
    trees::{entries, payload, tree},
    wicked::{Habit, Wicked, Wish},
};

/// The same content as a game of the product's own.
fn offer_of(game: &Game) -> Offer {
    Offer::new(&game.id(), game.version, game.files.clone(), &[])
}

/// A source that takes requests and sends nothing: what was asked of it is asked of another one,
/// which delivers everything.
#[test]
fn s06_a_stalling_source() {
    let game = Game::new("Quake", "1.0", 24);
    let party = Party::on_loopback();
    game.write(&party.games(1));
    let mut honest = party.start(1);
    let content = honest.until_shared("quake");
    let honest_address = honest.address().to_string();
    // So slow that there is something left for the other one to be asked for.
    honest.ask(json!({"command": "set_settings", "up_rate_max": 12_000_000}));
    let wicked = Wicked::start(Habit::Stalls, vec![offer_of(&game)]);
    assert_eq!(wicked.seen().requests, 0);
    let both = ["--connect", &honest_address, "--connect", &wicked.address()];
    let mut taker = party.start_with(2, &both);
    taker.until("both", |s| {
        let holders = game_in(s, "quake")["contents"][0]["holders"].clone();
        holders.as_array().map(Vec::len) == Some(2)
    });
    assert_eq!(taker.game("quake")["newest"], content);
    let began = Instant::now();
    taker.get("quake");
    assert!(wicked.seen().requests > 0, "it was never asked");
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    assert_eq!(taker.fetched().keys().collect::<Vec<_>>(), [&honest.key()]);
    // A tenth of that is usual; each of its pieces waited for in full would be minutes.
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// One chunk in fifty has a wrong bit: the sender is told and refused for good, what it sent
/// rightly stays, and an honest source brings the rest; not a wrong byte reaches the disk.
#[test]
fn s07_a_liar() {
    let game = Game::new("Quake", "1.0", 56);
    let party = Party::on_loopback();
    game.write(&party.games(1));
    let mut honest = party.start(1);
    honest.until_shared("quake");
    let liar = Wicked::start(Habit::Lies(50), vec![offer_of(&game)]);
    let mut taker = party.start_with(2, &["--connect", &liar.address()]);
    taker.until_ready("quake", 1);
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    let refused = taker.until_notice("a refusal", |notice| notice["notice"] == "peer_refused");
    assert_eq!(refused["peer"], liar.key());
    taker.until("no source", |s| {
        game_in(s, "quake")["operation"]["phase"] == "waiting_for_source"
    });
    let address = honest.address().to_string();
    taker.ask(json!({"command": "connect", "address": address}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    assert!(liar.seen().complaints > 0, "the liar was not told");
    let bad: BTreeSet<String> = (taker.notices_of("chunk_finished").into_iter())
        .filter(|chunk| chunk["peer"] == liar.key() && chunk["file"] == "data/all.pak")
        .map(|chunk| chunk["offset"].to_string())
        .collect();
    assert!(!bad.is_empty(), "nothing of the liar was kept");
    assert!(taker.fetched()[&honest.key()] > 1_000_000);
}

/// Sources that send the first byte of each piece, so that memory is taken for it, and no more:
/// whoever sends the rest finds room all the same.
#[test]
fn s06_sources_that_trickle() {
    let game = Game::new("Quake", "1.0", 64);
    let party = Party::on_loopback();
    game.write(&party.games(1));
    let mut honest = party.start(1);
    honest.until_shared("quake");
    let trickling = || Wicked::start(Habit::Trickles, vec![offer_of(&game)]);
    let wicked: Vec<_> = std::iter::repeat_with(trickling).take(8).collect();
    let addresses: Vec<_> = wicked.iter().map(Wicked::address).collect();
    let flags: Vec<_> = addresses.iter().flat_map(|a| ["--connect", a]).collect();
    let mut taker = party.start_with(2, &flags);
    taker.until_ready("quake", 8);
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    taker.until("requests", |_| wicked.iter().all(|w| w.seen().requests > 0));
    let address = honest.address().to_string();
    taker.ask(json!({"command": "connect", "address": address}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
}

/// One source never sends its list of files, another one sends a wrong list: neither ends the
/// download, the second one is refused, and the honest source that comes then is asked at once.
#[test]
fn s06_lists_that_do_not_come_or_are_wrong() {
    let game = Game::new("Quake", "1.0", 3);
    let party = Party::on_loopback();
    game.write(&party.games(1));
    let mut honest = party.start(1);
    honest.until_shared("quake");
    let silent = Wicked::start(Habit::HidesLists, vec![offer_of(&game)]);
    let liar = Wicked::start(Habit::FakesLists, vec![offer_of(&game)]);
    let both = ["--connect", &silent.address(), "--connect", &liar.address()];
    let mut taker = party.start_with(2, &both);
    taker.until_ready("quake", 2);
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    let address = honest.address().to_string();
    taker.ask(json!({"command": "connect", "address": address}));
    taker.done_with("quake", operation);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    // The lists are asked for again by who has none of the game yet.
    let both = ["--connect", &silent.address(), "--connect", &liar.address()];
    let mut other = party.start_with(3, &both);
    other.until_ready("quake", 2);
    let operation = other.begin(json!({"command": "get", "game": "quake"}));
    let refused = other.until_notice("a refusal", |notice| notice["notice"] == "peer_refused");
    assert_eq!(refused["peer"], liar.key());
    other.until("no source", |s| {
        game_in(s, "quake")["operation"]["phase"] == "waiting_for_source"
    });
    other.ask(json!({"command": "connect", "address": address}));
    other.done_with("quake", operation);
}

/// An old version under the label of a new one: whoever has it knows better, whoever has not finds
/// out before a byte of it is fetched; an honest source of the same bytes still counts.
#[test]
fn s07_an_old_version_under_a_new_label() {
    let (old, new) = (Game::new("Quake", "1.0", 3), Game::new("Quake", "2.0", 3));
    let party = Party::on_loopback();
    new.write(&party.games(1));
    let mut taker = party.start(1);
    let content = taker.until_shared("quake");
    let mut offer = offer_of(&old);
    offer.label = VersionLabel::parse("99").unwrap();
    let liar = Wicked::start(Habit::Honest, vec![offer]);
    taker.ask(json!({"command": "connect", "address": liar.address()}));
    taker.until("an update", |s| {
        game_in(s, "quake")["update_available"] == true
    });
    let report = taker.failed(json!({"command": "update", "game": "quake"}));
    assert_eq!(report["code"], "bad-manifest");
    let refused = taker.until_notice("a refusal", |notice| notice["notice"] == "peer_refused");
    assert_eq!(refused["peer"], liar.key());
    taker.until("no update", |s| {
        game_in(s, "quake")["update_available"] == false
    });
    assert_eq!(taker.until_shared("quake"), content);
    assert_eq!(liar.seen().requests, 0, "pieces of it were fetched");

    let mut owner = {
        old.write(&party.games(2));
        party.start_with(2, &["--connect", &liar.address()])
    };
    let content = owner.until_shared("quake");
    owner.until("the liar", |s| s["peers"].as_array().unwrap().len() == 1);
    assert_eq!(owner.game("quake")["update_available"], false);
    taker.stop();
    let mut other = party.start_with(3, &["--connect", &owner.address().to_string()]);
    other.until_ready("quake", 1);
    other.get("quake");
    assert_eq!(other.game("quake")["local"]["content"], content.as_str());
}

/// A peer says of an honest one's archive that more comes out of it than any disk holds: the game
/// is fetched and installed all the same, from whoever sees both.
#[test]
fn s07_a_false_unpacked_size() {
    let game = Game::new("Quake", "1.0", 3).packed(Kind::Zip);
    let party = Party::on_loopback();
    let root = game.write(&party.games(1));
    let mut honest = party.start(1);
    honest.until_shared("quake");
    let archive = fs::read(root.join("game.zip")).unwrap();
    let files = BTreeMap::from([("game.zip".to_owned(), archive)]);
    let mut offer = Offer::new("quake", "1.0", files, &["game.zip"]);
    offer.unpacked = Some(Size {
        bytes: 1 << 50,
        files: 1,
    });
    // Of two that say different things, neither the first key nor the last one is right.
    let liar = loop {
        let liar = Wicked::start(Habit::Honest, vec![offer.clone()]);
        if liar.key() < honest.key() {
            break liar;
        }
    };
    let honest_address = honest.address().to_string();
    let both = ["--connect", &honest_address, "--connect", &liar.address()];
    let mut taker = party.start_with(2, &both);
    taker.until_ready("quake", 2);
    taker.get("quake");
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
}

/// Nobody outside gets to see what is in `local/` or `kept/`: the list of files that peers are
/// given does not name it, and there is nothing else that could be asked for.
#[test]
fn s13_local_is_nobodys_business() {
    let game = Game::new("Quake", "1.0", 3).packed(Kind::Zip);
    let party = Party::on_loopback();
    let root = game.write(&party.games(1));
    let mut owner = party.start(1);
    let content = owner.until_shared("quake");
    owner.done(json!({"command": "install", "game": "quake"}));
    fs::write(root.join("local/password.txt"), b"secret").unwrap();
    owner.done(json!({"command": "uninstall", "game": "quake"}));
    owner.done(json!({"command": "install", "game": "quake"}));
    fs::write(root.join("local/password.txt"), b"secret").unwrap();
    owner.ask(json!({"command": "rescan"}));
    assert_eq!(
        owner.until_shared("quake"),
        content,
        "local/ is no part of the content"
    );
    assert!(
        tree(&root.join("kept"))
            .keys()
            .any(|path| path.ends_with("password.txt"))
    );
    let files = owner.ask(json!({"command": "files", "game": "quake"}));
    let shown: BTreeSet<_> = (files["files"].as_array().unwrap().iter())
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        shown,
        BTreeSet::from(["game.zip".to_owned(), "version.ini".to_owned()])
    );

    let wicked = Wicked::start(Habit::Honest, Vec::new());
    let content: ContentId = content.parse().unwrap();
    let secret = ContentId::from_bytes(*blake3::hash(b"secret").as_bytes());
    let wishes = [
        Wish::Manifest(content),
        Wish::Piece(content, PieceIndex(4), 0),
        Wish::Piece(content, PieceIndex(u32::MAX), 0),
        Wish::Manifest(secret),
        Wish::Piece(secret, PieceIndex(0), 0),
    ];
    let answers = wicked.pry(owner.address(), &wishes);
    let manifest = Manifest::parse(answers[0].as_ref().unwrap()).unwrap();
    let named: BTreeSet<_> = (manifest.files().iter())
        .map(|file| file.path.as_str().to_owned())
        .collect();
    assert_eq!(named, shown);
    assert!(manifest.geometry().piece_count() <= 4);
    for answer in &answers[1..] {
        assert_eq!(answer.as_ref().unwrap_err(), &GoneReason::NotHere);
    }
}

/// Every kind of hostile archive, offered by a peer that does not check: downloaded as it is,
/// refused at the installation with its reason, and nothing is written outside of the staging.
#[test]
fn s18_hostile_archives_from_a_peer() {
    let party = Party::on_loopback();
    let offer = |kind: &Evil| {
        let files = BTreeMap::from([("game.rar".to_owned(), kind.archive().unwrap())]);
        Offer::new(&game_of(*kind), "1", files, &["game.rar"])
    };
    let mut offers: Vec<_> = Evil::ALL.iter().map(offer).collect();
    let links = BTreeMap::from([("game.rar".to_owned(), evil::links().unwrap())]);
    offers.push(Offer::new("links", "1", links, &["game.rar"]));
    let wicked = Wicked::start(Habit::Honest, offers);
    let mut taker = party.start_with(2, &["--connect", &wicked.address()]);
    let games = party.games(2);
    for kind in Evil::ALL {
        let game = game_of(*kind);
        taker.until_ready(&game, 1);
        let report = taker.failed(json!({"command": "get", "game": game}));
        assert!(is_reason(*kind, &report["code"]), "{kind:?}: {report:#}");
        let left = names_below(&games.join(&game));
        assert_eq!(left, ["game.rar", "version.ini"], "{kind:?}");
    }
    taker.get("links");
    let local = entries(&games.join("links/local"));
    let linked = local
        .iter()
        .any(|path| fs::symlink_metadata(path).unwrap().is_symlink());
    assert!(!linked, "{local:?}");
    assert!(!taker.notices_of("entry_skipped").is_empty());
    for outside in ["outside.txt", "evil.txt", "link"] {
        let found = entries(&party.folder("")).into_iter();
        let found = found.filter(|path| !path.starts_with(games.join("links/local")));
        let found: Vec<_> = found.filter(|path| path.ends_with(outside)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    assert!(!is_there(Path::new("/tmp/lanspread-evil.txt")));
}

/// The same archives in somebody's own folder: whatever the listing can see is refused before it
/// is shared, the rest at the installation, and the folder stays as it is.
#[test]
fn s18_hostile_archives_of_our_own() {
    let party = Party::on_loopback();
    let mut before = Vec::new();
    for kind in Evil::ALL {
        let root = party.games(1).join(directory_of(*kind));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("game.rar"), kind.archive().unwrap()).unwrap();
        fs::write(root.join("version.ini"), "1\n").unwrap();
        crate::games::settle(&root);
        before.push((*kind, payload(&root)));
    }
    let mut owner = party.start(1);
    for (kind, before) in before {
        let game = game_of(kind);
        let seen = owner.until(&format!("a look at {game}"), |s| looked_at(s, &game));
        let local = game_in(&seen, &game)["local"].clone();
        let found = if local["availability"] == "ready" {
            owner.failed(json!({"command": "install", "game": game}))["code"].clone()
        } else {
            local["not_shared"]["code"].clone()
        };
        assert!(is_reason(kind, &found), "{kind:?}: {found} {local:#}");
        let root = party.games(1).join(directory_of(kind));
        assert_eq!(payload(&root), before, "{kind:?}");
        assert_eq!(names_below(&root), ["game.rar", "version.ini"], "{kind:?}");
    }
}

/// Some kinds have names that no game can have.
fn directory_of(kind: Evil) -> String {
    format!("Evil {kind:?}")
}

fn game_of(kind: Evil) -> String {
    directory_of(kind).to_lowercase()
}

/// It is shared, or it is clear why not.
pub(crate) fn looked_at(snapshot: &Value, game: &str) -> bool {
    let local = &game_in(snapshot, game)["local"];
    local["availability"] == "ready" || local["not_shared"]["why"] == "refused"
}

/// Whether a code is the right one to refuse a kind with.
fn is_reason(kind: Evil, code: &Value) -> bool {
    let right: &[&str] = match kind {
        Evil::HardLinkOutside | Evil::FileCopyOutside | Evil::FileCopyForward => &["damaged"],
        // Which of the two is reached first depends on the room on the disk.
        Evil::SizeLie => &["limit-ratio", "limit-size"],
        Evil::DataChecksum | Evil::HeaderChecksum => &["checksum-mismatch"],
        Evil::Truncated => &["truncated"],
        _ => &["unsafe-name"],
    };
    code.as_str().is_some_and(|code| right.contains(&code))
}

fn names_below(root: &Path) -> Vec<String> {
    let below = entries(root).into_iter();
    below
        .map(|path| {
            path.strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}
