//! Sixteen peers that come, go, die and change their minds, for a while; what must hold meanwhile
//! and afterwards is in [`soak_watch`].

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use lanspread_lab::{LabConfig, process::Signal};
use serde_json::json;

use crate::{
    games::{Game, Kind},
    party::{Party, is_there},
    peer::{Peer, connected, game_in},
    soak_watch::{self, Watch},
    trees::{Tree, payload},
};

/// How many there are; each has its host.
const PEERS: u8 = 16;
/// The first peer is never disturbed: its memory and descriptors are measured.
const OBSERVER: u8 = 1;
/// How long it goes on in the short form.
const SHORT: Duration = Duration::from_secs(45);
/// The time between two things that happen.
const PACE: Duration = Duration::from_millis(300);
/// How long somebody is gone or stands still, at most.
const AWAY_MAX: u32 = 8_000;
/// How long everybody may take to get everything in the end, on a busy machine.
const IN_THE_END: Duration = Duration::from_secs(300);

/// What may happen to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Get,
    Cancel,
    Remove,
    Kill,
    Stop,
    Freeze,
    PullCable,
}

/// In the proportions in which they happen.
const EVENTS: [Event; 12] = [
    Event::Get,
    Event::Get,
    Event::Get,
    Event::Get,
    Event::Get,
    Event::Cancel,
    Event::Remove,
    Event::Remove,
    Event::Kill,
    Event::Stop,
    Event::Freeze,
    Event::PullCable,
];

/// Where a peer is.
enum Place {
    Here(Peer),
    /// It stands still, and goes on then.
    Frozen(Peer, Instant),
    /// Its cable is out, and is plugged in then.
    Unplugged(Peer, Instant),
    /// It is started again then.
    Away(Instant),
}

/// Sixteen peers fetch, cancel and remove games, are killed, stopped, frozen and unplugged, all by
/// a seed: nothing stands still for a minute while a source is there, nobody is shown half a minute
/// after it died, the number of descriptors stays, and in the end everybody has everything, byte by
/// byte.
#[test]
fn s81_soak() {
    let Some(party) = Party::in_lab("s81_soak", LabConfig::new(PEERS)) else {
        return;
    };
    let games = [
        Game::new("Quake", "1.0", 6),
        Game::new("Doom", "1.0", 9).packed(Kind::Zip),
        Game::new("Hexen", "1.0", 4),
    ];
    // The observer has all of them, so that no game is ever without a source; others have one.
    for (game, number) in games.iter().zip(OBSERVER + 1..) {
        game.write(&party.games(OBSERVER));
        game.write(&party.games(number));
    }
    let mut soak = Soak::new(&party, &games, from_environment("LANSPREAD_SOAK_SEED", 1));
    let seconds = from_environment("LANSPREAD_SOAK_SECONDS", SHORT.as_secs());
    soak.go_on_for(Duration::from_secs(seconds));
    soak.everybody_gets_everything();
}

fn from_environment(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().unwrap())
}

struct Soak<'a> {
    party: &'a Party,
    games: &'a [Game],
    places: BTreeMap<u8, Place>,
    watch: Watch,
    random: u64,
    happened: BTreeMap<String, u32>,
}

impl<'a> Soak<'a> {
    fn new(party: &'a Party, games: &'a [Game], seed: u64) -> Self {
        let mut places: BTreeMap<u8, Place> = (1..=PEERS)
            .map(|number| (number, Place::Here(party.start(number))))
            .collect();
        for place in places.values_mut() {
            if let Place::Here(peer) = place {
                peer.until_connected(usize::from(PEERS - 1));
            }
        }
        let mut soak = Self {
            party,
            games,
            places,
            watch: Watch::default(),
            random: seed,
            happened: BTreeMap::new(),
        };
        let observer = soak.observer();
        for game in games {
            observer.until_shared(&game.id());
        }
        let (files, memory) = (observer.open_files(), observer.memory());
        soak.watch.on_start(files, memory);
        soak
    }

    fn observer(&mut self) -> &mut Peer {
        match self.places.get_mut(&OBSERVER) {
            Some(Place::Here(peer)) => peer,
            _ => panic!("the observer is always here"),
        }
    }

