//! Steps on whole directories of ours: make, claim, move, drop.
//!
//! Invariant: a directory is dropped only with the marker of this transaction in it, and the
//! intent that names the transaction on disk.

use std::io::ErrorKind;

use lanspread_install::{
    Marker, Role, Slot, SlotState,
    slot::{MARKER, MARKER_DRAFT},
};

use super::{error::StepError, job::Job};
use crate::{
    atomic_file,
    observe::{self, observe_slot},
    vfs::{EntryKind, Place},
};

impl Job<'_> {
    fn marker(&self, role: Role) -> Marker {
        Marker {
            transaction: self.intent.transaction,
            role,
        }
    }

    fn check_owned(&self, slot: Slot, role: Role) -> Result<(), StepError> {
        let found = observe::read_marker(self.hands.disk, &self.places.slot(slot))?;
        if found == Some(self.marker(role)) {
            Ok(())
        } else {
            Err(StepError::NotOwned(slot))
        }
    }

    pub(super) fn make_staging(&mut self) -> Result<(), StepError> {
        let staging = self.places.slot(Slot::Staging);
        atomic_file::ensure_dir(self.hands.disk, &staging)?;
        self.write_marker(&staging, Role::New)
    }

    pub(super) fn claim(&mut self, slot: Slot, role: Role) -> Result<(), StepError> {
        let place = self.places.slot(slot);
        let found = observe::read_marker(self.hands.disk, &place)?;
        if found == Some(self.marker(role)) {
            return Ok(self.hands.disk.sync_dir(&place)?);
        }
        self.write_marker(&place, role)
    }

    pub(super) fn drop_draft(&mut self, slot: Slot) -> Result<(), StepError> {
        let place = self.places.slot(slot);
        match self.hands.disk.stat(&place)?.map(|stat| stat.kind) {
            Some(EntryKind::Directory) => {}
            Some(EntryKind::File | EntryKind::Other) | None => return Ok(()),
        }
        self.hands.remove_file(&place.own(MARKER_DRAFT))?;
        Ok(self.hands.disk.sync_dir(&place)?)
    }

    fn write_marker(&mut self, dir: &Place, role: Role) -> Result<(), StepError> {
        let text = self.marker(role).encode();
        Ok(atomic_file::write(
            self.hands.disk,
            dir,
            MARKER,
            text.as_bytes(),
        )?)
    }

    pub(super) fn swap(&mut self) -> Result<(), StepError> {
        self.check_owned(Slot::Live, Role::Old)?;
        self.check_owned(Slot::Staging, Role::New)?;
        let (live, staging) = (
            self.places.slot(Slot::Live),
            self.places.slot(Slot::Staging),
        );
        Ok(self.hands.exchange(&live, &staging)?)
    }

    pub(super) fn move_slot(&mut self, from: Slot, to: Slot) -> Result<(), StepError> {
        let role = match to {
            Slot::Live => Role::New,
            Slot::Backup => Role::Old,
            Slot::Staging | Slot::Incoming => return Err(StepError::Unfit),
        };
        self.check_owned(from, role)?;
        if observe_slot(self.hands.disk, self.places, to)? != SlotState::Absent {
            return Err(StepError::NotOwned(to));
        }
        let (from, to) = (self.places.slot(from), self.places.slot(to));
        Ok(self.hands.rename(&from, &to)?)
    }

    /// Whether there is anything to drop; an empty slot is removed at once.
    fn is_droppable(&mut self, slot: Slot, role: Role) -> Result<bool, StepError> {
        match observe_slot(self.hands.disk, self.places, slot)? {
            SlotState::Absent => Ok(false),
            SlotState::Empty => {
                self.remove_slot(slot)?;
                Ok(false)
            }
            SlotState::Unmarked | SlotState::Blocked => Err(StepError::NotOwned(slot)),
            SlotState::Owned(_) => {
                self.check_owned(slot, role)?;
                Ok(true)
            }
        }
    }

    pub(super) fn drop_new(&mut self, slot: Slot) -> Result<(), StepError> {
        if !self.is_droppable(slot, Role::New)? {
            return Ok(());
        }
        let place = self.places.slot(slot);
        self.hands.clear_dir(&place, &[MARKER])?;
        // The marker must outlive what it proves ours.
        self.hands.disk.sync_volume(&place)?;
        self.remove_slot(slot)
    }

    pub(super) fn drop_old(&mut self, slot: Slot) -> Result<(), StepError> {
        if !self.is_droppable(slot, Role::Old)? {
            return Ok(());
        }
        let place = self.places.slot(slot);
        self.prune_all(&place)?;
        self.hands.disk.sync_volume(&place)?;
        self.remove_slot(slot)
    }

    /// Removes the directories below a slot; a file among them stops it.
    fn prune_all(&mut self, slot: &Place) -> Result<(), StepError> {
        let mut open = vec![(slot.clone(), false)];
        while let Some((dir, listed)) = open.pop() {
            if listed {
                self.hands.remove_dir(&dir)?;
                continue;
            }
            let at_top = dir == *slot;
            if !at_top {
                open.push((dir.clone(), true));
            }
            for entry in self.hands.disk.list(&dir)? {
                let place = dir.listed(&entry.name);
                match entry.kind {
                    EntryKind::Directory => open.push((place, false)),
                    EntryKind::File if at_top && is_marker(&entry.name) => {}
                    EntryKind::File | EntryKind::Other => return Err(StepError::NotEmpty(place)),
                }
            }
        }
        Ok(())
    }

    /// Removes a slot in which nothing is but the marker.
    fn remove_slot(&mut self, slot: Slot) -> Result<(), StepError> {
        let place = self.places.slot(slot);
        self.hands.remove_file(&place.own(MARKER_DRAFT))?;
        self.hands.remove_file(&place.own(MARKER))?;
        self.hands.remove_dir(&place)?;
        Ok(self.hands.disk.sync_dir(&self.places.game_root)?)
    }

    pub(super) fn set_slot_aside(&mut self, slot: Slot) -> Result<(), StepError> {
        match observe_slot(self.hands.disk, self.places, slot)? {
            SlotState::Absent => Ok(()),
            SlotState::Empty => self.remove_slot(slot),
            SlotState::Owned(marker) if marker.transaction == self.intent.transaction => {
                Err(StepError::NotOwned(slot))
            }
            SlotState::Unmarked | SlotState::Owned(_) | SlotState::Blocked => {
                self.keep(&self.places.slot(slot), &[slot.kept_name()])?;
                Ok(self.hands.disk.sync_dir(&self.places.game_root)?)
            }
        }
    }

    pub(super) fn purge(&mut self) -> Result<(), StepError> {
        if !self.is_droppable(Slot::Backup, Role::Old)? {
            return Ok(());
        }
        let backup = self.places.slot(Slot::Backup);
        match self.hands.clear_dir(&backup, &[MARKER]) {
            Ok(()) if !self.has_unnamable(&backup)? => Ok(()),
            Err(error) if error.source.kind() != ErrorKind::DirectoryNotEmpty => Err(error.into()),
            // Names that are not Unicode cannot be deleted one by one: a person must.
            Ok(()) | Err(_) => self.keep(&backup, &[Slot::Live.kept_name()]),
        }
    }
}

pub(crate) fn is_marker(name: &str) -> bool {
    name == MARKER || name == MARKER_DRAFT
}
