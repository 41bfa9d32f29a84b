//! [`Handles`]: open files of one content, at most [`HANDLES_MAX`], the longest unused closed
//! first.
//!
//! **Invariant:** the lock is never held while a file is opened, read or written.

use std::sync::{Arc, Mutex, PoisonError};

use lanspread_proto::FileIndex;

use crate::vfs::DiskFile;

/// Files kept open per content: well below the usual limit of 1,024 for a process.
pub(crate) const HANDLES_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Handles {
    /// The last used is at the end.
    open: Mutex<Vec<(FileIndex, Arc<dyn DiskFile>)>>,
}

impl Handles {
    /// The open file, or the one that `open` opens.
    pub(crate) fn of<E>(
        &self,
        file: FileIndex,
        open: impl FnOnce() -> Result<Box<dyn DiskFile>, E>,
    ) -> Result<Arc<dyn DiskFile>, E> {
        if let Some(known) = self.touch(file) {
            return Ok(known);
        }
        let opened: Arc<dyn DiskFile> = Arc::from(open()?);
        let mut handles = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if handles.len() >= HANDLES_MAX {
            Some(handles.remove(0))
        } else {
            None
        };
        handles.push((file, Arc::clone(&opened)));
        drop(handles);
        // Closing may take its time.
        drop(oldest);
        Ok(opened)
    }

    fn touch(&self, file: FileIndex) -> Option<Arc<dyn DiskFile>> {
        let mut handles = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // From the end: mostly it is the last used one.
        let place = handles.iter().rposition(|(known, _)| *known == file)?;
        if place + 1 < handles.len() {
            let entry = handles.remove(place);
            handles.push(entry);
        }
        handles.last().map(|(_, handle)| Arc::clone(handle))
    }

    /// Closes all of them.
    pub(crate) fn close(&self) {
        let closed = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        drop(closed);
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
        fn stat(&self) -> Result<Stat, DiskError> {
            self.0.stat()
        }
    }

    #[test]
    fn the_longest_unused_is_closed() {
        let disk = MemDisk::new(Path::new("/m"));
        disk.put_file(Path::new("/m/f"), b"x");
        let place = Place::root(Path::new("/m")).own("f");
        let (open, opened) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let handles = Handles::default();
        let touch = |index: u32| {
            let make = || -> Result<Box<dyn DiskFile>, DiskError> {
                opened.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let file = disk.open(&place, OpenMode::Read)?;
                Ok(Box::new(Counted(file, Arc::clone(&open))))
            };
            handles.of(FileIndex(index), make).unwrap();
        };
        for index in 0..200 {
            touch(index);
            // Used all the time, so never the longest unused.
            touch(0);
            assert!(open.load(Ordering::SeqCst) <= HANDLES_MAX);
        }
        assert_eq!(opened.load(Ordering::SeqCst), 200);
        handles.close();
        assert_eq!(open.load(Ordering::SeqCst), 0);
    }
}
