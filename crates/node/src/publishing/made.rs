//! What a publish made, and how it is taken back when it is cancelled before it is shared.
//!
//! Invariant: only files that this publish wrote, and that are as it left them, go.

use lanspread_disk::{Disk, DiskError, Place, vfs::FileIdentity};

use crate::error::OperationError;

/// A file that was written.
#[derive(Debug)]
struct Written {
    place: Place,
    identity: FileIdentity,
}

/// What was made, and where.
#[derive(Debug)]
pub(super) struct Made {
    target: Place,
    /// In the order in which they are taken back are first what was written last.
    written: Vec<Written>,
    how: How,
}

/// How the game came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    InPlace,
    Moved,
    Packed,
}

impl Made {
    pub(super) const fn new(target: Place, how: How) -> Self {
        Self {
            target,
            written: Vec::new(),
            how,
        }
    }

    /// A file of ours is there now.
    pub(super) fn wrote(&mut self, disk: &dyn Disk, name: &str) -> Result<(), DiskError> {
        let place = self.target.listed(name);
        let identity = disk.stat(&place)?.map(|stat| stat.identity);
        self.written
            .extend(identity.map(|identity| Written { place, identity }));
        Ok(())
    }

    /// Takes it back, last things first: without its `version.ini` it is no game.
    ///
    /// # Errors
    /// The disk fails; or the folder was moved, which is not undone: where it is now.
    pub(super) fn take_back(self, disk: &dyn Disk) -> Result<(), OperationError> {
        for Written { place, identity } in self.written.iter().rev() {
            if disk
                .stat(place)?
                .is_some_and(|stat| stat.identity == *identity)
            {
                disk.remove_file(place)?;
            }
        }
        match self.how {
            How::InPlace => Ok(disk.sync_dir(&self.target)?),
            How::Packed => {
                // Somebody may have put something there; then it is not ours any more.
                drop(disk.remove_dir(&self.target));
                Ok(())
            }
            How::Moved => {
                disk.sync_dir(&self.target)?;
                Err(self.stays())
            }
        }
    }

    fn stays(&self) -> OperationError {
        let shared = match self.written.is_empty() {
            true => "is shared from there, for it has a version.ini of its own",
            false => "is not shared",
        };
        OperationError::Publish {
            entry: self.target.to_string(),
            code: "moved",
            reason: format!(
                "it was cancelled after the move: the folder is here now, and {shared}"
            ),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test prepares files by hand")]
mod tests {
    use std::{fs, path::Path};

    use lanspread_disk::RealDisk;

    use super::*;

    fn names_in(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// Cancels after files were written into a folder where others are; what is said, if anything.
    fn check(how: How, others: &[&str], writes: &[&str]) -> Option<String> {
        let (dir, disk) = (tempfile::tempdir().unwrap(), RealDisk::new());
        let root = dir.path().join("quake");
        fs::create_dir(&root).unwrap();
        for name in others.iter().chain(writes) {
            fs::write(root.join(name), name).unwrap();
        }
        let mut made = Made::new(Place::root(&root), how);
        for name in writes {
            made.wrote(&disk, name).unwrap();
        }
        let end = made.take_back(&disk).err().map(|error| error.to_string());
        assert_eq!(names_in(&root), others, "{how:?}");
        let goes = how == How::Packed && others.is_empty();
        assert_eq!(names_in(dir.path()).is_empty(), goes, "{how:?}");
        end
    }

    #[test]
    fn what_a_cancelled_publish_wrote_goes() {
        let packed = ["quake.tar.zst", "version.ini"];
        let (ini, exe) = (["version.ini"], ["quake.exe"]);
        assert_eq!(check(How::Packed, &[], &packed), None);
        assert_eq!(check(How::Packed, &exe, &packed), None);
        assert_eq!(check(How::InPlace, &exe, &ini), None);
        assert_eq!(check(How::InPlace, &ini, &[]), None);
        let end = check(How::Moved, &exe, &ini).unwrap();
        assert!(
            end.contains("/quake") && end.contains("is not shared"),
            "{end}"
        );
        let end = check(How::Moved, &ini, &[]).unwrap();
        assert!(end.contains("is shared from there"), "{end}");
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let (dir, disk) = (tempfile::tempdir().unwrap(), RealDisk::new());
        let ini = dir.path().join("version.ini");
        fs::write(&ini, "1").unwrap();
        let mut made = Made::new(Place::root(dir.path()), How::InPlace);
        made.wrote(&disk, "version.ini").unwrap();
        // Another file, whatever the clock of the file system says.
        fs::write(dir.path().join("new"), "2").unwrap();
        fs::rename(dir.path().join("new"), &ini).unwrap();
        made.take_back(&disk).unwrap();
        assert_eq!(fs::read_to_string(ini).unwrap(), "2");
    }
}
