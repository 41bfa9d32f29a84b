//! The hands on files. Nothing else in LanSpread opens, writes, renames or deletes one.
//!
//! **Deliberately not here:** decisions (they are in `lanspread-install`), sockets, async, archive
//! formats. Everything is synchronous on purpose: positioned reads and writes from a few worker
//! threads are what disks are good at, and a test can run the same code on a disk in memory.

pub mod atomic_file;
pub mod boot;
pub mod catalog;
pub mod content;
pub mod error;
pub mod execute;
pub mod folders;
pub mod games_lock;
mod handles;
pub mod hashing;
#[cfg(any(test, feature = "test-util"))]
pub mod hostile;
pub mod index;
pub mod intent_file;
pub mod launch;
pub mod leftovers;
#[cfg(any(test, feature = "test-util"))]
pub mod mem;
pub mod memory;
pub mod migrate;
pub mod network;
pub mod observe;
pub mod open_files;
pub mod partial;
pub mod pool;
pub mod private_file;
pub mod real;
pub mod relocate;
#[cfg(test)]
mod sample;
pub mod scan;
pub mod space;
pub mod staging;
pub mod state;
pub mod verify;
pub mod vfs;
pub mod watch;
#[cfg(windows)]
mod windows;

pub use error::{DiskError, DiskOp};
pub use handles::HANDLES_MAX;
pub use observe::GamePlaces;
pub use real::RealDisk;
pub use staging::{StagedFile, Staging};
pub use vfs::{Disk, DiskFile, Place};
