//! What jobs that run at once will still write, so that no two are promised the same room.
//!
//! Invariant: what is reserved is never less than what is still to be written: it is lowered after
//! the bytes are on the disk, and read before the disk is asked what is free.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Installs, SpaceError, check_fits, shares_bytes};
use crate::vfs::{Disk, Place};

/// All that is reserved on this machine by one program. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    next: AtomicU64,
    /// Held while one job is judged. The disk may take its time; nobody else waits for that.
    judging: Mutex<()>,
    reserved: Mutex<BTreeMap<u64, Reserved>>,
}

#[derive(Debug, Clone, Copy)]
struct Reserved {
    volume: u64,
    bytes: u64,
}

impl Ledger {
    /// A place in the ledger for one job, with nothing in it yet.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim {
            number: self.0.next.fetch_add(1, Ordering::Relaxed),
            shared: Arc::clone(&self.0),
        }
    }
}

/// What one job has reserved. Dropping it lets go of that.
#[derive(Debug)]
pub struct Claim {
    number: u64,
    shared: Arc<Shared>,
}

impl Claim {
    /// Reserves room for so many bytes in place of what was reserved before, if they fit beside
    /// what others will write. What those write stays when they are done, so waiting for them
    /// would not help. Where the system cannot tell what is free, nothing is reserved, and the job
    /// is let through: a full disk is an error of its own later.
    ///
    /// # Errors
    /// Too little room, or a disk that fails; what was reserved before stays reserved then.
    pub fn reserve(&self, disk: &dyn Disk, place: &Place, bytes: u64) -> Result<(), SpaceError> {
        let judging = self.shared.judging.lock();
        let _one_at_a_time = judging.unwrap_or_else(PoisonError::into_inner);
        self.reserve_alone(disk, place, bytes)
    }

    /// As [`Self::reserve`], for what is missing of a payload and what is installed of it.
    ///
    /// # Errors
    /// As [`Self::reserve`].
    pub fn reserve_job(
        &self,
        disk: &dyn Disk,
        place: &Place,
        missing_bytes: u64,
        installs: Installs,
    ) -> Result<(), SpaceError> {
        let reserve = |installed: u64| {
            let bytes = missing_bytes.saturating_add(installed);
            self.reserve(disk, place, bytes)
        };
        match installs {
            Installs::Bytes(bytes) => reserve(bytes),
            Installs::Clones(bytes) => match reserve(bytes) {
                Err(SpaceError::NotEnough { .. }) if shares_bytes(disk, place) => reserve(0),
                checked => checked,
            },
        }
    }

    /// So many of the bytes are on the disk now: they are no longer free, and no longer reserved.
    pub fn wrote(&self, bytes: u64) {
        if let Some(reserved) = self.reserved().get_mut(&self.number) {
            reserved.bytes = reserved.bytes.saturating_sub(bytes);
        }
    }

    /// The job is over: what it did not write is free for others.
    pub fn release(&self) {
        self.reserved().remove(&self.number);
    }

    fn reserve_alone(&self, disk: &dyn Disk, place: &Place, bytes: u64) -> Result<(), SpaceError> {
        let others = self.reserved_by_others();
        let space = match disk.space(place) {
            Err(error) if error.is_unsupported() => {
                self.release();
                return Ok(());
            }
            told => told?,
        };
        let volume = space.volume;
        let reserved_bytes = others.get(&volume).copied().unwrap_or_default();
        check_fits(place, &space, bytes, reserved_bytes)?;
        let reserved = Reserved { volume, bytes };
        self.reserved().insert(self.number, reserved);
        Ok(())
    }

    /// Per volume.
    fn reserved_by_others(&self) -> BTreeMap<u64, u64> {
        let mut volumes = BTreeMap::<u64, u64>::new();
        for (number, reserved) in self.reserved().iter() {
            if *number != self.number {
                let sum = volumes.entry(reserved.volume).or_default();
                *sum = sum.saturating_add(reserved.bytes);
            }
        }
        volumes
    }

    fn reserved(&self) -> MutexGuard<'_, BTreeMap<u64, Reserved>> {
        let reserved = self.shared.reserved.lock();
        reserved.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{mem::MemDisk, vfs::OpenMode};

    const MIB: u64 = 1 << 20;

    fn games() -> Place {
        Place::root(Path::new("/games"))
    }

    fn disk() -> MemDisk {
        let disk = MemDisk::new(Path::new("/games"));
        disk.limit_space(200 * MIB);
        disk
    }

    #[test]
    fn a_small_volume_keeps_little_free_and_an_install_must_fit() {
        let check = |missing: u64, installed: u64, fit: bool| {
            let disk = MemDisk::new(Path::new("/games"));
            disk.limit_space(64 * MIB);
            // This disk copies what it clones.
            for installs in [
                Installs::Bytes(installed * MIB),
                Installs::Clones(installed * MIB),
            ] {
                let claim = Ledger::default().claim();
                let result = claim.reserve_job(&disk, &games(), missing * MIB, installs);
                assert_eq!(result.is_ok(), fit, "{missing} {installs:?}: {result:?}");
                assert!(disk.list(&games()).unwrap().is_empty());
            }
        };
        check(12, 12, true);
        check(0, 60, true);
        check(0, 62, false);
        check(62, 0, false);
        check(40, 40, false);
    }

    #[test]
    fn two_jobs_are_not_promised_the_same_room() {
        let (disk, ledger) = (disk(), Ledger::default());
        let (one, two) = (ledger.claim(), ledger.claim());
        one.reserve(&disk, &games(), 140 * MIB).unwrap();
        let error = two.reserve(&disk, &games(), 140 * MIB).unwrap_err();
        assert_eq!(error.missing_bytes(), 90 * MIB, "{error}");
        let SpaceError::NotEnough { reserved_bytes, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(reserved_bytes, 140 * MIB);
        two.reserve(&disk, &games(), 50 * MIB).unwrap();
        // Its own reservation does not stand in its way.
        two.reserve(&disk, &games(), 40 * MIB).unwrap();
        drop(one);
        two.reserve(&disk, &games(), 140 * MIB).unwrap();
        two.release();
        ledger.claim().reserve(&disk, &games(), 190 * MIB).unwrap();
    }

    #[test]
    fn what_is_written_is_not_counted_twice() {
        let (disk, ledger) = (disk(), Ledger::default());
        let (one, two) = (ledger.claim(), ledger.claim());
        one.reserve(&disk, &games(), 100 * MIB).unwrap();
        let file = disk.open(&games().own("f"), OpenMode::CreateNew).unwrap();
        let megabyte = vec![1; usize::try_from(MIB).unwrap()];
        for at in 0..100 {
            file.write_all_at(&megabyte, at * MIB).unwrap();
            one.wrote(MIB);
            two.reserve(&disk, &games(), 90 * MIB).unwrap();
            two.reserve(&disk, &games(), 91 * MIB).unwrap_err();
        }
        // More than was said is not taken from anybody else.
        one.wrote(MIB);
        two.reserve(&disk, &games(), 90 * MIB).unwrap();
    }
}
