//! Finding each other, and losing each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Instant,
};

use lanspread_lab::{Addressing, Host, LabConfig, Rate, Rule, Wiring};
use serde_json::{Value, json};

use crate::{
    fetching::done_bytes,
    games::{Game, Kind},
    party::Party,
    peer::{Peer, connected},
    trees::{bytes_of, payload, tree},
};

/// Two peers on a switch: one has a game, they find each other by multicast, the other downloads
/// and installs it, and both payload and installation are equal byte by byte.
#[test]
fn s01_two_peers() {
    let Some(party) = Party::in_lab("s01_two_peers", LabConfig::new(2)) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 8).packed(Kind::Rar);
    let root = game.write(&party.games(1));
    let mut first = party.start(1);
    let mut second = party.start(2);
    second.until_ready("quake", 1);
    let asked = Instant::now();
    let operation = second.begin(json!({"command": "get", "game": "quake"}));
    second.until_notice("a verified chunk", |n| n["notice"] == "chunk_finished");
    println!("S01: the first verified bytes after {:?}", asked.elapsed());
    second.done_with("quake", operation);
    let copy = party.games(2).join("quake");
    assert_eq!(payload(&copy), payload(&root));
    assert_eq!(tree(&copy.join("local")), game.installed());
    let seen = first.until_ready("quake", 2);
    assert_eq!(seen["local"]["availability"], "ready", "{seen:#}");
}

/// Four peers, each with a game of its own: everybody gets everything.
#[test]
fn s02_four_peers() {
    let Some(party) = Party::in_lab("s02_four_peers", LabConfig::new(4)) else {
        return;
    };
    let names = ["Alpha", "Beta", "Gamma", "Delta"];
    let games: Vec<Game> = (names.iter())
        .map(|name| Game::new(name, "2024", 3))
        .collect();
    for (number, game) in (1..).zip(&games) {
        game.write(&party.games(number));
    }
    let mut peers: Vec<_> = (1..=4).map(|number| party.start(number)).collect();
    for (number, peer) in (0..).zip(&mut peers) {
        let wanted = games
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        let begun: Vec<_> = wanted
            .map(|(_, game)| {
                peer.until_ready(&game.id(), 1);
                (
                    game.id(),
                    peer.begin(json!({"command": "get", "game": game.id()})),
                )
            })
            .collect();
        for (game, operation) in begun {
            peer.done_with(&game, operation);
        }
    }
    for number in 1..=4 {
        for (game, name) in games.iter().zip(names) {
            let own = names[usize::from(number) - 1] == name;
            let directory = if own { name.to_owned() } else { game.id() };
            let root = party.games(number).join(directory);
            let found = if own {
                payload(&root)
            } else {
                tree(&root.join("local"))
            };
            assert_eq!(found, game.installed(), "{name} at peer {number}");
        }
    }
}

/// One peer says goodbye, another one's cable is pulled: both are soon gone from every view, and so
/// are their games.
#[test]
fn s19_goodbye_and_death() {
    let Some(party) = Party::in_lab("s19_goodbye_and_death", LabConfig::new(4)) else {
        return;
    };
    for (number, name) in [(3, "Polite"), (4, "Dead")] {
        Game::new(name, "1", 1).write(&party.games(number));
    }
    let mut peers: Vec<_> = (1..=4).map(|number| party.start(number)).collect();
    for peer in &mut peers {
        peer.until_connected(3);
    }
    let dead = peers.pop().unwrap();
    let polite = peers.pop().unwrap();
    for peer in &mut peers {
        peer.until_ready("polite", 1);
        peer.until_ready("dead", 1);
    }
    let (polite_key, dead_key) = (polite.key(), dead.key());
    polite.stop();
    party.host(4).pull_cable(0).unwrap();
    for peer in &mut peers {
        let snapshot = peer.until("one peer left", |s| {
            connected(s).len() == 1 && offered(s).is_empty()
        });
        assert_eq!(offered(&snapshot), BTreeMap::new());
        let said = peer.notices_of("peer_disconnected");
        assert!(
            said.iter().any(|notice| notice["peer"] == polite_key),
            "{said:#?}"
        );
        let said = peer.notices_of("peer_lost");
        assert!(
            said.iter().any(|notice| notice["peer"] == dead_key),
            "{said:#?}"
        );
    }
}

