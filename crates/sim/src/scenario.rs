//! [`Scenario`]: who is there, how fast, and what goes wrong. All of it follows from a seed.

use std::time::Duration;

use lanspread_proto::PieceSet;
use lanspread_swarm::{Instant, Random, download::Path};

use crate::{
    lie::Lie,
    wire::{HostId, Role},
};

/// 1 Gbit/s as TCP and TLS leave it, in bytes per second.
pub const GBIT: u64 = 117_000_000;

/// One run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What decides everything that is left to chance.
    pub seed: u64,
    /// Pieces of the content.
    pub piece_count: u32,
    /// Bytes of each piece.
    pub piece_bytes: u32,
    /// Everybody.
    pub hosts: Vec<HostPlan>,
    /// What happens on the way.
    pub faults: Vec<(Instant, HostId, Fault)>,
    /// One in so many messages that may be lost is lost; 0 for none.
    pub loss: u32,
    /// The best possible time.
    pub bound: Duration,
    /// How many times the bound everybody must be done within, in per mille.
    pub allowed_permille: u64,
    /// Bytes that may arrive in vain, in per mille of all that is downloaded.
    pub waste_permille: u64,
    /// What may be sent by the seeders, in per mille of the content; `None` for any amount.
    pub seeder_permille: Option<u64>,
    /// What may enter a switch, in per mille of the content; `None` for any amount.
    pub inflow_permille: Option<u64>,
    /// What the wire is made of.
    pub grain: Grain,
    /// Bytes per second of the cable between a switch and the others; `None` for no limit.
    pub trunk: Option<u64>,
    /// A defect planted to see that it is caught.
    pub defect: Option<Defect>,
}

/// One host.
#[derive(Debug, Clone)]
pub struct HostPlan {
    /// What it does.
    pub role: Role,
    /// What it starts with.
    pub has: PieceSet,
    /// Uplink in bytes per second.
    pub up: u64,
    /// Downlink in bytes per second.
    pub down: u64,
    /// One way to anybody.
    pub latency: Duration,
    /// How it is connected.
    pub path: Path,
    /// How it means ill, if it does.
    pub lie: Option<Lie>,
    /// Behind which switch it is.
    pub switch: u32,
}

/// What the wire carries at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// 64 KiB, as the receiver's credit allows.
    Credit,
    /// Whole pieces, without credit: for parties of thousands.
    Pieces,
}

/// What may happen to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It comes; hosts without this are there from the start.
    Join,
    /// It is gone without a word.
    Die,
    /// It sends nothing more, but its links stay.
    Stall,
    /// It goes on.
    Resume,
    /// Its person pauses sharing.
    Pause,
    /// And resumes it.
    Unpause,
    /// All its links break and come back.
    Flap,
}

/// What is planted to see that the checkers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Pieces are stored without a look.
    StoresUnverified,
    /// Timers never fire.
    IgnoresTimers,
    /// A sender does not wait for credit.
    IgnoresCredit,
    /// Nobody tells what it has newly.
    KeepsQuiet,
    /// Everybody takes everybody to be behind one switch.
    SeesNoSwitch,
    /// Seeders wait to be asked.
    PushesNothing,
    /// Who sent a bad piece is asked for more.
    Forgives,
    /// Who lied is asked for more when it comes back.
    Forgets,
}

/// All kinds, in the order of their seeds.
pub const KINDS: [fn(u64) -> Scenario; 14] = [
    single_pair,
    three_sources,
    partial_source,
    source_killed,
    staller,
    liar,
    party,
    mixed_rates,
    churn,
    low_disk,
    paused,
    unlimited_pair,
    low_disk_alone,
    low_disk_troubled,
];

impl Scenario {
    /// The scenario of a seed: the kinds take turns.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let kind = usize::try_from(seed % KINDS.len() as u64).unwrap_or(0);
        KINDS
            .get(kind)
            .map_or_else(|| single_pair(seed), |kind| kind(seed))
    }

    /// Bytes of the content.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        u64::from(self.piece_count) * u64::from(self.piece_bytes)
    }

    pub(crate) fn new(name: &'static str, seed: u64, piece_count: u32) -> Self {
        Self {
            name,
            seed,
            piece_count,
            piece_bytes: 1 << 20,
            hosts: Vec::new(),
            faults: Vec::new(),
            loss: 0,
            bound: Duration::ZERO,
            allowed_permille: 1_030,
            waste_permille: 5,
            seeder_permille: None,
            inflow_permille: None,
            grain: Grain::Credit,
            trunk: None,
            defect: None,
        }
    }

    pub(crate) fn host(&mut self, role: Role, up: u64, down: u64) -> &mut HostPlan {
        let has = match role {
            Role::Seeder => PieceSet::full(self.piece_count),
            Role::Downloader | Role::Taker | Role::Holder => PieceSet::new(self.piece_count),
        };
        self.hosts.push(HostPlan {
            role,
            has,
            up,
            down,
            latency: Duration::from_micros(200),
            path: Path::Wired,
            lie: None,
            switch: 0,
        });
        let last = self.hosts.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "a host was pushed just now")]
        &mut self.hosts[last]
    }

    /// The content at a rate.
    pub(crate) fn bound_at(&mut self, bytes_per_second: u64) {
        self.bound = lanspread_swarm::time::transfer_time(self.total_bytes(), bytes_per_second);
    }

    pub(crate) fn fault(&mut self, after: Duration, host: usize, fault: Fault) {
        let host = HostId(u32::try_from(host).unwrap_or(0));
        self.faults.push((Instant::ZERO + after, host, fault));
    }
}

