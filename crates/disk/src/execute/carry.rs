//! Walks an old `local/` and gives every file its fate: dropped, carried over, or kept.
//!
//! Invariant: a file leaves the old `local/` by a rename, or because its bytes stand in a record.

use std::collections::BTreeMap;

use lanspread_install::{
    InstallRecord, RecordedFile, Role, Slot, SlotState,
    carry::{Fate, Verdict, beside_name, fate},
};
use lanspread_proto::rel_path;

use super::{
    error::StepError,
    hands::{found_file, hash_file},
    job::Job,
    slots::is_marker,
};
use crate::{
    atomic_file,
    intent_file::{self, RecordSlot},
    observe::{self, observe_slot},
    vfs::{EntryKind, Place},
};

/// Deeper directories of the user are moved as a whole.
const DEPTH_MAX: usize = 64;

/// The old files and where the user's go.
struct Walk<'r> {
    old: BTreeMap<String, &'r RecordedFile>,
    /// What the new `local/` holds of ours; `None` when there is no new one.
    new: Option<BTreeMap<String, &'r RecordedFile>>,
}

impl Job<'_> {
    pub(super) fn carry_over(&mut self) -> Result<(), StepError> {
        if !self.has_backup()? {
            return Ok(());
        }
        let (disk, state) = (self.hands.disk, &self.places.state);
        let new = intent_file::read_record(disk, state, RecordSlot::Next)?;
        let new = new.ok_or(StepError::Unfit)?;
        self.walk_backup(Some(&new))
    }

    pub(super) fn put_aside(&mut self) -> Result<(), StepError> {
        if !self.has_backup()? {
            return Ok(());
        }
        self.walk_backup(None)
    }

    fn has_backup(&self) -> Result<bool, StepError> {
        match observe_slot(self.hands.disk, self.places, Slot::Backup)? {
            SlotState::Absent | SlotState::Empty => Ok(false),
            SlotState::Owned(marker)
                if marker.transaction == self.intent.transaction && marker.role == Role::Old =>
            {
                Ok(true)
            }
            SlotState::Owned(_) | SlotState::Unmarked | SlotState::Blocked => {
                Err(StepError::NotOwned(Slot::Backup))
            }
        }
    }

    fn walk_backup(&mut self, new: Option<&InstallRecord>) -> Result<(), StepError> {
        // Without a record every file is the user's.
        let old = observe::believed_record(self.hands.disk, self.places)?;
        let walk = Walk {
            old: old
                .as_ref()
                .map(InstallRecord::by_fold_key)
                .unwrap_or_default(),
            new: new.map(InstallRecord::by_fold_key),
        };
        let backup = self.places.slot(Slot::Backup);
        self.walk_dir(&walk, &backup, &[])?;
        if self.has_unnamable(&backup)? {
            self.keep(&backup, &[Slot::Live.kept_name()])?;
        }
        Ok(())
    }

    /// Whether a directory holds a name that is not Unicode: it is listed, but cannot be reached.
    pub(super) fn has_unnamable(&self, dir: &Place) -> Result<bool, StepError> {
        for entry in self.hands.disk.list(dir)? {
            let place = dir.listed(&entry.name);
            if entry.kind == EntryKind::Other && self.hands.kind(&place)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn walk_dir(&mut self, walk: &Walk<'_>, dir: &Place, path: &[&str]) -> Result<(), StepError> {
        for entry in self.hands.disk.list(dir)? {
            if path.is_empty() && is_marker(&entry.name) {
                continue;
            }
            let place = dir.listed(&entry.name);
            if self.hands.kind(&place)?.is_none() {
                continue;
            }
            let path: Vec<&str> = path.iter().copied().chain([entry.name.as_str()]).collect();
            match entry.kind {
                EntryKind::Directory => self.walk_sub_dir(walk, &place, &path)?,
                EntryKind::File => self.carry_file(walk, &place, &path)?,
                EntryKind::Other => self.carry_as_it_is(walk, &place, &path)?,
            }
        }
        Ok(())
    }

    fn walk_sub_dir(
        &mut self,
        walk: &Walk<'_>,
        place: &Place,
        path: &[&str],
    ) -> Result<(), StepError> {
        // A directory with names that cannot be said is moved as it is.
        let opaque = path.len() >= DEPTH_MAX || self.has_unnamable(place)?;
        if opaque {
            return self.carry_as_it_is(walk, place, path);
        }
        self.walk_dir(walk, place, path)?;
        Ok(self.hands.prune(place)?)
    }

    fn carry_file(
        &mut self,
        walk: &Walk<'_>,
        place: &Place,
        path: &[&str],
    ) -> Result<(), StepError> {
        let key = rel_path::fold(&path.join("/"));
        let old = walk.old.get(&key).copied();
        let new = walk.new.as_ref().and_then(|new| new.get(&key)).copied();
        let Some(stat) = self.hands.disk.stat(place)? else {
            return Ok(());
        };
        let mut found = found_file(&stat);
        let fate = loop {
            match fate(&found, old, new) {
                Verdict::Fate(fate) => break fate,
                Verdict::HashIt => found.root = Some(hash_file(self.hands.disk, place)?),
            }
        };
        if fate == Fate::Drop {
            return Ok(self.hands.remove_file(place)?);
        }
        if walk.new.is_none() {
            return self.keep(place, path);
        }
        match (fate, new) {
            (Fate::Replace, Some(new)) => self.replace(place, path, new),
            (Fate::Beside, _) => self.lay_beside(place, path),
            (Fate::Keep | Fate::Replace | Fate::Drop, _) => self.carry_as_it_is(walk, place, path),
        }
    }

    /// To the same path of the new `local/`, or to `kept/` where there is none.
    fn carry_as_it_is(
        &mut self,
        walk: &Walk<'_>,
        place: &Place,
        path: &[&str],
    ) -> Result<(), StepError> {
        if walk.new.is_none() {
            return self.keep(place, path);
        }
        let Some(target) = self.live_target(path)? else {
            return self.keep(place, path);
        };
        if self.hands.kind(&target)?.is_some() {
            return self.lay_beside(place, path);
        }
        Ok(self.hands.rename(place, &target)?)
    }

    /// Over our file, if it is still ours.
    fn replace(
        &mut self,
        place: &Place,
        path: &[&str],
        new: &RecordedFile,
    ) -> Result<(), StepError> {
        let Some(target) = self.live_target(path)? else {
            return self.keep(place, path);
        };
        let free = self.hands.kind(&target)?.is_none();
        if free || self.hands.is_expected(&target, &new.expected())? {
            return Ok(self.hands.rename(place, &target)?);
        }
        self.lay_beside(place, path)
    }

    fn lay_beside(&mut self, place: &Place, path: &[&str]) -> Result<(), StepError> {
        let target = self.live_target(path)?;
        let (Some(dir), Some(name)) = (target.and_then(|target| target.parent()), path.last())
        else {
            return self.keep(place, path);
        };
        let free = self.free_name(&dir, |attempt| beside_name(name, attempt))?;
        Ok(self.hands.rename(place, &free)?)
    }

    /// A path in the new `local/`, with the directories above it; `None` when one of them is a
    /// file there.
    fn live_target(&self, path: &[&str]) -> Result<Option<Place>, StepError> {
        let (name, parents) = path.split_last().ok_or(StepError::Unfit)?;
        let mut dir = self.places.slot(Slot::Live);
        for parent in parents {
            dir = dir.listed(parent);
            match self.hands.kind(&dir)? {
                Some(EntryKind::Directory) => {}
                Some(EntryKind::File | EntryKind::Other) => return Ok(None),
                None => atomic_file::ensure_dir(self.hands.disk, &dir)?,
            }
        }
        Ok(Some(dir.listed(name)))
    }
}
