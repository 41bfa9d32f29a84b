//! A seed box: it keeps what others share, serves from a disk it may not write to, and lets
//! everybody look.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use lanspread_lab::LabConfig;
use serde_json::{Value, json};

use crate::{
    games::Game,
    party::{Party, is_there},
    peer::{Peer, SOON, game_in},
    trees::payload,
};

/// Games of the mirror that are not fetched, each with the reason.
fn left(snapshot: &Value) -> BTreeSet<String> {
    let left = snapshot["mirror"]["left"].as_array().unwrap();
    left.iter()
        .map(|left| format!("{} {}", left["game"], left["why"]).replace('"', ""))
        .collect()
}

fn until_kept(mirror: &mut Peer, games: u64) -> Value {
    mirror.until(&format!("{games} games kept"), |s| {
        let state = &s["mirror"];
        state["kept_games"] == games && state["fetching_games"] == 0
    })
}

/// Puts another version into the place of a game.
fn replace(peer: &mut Peer, party: &Party, number: u8, game: &Game) {
    fs::remove_dir_all(party.games(number).join(&game.name)).unwrap();
    game.write(&party.games(number));
    peer.ask(json!({"command": "rescan"}));
    peer.until("the new version shared", |s| {
        let local = game_in(s, &game.id())["local"].clone();
        local["downloaded"] == game.version && local["availability"] == "ready"
    });
}

