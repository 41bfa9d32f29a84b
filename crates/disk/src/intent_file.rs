//! The intent and the install records of a game, in its state directory. A file that is there but
//! cannot be believed is an error: nothing may be deleted on a guess.

use lanspread_install::{
    InstallRecord, Intent, SealError,
    intent::INTENT_BYTES_MAX,
    record::RECORD_BYTES_MAX,
    slot::{INTENT, RECORD, RECORD_NEXT},
};

use crate::{
    atomic_file,
    error::DiskError,
    vfs::{Disk, Place},
};

/// Why a state file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is there, but it is not believed.
    #[error("{place}: {reason}")]
    Unreadable {
        /// Which file.
        place: Place,
        /// Why.
        reason: SealError,
    },
}

/// Which of the two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordSlot {
    /// Of what is installed.
    Current,
    /// Of what is being installed.
    Next,
}

impl RecordSlot {
    const fn name(self) -> &'static str {
        match self {
            Self::Current => RECORD,
            Self::Next => RECORD_NEXT,
        }
    }
}

/// Reads the intent of a game; `None` when no transaction is unfinished.
///
/// # Errors
/// The disk, or an intent that is not believed: touch nothing then.
pub fn read_intent(disk: &dyn Disk, state: &Place) -> Result<Option<Intent>, StateFileError> {
    let place = state.own(INTENT);
    read(disk, &place, INTENT_BYTES_MAX, Intent::parse)
}

/// Writes the intent, durably; makes the state directory if it is not there.
///
/// # Errors
/// The disk.
pub fn write_intent(disk: &dyn Disk, state: &Place, intent: &Intent) -> Result<(), StateFileError> {
    atomic_file::ensure_dir(disk, state)?;
    let bytes = intent
        .encode()
        .map_err(|reason| unreadable(state, reason))?;
    Ok(atomic_file::write(disk, state, INTENT, &bytes)?)
}

/// Removes the intent, durably.
///
/// # Errors
/// The disk.
pub fn clear_intent(disk: &dyn Disk, state: &Place) -> Result<(), StateFileError> {
    Ok(atomic_file::remove(disk, state, INTENT)?)
}

/// Reads a record; `None` when there is none.
///
/// # Errors
/// The disk, or a record that is not believed.
pub fn read_record(
    disk: &dyn Disk,
    state: &Place,
    slot: RecordSlot,
) -> Result<Option<InstallRecord>, StateFileError> {
    let place = state.own(slot.name());
    read(disk, &place, RECORD_BYTES_MAX, InstallRecord::parse)
}

/// Writes the record of what is being installed, durably.
///
/// # Errors
/// The disk, or more files than a record may hold.
pub fn write_next_record(
    disk: &dyn Disk,
    state: &Place,
    record: &InstallRecord,
) -> Result<(), StateFileError> {
    let bytes = record
        .encode()
        .map_err(|reason| unreadable(state, reason))?;
    Ok(atomic_file::write(disk, state, RECORD_NEXT, &bytes)?)
}

/// The next record becomes the current one, durably; done already when there is no next one.
///
/// # Errors
/// The disk.
pub fn adopt_record(disk: &dyn Disk, state: &Place) -> Result<(), StateFileError> {
    let next = state.own(RECORD_NEXT);
    if disk.stat(&next)?.is_some() {
        disk.rename(&next, &state.own(RECORD))?;
    }
    Ok(disk.sync_dir(state)?)
}

/// Removes a record, durably.
///
/// # Errors
/// The disk.
pub fn remove_record(
    disk: &dyn Disk,
    state: &Place,
    slot: RecordSlot,
) -> Result<(), StateFileError> {
    Ok(atomic_file::remove(disk, state, slot.name())?)
}

fn read<T>(
    disk: &dyn Disk,
    place: &Place,
    bytes_max: u64,
    parse: impl FnOnce(&[u8]) -> Result<T, SealError>,
) -> Result<Option<T>, StateFileError> {
    let Some(bytes) = atomic_file::read(disk, place, bytes_max)? else {
        return Ok(None);
    };
    parse(&bytes)
        .map(Some)
        .map_err(|reason| unreadable(place, reason))
}

fn unreadable(place: &Place, reason: SealError) -> StateFileError {
    StateFileError::Unreadable {
        place: place.clone(),
        reason,
    }
}
