//! Scenarios: real processes of the real program on a LAN made of namespaces, or on loopback.
//!
//! `docs/SCENARIOS.md` lists them. Harness: [`party`] starts and stops peers, [`peer`] talks to one
//! by `node --jsonl` and waits for conditions, [`games`] makes payloads, [`trees`] compares them.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a scenario ends at the first surprise, and says what it saw"
)]

mod games;
mod offer;
mod party;
mod peer;
mod soak_watch;
mod trees;
mod wicked;

mod besieging;
mod browsing;
mod fetching;
mod finding;
mod handing;
mod installing;
mod keeping;
mod low_disk;
mod mending;
mod migrating;
mod mirroring;
mod playing;
mod publishing;
mod soaking;
mod swarming;
mod wickedness;
mod windows;
