//! Unpacks every archive of a folder without writing anything: what is damaged is not published.
//! The listing alone does not tell, for it reads no data.

use std::sync::Arc;

use lanspread_disk::Place;
use lanspread_proto::manifest::{ArchiveSet, Layout};
use lanspread_unpack::{ArchiveBytes, Canceller, Event, Limits, Mode, NameTable, Unpacker};

use super::Work;
use crate::{
    error::OperationError,
    installing, room,
    shelf::{Files, Judged},
    snapshot::Phase,
};

/// What the archives of a game have in common while they are tested one after the other.
struct Course {
    names: NameTable,
    limits: Limits,
    /// Bytes of the archives that were tested.
    done_bytes: u64,
    total_bytes: u64,
}

impl Work {
    /// Refuses the first archive whose data is not what its checksums say, with the entry.
    pub(super) fn test_archives(
        &self,
        folder: &Place,
        judged: &Judged,
    ) -> Result<(), OperationError> {
        let Layout::Archives(sets) = &judged.layout else {
            return Ok(());
        };
        self.enter(Phase::Testing);
        let mut course = Course {
            names: NameTable::new(),
            limits: room::test_limits(judged.unpacked),
            done_bytes: 0,
            total_bytes: self.total_bytes,
        };
        for set in sets {
            self.job.control.check()?;
            course = self.test_archive(folder, set, course)?;
        }
        self.enter(Phase::Publishing);
        Ok(())
    }

    fn test_archive(
        &self,
        folder: &Place,
        set: &ArchiveSet,
        mut course: Course,
    ) -> Result<Course, OperationError> {
        let refused = |error| installing::archive_error(set, &error);
        let files = Files::open(self.disk.as_ref(), folder, set)?;
        let bytes: u64 = (0..set.volumes.len()).map(|volume| files.len(volume)).sum();
        let source: Arc<dyn ArchiveBytes> = Arc::new(files);
        let how = (Mode::Unpack, course.limits.clone());
        let count = set.volumes.len();
        let mut unpacker =
            Unpacker::start(&self.worker, source, count, how, course.names).map_err(refused)?;
        self.end_with_job(unpacker.canceller());
        let totals = loop {
            self.job.control.check()?;
            match unpacker.next_event().map_err(refused)? {
                Event::End(totals) => break totals,
                Event::Progress(progress) => {
                    let done = progress.packed.min(bytes);
                    self.show(course.done_bytes + done, course.total_bytes);
                }
                Event::Start(_)
                | Event::Directory(_)
                | Event::File(_)
                | Event::Data(_)
                | Event::EndFile(_)
                | Event::Copy { .. }
                | Event::Skipped { .. } => {}
            }
        };
        course.names = unpacker.into_names();
        course.limits = room::after(&course.limits, totals);
        course.done_bytes += bytes;
        Ok(course)
    }

    /// A worker that is silent for long is ended at once when the person gives up.
    fn end_with_job(&self, canceller: Canceller) {
        let cancel = self.job.control.cancel.clone();
        self.tasks
            .spawn_until_stop(tracing::debug_span!("cancel"), async move {
                cancel.cancelled().await;
                canceller.cancel();
            });
    }
}
