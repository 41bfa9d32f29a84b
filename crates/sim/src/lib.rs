//! A party in virtual time: the product's own `Download`, `Upload`, `Injector` and `Credit`, on
//! hosts with links, latency and faults that a seed decides.
//!
//! **Deliberately not here:** sockets, disks, threads, clocks. A run is a function of its scenario;
//! the same seed gives the same trace.
//!
//! Reading order: [`scenario`] says who is there and what goes wrong, [`suite`] the same for large
//! parties, [`byzantine`] for a source among seven peers with a [`lie`] each; [`world`] runs it
//! with [`host`]s on a [`wire`]; [`mod@check`] judges the [`world::Report`].

pub mod byzantine;
pub mod check;
pub mod clock;
pub mod host;
pub mod lie;
pub mod scenario;
pub mod suite;
pub mod wire;
pub mod world;

pub use check::{Violation, check};
pub use scenario::Scenario;
pub use suite::Suite;
pub use world::{Report, run};
