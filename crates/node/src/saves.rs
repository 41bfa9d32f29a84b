//! Small lists in the state directory that are written anew with every change.
//!
//! Invariant: one task writes a file, and the newest list is what lies there in the end.

use std::sync::Arc;

use lanspread_disk::{Disk, DiskError, Place, atomic_file};
use tokio::sync::{oneshot, watch};

use crate::actor::Tasks;

/// Which file.
#[derive(Debug, Clone)]
pub(crate) struct SavedFile {
    pub(crate) disk: Arc<dyn Disk>,
    /// The directory that holds it.
    pub(crate) place: Place,
    pub(crate) name: &'static str,
}

/// Where a list goes that is to be written. Several in a row may be written as one.
#[derive(Debug)]
pub(crate) struct Saves(watch::Sender<(u64, String)>);

impl Saves {
    /// Starts the task that writes; it ends when this is dropped and the newest list is written.
    /// After each write `told` hears, on the thread that wrote, up to which number all is done.
    pub(crate) fn start(
        tasks: &Tasks,
        file: SavedFile,
        told: impl Fn(u64, Result<(), DiskError>) + Send + Sync + 'static,
    ) -> Self {
        let (saves, newest) = watch::channel((0, String::new()));
        let writing = write_newest(newest, tasks.clone(), file, Arc::new(told));
        tasks.spawn(tracing::info_span!("save"), writing);
        Self(saves)
    }

    /// Has a list written; the number says which it is.
    pub(crate) fn write(&self, text: String) -> u64 {
        let mut number = 0;
        self.0.send_modify(|newest| {
            number = newest.0 + 1;
            *newest = (number, text);
        });
        number
    }
}

/// Writes one list after the other until there is nobody who could bring another.
async fn write_newest(
    mut newest: watch::Receiver<(u64, String)>,
    tasks: Tasks,
    file: SavedFile,
    told: Arc<dyn Fn(u64, Result<(), DiskError>) + Send + Sync>,
) {
    while newest.changed().await.is_ok() {
        let (number, text) = newest.borrow_and_update().clone();
        let (file, told) = (file.clone(), Arc::clone(&told));
        let (tell, ended) = oneshot::channel();
        tasks.spawn_blocking(tracing::Span::current(), move || {
            let SavedFile { disk, place, name } = file;
            let written = atomic_file::write(disk.as_ref(), &place, name, text.as_bytes());
            if let Err(error) = &written {
                tracing::warn!(%error, name, "a list in the state directory cannot be saved");
            }
            told(number, written);
            // Who waits is there for as long as this runs.
            let _heard = tell.send(());
        });
        // Written, or said why not.
        let _ended = ended.await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use lanspread_disk::RealDisk;

    use super::*;

    #[tokio::test]
    async fn of_many_lists_in_a_row_the_last_one_stays_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::root(dir.path());
        let tasks = Tasks::new();
        let last = Arc::new(AtomicU64::new(0));
        let file = SavedFile {
            disk: Arc::new(RealDisk::new()),
            place: place.clone(),
            name: "list",
        };
        let heard = Arc::clone(&last);
        let saves = Saves::start(&tasks, file, move |number, written| {
            written.unwrap();
            heard.store(number, Ordering::Relaxed);
        });
        for number in 1..=200 {
            assert_eq!(saves.write(format!("list {number}")), number);
            tokio::task::yield_now().await;
        }
        drop(saves);
        assert!(tasks.stop_all().await);
        let bytes = atomic_file::read(&RealDisk::new(), &place.own("list"), 1_000).unwrap();
        assert_eq!(bytes.as_deref(), Some(b"list 200".as_slice()));
        assert_eq!(last.load(Ordering::Relaxed), 200);
    }
}