fn chance(seed: u64) -> Random {
    Random::new(seed ^ 0x5EED)
}

/// A rate around 1 Gbit/s: 0.5 to 1.5.
fn about_gbit(random: &mut Random) -> u64 {
    GBIT / 2 + u64::from(random.below(1_000)) * GBIT / 1_000
}

/// One source, one receiver.
#[must_use]
pub fn single_pair(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("single pair", seed, 400);
    let (up, down) = (about_gbit(&mut random), about_gbit(&mut random));
    s.host(Role::Seeder, up, up);
    s.host(Role::Downloader, down, down).latency =
        Duration::from_micros(u64::from(50 + random.below(2_000)));
    s.bound_at(up.min(down));
    s
}

/// One pair without a limit but the machine's: 16 Gbit/s.
#[must_use]
pub fn unlimited_pair(seed: u64) -> Scenario {
    let mut s = Scenario::new("unlimited pair", seed, 2_000);
    s.host(Role::Seeder, 16 * GBIT, 16 * GBIT);
    s.host(Role::Downloader, 16 * GBIT, 16 * GBIT);
    s.bound_at(16 * GBIT);
    s.allowed_permille = 1_060;
    s
}

/// Three sources that together fill the downlink.
#[must_use]
pub fn three_sources(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("three sources", seed, 600);
    let ups: Vec<u64> = (0..3).map(|_| about_gbit(&mut random) / 3).collect();
    ups.iter().for_each(|up| {
        s.host(Role::Seeder, *up, GBIT);
    });
    s.host(Role::Downloader, GBIT, GBIT);
    s.bound_at(ups.iter().sum::<u64>().min(GBIT));
    s.allowed_permille = 1_040;
    s
}

/// A complete source, and one that has a random part.
#[must_use]
pub fn partial_source(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("partial source", seed, 500);
    s.host(Role::Seeder, GBIT / 2, GBIT);
    let piece_count = s.piece_count;
    let part = s.host(Role::Holder, GBIT / 2, GBIT);
    // At least half, so that both can send to the end.
    let keep = 500 + random.below(400);
    let pieces = (0..piece_count).filter(|_| random.below(1_000) < keep + 50);
    part.has.extend(pieces.map(lanspread_proto::PieceIndex));
    s.host(Role::Downloader, GBIT, GBIT);
    s.bound_at(GBIT);
    s.allowed_permille = 1_070;
    s
}

/// Two sources, and one dies in the middle.
#[must_use]
pub fn source_killed(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("source killed at half", seed, 600);
    s.host(Role::Seeder, GBIT / 2, GBIT);
    s.host(Role::Seeder, GBIT / 2, GBIT);
    s.host(Role::Downloader, GBIT, GBIT);
    s.bound_at(GBIT);
    let at = s.bound / 2 + Duration::from_millis(u64::from(random.below(100)));
    s.fault(at, 0, Fault::Die);
    // The rest comes at half the rate, after the death is noticed by its silence.
    s.bound = s.bound * 3 / 2;
    s.allowed_permille = 1_060;
    s
}

/// Three sources, and one stops sending in the middle while its links stay.
#[must_use]
pub fn staller(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("a source stalls", seed, 600);
    for _ in 0..3 {
        s.host(Role::Seeder, GBIT / 3, GBIT);
    }
    s.host(Role::Downloader, GBIT, GBIT);
    s.bound_at(GBIT);
    let at = s.bound / 2 + Duration::from_millis(u64::from(random.below(100)));
    s.fault(at, 0, Fault::Stall);
    s.bound = s.bound * 5 / 4;
    s.allowed_permille = 1_060;
    s
}

/// Two honest sources and one that lies in one of 50 pieces.
#[must_use]
pub fn liar(seed: u64) -> Scenario {
    let mut s = Scenario::new("a liar", seed, 600);
    for _ in 0..3 {
        s.host(Role::Seeder, GBIT / 3, GBIT);
    }
    if let Some(first) = s.hosts.first_mut() {
        first.lie = Some(Lie::OneIn(50));
    }
    s.host(Role::Downloader, GBIT, GBIT);
    // The honest two alone.
    s.bound_at(GBIT * 2 / 3);
    s.allowed_permille = 1_050;
    s.waste_permille = 30;
    s
}