/// After peers came, went, came back and published, everybody sees the same peers and offers.
#[test]
fn s20_symmetric_views() {
    let Some(party) = Party::in_lab("s20_symmetric_views", LabConfig::new(4)) else {
        return;
    };
    for (number, name) in [(1, "One"), (2, "Two"), (3, "Three"), (4, "Four")] {
        Game::new(name, "1", 1).write(&party.games(number));
    }
    Game::new("Two", "1", 1).write(&party.games(4));
    let mut peers: Vec<_> = (1..=4).map(|number| party.start(number)).collect();
    for peer in &mut peers {
        peer.until_connected(3);
    }
    peers.remove(1).kill();
    peers.remove(0).stop();
    Game::new("Fresh", "7", 1).write(&party.games(3));
    peers[0].ask(json!({"command": "rescan"}));
    peers.push(party.start(1));
    peers.push(party.start(2));
    let shared = [
        ("fresh", 1),
        ("four", 1),
        ("one", 1),
        ("three", 1),
        ("two", 2),
    ];
    let expected: BTreeMap<_, _> = (shared
        .into_iter()
        .map(|(game, ready)| (game.to_owned(), ready)))
    .collect();
    for peer in &mut peers {
        peer.until("everything", |s| {
            connected(s).len() == 3 && offered(s) == expected
        });
    }
    let seen: BTreeSet<_> = peers
        .iter_mut()
        .map(|peer| contents(&peer.snapshot()))
        .collect();
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

/// A peer gets another address in the middle of a download, the one that fetches or the one that
/// sends, and it goes on at once; how soon is printed.
#[test]
fn s21_another_address() {
    for mover in [2, 1] {
        let Some(party) = Party::in_lab("s21_another_address", LabConfig::new(2)) else {
            return;
        };
        let (first, second) = (party.host(1), party.host(2));
        ipv4_only(first, second);
        let game = Game::new("Quake", "1.0", 24);
        game.write(&party.games(1));
        first.limit(0, Some(Rate::mbit(24)), None).unwrap();
        let (mut giver, mut taker) = (party.start(1), party.start(2));
        taker.until_ready("quake", 1);
        let operation = taker.begin(json!({"command": "get", "game": "quake"}));
        taker.until("some bytes", |s| done_bytes(s, "quake") > 4_000_000);
        let address = Ipv4Addr::new(10, 77, 0, 200);
        let moving = party.host(mover);
        moving.change_ipv4(0, address, 24).unwrap();
        let changed = Instant::now();
        let other = if mover == 1 { &mut taker } else { &mut giver };
        other.until("the other address", |s| {
            (s["peers"].as_array().unwrap().iter()).any(|peer| {
                let at = peer["address"].as_str().unwrap_or_default();
                peer["state"] == "connected" && at.starts_with("10.77.0.200:")
            })
        });
        eprintln!(
            "host {mover}: linked again {:?} after the change",
            changed.elapsed()
        );
        taker.done_with("quake", operation);
        assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    }
}

/// Two laptops on one cable, without any server: with IPv6 link-local addresses only, and with
/// those of 169.254.
#[test]
fn s22_two_laptops_on_one_cable() {
    for addressing in [Addressing::LinkLocalV6, Addressing::LinkLocalV4] {
        let config = LabConfig::new(2)
            .wiring(Wiring::Cable)
            .addressing(addressing);
        let Some(party) = Party::in_lab("s22_two_laptops_on_one_cable", config) else {
            return;
        };
        let game = Game::new("Quake", "1.0", 4);
        game.write(&party.games(1));
        let (_first, mut second) = (party.start(1), party.start(2));
        second.until_ready("quake", 1);
        second.get("quake");
        let local = party.games(2).join("quake/local");
        assert_eq!(tree(&local), game.installed(), "{addressing:?}");
    }
}

/// Hosts on three networks of which two are dead for one of them: they find each other on the
/// third; when that dies in the middle of a download, it goes on over another one.
#[test]
fn s23_several_interfaces() {
    let config = LabConfig::new(2).networks(3);
    let Some(party) = Party::in_lab("s23_several_interfaces", config) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 24);
    game.write(&party.games(1));
    let (first, second) = (party.host(1), party.host(2));
    for network in 0..3 {
        first.limit(network, Some(Rate::mbit(32)), None).unwrap();
    }
    for network in [0, 1] {
        second.pull_cable(network).unwrap();
    }
    let (_giver, mut taker) = (party.start(1), party.start(2));
    taker.until_ready("quake", 1);
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    taker.until("some bytes", |s| done_bytes(s, "quake") > 4_000_000);
    second.plug_cable(1).unwrap();
    second.pull_cable(2).unwrap();
    taker.done_with("quake", operation);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
}

