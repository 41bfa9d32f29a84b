//! The job behind a verify: read the payload and the installed game again, say what is damaged,
//! mend it.
//!
//! Invariant: the user's files are named and stay, unless the person says otherwise; then they go
//! to `kept/`. What is damaged is not served from the moment on when that is known.

mod local;
mod payload;

use std::sync::Arc;

use lanspread_disk::{
    content::OpenContent,
    hashing::{HashError, Progress},
    intent_file::{self, RecordSlot, StateFileError},
    observe::GamePlaces,
    verify::{self, LocalCheck, PayloadCheck},
};
use lanspread_install::InstallRecord;
use lanspread_proto::RelPath;

use crate::{
    committing,
    download::{self, Agreed},
    error::OperationError,
    games::JobProgress,
    handle::ChangedFiles,
    jobs::{Job, JobPorts},
    limits,
    snapshot::{Listed, Phase, VerifyView},
};

/// Starts the job.
pub(crate) fn start(ports: &JobPorts, job: Job, changed: ChangedFiles) {
    let span = tracing::info_span!("verify", game = %job.game);
    let ports = ports.clone();
    let tasks = ports.tasks.clone();
    tasks.spawn_until_stop(span, async move {
        let work = Box::pin(verify(&ports, &job, changed));
        job.carry_out(ports.holding(&job, work)).await;
    });
}

/// What there is to verify.
#[derive(Clone)]
struct Subject {
    places: GamePlaces,
    payload: Option<Payload>,
    record: Option<Arc<InstallRecord>>,
}

/// A payload, as it should be.
#[derive(Clone)]
struct Payload {
    agreed: Agreed,
    /// Its files as they were when they were hashed.
    open: Option<Arc<OpenContent>>,
}

/// What was found.
struct Found {
    payload: Option<PayloadCheck>,
    local: LocalCheck,
}

async fn verify(ports: &JobPorts, job: &Job, changed: ChangedFiles) -> Result<(), OperationError> {
    let subject = subject(ports, job).await?;
    job.enter(Phase::Verifying).await;
    let found = check(ports, job, &subject).await?;
    job.verified(view(&subject, &found, changed)).await;
    if let (Some(payload), Some(check)) = (&subject.payload, &found.payload) {
        payload::mend(ports, job, (&subject.places, payload), check).await?;
    }
    if let Some(record) = &subject.record {
        let mut wanted: Vec<RelPath> = found.local.damaged.clone();
        if changed == ChangedFiles::PutBack {
            wanted.extend(found.local.changed.iter().cloned());
        }
        local::mend(ports, job, (&subject, record), wanted).await?;
    }
    Ok(())
}

async fn subject(ports: &JobPorts, job: &Job) -> Result<Subject, OperationError> {
    let places = committing::places(ports, &job.game).await?;
    let payload = match ports.shelf.reference(job.game.clone()).await {
        Ok(reference) => {
            let agreed = download::agree(ports, job, reference.content, None).await?;
            let version = agreed.manifest.version().clone();
            job.decide(reference.content, version).await;
            Some(Payload {
                agreed,
                open: reference.open,
            })
        }
        Err(OperationError::NotDownloaded(_)) => None,
        Err(error) => return Err(error),
    };
    let (disk, state) = (Arc::clone(&ports.disk), places.state.clone());
    let read = move || intent_file::read_record(disk.as_ref(), &state, RecordSlot::Current);
    let record = match ports.blocking(read).await? {
        Ok(record) => record.map(Arc::new),
        Err(StateFileError::Disk(error)) => return Err(error.into()),
        Err(StateFileError::Unreadable { place, reason }) => {
            return Err(OperationError::Record {
                path: place.path(),
                reason: reason.to_string(),
            });
        }
    };
    if payload.is_none() && record.is_none() {
        // Of what somebody else put into `local/` nobody can say how it should be.
        return Err(OperationError::NotDownloaded(job.game.clone()));
    }
    Ok(Subject {
        places,
        payload,
        record,
    })
}

impl Subject {
    fn total_bytes(&self) -> u64 {
        let payload = self.payload.as_ref();
        let payload = payload.map_or(0, |payload| payload.agreed.manifest.total_bytes());
        let local = self
            .record
            .as_ref()
            .map_or(0, |record| record.total_bytes());
        payload.saturating_add(local)
    }
}

/// Reads everything, on a thread of its own.
async fn check(ports: &JobPorts, job: &Job, subject: &Subject) -> Result<Found, OperationError> {
    let progress = Arc::new(Progress::default());
    let (disk, counted, on_thread) = (
        Arc::clone(&ports.disk),
        Arc::clone(&progress),
        subject.clone(),
    );
    let read = move || -> Result<Found, HashError> {
        let Subject {
            places,
            payload,
            record,
        } = &on_thread;
        let payload = payload.as_ref().map(|payload| {
            let of = (&*payload.agreed.manifest, &*payload.agreed.chunk_map);
            verify::check_payload(disk.as_ref(), &places.game_root, of, &counted)
        });
        let local = record
            .as_ref()
            .map(|record| verify::check_local(disk.as_ref(), places, record, &counted));
        Ok(Found {
            payload: payload.transpose()?,
            local: local.transpose()?.unwrap_or_default(),
        })
    };
    let mut work = Box::pin(ports.blocking(read));
    let mut tick = tokio::time::interval(limits::SNAPSHOT_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let total_bytes = subject.total_bytes();
    let found = loop {
        tokio::select! {
            biased;
            found = &mut work => break found?,
            () = job.control.cancel.cancelled(), if !progress.is_cancelled() => progress.cancel(),
            _ = tick.tick() => {
                let done_bytes = progress.bytes().min(total_bytes);
                let shown = JobProgress { done_bytes, total_bytes, ..JobProgress::default() };
                job.progress(shown).await;
            }
        }
    };
    found.map_err(|error| read_error(&subject.places, error))
}

fn read_error(places: &GamePlaces, error: HashError) -> OperationError {
    match error {
        HashError::Changed(path) => OperationError::Changing(places.game_root.join(&path).path()),
        HashError::Cancelled | HashError::Worker => OperationError::Cancelled,
        HashError::Disk(error) => error.into(),
    }
}

fn view(subject: &Subject, found: &Found, changed: ChangedFiles) -> VerifyView {
    let count = |files: usize| u32::try_from(files).unwrap_or(u32::MAX);
    let files = subject.payload.as_ref();
    let files = files.map_or(&[][..], |payload| payload.agreed.manifest.files());
    let damaged = found.payload.as_ref().map(|check| &check.damaged);
    let damaged: Vec<&RelPath> = damaged
        .into_iter()
        .flatten()
        .filter_map(|index| files.get(index.as_usize()))
        .map(|entry| &entry.path)
        .collect();
    let record = subject.record.as_ref();
    VerifyView {
        payload_files: count(files.len()),
        local_files: record.map_or(0, |record| count(record.files().len())),
        payload_damaged: Listed::of(&damaged),
        local_damaged: Listed::of(&found.local.damaged),
        local_changed: Listed::of(&found.local.changed),
        local_unknown: Listed::of(&found.local.unknown),
        forced: changed == ChangedFiles::PutBack,
    }
}
