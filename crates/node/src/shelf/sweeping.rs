//! Deletes manifests that nothing asks for any more.
//!
//! Invariant: it runs while no game is held, looked at or hashed, so whatever began before has said
//! in the state directory what it needs; and only when all of that can be read.

use std::{collections::BTreeSet, sync::Arc};

use lanspread_disk::{
    Disk, DiskError,
    index::{Index, ManifestStore, Needed, NeededError},
    state::StateDir,
};
use lanspread_proto::ContentId;

use super::{Moving, Msg, Scan, Shelf, look::Known};
use crate::{games, restart::caught_in};

/// Whether manifests may lie there that nobody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweep {
    /// None came to be since it was looked at last.
    No,
    /// As soon as nothing is under way.
    Wanted,
    Running,
    /// The index began anew in this run: what it forgot may be needed.
    Never,
}

impl Sweep {
    pub(super) const fn begin(index_is_whole: bool) -> Self {
        match index_is_whole {
            true => Self::Wanted,
            false => Self::Never,
        }
    }

    pub(super) fn want(&mut self) {
        if *self == Self::No {
            *self = Self::Wanted;
        }
    }
}

/// Why nothing was deleted, or not all.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Needed(#[from] NeededError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("the saved downloads cannot be understood")]
    Saved,
}

impl Shelf {
    /// Holds wait until it ends, and so do looks.
    pub(super) fn sweep_if_idle(&mut self) {
        let works = self.looking.is_some() || self.hashing.is_some() || self.scan != Scan::Idle;
        let waits = !self.to_look.is_empty() || !self.to_hash.is_empty() || self.early.is_some();
        let moves = !matches!(self.moving, Moving::No);
        let is_held = self.entries.values().any(|entry| entry.holds > 0);
        if self.sweep != Sweep::Wanted || works || waits || moves || is_held {
            return;
        }
        self.sweep = Sweep::Running;
        let (disk, state) = (Arc::clone(&self.ports.disk), self.ports.state.clone());
        let (index, mailbox) = (Arc::clone(&self.ports.index), self.ports.mailbox.clone());
        let known = self.known_contents();
        let span = tracing::debug_span!("sweep");
        self.ports.tasks.spawn_blocking(span, move || {
            match caught_in(|| sweep(disk.as_ref(), &state, &index, known)) {
                Ok(Ok(0)) => {}
                Ok(Ok(count)) => tracing::info!(count, "files of unneeded manifests were deleted"),
                Ok(Err(error)) => tracing::warn!(%error, "unneeded manifests stay"),
                Err(panic) => tracing::error!(panic, "unneeded manifests stay"),
            }
            mailbox.blocking_send(Msg::Swept);
        });
    }

    pub(super) fn on_swept(&mut self) {
        self.sweep = Sweep::No;
        for (game, reply) in std::mem::take(&mut self.swept_first) {
            self.hold(&game, reply);
        }
    }

    /// What is known here may not have been written down.
    fn known_contents(&self) -> BTreeSet<ContentId> {
        let of = |entry: &super::Entry| {
            let known = entry.known.as_ref().map(Known::content);
            let rotten = entry.rotten.as_ref().map(Known::content);
            let committed = entry.committed.as_ref();
            let committed = committed.map(|agreed| agreed.manifest.content());
            let downloading = entry.downloading.as_ref();
            let downloading = downloading.map(|manifest| manifest.content());
            [known, rotten, committed, downloading, entry.fetched]
        };
        self.entries.values().flat_map(of).flatten().collect()
    }
}

/// Returns how many files were deleted.
fn sweep(
    disk: &dyn Disk,
    state: &StateDir,
    index: &Index,
    known: BTreeSet<ContentId>,
) -> Result<u64, SweepError> {
    let mut needed = Needed::read(disk, state, index)?;
    needed.extend(known);
    let saved = games::saved_contents(disk, &state.place())?;
    needed.extend(saved.ok_or(SweepError::Saved)?);
    Ok(ManifestStore::new(disk, &state.manifests()).keep_only(&needed)?)
}
