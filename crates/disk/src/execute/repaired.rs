//! Puts the repaired files of a staging to their places in `local/`.
//!
//! Invariant: a file that is in the way leaves `local/` by a rename, or because it is the one that
//! we wrote, by what the record says of it.

use std::collections::BTreeMap;

use lanspread_install::{InstallRecord, RecordedFile, Slot, SlotState};
use lanspread_proto::RelPath;

use super::{error::StepError, job::Job};
use crate::{
    atomic_file,
    intent_file::{self, RecordSlot},
    observe::{self, observe_slot},
    vfs::{EntryKind, Place},
};

impl Job<'_> {
    pub(super) fn place_repaired(&mut self) -> Result<(), StepError> {
        match observe_slot(self.hands.disk, self.places, Slot::Staging)? {
            // All of it is placed.
            SlotState::Absent | SlotState::Empty => return Ok(()),
            SlotState::Owned(marker) if marker.transaction == self.intent.transaction => {}
            SlotState::Owned(_) | SlotState::Unmarked | SlotState::Blocked => {
                return Err(StepError::NotOwned(Slot::Staging));
            }
        }
        let (disk, state) = (self.hands.disk, &self.places.state);
        let next = intent_file::read_record(disk, state, RecordSlot::Next)?;
        let next = next.ok_or(StepError::Unfit)?;
        let old = observe::believed_record(disk, self.places)?;
        let old = old
            .as_ref()
            .map(InstallRecord::by_fold_key)
            .unwrap_or_default();
        next.files()
            .iter()
            .try_for_each(|file| self.place_one(&file.path, &old))
    }

    fn place_one(
        &mut self,
        path: &RelPath,
        old: &BTreeMap<String, &RecordedFile>,
    ) -> Result<(), StepError> {
        let source = self.places.slot(Slot::Staging).join(path);
        if self.hands.kind(&source)? != Some(EntryKind::File) {
            // It was not damaged, or is placed already.
            return Ok(());
        }
        let target = self.clear_way(path)?;
        if self.hands.kind(&target)?.is_some() && !self.is_ours(&target, path, old)? {
            self.put_away(&target, path)?;
        }
        Ok(self.hands.rename(&source, &target)?)
    }

    /// The place of a file in `local/`, with the directories above it.
    fn clear_way(&mut self, path: &RelPath) -> Result<Place, StepError> {
        let live = self.places.slot(Slot::Live);
        let mut above = Vec::new();
        let mut next = path.parent();
        while let Some(dir) = next {
            next = dir.parent();
            above.push(dir);
        }
        for dir in above.iter().rev() {
            let place = live.join(dir);
            match self.hands.kind(&place)? {
                Some(EntryKind::Directory) => continue,
                Some(EntryKind::File | EntryKind::Other) => self.put_away(&place, dir)?,
                None => {}
            }
            atomic_file::ensure_dir(self.hands.disk, &place)?;
        }
        Ok(live.join(path))
    }

    /// By its identity, or by its bytes: the one that we wrote, rotten or not.
    fn is_ours(
        &self,
        target: &Place,
        path: &RelPath,
        old: &BTreeMap<String, &RecordedFile>,
    ) -> Result<bool, StepError> {
        match old.get(&path.fold_key()) {
            Some(recorded) => self.hands.is_expected(target, &recorded.expected()),
            None => Ok(false),
        }
    }

    fn put_away(&mut self, place: &Place, path: &RelPath) -> Result<(), StepError> {
        let names: Vec<&str> = path.components().collect();
        self.keep(place, &names)
    }
}
