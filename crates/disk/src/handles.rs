//! [`Handles`]: open files of one content, at most [`HANDLES_MAX`], the longest unused closed first.
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
