//! Carries out the transactions that `lanspread-install` plans, on any [`Disk`].
//!
//! After every call a game is old or new, or waits for [`recover`] to make it so: the error says
//! which. All of it blocks; run it on a worker thread.

mod carry;
mod error;
mod hands;
mod hooks;
mod job;
mod kept;
mod payload;
mod repaired;
mod slots;

use lanspread_install::{
    Aftermath, Goal, Intent, Phase, Slot, Step, Target, Transaction, TransactionId, slot::KEPT,
    transaction::Trouble,
};
use lanspread_proto::{ContentId, Manifest};

pub use error::{Settled, StepError, TransactionError};
pub(crate) use hands::{Hands, stamp};
pub use hooks::{Hooks, NoHooks};
pub(crate) use job::Job;
pub(crate) use slots::is_marker;

use crate::{
    error::{DiskError, DiskOp},
    intent_file,
    observe::{self, GamePlaces},
    vfs::{Disk, EntryKind, Stat},
};

/// A download whose files are complete in `.incoming/`.
#[derive(Debug, Clone, Copy)]
pub struct CommitDownload<'a> {
    /// The transaction to be.
    pub transaction: TransactionId,
    /// What was downloaded.
    pub manifest: &'a Manifest,
    /// What it replaces, if that is known; only its files are deleted.
    pub old_manifest: Option<&'a Manifest>,
    /// Which of its files must be there.
    pub brings: Brings,
}

/// Which files of a payload a download has in `.incoming/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// All of them.
    Everything,
    /// Only those that the payload lacks or has damaged; the others lie at their places already.
    Repairs,
}

/// Takes `local/` away.
#[derive(Debug, Clone, Copy)]
pub struct Uninstall {
    /// The transaction to be.
    pub transaction: TransactionId,
    /// The user's files are deleted too; else they go to `kept/`.
    pub purge: bool,
}

/// Takes the payload away.
#[derive(Debug, Clone, Copy)]
pub struct Remove<'a> {
    /// The transaction to be.
    pub transaction: TransactionId,
    /// Exactly its files are deleted, if they are still what it says.
    pub manifest: &'a Manifest,
    /// Also while the game is installed.
    pub keep_installed: bool,
}

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// No transaction was unfinished.
    Nothing,
    /// This one is finished now.
    Finished(Goal),
    /// This one never happened.
    Undone(Goal),
}

/// Makes `.incoming/` the payload. The old payload stays whole until this begins.
///
/// # Errors
/// [`TransactionError::Incomplete`] before anything is touched; later failures wait for recovery,
/// which only goes forward.
pub fn commit_download(
    disk: &dyn Disk,
    places: &GamePlaces,
    download: CommitDownload<'_>,
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    let CommitDownload {
        transaction,
        manifest,
        old_manifest,
        brings,
    } = download;
    check_ready(disk, places)?;
    check_complete(disk, places, (manifest, brings))?;
    let target = Target {
        content: manifest.content(),
        version: manifest.version().clone(),
    };
    let intent = committed(
        transaction,
        Goal::CommitDownload {
            target,
            old: old_manifest.map(Manifest::content),
        },
    );
    let payloads = (Some(manifest), old_manifest);
    commit(disk, places, &intent, payloads, hooks)
}

/// Takes `local/` away; the user's files go to `kept/` unless they are purged.
///
/// # Errors
/// Not installed, in use, or the disk fails.
pub fn uninstall(
    disk: &dyn Disk,
    places: &GamePlaces,
    uninstall: Uninstall,
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    check_ready(disk, places)?;
    if !observe::observe_slots(disk, places)?.live.is_filled() {
        return Err(lanspread_install::Refusal::NotInstalled.into());
    }
    let goal = Goal::Uninstall {
        purge: uninstall.purge,
    };
    let intent = committed(uninstall.transaction, goal);
    commit(disk, places, &intent, (None, None), hooks)
}

/// Takes the payload away: the sentinel first, then the manifest's files that are still what it
/// says. Whatever else lies there stays.
///
/// # Errors
/// Still installed and not asked to keep that, in use, or the disk fails.
pub fn remove(
    disk: &dyn Disk,
    places: &GamePlaces,
    remove: Remove<'_>,
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    check_ready(disk, places)?;
    let installed = observe::observe_slots(disk, places)?.live.is_filled();
    if installed && !remove.keep_installed {
        return Err(lanspread_install::Refusal::StillInstalled.into());
    }
    let goal = Goal::Remove {
        content: remove.manifest.content(),
        keep_installed: remove.keep_installed,
    };
    let intent = committed(remove.transaction, goal);
    let payloads = (None, Some(remove.manifest));
    commit(disk, places, &intent, payloads, hooks)
}

