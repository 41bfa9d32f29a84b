//! A party of three peers on this machine: two share generated games, one fetches all of them from
//! both at once, installs them, and every installed file is compared with what was generated.
//!
//! Everything lies in one directory that this crate makes, and takes away in the end; peers listen
//! on loopback only and look for nobody.
//!
//! Reading order: [`generate`] makes the games, [`party`] runs the peers and says how it goes,
//! [`summary`] is what came out.
//!
//! **Deliberately not here:** printing, signals, and how the unpack worker is started.

mod directory;
pub mod error;
pub mod generate;
mod guest;
mod member;
pub mod party;
pub mod progress;
pub mod summary;
mod verify;
mod work;

pub use error::DemoError;
pub use party::{Options, Party};
pub use progress::{Phase, Progress};
pub use summary::Summary;
