//! Carries out [`lanspread_install::migrate`]: what the original LanSpread left in a game's
//! directory is finished, rolled back or moved out, and what was done is told.
//!
//! Invariant: nothing is touched while a transaction of ours is unfinished, for it knows its
//! directories; and nothing is deleted but a staging that the original marked, and a small file
//! of which a copy is durable in the state directory.

use std::{collections::BTreeSet, io::ErrorKind};

use lanspread_install::{
    Marker, Slot, TransactionId,
    migrate::{self, FILE_BYTES_MAX, Found, Holding, Logged, Move, Stray},
    slot::{MARKER, MARKER_BYTES_MAX, MARKER_DRAFT},
};

use crate::{
    atomic_file,
    error::{DiskError, DiskOp},
    execute::{Hands, Hooks, is_marker},
    intent_file::{self, StateFileError},
    observe::GamePlaces,
    vfs::{DirEntry, Disk, EntryKind, Place},
};

/// Tries of another name below `kept/` before giving up.
const NAMES_MAX: u32 = 10_000;
/// What an uninstall is called in the log of the original, in whatever form.
const UNINSTALL: &str = "uninstall";

/// What was found of the original, and what was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What was done, in this order.
    pub done: Vec<Move>,
    /// What stays, because nobody can prove whose it is.
    pub stays: Vec<Slot>,
}

/// Brings to an end what the original LanSpread left. `transaction` names the directory below
/// `kept/`.
///
/// # Errors
/// The disk fails, or our own intent cannot be read. What was done is whole, and the next call goes
/// on with the rest.
pub fn migrate(
    disk: &dyn Disk,
    places: &GamePlaces,
    transaction: TransactionId,
    hooks: &mut dyn Hooks,
) -> Result<Report, StateFileError> {
    if intent_file::read_intent(disk, &places.state)?.is_some() {
        return Ok(Report::default());
    }
    let found = look(disk, places)?;
    let mut porter = Porter {
        hands: Hands { disk, hooks },
        places,
        transaction,
    };
    let mut done = migrate::plan(&found);
    for step in &mut done {
        *step = porter.carry_out(*step)?;
    }
    Ok(Report {
        done,
        stays: migrate::stays(&found),
    })
}

fn look(disk: &dyn Disk, places: &GamePlaces) -> Result<Found, DiskError> {
    let mut strays = BTreeSet::new();
    for stray in Stray::ALL {
        let bytes = read_stray(disk, places, stray)?;
        // A marker of ours says something of ours.
        let is_theirs = |bytes: &Vec<u8>| stray != Stray::Marker || Marker::parse(bytes).is_none();
        if stray != Stray::Log && bytes.as_ref().is_some_and(is_theirs) {
            strays.insert(stray);
        }
    }
    Ok(Found {
        live: look_at_slot(disk, &places.slot(Slot::Live))?,
        staging: look_at_slot(disk, &places.slot(Slot::Staging))?,
        backup: look_at_slot(disk, &places.slot(Slot::Backup))?,
        log: read_stray(disk, places, Stray::Log)?.map(|bytes| logged(&bytes)),
        strays,
    })
}

fn look_at_slot(disk: &dyn Disk, slot: &Place) -> Result<Holding, DiskError> {
    match disk.stat(slot)?.map(|stat| stat.kind) {
        None => return Ok(Holding::Absent),
        Some(EntryKind::File | EntryKind::Other) => return Ok(Holding::Blocked),
        Some(EntryKind::Directory) => {}
    }
    let is_mark = |entry: &DirEntry| entry.kind == EntryKind::File && is_marker(&entry.name);
    if disk.list(slot)?.iter().all(is_mark) {
        return Ok(Holding::Empty);
    }
    Ok(
        match read_file(disk, &slot.own(MARKER), MARKER_BYTES_MAX)? {
            None => Holding::Unmarked,
            Some(bytes) if Marker::parse(&bytes).is_some() => Holding::Ours,
            Some(_) => Holding::Marked,
        },
    )
}

/// Whatever form the log has: an uninstall is the one word that matters.
fn logged(bytes: &[u8]) -> Logged {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    match text.contains(UNINSTALL) {
        true => Logged::Uninstall,
        false => Logged::Other,
    }
}

fn read_stray(
    disk: &dyn Disk,
    places: &GamePlaces,
    stray: Stray,
) -> Result<Option<Vec<u8>>, DiskError> {
    let place = places.game_root.own(stray.name());
    read_file(disk, &place, FILE_BYTES_MAX)
}