    fn go_on_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.happen();
            self.bring_back();
            self.look();
            std::thread::sleep(PACE);
        }
        eprintln!("{:?}", self.happened);
    }

    /// One thing happens to one peer.
    fn happen(&mut self) {
        let number = u8::try_from(self.below(u32::from(PEERS - 1))).unwrap() + OBSERVER + 1;
        let event = EVENTS[self.index(EVENTS.len())];
        let game = self.games[self.index(self.games.len())].id();
        let back = Instant::now() + Duration::from_millis(self.below(AWAY_MAX).into());
        let Some(Place::Here(_)) = self.places.get(&number) else {
            return;
        };
        let Some(Place::Here(mut peer)) = self.places.remove(&number) else {
            return;
        };
        *self.happened.entry(format!("{event:?}")).or_default() += 1;
        let place = match event {
            Event::Get => {
                // What is there or under way is refused.
                drop(peer.call(json!({"command": "get", "game": game, "install": false})));
                Place::Here(peer)
            }
            Event::Cancel => {
                drop(peer.call(json!({"command": "cancel", "game": game})));
                Place::Here(peer)
            }
            Event::Remove => {
                drop(peer.call(json!({"command": "remove", "game": game})));
                Place::Here(peer)
            }
            Event::Kill => {
                self.watch.on_gone(peer.key());
                peer.kill();
                Place::Away(back)
            }
            Event::Stop => {
                self.watch.on_gone(peer.key());
                peer.stop();
                Place::Away(back)
            }
            Event::Freeze => {
                peer.signal(Signal::STOP);
                Place::Frozen(peer, back)
            }
            Event::PullCable => {
                self.party.host(number).pull_cable(0).unwrap();
                Place::Unplugged(peer, back)
            }
        };
        self.places.insert(number, place);
    }

    /// Whoever was away long enough comes back.
    fn bring_back(&mut self) {
        let now = Instant::now();
        for (number, place) in &mut self.places {
            let due = match place {
                Place::Here(_) => false,
                Place::Frozen(_, at) | Place::Unplugged(_, at) | Place::Away(at) => *at <= now,
            };
            if !due {
                continue;
            }
            let peer = match std::mem::replace(place, Place::Away(now)) {
                Place::Frozen(mut peer, _) => {
                    peer.signal(Signal::CONT);
                    peer
                }
                Place::Unplugged(peer, _) => {
                    self.party.host(*number).plug_cable(0).unwrap();
                    peer
                }
                Place::Away(_) | Place::Here(_) => {
                    let peer = self.party.start(*number);
                    self.watch.on_back(&peer.key());
                    peer
                }
            };
            *place = Place::Here(peer);
        }
    }

    /// Somebody is looked at, and the observer.
    fn look(&mut self) {
        let number = u8::try_from(self.below(u32::from(PEERS))).unwrap() + 1;
        for number in [number, OBSERVER] {
            if let Some(Place::Here(peer)) = self.places.get_mut(&number) {
                let snapshot = peer.snapshot();
                self.watch.look(&peer.name, &snapshot);
            }
        }
        let memory = self.observer().memory();
        self.watch.on_memory(memory);
    }

    /// It is quiet: everybody comes back and fetches what is missing.
    fn everybody_gets_everything(&mut self) {
        let began = Instant::now();
        let long = Duration::from_millis(AWAY_MAX.into());
        while self.places.values().any(|p| !matches!(p, Place::Here(_))) {
            assert!(began.elapsed() < long + IN_THE_END, "not everybody is back");
            self.bring_back();
            std::thread::sleep(PACE);
        }
        let ids: Vec<String> = self.games.iter().map(Game::id).collect();
        let has = |peer: &mut Peer, game: &str| {
            let game = peer.game(game);
            game["local"]["availability"] == "ready"
        };
        loop {
            let mut missing = 0;
            for place in self.places.values_mut() {
                let Place::Here(peer) = place else { continue };
                for id in ids.iter().filter(|id| !has(peer, id)).collect::<Vec<_>>() {
                    missing += 1;
                    drop(peer.call(json!({"command": "get", "game": id, "install": false})));
                }
            }
            self.look();
            if missing == 0 {
                break;
            }
            assert!(began.elapsed() < IN_THE_END, "{missing} are missing");
            std::thread::sleep(PACE);
        }
        let published = |game: &Game| {
            let root = self.party.games(OBSERVER).join(&game.name);
            (game.id(), payload(&root))
        };
        let published: BTreeMap<String, Tree> = self.games.iter().map(published).collect();
        for number in 1..=PEERS {
            for game in self.games {
                let games = self.party.games(number);
                // Written by this scenario, it has its name; fetched, it has its id.
                let roots = [games.join(&game.name), games.join(game.id())];
                let root = roots.iter().find(|root| is_there(root));
                soak_watch::check_payload(root.expect("a game is there"), &published[&game.id()]);
            }
        }
        let observer = self.observer();
        observer.until("everybody", |s| {
            connected(s).len() == usize::from(PEERS - 1)
                && ids.iter().all(|id| game_in(s, id)["operation"].is_null())
        });
        // Lanes on which nothing is sent are closed after a while.
        let quiet = Instant::now() + IN_THE_END;
        let mut files = self.observer().open_files();
        while !self.watch.is_as_before(files) && Instant::now() < quiet {
            std::thread::sleep(PACE);
            files = self.observer().open_files();
        }
        self.watch.check_end(files);
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u32::try_from(length).unwrap())).unwrap()
    }

    /// A number below another one.
    fn below(&mut self, limit: u32) -> u32 {
        // The step and the mixing of SplitMix64.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((bits >> 32) % u64::from(limit.max(1))).unwrap()
    }
}
