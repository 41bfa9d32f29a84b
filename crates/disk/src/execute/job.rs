//! [`Job`]: one transaction with everything its steps need, and which stroke belongs to which step.

use lanspread_install::{InstallRecord, Intent, Role, Slot, Step, slot::VERSION_INI};
use lanspread_proto::Manifest;

use super::{error::StepError, hands::Hands};
use crate::{
    intent_file::{self, RecordSlot},
    observe::GamePlaces,
    vfs::Place,
};

/// One transaction with everything its steps need.
pub(crate) struct Job<'a> {
    pub(crate) hands: Hands<'a>,
    pub(crate) places: &'a GamePlaces,
    pub(crate) intent: &'a Intent,
    /// The manifest of what becomes the payload.
    pub(crate) new: Option<&'a Manifest>,
    /// The manifest of what is replaced or removed.
    pub(crate) old: Option<&'a Manifest>,
    /// The record of what was staged.
    pub(crate) staged: Option<&'a InstallRecord>,
}

impl Job<'_> {
    /// Carries out one step. Done before, wholly or in part, is as good as not done.
    pub(crate) fn carry_out(&mut self, step: Step) -> Result<(), StepError> {
        self.hands.hooks.on_step(step);
        match step {
            Step::WriteIntent(_)
            | Step::ClearIntent
            | Step::WriteNextRecord
            | Step::ForgetNextRecord
            | Step::AdoptRecord
            | Step::ForgetRecord => self.on_state(step),
            Step::SyncTree(slot) => Ok(self.hands.disk.sync_volume(&self.places.slot(slot))?),
            Step::SyncRoot => Ok(self.hands.disk.sync_dir(&self.places.game_root)?),
            Step::SyncGame => Ok(self.hands.disk.sync_volume(&self.places.game_root)?),
            Step::SetAside(slot) => self.set_slot_aside(slot),
            Step::MakeStaging => self.make_staging(),
            Step::Claim(slot, role) => self.claim(slot, role),
            Step::DropDraft(slot) => self.drop_draft(slot),
            Step::Swap => self.swap(),
            Step::Move { from, to } => self.move_slot(from, to),
            Step::Drop(slot, Role::New) => self.drop_new(slot),
            Step::Drop(slot, Role::Old) => self.drop_old(slot),
            Step::CarryOver => self.carry_over(),
            Step::PutAside => self.put_aside(),
            Step::PlaceRepaired => self.place_repaired(),
            Step::Purge => self.purge(),
            Step::StopServing => {
                self.hands.hooks.stop_serving();
                Ok(())
            }
            Step::ParkSentinel => self.park_sentinel(),
            Step::DropOldFiles => self.drop_old_files(),
            Step::PlaceFiles => self.place_files(),
            Step::PlaceSentinel => self.place_sentinel(),
            Step::DropParked => self.drop_parked(),
            Step::RemovePayload => self.remove_payload(),
        }
    }

    fn on_state(&mut self, step: Step) -> Result<(), StepError> {
        let (disk, state) = (self.hands.disk, &self.places.state);
        match step {
            Step::WriteIntent(phase) => {
                intent_file::write_intent(disk, state, &self.intent.in_phase(phase))?;
            }
            Step::ClearIntent => intent_file::clear_intent(disk, state)?,
            Step::WriteNextRecord => {
                let staged = self.staged.ok_or(StepError::Unfit)?;
                intent_file::write_next_record(disk, state, staged)?;
            }
            Step::ForgetNextRecord => {
                intent_file::remove_record(disk, state, RecordSlot::Next)?;
            }
            Step::AdoptRecord => intent_file::adopt_record(disk, state)?,
            Step::ForgetRecord => {
                intent_file::remove_record(disk, state, RecordSlot::Current)?;
            }
            Step::SetAside(_)
            | Step::MakeStaging
            | Step::Claim(..)
            | Step::DropDraft(_)
            | Step::SyncTree(_)
            | Step::SyncRoot
            | Step::SyncGame
            | Step::Swap
            | Step::Move { .. }
            | Step::CarryOver
            | Step::PutAside
            | Step::PlaceRepaired
            | Step::Purge
            | Step::Drop(..)
            | Step::StopServing
            | Step::ParkSentinel
            | Step::DropOldFiles
            | Step::PlaceFiles
            | Step::PlaceSentinel
            | Step::DropParked
            | Step::RemovePayload => return Err(StepError::Unfit),
        }
        Ok(())
    }

    pub(super) fn incoming(&self) -> Place {
        self.places.slot(Slot::Incoming)
    }

    pub(super) fn root_sentinel(&self) -> Place {
        self.places.game_root.own(VERSION_INI)
    }
}
