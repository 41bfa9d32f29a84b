//! The few strokes that steps are made of: a disk whose renames and removals wait for whoever
//! holds a file for a moment.

use std::io::ErrorKind;

use lanspread_install::{
    Stamp,
    proof::{Expected, FoundFile, Proof, prove},
    retry::Backoff,
};
use lanspread_proto::Hash;

use super::{error::StepError, hooks::Hooks};
use crate::{
    error::DiskError,
    hashing::hash_whole,
    vfs::{Disk, EntryKind, OpenMode, Place, Stat},
};

/// A disk, and patience.
pub(crate) struct Hands<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) hooks: &'a mut dyn Hooks,
}

impl Hands<'_> {
    fn patiently(
        &mut self,
        stroke: impl Fn(&dyn Disk) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let mut backoff = Backoff::default();
        loop {
            let error = match stroke(self.disk) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !may_pass(&error) {
                return Err(error);
            }
            match backoff.next_delay() {
                Some(delay) if self.hooks.wait(delay) => {}
                Some(_) | None => return Err(error),
            }
        }
    }

    pub(crate) fn rename(&mut self, from: &Place, to: &Place) -> Result<(), DiskError> {
        self.patiently(|disk| disk.rename(from, to))
    }

    pub(crate) fn exchange(&mut self, a: &Place, b: &Place) -> Result<(), DiskError> {
        self.patiently(|disk| disk.exchange(a, b))
    }

    /// Removes a file or link; one that is gone already is fine.
    pub(crate) fn remove_file(&mut self, place: &Place) -> Result<(), DiskError> {
        gone_is_fine(self.patiently(|disk| disk.remove_file(place)))
    }

    pub(crate) fn remove_dir(&mut self, place: &Place) -> Result<(), DiskError> {
        gone_is_fine(self.patiently(|disk| disk.remove_dir(place)))
    }

    /// What is at a place, if anything can be there at all.
    pub(crate) fn kind(&self, place: &Place) -> Result<Option<EntryKind>, DiskError> {
        match self.disk.stat(place) {
            Ok(stat) => Ok(stat.map(|stat| stat.kind)),
            // Something above it is no directory.
            Err(error) if error.source.kind() == ErrorKind::NotADirectory => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the file at a place is the expected one; nothing there and no file are not.
    pub(crate) fn is_expected(
        &self,
        place: &Place,
        expected: &Expected,
    ) -> Result<bool, StepError> {
        if self.kind(place)? != Some(EntryKind::File) {
            return Ok(false);
        }
        let Some(stat) = self.disk.stat(place)? else {
            return Ok(false);
        };
        let mut found = found_file(&stat);
        loop {
            match prove(expected, &found) {
                Proof::Same => return Ok(true),
                Proof::Different => return Ok(false),
                Proof::HashIt => found.root = Some(hash_file(self.disk, place)?),
            }
        }
    }

    /// Removes a directory if nothing is in it.
    pub(crate) fn prune(&mut self, place: &Place) -> Result<(), DiskError> {
        if self.kind(place)? == Some(EntryKind::Directory) && self.disk.list(place)?.is_empty() {
            self.remove_dir(place)?;
        }
        Ok(())
    }

    /// Deletes everything in a directory except the names that `spare` keeps at its top.
    pub(crate) fn clear_dir(
        &mut self,
        dir: &Place,
        spare: &[&'static str],
    ) -> Result<(), DiskError> {
        for entry in self.disk.list(dir)? {
            if !spare.contains(&entry.name.as_str()) {
                self.delete(&dir.listed(&entry.name), entry.kind)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, place: &Place, kind: EntryKind) -> Result<(), DiskError> {
        if kind != EntryKind::Directory {
            return self.remove_file(place);
        }
        // Directories, each listed when it is met first and removed when it is met again.
        let mut open = vec![(place.clone(), false)];
        while let Some((dir, listed)) = open.pop() {
            if listed {
                self.remove_dir(&dir)?;
                continue;
            }
            open.push((dir.clone(), true));
            for entry in self.disk.list(&dir)? {
                let place = dir.listed(&entry.name);
                match entry.kind {
                    EntryKind::Directory => open.push((place, false)),
                    EntryKind::File | EntryKind::Other => self.remove_file(&place)?,
                }
            }
        }
        Ok(())
    }
}

/// Whether trying again may help. Windows says *access denied* while an antivirus program looks.
fn may_pass(error: &DiskError) -> bool {
    error.is_busy() || (cfg!(windows) && error.source.kind() == ErrorKind::PermissionDenied)
}

fn gone_is_fine(result: Result<(), DiskError>) -> Result<(), DiskError> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

/// A file's identity in the words of `lanspread-install`.
pub(crate) fn stamp(stat: &Stat) -> Stamp {
    Stamp {
        modified_nanos: stat.identity.modified_nanos,
        file_id: stat.identity.file_id,
    }
}

pub(crate) fn found_file(stat: &Stat) -> FoundFile {
    FoundFile {
        bytes: stat.bytes,
        stamp: stamp(stat),
        root: None,
    }
}

/// The BLAKE3 root of a file that nobody changes meanwhile.
pub(crate) fn hash_file(disk: &dyn Disk, place: &Place) -> Result<Hash, StepError> {
    let file = disk.open(place, OpenMode::Read)?;
    let before = file.stat()?;
    let root =
        hash_whole(file.as_ref(), before.bytes, &mut |_| true).map_err(|error| error.on(place))?;
    if file.stat()? == before {
        Ok(root)
    } else {
        Err(StepError::Changing(place.clone()))
    }
}