/// One seeder, eight downloaders.
#[must_use]
pub fn party(seed: u64) -> Scenario {
    let mut s = Scenario::new("one seeder, eight downloaders", seed, 700);
    s.host(Role::Seeder, GBIT, GBIT);
    for _ in 0..8 {
        s.host(Role::Downloader, GBIT, GBIT);
    }
    s.bound_at(GBIT);
    s.allowed_permille = 1_140;
    s.waste_permille = 12;
    s
}

/// Sources of 0.1, 1 and 2 Gbit/s.
#[must_use]
pub fn mixed_rates(seed: u64) -> Scenario {
    let mut s = Scenario::new("mixed rates", seed, 800);
    for up in [GBIT / 10, GBIT, 2 * GBIT] {
        s.host(Role::Seeder, up, up);
    }
    s.host(Role::Downloader, 10 * GBIT, 10 * GBIT);
    s.bound_at(GBIT * 31 / 10);
    s.allowed_permille = 1_120;
    s.waste_permille = 20;
    s
}

/// Two seeders, six downloaders; everything goes wrong at random, one seeder stays.
#[must_use]
pub fn churn(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("churn", seed, 300);
    for _ in 0..2 {
        s.host(Role::Seeder, GBIT, GBIT);
    }
    for _ in 0..6 {
        let rate = about_gbit(&mut random);
        s.host(Role::Downloader, rate, rate);
    }
    s.loss = 10 + random.below(100);
    s.bound_at(GBIT / 2);
    let faults = [
        (Fault::Die, None),
        (Fault::Join, None),
        (Fault::Stall, Some(Fault::Resume)),
        (Fault::Pause, Some(Fault::Unpause)),
        (Fault::Flap, None),
    ];
    for host in 1..s.hosts.len() {
        let at = Duration::from_millis(u64::from(random.below(4_000)));
        let pick = random.index(faults.len() * 2);
        if let Some((fault, undo)) = faults.get(pick) {
            s.fault(at, host, *fault);
            if let Some(undo) = undo {
                let later = Duration::from_millis(u64::from(random.below(6_000)));
                s.fault(at + later, host, *undo);
            }
        }
    }
    // Not a race: it must end, with nothing bad.
    s.allowed_permille = 8_000;
    s.waste_permille = 300;
    s
}

/// A receiver that keeps nothing to serve beside three that do.
#[must_use]
pub fn low_disk(seed: u64) -> Scenario {
    let mut s = Scenario::new("low disk beside a party", seed, 400);
    s.host(Role::Seeder, GBIT, GBIT);
    for _ in 0..3 {
        s.host(Role::Downloader, GBIT, GBIT);
    }
    s.host(Role::Taker, GBIT, GBIT);
    s.bound_at(GBIT);
    // Everybody's uplink is needed to the last byte, and the run is short.
    s.allowed_permille = 1_490;
    s.waste_permille = 8;
    s
}

/// A receiver that keeps nothing, and three sources that together fill its downlink.
#[must_use]
pub fn low_disk_alone(seed: u64) -> Scenario {
    let mut s = Scenario {
        name: "low disk from three",
        ..three_sources(seed)
    };
    if let Some(last) = s.hosts.last_mut() {
        last.role = Role::Taker;
    }
    s
}

/// A receiver that keeps nothing, and five sources: one lies, one dies, one stalls, one is slow.
#[must_use]
pub fn low_disk_troubled(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("low disk in trouble", seed, 600);
    for up in [GBIT / 3, GBIT / 3, GBIT / 3, GBIT / 30, GBIT / 3] {
        s.host(Role::Seeder, up, GBIT);
    }
    if let Some(first) = s.hosts.first_mut() {
        first.lie = Some(Lie::OneIn(50));
    }
    s.host(Role::Taker, GBIT, GBIT);
    // More than the one that stays and the slow one can send.
    s.bound_at(GBIT * 6 / 10);
    let at = s.bound / 4 + Duration::from_millis(u64::from(random.below(500)));
    s.fault(at, 1, Fault::Die);
    s.fault(at * 2, 2, Fault::Stall);
    s.allowed_permille = 1_300;
    s.waste_permille = 50;
    s
}

/// The only source pauses sharing for a while.
#[must_use]
pub fn paused(seed: u64) -> Scenario {
    let mut random = chance(seed);
    let mut s = Scenario::new("sharing paused for a second", seed, 300);
    s.host(Role::Seeder, GBIT, GBIT);
    s.host(Role::Downloader, GBIT, GBIT);
    s.bound_at(GBIT);
    let at = Duration::from_millis(u64::from(200 + random.below(1_500)));
    s.fault(at, 0, Fault::Pause);
    s.fault(at + Duration::from_secs(1), 0, Fault::Unpause);
    s.bound += Duration::from_secs(1);
    s.waste_permille = 30;
    s
}