/// A mirror fetches the newest version of every game that two peers share, smallest first, within
/// its quota, and says what it leaves; it installs nothing and serves what it has. With a larger
/// quota it takes the rest, and a newer version replaces the one it fetched. A game that its owner
/// put there stays at its old version. After a restart it knows its own and fetches nothing.
#[test]
fn s71_a_mirror_keeps_what_fits() {
    let party = Party::on_loopback();
    let (small, large) = (Game::new("Small", "1", 2), Game::new("Large", "1", 30));
    let middle = Game::new("Middle", "1", 6);
    for game in [&small, &large, &Game::new("Mine", "2", 1)] {
        game.write(&party.games(1));
    }
    middle.write(&party.games(2));
    let mine = Game::new("Mine", "1", 1);
    mine.write(&party.games(3));
    let (mut first, mut second) = (party.start(1), party.start(2));
    for game in ["small", "large", "mine"] {
        first.until_shared(game);
    }
    second.until_shared("middle");
    let addresses = [first.address(), second.address()].map(|at| at.to_string());
    let flags = [
        "--mirror",
        "--mirror-quota",
        "20MB",
        "--mirror-free",
        "1MB",
        "--connect",
        &addresses[0],
        "--connect",
        &addresses[1],
    ];
    let mut mirror = party.start_with(3, &flags);
    mirror.until_shared("mine");
    let seen = until_kept(&mut mirror, 2);
    assert_eq!(left(&seen), BTreeSet::from(["large over_quota".to_owned()]));
    assert_eq!(seen["mirror"]["foreign_games"], 1);
    let (code, out, _) = party.cli(3, &["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("beyond the quota: large"), "{out}");
    let begun: Vec<String> = (mirror.notices_of("operation_begun").iter())
        .map(|notice| notice["game"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(begun, ["small", "middle"], "smallest first, nothing else");

    let quota = json!({"command": "set_settings", "mirror_quota": "off"});
    mirror.ask(quota);
    until_kept(&mut mirror, 3);
    replace(&mut first, &party, 1, &Game::new("Small", "1.1", 3));
    mirror.until("the newer version", |s| {
        game_in(s, "small")["local"]["downloaded"] == "1.1" && s["mirror"]["kept_games"] == 3
    });
    let games = party.games(3);
    for (game, number) in [("Small", 1), ("Large", 1), ("Middle", 2)] {
        let made = payload(&party.games(number).join(game));
        let root = games.join(game.to_lowercase());
        assert_eq!(payload(&root), made, "{game}");
        assert!(!is_there(&root.join("local")), "{game} is not installed");
    }
    let own = payload(&games.join("Mine"));
    let untouched = Party::on_loopback();
    assert_eq!(own, payload(&mine.write(&untouched.games(1))));
    // What is kept is served: the first holder goes, and the game is still to be had.
    first.until_ready("large", 2);
    mirror.stop();

    let mut mirror = party.start_with(3, &["--mirror", "--mirror-free", "1MB"]);
    let seen = until_kept(&mut mirror, 3);
    assert_eq!(left(&seen), BTreeSet::new());
    assert_eq!(mirror.notices_of("operation_begun"), Vec::<Value>::new());
    assert_eq!(mirror.fetched().len(), 0);
}

/// Games on a disk that cannot be written to are hashed and served; another peer downloads and
/// installs one of them.
#[test]
fn s72_a_disk_that_cannot_be_written_to_serves() {
    let scenario = "s72_a_disk_that_cannot_be_written_to_serves";
    let Some(party) = Party::in_lab(scenario, LabConfig::new(2)) else {
        return;
    };
    let game = Game::new("Quake", "1", 12);
    game.write(&party.games(1));
    let games = party.games(1);
    let mut keeper = party.start_read_only(1);
    let mut guest = party.start(2);
    keeper.until_shared("quake");
    guest.until_ready("quake", 1);
    guest.get("quake");
    let made = payload(&games.join("Quake"));
    assert_eq!(payload(&party.games(2).join("quake")), made);
    // It was not writable at all: what would write says so, and nothing was left there.
    let report = keeper.failed(json!({"command": "install", "game": "quake"}));
    assert!(report["code"].is_string(), "{report:#}");
    keeper.until_shared("quake");
    assert_eq!(payload(&games.join("Quake")), made);
    assert!(!is_there(&games.join("Quake/local")));
}

/// What an HTTP server on this machine answers to a request without a secret.
fn look(address: SocketAddr, host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let body = r#"{"command":"rescan"}"#;
    let length = body.len();
    let rest = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all((head + &rest).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A seed box answers to the name that it was given, and to no other; everybody may look when its
/// owner says so, without paths and addresses, and nobody may do anything without pairing. `pair`
/// names the addresses that others use.
#[test]
fn s73_everybody_looks_nobody_touches() {
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1", 1);
    game.write(&party.games(1));
    let flags = [
        "--http",
        "0.0.0.0:0",
        "--http-name",
        "seedbox.lan",
        "--http-view",
    ];
    let mut peer = party.start_with(1, &flags);
    peer.until_shared("quake");
    let (code, out, _) = party.cli(1, &["--json", "pair", "--no-open"]);
    assert_eq!(code, 0);
    let pairing: Value = serde_json::from_str(&out).unwrap();
    let link = pairing["link"].as_str().unwrap();
    let at = link
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap();
    let address: SocketAddr = at.parse().unwrap();
    let port = address.port();
    let others = pairing["others"].as_array().unwrap();
    let named = format!("http://seedbox.lan:{port}/#pair=");
    assert!(others[0].as_str().unwrap().starts_with(&named), "{out}");

    let host = format!("seedbox.lan:{port}");
    let seen = look(address, &host, "GET /api/snapshot");
    assert!(seen.starts_with("HTTP/1.1 200 "), "{seen}");
    assert!(seen.contains(r#""game":"quake""#), "{seen}");
    let home = party.games(1);
    assert!(!seen.contains(home.to_str().unwrap()), "{seen}");
    let peers = peer.address().to_string();
    assert!(!seen.contains(&peers), "{seen}");
    let check = |host: &str, request: &str, status: &str| {
        let answer = look(address, host, request);
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{host} {request}: {answer}");
    };
    check(&host, "GET /", "200");
    check(&host, "POST /api/rpc", "401");
    check(&host, "GET /api/cover/quake", "401");
    check(&format!("evil.example:{port}"), "GET /api/snapshot", "421");
    check("seedbox.lan", "GET /api/snapshot", "421");
    peer.stop();

    let mut peer = party.start_with(1, &["--http", "0.0.0.0:0"]);
    peer.until_shared("quake");
    let (_, out, _) = party.cli(1, &["--json", "pair", "--no-open"]);
    let pairing: Value = serde_json::from_str(&out).unwrap();
    let link = pairing["link"].as_str().unwrap();
    let at = link
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap();
    let address: SocketAddr = at.parse().unwrap();
    let answer = look(address, at, "GET /api/snapshot");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let named = format!("seedbox.lan:{}", address.port());
    let answer = look(address, &named, "GET /");
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}
