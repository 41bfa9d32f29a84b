//! One honest source among peers that mean ill.

use std::{collections::BTreeSet, time::Instant};

use serde_json::json;

use crate::{
    games::Game,
    offer::Offer,
    party::Party,
    peer::Peer,
    trees::tree,
    wicked::{Habit, Wicked},
};

/// How many mean ill.
const LIARS: usize = 7;
/// From one round to the next so many of them are others: after three, each kind was there.
const STRIDE: usize = 4;
/// What the honest source sends a second, so that it does not bring all before others are asked.
const HONEST_RATE: u64 = 12_000_000;

/// One honest source among seven peers that send wrong bytes or lists, nothing, single bytes,
/// halves, more than is granted, or excuses, in three rounds with twelve kinds of them: the game
/// comes, whole; who sent a wrong chunk is refused at once, and nobody else is.
#[test]
fn s80_seven_liars() {
    let game = Game::new("Quake", "1.0", 24);
    let alone = round(&game, &[]);
    for round_number in 0..rounds() {
        let all = Habit::ILL.iter().cycle().skip(round_number * STRIDE);
        let habits: Vec<Habit> = all.take(LIARS).copied().collect();
        let beset = round(&game, &habits);
        eprintln!("{habits:?}: {beset:?}, {alone:?} without");
    }
}

/// Three, or as many as the long form wants.
fn rounds() -> usize {
    let wanted = std::env::var("LANSPREAD_ROUNDS").ok();
    wanted.map_or(3, |rounds| rounds.parse().unwrap())
}

/// Downloads from all; how long it took.
fn round(game: &Game, habits: &[Habit]) -> std::time::Duration {
    let party = Party::on_loopback();
    game.write(&party.games(1));
    let mut honest = party.start(1);
    honest.until_shared("quake");
    honest.ask(json!({"command": "set_settings", "up_rate_max": HONEST_RATE}));
    let offer = Offer::new(&game.id(), game.version, game.files.clone(), &[]);
    let start = |habit: &Habit| (*habit, Wicked::start(*habit, vec![offer.clone()]));
    let liars: Vec<(Habit, Wicked)> = habits.iter().map(start).collect();
    let mut addresses = vec![honest.address().to_string()];
    addresses.extend(liars.iter().map(|(_, liar)| liar.address()));
    let flags: Vec<&str> = addresses.iter().flat_map(|a| ["--connect", a]).collect();
    let mut taker = party.start_with(2, &flags);
    taker.until_ready("quake", u64::try_from(addresses.len()).unwrap());
    let began = Instant::now();
    taker.get("quake");
    let took = began.elapsed();
    assert_eq!(tree(&party.games(2).join("quake/local")), game.installed());
    check_refusals(&taker, &liars);
    took
}

/// Who told wrong bytes and was found out is refused, after two chunks at most; nobody else is.
fn check_refusals(taker: &Peer, liars: &[(Habit, Wicked)]) {
    let refused: BTreeSet<String> = (taker.notices_of("peer_refused").iter())
        .map(|notice| notice["peer"].as_str().unwrap().to_owned())
        .collect();
    for (habit, liar) in liars {
        let seen = liar.seen();
        let is_refused = refused.contains(&liar.key());
        eprintln!("  {habit:?}: refused {is_refused}, {seen:?}");
        assert!(seen.complaints <= 2, "{habit:?}: {seen:?}");
        assert!(seen.complaints == 0 || is_refused, "{habit:?}: {seen:?}");
        assert!(
            !is_refused || habit.tells_wrong_bytes(),
            "{habit:?} is refused"
        );
    }
    let keys: BTreeSet<String> = liars.iter().map(|(_, liar)| liar.key()).collect();
    assert!(refused.is_subset(&keys), "the honest one is refused");
    let caught = (liars.iter()).any(|(habit, liar)| {
        matches!(habit, Habit::Lies(_) | Habit::Swaps) && refused.contains(&liar.key())
    });
    assert!(caught || liars.is_empty(), "no liar was found out");
}
