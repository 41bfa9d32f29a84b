//! Archive bytes in, checked events out. Decoders run in a child process that has no files, no
//! network and no way to start a process; it asks its parent for the archive's bytes and answers
//! with frames, of which the parent believes nothing.
//!
//! **Deliberately not here:** opening or writing files. Bytes come through [`ArchiveBytes`], from
//! a disk or from a swarm; whoever consumes the [`Event`]s writes them.
//!
//! Reading order: [`detect`], [`volumes`], [`layout`] say what is an archive; [`events`] and
//! [`parent`] are the parent's side; [`worker`], `engine` are the child's; [`pack`] writes.

pub mod detect;
mod engine;
pub mod error;
pub mod events;
mod frame;
#[cfg(feature = "test-util")]
pub mod hostile;
#[cfg(feature = "test-util")]
pub mod in_memory;
pub mod layout;
pub mod limits;
mod list;
mod names;
pub mod pack;
pub mod parent;
pub mod volumes;
pub mod worker;

pub use detect::Format;
pub use error::{ErrorCode, UnpackError};
pub use events::{Event, FileEnd, FileFacts, Progress, Totals};
pub use frame::{Encryption, Isolation, Mode, SkipReason, StartFacts};
pub use limits::Limits;
pub use list::{ListedFile, Listing, list};
pub use names::NameTable;
pub use parent::{ArchiveBytes, Canceller, Unpacker, WorkerCommand};
pub use worker::{WORKER_ARGUMENT, is_worker, worker_main};