/// A download runs over the air because the cable is out; when the cable is plugged in, it moves
/// there at once, and what was on its way is neither lost nor fetched twice; how soon is printed.
#[test]
fn s23_a_better_way_appears() {
    let config = LabConfig::new(2).networks(2);
    let Some(party) = Party::in_lab("s23_a_better_way_appears", config) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 64);
    game.write(&party.games(1));
    let (first, second) = (party.host(1), party.host(2));
    let slow = Rate::mbit(16);
    first.limit(0, Some(slow), None).unwrap();
    second.pull_cable(1).unwrap();
    let cards = [("eth0", "wireless"), ("eth1", "device")];
    let giver = party.start_with_cards(1, &cards);
    let mut taker = party.start_with_cards(2, &cards);
    taker.until_ready("quake", 1);
    let operation = taker.begin(json!({"command": "get", "game": "quake"}));
    let seen = taker.until("some bytes", |s| done_bytes(s, "quake") > 6_000_000);
    let before = done_bytes(&seen, "quake");
    let sent = |network| first.counters(network).unwrap().sent;
    let air = sent(0);
    second.plug_cable(1).unwrap();
    let plugged = Instant::now();
    taker.until("bytes over the cable", |_| sent(1) > 2_000_000);
    println!(
        "S23: bytes came over the cable after {:?}",
        plugged.elapsed()
    );
    taker.done_with("quake", operation);
    let left = 64_000_000 - before;
    let (air, cable) = (sent(0) - air, sent(1));
    println!("S23: then {air} bytes over the air, {cable} over the cable, of {left}");
    // Over the air the rest would have taken half a minute.
    assert!(cable > left / 2, "{cable} of {left}");
    // Headers, and the piece or two that were on the way: not the window.
    assert!(air + cable < left / 10 * 12, "{air} + {cable} for {left}");
    let fetched = taker.fetched()[&giver.key()];
    let root = party.games(1).join("Quake");
    assert_eq!(
        fetched,
        bytes_of(&payload(&root)),
        "fetched twice, or not at all"
    );
    assert_eq!(taker.notices_of("peer_refused"), [] as [Value; 0]);
    assert_eq!(taker.notices_of("peer_disconnected"), [] as [Value; 0]);
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    // Now that nothing is sent, the link follows.
    let cable = [
        IpAddr::from(first.ipv4(1)),
        first.ipv6(1).into(),
        first.ipv6_link_local(1).into(),
    ];
    taker.until("the link over the cable", |s| {
        let address = s["peers"][0]["address"].as_str().unwrap_or_default();
        let address: Option<SocketAddr> = address.parse().ok();
        address.is_some_and(|address| cable.contains(&address.ip()))
    });
}

/// Peers that receive no multicast: one types an address and meets the others through the peer it
/// reached; another one is reached by an address that somebody types.
#[test]
fn s24_no_multicast() {
    let Some(party) = Party::in_lab("s24_no_multicast", LabConfig::new(4)) else {
        return;
    };
    for number in [3, 4] {
        party
            .host(number)
            .set_firewall(&[Rule::NoMulticast])
            .unwrap();
    }
    let mut peers = vec![party.start(1), party.start(2)];
    peers[0].until_connected(1);
    let typed = format!("{}", party.host(1).ipv4(0));
    peers.push(party.start_with(3, &["--connect", &typed]));
    for peer in &mut peers {
        peer.until_connected(2);
    }
    peers.push(party.start(4));
    let typed = format!("{}", party.host(4).ipv4(0));
    let (code, out, err) = party.cli(2, &["connect", &typed]);
    assert_eq!(code, 0, "{out}{err}");
    for peer in &mut peers {
        peer.until_connected(3);
    }
}

