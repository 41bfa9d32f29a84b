//! [`Needed`]: the contents whose manifests something on this machine still asks for.
//!
//! **Invariant:** all of it was read, or there is no answer: what cannot be read may need anything.

use std::collections::BTreeSet;

use lanspread_install::{Goal, Intent, slot};
use lanspread_proto::ContentId;

use super::{Index, IndexError};
use crate::{
    error::DiskError,
    intent_file::{RecordSlot, StateFileError, read_intent, read_record},
    state::StateDir,
    vfs::{Disk, EntryKind, Place},
};

/// What is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    contents: BTreeSet<ContentId>,
    /// The short names of contents, as journals of downloads have them.
    short: BTreeSet<String>,
}

/// Why nobody can say what is needed.
#[derive(Debug, thiserror::Error)]
pub enum NeededError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// An intent or a record.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// The state directory.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Needed {
    /// Reads what the index, the intents, the install records and the journals of downloads name.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read(disk: &dyn Disk, state: &StateDir, index: &Index) -> Result<Self, NeededError> {
        let mut needed = Self {
            contents: index.contents()?,
            short: BTreeSet::new(),
        };
        let games = state.games();
        for entry in disk.list(&games)? {
            if entry.kind == EntryKind::Directory {
                needed.add_game(disk, &games.listed(&entry.name))?;
            }
        }
        for entry in disk.list(&state.partials())? {
            if let Some((_game, short)) = entry.name.rsplit_once('-') {
                needed.short.insert(short.to_owned());
            }
        }
        Ok(needed)
    }

    /// These are needed too.
    pub fn extend(&mut self, contents: impl IntoIterator<Item = ContentId>) {
        self.contents.extend(contents);
    }

    /// Whether a manifest must stay.
    #[must_use]
    pub fn contains(&self, content: ContentId) -> bool {
        self.contents.contains(&content) || self.short.contains(&content.short())
    }

    fn add_game(&mut self, disk: &dyn Disk, game: &Place) -> Result<(), NeededError> {
        let intent = read_intent(disk, game)?;
        self.extend(intent.iter().flat_map(named));
        for (slot, name) in [
            (RecordSlot::Current, slot::RECORD),
            (RecordSlot::Next, slot::RECORD_NEXT),
        ] {
            // Most games have none, and a record is large.
            if disk.stat(&game.own(name))?.is_some() {
                let record = read_record(disk, game, slot)?;
                self.extend(record.map(|record| record.content()));
            }
        }
        Ok(())
    }
}

/// The contents that an intent names.
fn named(intent: &Intent) -> Vec<ContentId> {
    let more = match &intent.goal {
        Goal::CommitDownload { old, .. } => *old,
        Goal::Remove { content, .. } => Some(*content),
        Goal::Install(_)
        | Goal::Update(_)
        | Goal::Uninstall { .. }
        | Goal::Repair(_)
        | Goal::LowDisk(_) => None,
    };
    let target = intent.goal.target().map(|target| target.content);
    target.into_iter().chain(more).collect()
}
