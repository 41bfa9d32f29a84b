//! One running peer: it spawns every task, reads the clock and owns all state.
//!
//! ```text
//!                       NodeHandle ──── Snapshot (watch) and Notices (broadcast) up to the doors
//!          ┌───────────────┼───────────────┬──────────────┐
//!        games          library          peers          shelf
//!   one operation     who has what    links, dials,   our games on disk:
//!   per game, queue   (merged)        discovery       scan, hash, publish
//!      │      │                          │
//!  transfer  installer               exchange ── serve
//!  one per   one per                 what we have and who wants it; uploads
//!  download  transaction
//! ```
//!
//! Commands go down as messages with typed replies; state goes up as immutable views. An actor's
//! handlers are synchronous; whatever waits is a job that reports back, so *cancel* never waits
//! behind *get*.
//!
//! **Deliberately not here:** printing, environment variables, home directories, HTTP, JSON. The
//! doors turn those into a [`Config`].

mod actor;
mod buffers;
mod clock;
mod committing;
pub mod config;
mod credit;
mod discovery;
pub mod doctor;
mod download;
pub mod error;
mod exchange;
pub mod folders;
mod foundation;
mod games;
pub mod handle;
mod have_pages;
pub mod inspect;
mod installing;
mod jobs;
mod lanes;
mod library;
pub mod limits;
mod mirror;
pub mod notice;
mod pace;
mod peers;
mod pieces;
pub mod play;
mod publish;
mod publishing;
mod random;
mod removing;
mod restart;
mod room;
mod saves;
mod shelf;
pub mod snapshot;
mod supervisor;
mod transfer;
mod verifying;
mod views;

pub use config::Config;
pub use error::{OperationError, Shortage, StartError};
pub use handle::NodeHandle;
pub use lanspread_disk::private_file::create as create_private_file;
pub use notice::Notice;
pub use snapshot::Snapshot;
pub use supervisor::Node;
