//! One honest source among seven peers that mean ill.

use lanspread_proto::PieceSet;
use lanspread_swarm::Random;

use crate::{
    lie::Lie,
    scenario::{GBIT, Scenario},
    wire::Role,
};

/// What it is called.
pub const NAME: &str = "one honest source, seven liars";
/// How many mean ill.
const LIARS: usize = 7;

/// One run: which kinds there are, and whether the game is kept or read at once, follows from the
/// seed. Somebody who takes must be done in twice the time that the honest source alone needs.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0xB12A);
    let mut s = Scenario::new(NAME, seed, 400);
    s.host(Role::Seeder, GBIT, GBIT);
    let mut kinds = Lie::ALL.to_vec();
    for lie in random.draw(&mut kinds, LIARS).to_vec() {
        s.host(Role::Seeder, lie.up(), GBIT).lie = Some(lie);
    }
    let taker = match seed % 4 {
        3 => Role::Taker,
        _ => Role::Downloader,
    };
    s.host(taker, GBIT, GBIT);
    s.bound_at(GBIT);
    s.allowed_permille = 2_000;
    s.waste_permille = 100;
    s
}

/// All of a kind. Who stalls or trickles has to be waited for before it is known, for seconds
/// whatever the size: with seven of them that is more than once the time of so small a game.
#[must_use]
pub fn all_the_same(seed: u64, lie: Lie) -> Scenario {
    let mut s = scenario(seed);
    if matches!(lie, Lie::Stalls | Lie::Trickles) {
        s.allowed_permille = 3_500;
    }
    for host in s.hosts.iter_mut().filter(|host| host.lie.is_some()) {
        host.lie = Some(lie);
        host.up = lie.up();
        host.has = PieceSet::full(s.piece_count);
    }
    s
}
