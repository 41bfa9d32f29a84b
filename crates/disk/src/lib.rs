//! The hands on files. Nothing else in LanSpread opens, writes, renames or deletes one.
//!
//! **Deliberately not here:** decisions (they are in `lanspread-install`), sockets, async, archive
//! formats. Everything is synchronous on purpose: positioned reads and writes from a few worker
//! threads are what disks are good at, and a test can run the same code on a disk in memory.

pub mod error;
pub mod real;
pub mod vfs;

pub use error::{DiskError, DiskOp};
pub use real::RealDisk;
pub use vfs::{Disk, DiskFile, Place};