/// The bytes of a file; `None` for anything else, and for one that is longer.
fn read_file(disk: &dyn Disk, place: &Place, bytes_max: u64) -> Result<Option<Vec<u8>>, DiskError> {
    match disk.stat(place)? {
        Some(stat) if stat.kind == EntryKind::File && stat.bytes <= bytes_max => {
            atomic_file::read(disk, place, bytes_max)
        }
        Some(_) | None => Ok(None),
    }
}

/// Carries things from where the original left them to where they belong.
struct Porter<'a> {
    hands: Hands<'a>,
    places: &'a GamePlaces,
    transaction: TransactionId,
}

impl Porter<'_> {
    /// Does it durably, and says what it was in the end.
    fn carry_out(&mut self, step: Move) -> Result<Move, DiskError> {
        match step {
            Move::RemoveEmpty(slot) => self.remove_slot(slot)?,
            Move::Restore => {
                let (backup, live) = (Slot::Backup, Slot::Live);
                self.hands
                    .rename(&self.places.slot(backup), &self.places.slot(live))?;
                self.sync_root()?;
            }
            Move::PutAside(slot) => self.put_aside(slot)?,
            Move::DropStaging => return self.drop_staging(),
            Move::Unmark => self.unmark(Slot::Live)?,
            Move::TakeOut(stray) => self.take_out(stray)?,
        }
        Ok(step)
    }

    fn sync_root(&self) -> Result<(), DiskError> {
        self.hands.disk.sync_dir(&self.places.game_root)
    }

    fn unmark(&mut self, slot: Slot) -> Result<(), DiskError> {
        let place = self.places.slot(slot);
        self.hands.remove_file(&place.own(MARKER))?;
        self.hands.disk.sync_dir(&place)
    }

    /// Removes a directory in which nothing is but markers.
    fn remove_slot(&mut self, slot: Slot) -> Result<(), DiskError> {
        let place = self.places.slot(slot);
        self.hands.remove_file(&place.own(MARKER_DRAFT))?;
        self.hands.remove_file(&place.own(MARKER))?;
        self.hands.remove_dir(&place)?;
        self.sync_root()
    }

    fn drop_staging(&mut self) -> Result<Move, DiskError> {
        let staging = self.places.slot(Slot::Staging);
        match self.hands.clear_dir(&staging, &[MARKER]) {
            Err(error) if error.source.kind() != ErrorKind::DirectoryNotEmpty => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut left = self.hands.disk.list(&staging)?.into_iter();
        if left.any(|entry| entry.name != MARKER) {
            // Names that are not Unicode cannot be deleted one by one: a person must.
            self.put_aside(Slot::Staging)?;
            return Ok(Move::PutAside(Slot::Staging));
        }
        // The marker must outlive what it proves.
        self.hands.disk.sync_volume(&staging)?;
        self.remove_slot(Slot::Staging)?;
        Ok(Move::DropStaging)
    }

    fn put_aside(&mut self, slot: Slot) -> Result<(), DiskError> {
        let kept = self.places.kept(self.transaction);
        atomic_file::ensure_dir(self.hands.disk, &kept)?;
        let free = self.free_name(&kept, slot.kept_name())?;
        self.hands.rename(&self.places.slot(slot), &free)?;
        self.hands.disk.sync_dir(&kept)?;
        self.sync_root()
    }

    fn free_name(&self, dir: &Place, name: &str) -> Result<Place, DiskError> {
        for number in 1..=NAMES_MAX {
            let place = match number {
                1 => dir.listed(name),
                _ => dir.listed(&format!("{name}.{number}")),
            };
            if self.hands.kind(&place)?.is_none() {
                return Ok(place);
            }
        }
        let taken = ErrorKind::AlreadyExists.into();
        Err(DiskError::new(DiskOp::Rename, dir.path(), taken))
    }

    /// Copies a file to the state directory, and removes it when the copy is durable. One that was
    /// taken out before, of an earlier run of the original, is replaced.
    fn take_out(&mut self, stray: Stray) -> Result<(), DiskError> {
        let disk = self.hands.disk;
        if let Some(bytes) = read_stray(disk, self.places, stray)? {
            atomic_file::ensure_dir(disk, &self.places.state)?;
            atomic_file::write(disk, &self.places.state, stray.moved_name(), &bytes)?;
            let place = self.places.game_root.own(stray.name());
            self.hands.remove_file(&place)?;
        }
        self.sync_root()
    }
}

#[cfg(test)]
mod tests;
