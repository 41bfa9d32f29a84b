//! `cargo xtask bench`: measurements, side by side in one run, of which the pages tell.

mod contender;
mod dataset;
mod idle;
mod lanspread;
mod machine;
mod meter;
mod nginx;
mod page;
mod pair;
mod raw;
mod rqbit;
mod simulated;
mod summary;
mod swarm;

use anyhow::Result;

pub(crate) use self::swarm::{Plan, SwarmArgs};
use crate::repo::Repo;

/// One bench, or the part of one that runs in a process of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bench {
    /// One peer to another.
    Pair(PairArgs),
    /// Many hosts on limited cables.
    Swarm(SwarmArgs),
    /// A node with nothing to do.
    Idle,
    /// Internal: send a directory to who connects.
    RawServe { directory: String, address: String },
    /// Internal: receive a directory.
    RawFetch { directory: String, address: String },
}

/// What `bench pair` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairArgs {
    /// How often each contender runs.
    pub(crate) runs: u32,
    /// Size of each set of files.
    pub(crate) mebibytes: u64,
    /// Only these contenders; all of them when it is empty.
    pub(crate) only: Vec<String>,
}

impl Default for PairArgs {
    fn default() -> Self {
        Self {
            runs: 5,
            mebibytes: 4096,
            only: Vec::new(),
        }
    }
}

/// Runs suites of the simulator: no measurement of this machine, but with a place in the page.
pub(crate) fn simulated(repo: &Repo, args: &[String]) -> Result<bool> {
    simulated::run(repo, args)
}

/// Runs a bench.
pub(crate) fn run(repo: &Repo, bench: &Bench) -> Result<bool> {
    match bench {
        Bench::Pair(args) => pair::run(repo, args),
        Bench::Swarm(args) => swarm::run(repo, args),
        Bench::Idle => idle::run(repo),
        Bench::RawServe { directory, address } => raw::serve(directory.as_ref(), address),
        Bench::RawFetch { directory, address } => raw::fetch(directory.as_ref(), address),
    }
}
