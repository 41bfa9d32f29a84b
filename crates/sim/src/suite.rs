//! The named suites: large parties, and how close to the best possible time they must come.
//!
//! The bound of a suite is one file time at the rate of a cable, plus the slots that a piece needs
//! to reach everybody when each copy makes another: no schedule is faster.

use std::time::Duration;

use lanspread_swarm::{Random, time::transfer_time};

use crate::{
    scenario::{Fault, GBIT, Grain, Scenario},
    wire::Role,
};

/// Bytes of a piece.
const PIECE: u64 = 1 << 20;

/// One suite.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// What it is called.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Switches, with as many behind each.
    pub switches: u32,
    /// Downloaders; the seeder is one more, behind the first switch.
    pub downloaders: u32,
    /// Pieces of 1 MiB.
    pub pieces: u32,
    /// Bytes per second between a switch and the others.
    pub trunk: Option<u64>,
    /// So many per cent leave when two fifths of the time have passed.
    pub leave_percent: u32,
    /// How many times the bound is allowed, in per mille.
    pub allowed_permille: u64,
    /// What may enter a switch, in per mille of the content.
    pub inflow_permille: Option<u64>,
    /// What the seeder may send, in per mille of the content.
    pub seeder_permille: u64,
}

/// A party on one switch.
const FLAT: Suite = Suite {
    name: "swarm100",
    about: "one switch, 100 downloaders",
    switches: 1,
    downloaders: 100,
    pieces: 4_000,
    trunk: None,
    leave_percent: 0,
    allowed_permille: 1_060,
    inflow_permille: None,
    seeder_permille: 1_060,
};

/// All suites.
pub const SUITES: [Suite; 7] = [
    FLAT,
    Suite {
        name: "swarm1000",
        about: "one switch, 1,000 downloaders",
        downloaders: 1_000,
        ..FLAT
    },
    Suite {
        name: "swarm10000",
        about: "one switch, 10,000 downloaders",
        downloaders: 10_000,
        allowed_permille: 1_080,
        ..FLAT
    },
    Suite {
        name: "switches2",
        about: "two switches of 24, 1 Gbit/s between",
        switches: 2,
        downloaders: 47,
        trunk: Some(GBIT),
        allowed_permille: 1_100,
        inflow_permille: Some(1_150),
        ..FLAT
    },
    Suite {
        name: "switches8",
        about: "eight switches of 24, 3 Gbit/s to each",
        switches: 8,
        downloaders: 191,
        trunk: Some(3 * GBIT),
        allowed_permille: 1_100,
        inflow_permille: Some(1_150),
        ..FLAT
    },
    Suite {
        name: "leave100",
        about: "100 downloaders, 20 leave at 40 %",
        leave_percent: 20,
        allowed_permille: 1_100,
        ..FLAT
    },
    Suite {
        name: "leave1000",
        about: "1,000 downloaders, 200 leave at 40 %",
        downloaders: 1_000,
        leave_percent: 20,
        allowed_permille: 1_100,
        ..FLAT
    },
];

impl Suite {
    /// The suite of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SUITES.into_iter().find(|suite| suite.name == name)
    }

    /// One run of it.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        let mut s = Scenario::new(self.name, seed, self.pieces);
        s.grain = Grain::Pieces;
        s.trunk = self.trunk;
        s.allowed_permille = self.allowed_permille;
        s.inflow_permille = self.inflow_permille;
        s.seeder_permille = Some(self.seeder_permille);
        let all = self.downloaders + 1;
        let per_switch = all.div_ceil(self.switches.max(1));
        for number in 0..all {
            let role = match number {
                0 => Role::Seeder,
                _ => Role::Downloader,
            };
            s.host(role, GBIT, GBIT).switch = number / per_switch;
        }
        s.bound = self.bound();
        self.let_leave(&mut s);
        s
    }

    /// No schedule is faster.
    #[must_use]
    pub fn bound(&self) -> Duration {
        let rate = self.trunk.unwrap_or(GBIT).min(GBIT);
        let slots = u64::from(self.pieces) + u64::from((self.downloaders + 1).ilog2());
        transfer_time(slots * PIECE, rate)
    }

    fn let_leave(&self, s: &mut Scenario) {
        let mut random = Random::new(s.seed ^ 0x1EAF);
        let mut hosts: Vec<usize> = (1..s.hosts.len()).collect();
        let count = hosts.len() * self.leave_percent as usize / 100;
        let leaving: Vec<usize> = random.draw(&mut hosts, count).to_vec();
        for host in leaving {
            s.fault(self.bound() * 2 / 5, host, Fault::Die);
        }
    }
}
