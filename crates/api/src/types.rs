//! What programs outside this process read and write: plain data for JSON.
//!
//! Names are snake_case, ids are hexadecimal text, lengths of time are milliseconds in fields named
//! `_ms`, amounts are numbers of bytes. Numbers stay below 2^53, so that JavaScript can hold them.

pub mod command;
pub mod delta;
mod guest;
pub mod notice;
pub mod play;
pub mod reply;
pub mod snapshot;

pub use command::{Command, QuitWhen, SettingsChange};
pub use delta::Delta;
pub use notice::Notice;
pub use reply::{FileView, Finding, Folder, Level, PublishPlan, Reply};
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
