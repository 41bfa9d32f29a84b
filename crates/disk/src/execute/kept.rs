//! `kept/<time>/`: where everything goes that is in the way and not provably ours.

use std::io::ErrorKind;

use super::{error::StepError, job::Job};
use crate::{atomic_file, vfs::Place};

/// Tries of another name before giving up; each is a file of the user.
const NAMES_MAX: u32 = 10_000;

impl Job<'_> {
    /// Moves a file or directory to `kept/<time>/` under a path of names; never over another.
    pub(super) fn keep(&mut self, place: &Place, path: &[&str]) -> Result<(), StepError> {
        let mut dir = self.places.kept(self.intent.transaction);
        let (name, parents) = path.split_last().ok_or(StepError::Unfit)?;
        for parent in parents {
            dir = dir.listed(parent);
        }
        let dir = self.kept_dir(dir, path)?;
        let free = self.free_name(&dir, |attempt| match attempt {
            0 => (*name).to_owned(),
            _ => format!("{name}.{}", attempt + 1),
        })?;
        self.hands.rename(place, &free)?;
        Ok(self.hands.disk.sync_dir(&dir)?)
    }

    /// The directory for a kept file; when a kept file is in the way of one of its parents, the
    /// file lies at the top instead.
    fn kept_dir(&mut self, dir: Place, path: &[&str]) -> Result<Place, StepError> {
        let top = self.places.kept(self.intent.transaction);
        atomic_file::ensure_dir(self.hands.disk, &top)?;
        if path.len() == 1 {
            return Ok(top);
        }
        match atomic_file::ensure_dir(self.hands.disk, &dir) {
            Ok(()) => Ok(dir),
            Err(error) if error.source.kind() == ErrorKind::NotADirectory => Ok(top),
            Err(error) => Err(error.into()),
        }
    }

    /// The first name that nothing has.
    pub(super) fn free_name(
        &self,
        dir: &Place,
        name: impl Fn(u32) -> String,
    ) -> Result<Place, StepError> {
        for attempt in 0..NAMES_MAX {
            let place = dir.listed(&name(attempt));
            if self.hands.kind(&place)?.is_none() {
                return Ok(place);
            }
        }
        Err(StepError::NotEmpty(dir.clone()))
    }
}
