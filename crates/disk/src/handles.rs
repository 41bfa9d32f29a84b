//! [`Handles`]: open files of one content. All contents of the process share one budget of
//! [`HANDLES_MAX`]; the longest unused is closed first, whosever it is.
//!
//! **Invariant:** the lock is never held while a file is opened, read, written or closed.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use lanspread_proto::FileIndex;

use crate::vfs::DiskFile;

/// Files kept open by the process: with lanes and links well below the usual limit of 1,024.
pub const HANDLES_MAX: usize = 256;

/// The files that the process keeps open.
static OPEN: Pool = Pool::new();

#[derive(Debug)]
pub(crate) struct Handles {
    pool: &'static Pool,
    /// Tells contents apart.
    owner: u64,
}

/// A budget of open files.
#[derive(Debug)]
struct Pool {
    /// The last used is at the end.
    open: Mutex<VecDeque<Open>>,
    next_owner: AtomicU64,
}

#[derive(Debug)]
struct Open {
    owner: u64,
    file: FileIndex,
    handle: Arc<dyn DiskFile>,
}

impl Default for Handles {
    fn default() -> Self {
        Self::of_pool(&OPEN)
    }
}

impl Handles {
    fn of_pool(pool: &'static Pool) -> Self {
        let owner = pool.next_owner.fetch_add(1, Ordering::Relaxed);
        Self { pool, owner }
    }

    /// The open file, or the one that `open` opens.
    pub(crate) fn of<E>(
        &self,
        file: FileIndex,
        open: impl FnOnce() -> Result<Box<dyn DiskFile>, E>,
    ) -> Result<Arc<dyn DiskFile>, E> {
        if let Some(known) = self.touch(file) {
            return Ok(known);
        }
        let handle: Arc<dyn DiskFile> = Arc::from(open()?);
        let mut all = self.pool.lock();
        let oldest = if all.len() >= HANDLES_MAX {
            all.pop_front()
        } else {
            None
        };
        all.push_back(Open {
            owner: self.owner,
            file,
            handle: Arc::clone(&handle),
        });
        drop(all);
        // Closing may take its time.
        drop(oldest);
        Ok(handle)
    }

    fn touch(&self, file: FileIndex) -> Option<Arc<dyn DiskFile>> {
        let mut all = self.pool.lock();
        // From the end: mostly it is the last used one.
        let is_it = |open: &Open| open.owner == self.owner && open.file == file;
        let place = all.iter().rposition(is_it)?;
        if place + 1 < all.len() {
            let entry = all.remove(place)?;
            all.push_back(entry);
        }
        all.back().map(|open| Arc::clone(&open.handle))
    }

    /// Closes all of them.
    pub(crate) fn close(&self) {
        let mut all = self.pool.lock();
        let (mine, others) = std::mem::take(&mut *all)
            .into_iter()
            .partition::<VecDeque<_>, _>(|open| open.owner == self.owner);
        *all = others;
        drop(all);
        drop(mine);
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.close();
    }
}

impl Pool {
    const fn new() -> Self {
        Self {
            open: Mutex::new(VecDeque::new()),
            next_owner: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::{
        error::DiskError,
        mem::MemDisk,
        vfs::{Disk, OpenMode, Place, Stat},
    };

    #[derive(Debug)]
    struct Counted(Box<dyn DiskFile>, Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl DiskFile for Counted {
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), DiskError> {
            self.0.read_exact_at(buffer, offset)
        }
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
            self.0.write_all_at(bytes, offset)
        }
        fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
            self.0.set_len(bytes)
        }
        fn sync(&self) -> Result<(), DiskError> {
            self.0.sync()
        }
        fn mark_executable(&self) -> Result<(), DiskError> {
            self.0.mark_executable()
        }
        fn is_executable(&self) -> Result<bool, DiskError> {
            self.0.is_executable()
        }
        fn set_modified(&self, seconds: i64) -> Result<(), DiskError> {
            self.0.set_modified(seconds)
        }
        fn stat(&self) -> Result<Stat, DiskError> {
            self.0.stat()
        }
    }

    /// Opens files of contents that share one budget; how many are open, and were opened.
    struct Bench {
        disk: MemDisk,
        open: Arc<AtomicUsize>,
        opened: AtomicUsize,
    }

    impl Bench {
        fn touch(&self, handles: &Handles, index: u32) {
            let place = Place::root(Path::new("/m")).own("f");
            let make = || -> Result<Box<dyn DiskFile>, DiskError> {
                self.opened.fetch_add(1, Ordering::SeqCst);
                self.open.fetch_add(1, Ordering::SeqCst);
                let file = self.disk.open(&place, OpenMode::Read)?;
                Ok(Box::new(Counted(file, Arc::clone(&self.open))))
            };
            handles.of(FileIndex(index), make).unwrap();
            assert!(self.open.load(Ordering::SeqCst) <= HANDLES_MAX);
        }
    }

    #[test]
    fn the_longest_unused_is_closed_whosever_it_is() {
        let disk = MemDisk::new(Path::new("/m"));
        disk.put_file(Path::new("/m/f"), b"x");
        let bench = Bench {
            disk,
            open: Arc::default(),
            opened: AtomicUsize::new(0),
        };
        let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
        // A shelf of forty games, each of many files.
        let contents: Vec<Handles> = (0..40).map(|_| Handles::of_pool(pool)).collect();
        for index in 0..20 {
            for content in &contents {
                bench.touch(content, index);
                // Used all the time, so never the longest unused.
                bench.touch(&contents[0], 0);
            }
        }
        assert_eq!(bench.opened.load(Ordering::SeqCst), 40 * 20);
        contents[39].close();
        let left = bench.open.load(Ordering::SeqCst);
        assert!(left > 0 && left < HANDLES_MAX);
        bench.touch(&contents[0], 0);
        assert_eq!(
            bench.open.load(Ordering::SeqCst),
            left,
            "another one's was closed"
        );
        drop(contents);
        assert_eq!(bench.open.load(Ordering::SeqCst), 0);
    }
}
