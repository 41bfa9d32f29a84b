//! [`Step`]: the few things that `disk` can do for us.
//!
//! Every step is idempotent: done once or twice, wholly or in part before, the end is the same. A
//! step that changes names is durable only after the [`Step::SyncRoot`] or [`Step::SyncTree`]
//! behind it; steps on the state directory are durable when they are done.

use crate::{
    intent::Phase,
    slot::{Role, Slot},
};

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Writes the intent in this phase, durably.
    WriteIntent(Phase),
    /// Removes the intent, durably: the transaction is over.
    ClearIntent,
    /// Moves a slot that this transaction does not own to `kept/`, durably, if something is in it.
    SetAside(Slot),
    /// Makes the staging with its marker, durably, if it is not there.
    MakeStaging,
    /// Writes the marker of this transaction into a slot, durably.
    Claim(Slot, Role),
    /// Removes a marker that a crash left half written in a slot, durably.
    DropDraft(Slot),
    /// Makes everything below a slot durable.
    SyncTree(Slot),
    /// Makes the names at the root of the game durable.
    SyncRoot,
    /// Makes everything below the root of the game durable.
    SyncGame,
    /// Exchanges `local/` and the staging.
    Swap,
    /// Renames a slot.
    Move {
        /// Which.
        from: Slot,
        /// To where nothing is.
        to: Slot,
    },
    /// Writes the record of the new install beside the old one, durably.
    WriteNextRecord,
    /// Removes the record of an install that will not be, durably.
    ForgetNextRecord,
    /// The next record replaces the old one, durably.
    AdoptRecord,
    /// Removes the record, durably.
    ForgetRecord,
    /// The user's files in the backup go into the new `local/`; ours are deleted.
    CarryOver,
    /// The user's files in the backup go to `kept/`; ours are deleted.
    PutAside,
    /// Moves every file of the staging to its place in `local/`; what is in the way and not
    /// provably ours goes to `kept/`.
    PlaceRepaired,
    /// Deletes everything in the claimed backup, the user's files too.
    Purge,
    /// Deletes a slot that carries the marker of this transaction in this role, durably: first
    /// what is in it, then the marker. Of a [`Role::Old`] slot only empty directories are deleted;
    /// a file in it is an error. An empty slot needs no marker.
    Drop(Slot, Role),
    /// Nobody may read the payload from now on.
    StopServing,
    /// The sentinel gets its parking name.
    ParkSentinel,
    /// Deletes the files of the old manifest that the new one does not have and that are still
    /// what the old manifest says.
    DropOldFiles,
    /// Moves every file but the sentinel from `.incoming/` to the root; what is in the way and not
    /// provably ours goes to `kept/`.
    PlaceFiles,
    /// Moves the sentinel from `.incoming/` to the root.
    PlaceSentinel,
    /// Deletes the parked sentinel if it is ours; else it goes to `kept/`.
    DropParked,
    /// Deletes the manifest's files that are still what the manifest says, and the directories
    /// that are empty then.
    RemovePayload,
}
