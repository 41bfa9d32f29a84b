//! What is remembered: the consents of this machine, and a game's set-up and settings. A record
//! that cannot be believed is one that is not there: then a person is asked again, and a set-up
//! runs again.

use lanspread_install::SealError;
use lanspread_install::launch::{
    CONSENTS_BYTES_MAX, Consents, RECORD_BYTES_MAX, SettingsApplied, SetupDone,
};

use crate::{
    atomic_file,
    error::DiskError,
    vfs::{Disk, Place},
};

const CONSENTS: &str = "consents";
const SETUP_DONE: &str = "setup_done";
const SETTINGS_APPLIED: &str = "settings_applied";

/// What a person agreed to on this machine.
#[must_use]
pub fn load_consents(disk: &dyn Disk, state: &Place) -> Consents {
    load(
        disk,
        &state.own(CONSENTS),
        CONSENTS_BYTES_MAX,
        Consents::parse,
    )
    .unwrap_or_default()
}

/// Remembers what a person agreed to.
///
/// # Errors
/// The disk.
pub fn save_consents(disk: &dyn Disk, state: &Place, consents: &Consents) -> Result<(), DiskError> {
    save(disk, state, CONSENTS, consents.encode())
}

/// Which set-up of a game ran.
#[must_use]
pub fn load_setup_done(disk: &dyn Disk, game_state: &Place) -> Option<SetupDone> {
    load(
        disk,
        &game_state.own(SETUP_DONE),
        RECORD_BYTES_MAX,
        SetupDone::parse,
    )
}

/// Remembers that a set-up ran.
///
/// # Errors
/// The disk.
pub fn save_setup_done(
    disk: &dyn Disk,
    game_state: &Place,
    done: SetupDone,
) -> Result<(), DiskError> {
    atomic_file::ensure_dir(disk, game_state)?;
    save(disk, game_state, SETUP_DONE, done.encode())
}

pub(super) fn load_applied(disk: &dyn Disk, game_state: &Place) -> Option<SettingsApplied> {
    let place = game_state.own(SETTINGS_APPLIED);
    load(disk, &place, RECORD_BYTES_MAX, SettingsApplied::parse)
}

pub(super) fn save_applied(
    disk: &dyn Disk,
    game_state: &Place,
    applied: &SettingsApplied,
) -> Result<(), DiskError> {
    atomic_file::ensure_dir(disk, game_state)?;
    save(disk, game_state, SETTINGS_APPLIED, applied.encode())
}

/// The game is not installed any more: both records go.
///
/// # Errors
/// The disk.
pub fn forget(disk: &dyn Disk, game_state: &Place) -> Result<(), DiskError> {
    if disk.stat(game_state)?.is_none() {
        return Ok(());
    }
    atomic_file::remove(disk, game_state, SETUP_DONE)?;
    atomic_file::remove(disk, game_state, SETTINGS_APPLIED)
}

fn load<T>(
    disk: &dyn Disk,
    place: &Place,
    bytes_max: u64,
    parse: impl FnOnce(&[u8]) -> Result<T, SealError>,
) -> Option<T> {
    let bytes = atomic_file::read(disk, place, bytes_max).ok().flatten()?;
    parse(&bytes).ok()
}

fn save(
    disk: &dyn Disk,
    dir: &Place,
    name: &'static str,
    encoded: Result<Vec<u8>, SealError>,
) -> Result<(), DiskError> {
    let bytes = encoded.map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string());
        DiskError::new(crate::error::DiskOp::Write, dir.own(name).path(), source)
    })?;
    atomic_file::write(disk, dir, name, &bytes)
}