/// Finishes or undoes what a crash, or a file in use, left. Call it before anything else on a
/// game, and again when whatever it waits for may be over.
///
/// # Errors
/// An intent that cannot be read, a missing manifest, or directories that somebody else changed:
/// nothing is touched then. Or a step failed again.
pub fn recover(
    disk: &dyn Disk,
    places: &GamePlaces,
    manifests: &dyn Fn(&ContentId) -> Option<Manifest>,
    hooks: &mut dyn Hooks,
) -> Result<Recovered, TransactionError> {
    let Some(intent) = intent_file::read_intent(disk, &places.state)? else {
        return Ok(Recovered::Nothing);
    };
    let find =
        |content: &ContentId| manifests(content).ok_or(TransactionError::ManifestMissing(*content));
    let (new, old) = match &intent.goal {
        // Without the old manifest nothing of the old payload can be proven ours: all of it goes to
        // `kept/`.
        Goal::CommitDownload { target, old } => (
            Some(find(&target.content)?),
            old.as_ref().and_then(manifests),
        ),
        Goal::Remove { content, .. } => (None, Some(find(content)?)),
        Goal::Install(_)
        | Goal::Update(_)
        | Goal::LowDisk(_)
        | Goal::Repair(_)
        | Goal::Uninstall { .. } => (None, None),
    };
    let observed = observe::observe_slots(disk, places)?;
    let transaction = Transaction::recover(intent.clone(), &observed)?;
    let undoes = transaction.is_undoing();
    let job = Job {
        hands: Hands { disk, hooks },
        places,
        intent: &intent,
        new: new.as_ref(),
        old: old.as_ref(),
        staged: None,
    };
    run(transaction, job)?;
    Ok(if undoes {
        Recovered::Undone(intent.goal)
    } else {
        Recovered::Finished(intent.goal)
    })
}

/// Undoes a transaction that waits, if nothing that counts has moved: an update that waits for a
/// game to be closed.
///
/// # Errors
/// It has gone too far, nothing waits, or the disk fails.
pub fn abandon(
    disk: &dyn Disk,
    places: &GamePlaces,
    hooks: &mut dyn Hooks,
) -> Result<Recovered, TransactionError> {
    let Some(intent) = intent_file::read_intent(disk, &places.state)? else {
        return Ok(Recovered::Nothing);
    };
    let observed = observe::observe_slots(disk, places)?;
    let transaction = Transaction::abandon(intent.clone(), &observed)?;
    let job = Job {
        hands: Hands { disk, hooks },
        places,
        intent: &intent,
        new: None,
        old: None,
        staged: None,
    };
    run(transaction, job)?;
    Ok(Recovered::Undone(intent.goal))
}

fn committed(transaction: TransactionId, goal: Goal) -> Intent {
    Intent {
        transaction,
        phase: Phase::Committed,
        goal,
    }
}

fn commit(
    disk: &dyn Disk,
    places: &GamePlaces,
    intent: &Intent,
    (new, old): (Option<&Manifest>, Option<&Manifest>),
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    let observed = observe::observe_slots(disk, places)?;
    let transaction = Transaction::commit(intent.clone(), &observed)?;
    let job = Job {
        hands: Hands { disk, hooks },
        places,
        intent,
        new,
        old,
        staged: None,
    };
    run(transaction, job)
}

pub(crate) fn check_ready(disk: &dyn Disk, places: &GamePlaces) -> Result<(), TransactionError> {
    if intent_file::read_intent(disk, &places.state)?.is_some() {
        return Err(lanspread_install::Refusal::Unfinished.into());
    }
    Ok(check_directories(disk, places)?)
}

/// A file where one of our directories belongs would stop a transaction half way.
fn check_directories(disk: &dyn Disk, places: &GamePlaces) -> Result<(), DiskError> {
    let slots = [Slot::Live, Slot::Staging, Slot::Backup, Slot::Incoming];
    let slots = slots.map(|slot| places.slot(slot));
    for place in slots.iter().chain([&places.game_root.own(KEPT)]) {
        if disk
            .stat(place)?
            .is_some_and(|stat| stat.kind != EntryKind::Directory)
        {
            let source = std::io::ErrorKind::NotADirectory.into();
            return Err(DiskError::new(DiskOp::List, place.path(), source));
        }
    }
    Ok(())
}

/// From the intent on there is only forward, so every file must be there before it.
fn check_complete(
    disk: &dyn Disk,
    places: &GamePlaces,
    (manifest, brings): (&Manifest, Brings),
) -> Result<(), TransactionError> {
    let incoming = places.slot(Slot::Incoming);
    for entry in manifest.files() {
        let is_whole = |stat: Stat| stat.kind == EntryKind::File && stat.bytes == entry.bytes;
        let complete = match (disk.stat(&incoming.join(&entry.path))?, brings) {
            (Some(stat), _) => is_whole(stat),
            (None, Brings::Everything) => false,
            (None, Brings::Repairs) => disk
                .stat(&places.game_root.join(&entry.path))?
                .is_some_and(is_whole),
        };
        if !complete {
            return Err(TransactionError::Incomplete(entry.path.clone()));
        }
    }
    Ok(())
}

/// Walks through a transaction. An error means that it did not happen, or waits.
pub(crate) fn run(mut transaction: Transaction, mut job: Job<'_>) -> Result<(), TransactionError> {
    let mut first: Option<(Step, StepError)> = None;
    while let Some(step) = transaction.poll_step() {
        let Err(error) = job.carry_out(step) else {
            transaction.on_done();
            continue;
        };
        if step == Step::Swap && error.is_unsupported() {
            transaction.on_exchange_unsupported();
            continue;
        }
        let trouble = if error.is_in_use() {
            Trouble::InUse
        } else {
            Trouble::Failed
        };
        let observed = observe::observe_slots(job.hands.disk, job.places).ok();
        let aftermath = transaction.on_failed(trouble, observed.as_ref());
        let (step, source) = first.take().unwrap_or((step, error));
        let settled = match aftermath {
            Aftermath::Undo => {
                first = Some((step, source));
                continue;
            }
            Aftermath::Untouched => Settled::Old,
            Aftermath::Wait => Settled::Waiting,
        };
        return Err(TransactionError::Step {
            step,
            source,
            settled,
        });
    }
    match first {
        None => Ok(()),
        Some((step, source)) => Err(TransactionError::Step {
            step,
            source,
            settled: Settled::Old,
        }),
    }
}
