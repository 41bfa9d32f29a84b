//! A Windows peer, under Wine, beside a Linux one.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::json;

use crate::{
    fetching::{note_chunks, progress},
    games::{Game, Kind},
    party::{Party, is_there},
    peer::game_in,
    trees::{payload, tree},
};

/// The program; `None`, and a visible skip, where there is none.
fn windows_program(scenario: &str) -> Option<PathBuf> {
    let program = std::env::var_os("LANSPREAD_WINDOWS_BIN").map(PathBuf::from);
    if program.is_none() {
        let remedy = "`cargo xtask windows` builds the program for Windows and runs this";
        lanspread_lab::skip(scenario, &remedy);
    }
    program
}

/// A Linux peer and a Windows peer each have a game; each downloads and installs the other's, one a
/// RAR, one a tree, and all bytes are equal.
#[test]
fn s60_a_windows_peer_exchanges() {
    let Some(program) = windows_program("s60_a_windows_peer_exchanges") else {
        return;
    };
    let party = Party::on_loopback();
    let of_linux = Game::new("Quake", "1.0", 24).packed(Kind::RarVolumes);
    let of_windows = Game::new("Doom", "1.9", 24);
    of_linux.write(&party.games(1));
    of_windows.write(&party.games(2));
    let mut linux = party.start(1);
    linux.until_shared("quake");
    let address = linux.address().to_string();
    let mut windows = party.start_windows(2, &program, &["--connect", &address]);
    windows.until_shared("doom");
    windows.until_ready("quake", 1);
    linux.until_ready("doom", 1);
    windows.get("quake");
    linux.get("doom");
    for (game, from, to) in [(&of_linux, 1, 2), (&of_windows, 2, 1)] {
        let (from, to) = (party.games(from), party.games(to));
        let made = payload(&from.join(&game.name));
        assert_eq!(payload(&to.join(game.id())), made, "{}", game.name);
        let installed = tree(&to.join(game.id()).join("local"));
        assert_eq!(installed, game.installed(), "{}", game.name);
    }
    windows.stop();
    linux.stop();
}

/// A Windows peer is killed three times while it downloads: it goes on by itself, no chunk that was
/// verified is fetched twice, and the RAR is installed in the end.
#[test]
fn s60_a_windows_peer_dies() {
    let Some(program) = windows_program("s60_a_windows_peer_dies") else {
        return;
    };
    let party = Party::on_loopback();
    let game = Game::new("Quake", "1.0", 40).packed(Kind::Rar);
    game.write(&party.games(1));
    let mut source = party.start(1);
    source.until_shared("quake");
    source.ask(json!({"command": "set_settings", "up_rate_max": 4_000_000}));
    let address = source.address().to_string();
    let mut seen = BTreeSet::new();
    for life in 0..3 {
        let mut taker = party.start_windows(2, &program, &["--connect", &address]);
        if life == 0 {
            taker.until_ready("quake", 1);
            taker.begin(json!({"command": "get", "game": "quake"}));
        }
        progress(&mut taker, 4_000_000);
        taker.signal(lanspread_lab::process::Signal::KILL);
        taker.until_silent();
        note_chunks(&taker, &mut seen);
    }
    source.ask(json!({"command": "set_settings", "up_rate_max": "off"}));
    let mut taker = party.start_windows(2, &program, &["--connect", &address]);
    taker.until("the game", |s| {
        game_in(s, "quake")["local"]["installed"]["version"] == "1.0"
    });
    note_chunks(&taker, &mut seen);
    let root = party.games(2).join("quake");
    assert_eq!(payload(&root), payload(&party.games(1).join("Quake")));
    assert_eq!(tree(&root.join("local")), game.installed());
    assert!(!is_there(&root.join(".incoming")));
    taker.stop();
}