/// Guests whose firewall lets only answers in download, and serve over connections that they opened
/// themselves: three of them and one open peer exchange, each with each, without a go-between.
#[test]
fn s25_established_only() {
    let Some(party) = Party::in_lab("s25_established_only", LabConfig::new(4)) else {
        return;
    };
    let pairs = (1..=4).flat_map(|from| (1..=4).map(move |to| (from, to)));
    let pairs: Vec<(u8, u8)> = pairs.filter(|(from, to)| from != to).collect();
    // A game for each pair has one source and one taker.
    let game = |(from, to)| Game::new("Gift", "1", 2).called(format!("From{from}To{to}"));
    for (from, to) in &pairs {
        game((*from, *to)).write(&party.games(*from));
    }
    let mut peers = vec![party.start(1)];
    let typed = format!("{}", party.host(1).ipv4(0));
    for number in 2..=4 {
        party
            .host(number)
            .set_firewall(&[Rule::EstablishedOnly])
            .unwrap();
        peers.push(party.start_with(number, &["--connect", &typed]));
    }
    let keys: Vec<_> = peers.iter().map(Peer::key).collect();
    for (from, to) in pairs {
        let game = game((from, to));
        let taker = &mut peers[usize::from(to) - 1];
        taker.until_ready(&game.id(), 1);
        taker.get(&game.id());
        let local = party.games(to).join(game.id()).join("local");
        assert_eq!(tree(&local), game.installed(), "from {from} to {to}");
        let all = taker.fetched();
        let bytes = all.get(&keys[usize::from(from) - 1]).copied().unwrap_or(0);
        assert!(
            bytes > 2_000_000,
            "from {from} to {to}: {bytes} bytes came directly"
        );
    }
}

/// TCP from outside is refused at one peer and dropped at the other: the same goes over QUIC.
#[test]
fn s26_no_tcp() {
    let Some(party) = Party::in_lab("s26_no_tcp", LabConfig::new(2)) else {
        return;
    };
    let names = ["Refused", "Dropped"];
    for (number, name) in (1..).zip(names) {
        Game::new(name, "1", 6).write(&party.games(number));
    }
    party.host(1).set_firewall(&[Rule::RefuseTcp]).unwrap();
    party.host(2).set_firewall(&[Rule::DropTcp]).unwrap();
    let mut peers = [party.start(1), party.start(2)];
    everybody_gets_everything(&party, &mut peers, &names);
}

/// A typed address where nobody listens yet is tried until somebody does; one where nobody is, is
/// a clear error.
#[test]
fn s31_typed_address() {
    let Some(party) = Party::in_lab("s31_typed_address", LabConfig::new(3)) else {
        return;
    };
    let typed = format!("{}", party.host(2).ipv4(0));
    let mut first = party.start_with(1, &["--connect", &typed, "--no-mdns"]);
    let report = first.refused(json!({"command": "connect", "address": typed}), "no-answer");
    assert!(
        report["message"].as_str().unwrap().contains(&typed),
        "{report:#}"
    );
    assert!(
        !report["hints"].as_array().unwrap().is_empty(),
        "{report:#}"
    );
    let nobody = "10.77.0.99:47100";
    let (code, out, err) = party.cli(1, &["connect", nobody]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains(nobody), "{out}{err}");
    let mut second = party.start_with(2, &["--no-mdns"]);
    first.until_connected(1);
    second.until_connected(1);
}

/// Each peer downloads and installs what the others have.
fn everybody_gets_everything(party: &Party, peers: &mut [Peer], names: &[&'static str]) {
    for (own, peer) in peers.iter_mut().enumerate() {
        let others = names.iter().enumerate().filter(|(other, _)| *other != own);
        for (_, name) in others {
            let id = name.to_lowercase();
            peer.until_ready(&id, 1);
            peer.get(&id);
            let number = u8::try_from(own + 1).unwrap();
            let local = party.games(number).join(&id).join("local");
            let files = tree(&local);
            assert!(
                files.len() == 6 && files["version.ini"].starts_with("2 "),
                "{files:#?}"
            );
        }
    }
}

/// Games with the number of peers that have them ready, without those that nobody has.
fn offered(snapshot: &Value) -> BTreeMap<String, u64> {
    let games = snapshot["games"].as_array().unwrap().iter();
    let ready = games.map(|game| {
        let contents = game["contents"].as_array().unwrap().iter();
        let ready: u64 = contents
            .map(|content| content["ready"].as_u64().unwrap())
            .sum();
        (game["game"].as_str().unwrap().to_owned(), ready)
    });
    ready.filter(|(_, ready)| *ready > 0).collect()
}

/// Every content that is offered.
fn contents(snapshot: &Value) -> BTreeSet<String> {
    let games = snapshot["games"].as_array().unwrap().iter();
    let contents = games.flat_map(|game| game["contents"].as_array().unwrap());
    contents
        .map(|content| content["content"].as_str().unwrap().to_owned())
        .collect()
}

/// No IPv6 between two hosts.
fn ipv4_only(first: &Host, second: &Host) {
    for (host, other) in [(first, second), (second, first)] {
        let block = [other.ipv6(0), other.ipv6_link_local(0)];
        host.set_firewall(&block.map(|ip| Rule::Drop(ip.into())))
            .unwrap();
    }
}
