//! A party that downloads the same game at once.

use lanspread_lab::{LabConfig, Rate};
use serde_json::{Value, json};

use crate::{
    games::Game,
    party::Party,
    peer::{Peer, game_in},
    trees::payload,
};

/// Downloaders beside the one seeder.
const GUESTS: u8 = 8;

/// Eight peers fetch a game at once from one that has it: it sends each piece about once, they give
/// each other the rest.
#[test]
fn s36_a_seeder_sends_one_copy() {
    let config = LabConfig::new(GUESTS + 1).rate(Rate::mbit(100));
    let Some(party) = Party::in_lab("s36_a_seeder_sends_one_copy", config) else {
        return;
    };
    let game = Game::new("Quake", "1.0", 100);
    game.write(&party.games(1));
    let mut seeder = party.start(1);
    seeder.until_shared("quake");
    let mut guests: Vec<Peer> = (2..=GUESTS + 1).map(|n| party.start(n)).collect();
    for guest in &mut guests {
        guest.until_ready("quake", 1);
        guest.until_connected(usize::from(GUESTS));
    }
    let get = json!({"command": "get", "game": "quake", "install": false});
    let operations: Vec<u64> = guests.iter_mut().map(|g| g.begin(get.clone())).collect();
    for (guest, operation) in guests.iter_mut().zip(operations) {
        guest.done_with("quake", operation);
    }
    for number in 2..=GUESTS + 1 {
        assert_eq!(
            payload(&party.games(number).join("quake")),
            game.installed()
        );
    }
    let seen = seeder.snapshot();
    let bytes = game_in(&seen, "quake")["contents"][0]["payload"]["bytes"].as_u64();
    let peers = seen["peers"].as_array().into_iter().flatten();
    let sent: u64 = peers.map(sent_bytes).sum();
    let permille = sent * 1_000 / bytes.unwrap_or_else(|| panic!("no size: {seen:#}"));
    eprintln!("the seeder sent {permille} permille of one copy");
    // Usually 1,080 to 1,170; between 2,300 and 3,200 when everybody pulls what it likes.
    assert!(permille <= 1_600, "{permille} permille of one copy");
}

fn sent_bytes(peer: &Value) -> u64 {
    peer["sent_bytes"].as_u64().unwrap_or(0)
}
