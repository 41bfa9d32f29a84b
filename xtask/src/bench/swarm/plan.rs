//! [`Plan`]: who is there in each bench of a swarm, how fast, and the best possible time.

use std::time::Duration;

use lanspread_lab::{LabConfig, Rate, Wiring};

use super::super::dataset::Dataset;

/// Every host's rate, both ways, unless said otherwise.
const RATE: Rate = Rate::mbit(200);
/// Seeders that differ.
const UNLIKE: [(u8, Rate); 3] = [
    (1, Rate::mbit(200)),
    (2, Rate::mbit(50)),
    (3, Rate::mbit(10)),
];

/// One bench of many hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// One seeder, eight that fetch at once.
    Swarm8,
    /// The same with 3,000 files.
    Tree8,
    /// Three seeders, one that fetches.
    Multi3,
    /// Three seeders of 200, 50 and 10 Mbit/s, one unlimited that fetches.
    Hetero3,
    /// As the first, and the seeder is killed once it has sent 1.05 copies.
    Churn8,
    /// Two switches with 200 Mbit/s between them: the seeder and four, and four.
    Split8,
}

impl Plan {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 6] = [
        Self::Swarm8,
        Self::Tree8,
        Self::Multi3,
        Self::Hetero3,
        Self::Churn8,
        Self::Split8,
    ];

    /// As the command line calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Swarm8 => "swarm8",
            Self::Tree8 => "tree8",
            Self::Multi3 => "multi3",
            Self::Hetero3 => "hetero3",
            Self::Churn8 => "churn8",
            Self::Split8 => "split8",
        }
    }

    /// In a sentence.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Swarm8 => "one seeder, eight that fetch at once, 200 Mbit/s each",
            Self::Tree8 => "the same with 3,000 files",
            Self::Multi3 => "three seeders, one that fetches, 200 Mbit/s each",
            Self::Hetero3 => "seeders of 200, 50 and 10 Mbit/s, one unlimited that fetches",
            Self::Churn8 => "as swarm8, and the seeder is killed once it has sent 1.05 copies",
            Self::Split8 => "two switches, 200 Mbit/s between them: the seeder and four, and four",
        }
    }

    pub(super) const fn dataset(self) -> Dataset {
        match self {
            Self::Tree8 => Dataset::Tree,
            Self::Swarm8 | Self::Multi3 | Self::Hetero3 | Self::Churn8 | Self::Split8 => {
                Dataset::Big
            }
        }
    }

    /// Hosts that have it at the start; they are the first.
    pub(super) const fn seeders(self) -> u8 {
        match self {
            Self::Multi3 | Self::Hetero3 => 3,
            Self::Swarm8 | Self::Tree8 | Self::Churn8 | Self::Split8 => 1,
        }
    }

    /// Hosts that fetch it.
    pub(super) const fn guests(self) -> u8 {
        match self {
            Self::Multi3 | Self::Hetero3 => 1,
            Self::Swarm8 | Self::Tree8 | Self::Churn8 | Self::Split8 => 8,
        }
    }

    /// The seeder goes on the way.
    pub(super) const fn loses_its_seeder(self) -> bool {
        matches!(self, Self::Churn8)
    }

    pub(super) const fn lab(self) -> LabConfig {
        let config = LabConfig::new(self.seeders() + self.guests());
        let split = Wiring::TwoSwitches {
            first: 5,
            uplink: Some(RATE),
        };
        match self {
            Self::Hetero3 => config,
            Self::Split8 => config.rate(RATE).wiring(split),
            Self::Swarm8 | Self::Tree8 | Self::Multi3 | Self::Churn8 => config.rate(RATE),
        }
    }

    /// Rates that differ from everybody's, by host.
    pub(super) const fn rates(self) -> &'static [(u8, Rate)] {
        match self {
            Self::Hetero3 => &UNLIKE,
            Self::Swarm8 | Self::Tree8 | Self::Multi3 | Self::Churn8 | Self::Split8 => &[],
        }
    }

    /// The best possible time for so many bytes, TCP's headers included.
    pub(super) fn bound(self, bytes: u64) -> Duration {
        let rate = match self {
            Self::Hetero3 => Rate::mbit(260),
            Self::Swarm8 | Self::Tree8 | Self::Multi3 | Self::Churn8 | Self::Split8 => RATE,
        };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.tcp_bytes_per_second());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_wire() {
        let check = |plan: Plan, expected: f64| {
            let bound = plan.bound(512 << 20).as_secs_f64();
            assert!((bound - expected).abs() < 0.03, "{plan:?} {bound}");
        };
        check(Plan::Swarm8, 22.45);
        check(Plan::Hetero3, 17.27);
    }
}
