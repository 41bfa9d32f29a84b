//! [`Hooks`]: what a transaction asks of whoever runs it.

use std::time::Duration;

use lanspread_install::Step;
use lanspread_proto::manifest::FileEntry;

use crate::vfs::FileIdentity;

/// What a transaction asks of whoever runs it. Every question has an answer that is always safe.
pub trait Hooks {
    /// Nobody may read the payload any more: close the files that are served. Returns when that is
    /// so.
    fn stop_serving(&mut self) {}

    /// The identity under which the file at this path was seen to be this entry, if the index
    /// knows: it spares hashing the file before it is replaced or deleted.
    fn known(&self, _entry: &FileEntry) -> Option<FileIdentity> {
        None
    }

    /// Waits before the next try on a file that is in use; `false` to give up now.
    fn wait(&mut self, delay: Duration) -> bool {
        std::thread::sleep(delay);
        true
    }

    /// This step begins.
    fn on_step(&mut self, _step: Step) {}
}

/// Nothing is served, nothing is known, waiting is sleeping.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}
