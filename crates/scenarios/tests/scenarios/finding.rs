//! Finding each other, and losing each other.

use serde_json::json;

use lanspread_lab::LabConfig;

use crate::{
    games::{Game, Kind},
    party::Party,
    trees::{payload, tree},
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
    second.get("quake");
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
