//! What to do after a crash, decided from the intent and what is on disk: total matches, no
//! wildcards.
//!
//! | goal             | phase     | what is found                        | steps                         |
//! |------------------|-----------|--------------------------------------|-------------------------------|
//! | install, update  | preparing | anything                             | drop the staging              |
//! | install, update  | committed | staging new, local old or none       | exchange or rename, finish    |
//! | install, update  | committed | staging old, local new               | move it to the backup, finish |
//! | install, update  | committed | local none, staging new, backup old  | move the staging in, finish   |
//! | install, update  | committed | local new                            | finish                        |
//! | commit download  | any       | sentinel still in `.incoming/`       | everything again              |
//! | commit download  | any       | sentinel at the root                 | clean up                      |
//! | uninstall        | any       | local there, no backup               | claim, move, put aside        |
//! | uninstall        | any       | backup old                           | put aside, finish             |
//! | remove           | any       | anything                             | everything again              |
//! | repair           | preparing | anything                             | drop the staging              |
//! | repair           | committed | local there                          | place the files, finish       |
//! | repair           | committed | no local                             | drop the staging              |
//!
//! A low-disk install is an install or an update, whichever is found.
//!
//! Everything else is refused: somebody else was here, so nothing is touched.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::{
    intent::{Goal, Intent, Phase},
    observed::{Observed, Occupant, SentinelAt},
    slot::{Role, Slot},
    step::Step,
};

/// Why nothing is touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverRefusal {
    /// The slots hold what no crash of this transaction can leave.
    #[error("the directories are not as this operation can have left them: {0}")]
    Unexpected(Box<Observed>),
    /// Something that counts was moved already: only forward.
    #[error("it has gone too far to be undone")]
    TooLate,
}

/// The steps that finish or undo the transaction.
///
/// # Errors
/// [`RecoverRefusal::Unexpected`].
pub fn recover(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    match (&intent.goal, intent.phase) {
        (
            Goal::Install(_) | Goal::Update(_) | Goal::Repair(_) | Goal::LowDisk(_),
            Phase::Preparing,
        ) => undo_staging(intent, observed),
        (Goal::Install(_) | Goal::Update(_) | Goal::LowDisk(_), Phase::Committed) => {
            finish_install(intent, observed)
        }
        (Goal::Repair(_), Phase::Committed) => finish_repair(intent, observed),
        (Goal::CommitDownload { .. }, Phase::Preparing | Phase::Committed) => {
            finish_download(intent, observed)
        }
        (Goal::Uninstall { purge }, Phase::Preparing | Phase::Committed) => {
            finish_uninstall(intent, observed, *purge)
        }
        (Goal::Remove { .. }, Phase::Preparing | Phase::Committed) => Ok(remove_again()),
    }
}

/// The steps that undo a transaction of which nothing that counts has moved.
///
/// # Errors
/// [`RecoverRefusal::TooLate`].
pub fn abandon(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    let id = intent.transaction;
    let live = observed.live.seen_from(id);
    let staging = observed.staging.seen_from(id);
    let backup = observed.backup.seen_from(id);
    match (&intent.goal, live, staging, backup) {
        (
            Goal::Install(_) | Goal::Update(_) | Goal::LowDisk(_),
            Absent | Empty | Old | Unclaimed | Blocked,
            Absent | Empty | New,
            Absent | Empty | Unclaimed | Blocked,
        ) => Ok(undo_committed()),
        (Goal::Uninstall { .. }, Old | Unclaimed, _, Absent | Empty | Unclaimed | Blocked) => {
            Ok(vec![Step::ClearIntent])
        }
        // A remove takes the sentinel first: while it is there, nothing is gone.
        (Goal::Remove { .. }, _, _, _)
            if matches!(observed.sentinel, SentinelAt::Root | SentinelAt::Both) =>
        {
            Ok(vec![Step::ClearIntent])
        }
        (
            Goal::Install(_) | Goal::Update(_) | Goal::LowDisk(_),
            Absent | Empty | New | Old | Unclaimed | Blocked,
            Absent | Empty | New | Old | Unclaimed | Blocked,
            Absent | Empty | New | Old | Unclaimed | Blocked,
        )
        | (
            Goal::Uninstall { .. },
            Absent | Empty | New | Old | Unclaimed | Blocked,
            _,
            Absent | Empty | New | Old | Unclaimed | Blocked,
        )
        | (Goal::CommitDownload { .. } | Goal::Remove { .. } | Goal::Repair(_), _, _, _) => {
            Err(RecoverRefusal::TooLate)
        }
    }
}

/// The intent says *preparing* again before anything is deleted: a crash must not find a committed
/// intent and half a staging.
fn undo_committed() -> Vec<Step> {
    let mut steps = vec![Step::WriteIntent(Phase::Preparing)];
    steps.extend(drop_staging());
    steps
}

/// Writes nothing: the staging may be what filled the disk.
pub(crate) fn drop_staging() -> Vec<Step> {
    vec![
        Step::DropDraft(Slot::Live),
        Step::Drop(Slot::Staging, Role::New),
        Step::ForgetNextRecord,
        Step::ClearIntent,
    ]
}

fn undo_staging(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    match observed.staging.seen_from(intent.transaction) {
        Absent | Empty | New => Ok(drop_staging()),
        // Left over from a transaction whose intent is lost; this one had not begun its own.
        Unclaimed | Blocked => Ok(vec![
            Step::DropDraft(Slot::Live),
            Step::SetAside(Slot::Staging),
            Step::ForgetNextRecord,
            Step::ClearIntent,
        ]),
        Old => Err(RecoverRefusal::Unexpected(Box::new(*observed))),
    }
}

fn finish_install(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    let id = intent.transaction;
    let live = observed.live.seen_from(id);
    let staging = observed.staging.seen_from(id);
    let backup = observed.backup.seen_from(id);
    let mut steps = match (live, staging, backup) {
        (Old | Unclaimed, New, Absent | Empty) => vec![
            Step::Claim(Slot::Live, Role::Old),
            Step::Drop(Slot::Backup, Role::Old),
            Step::Swap,
            Step::SyncRoot,
            Step::Move {
                from: Slot::Staging,
                to: Slot::Backup,
            },
        ],
        (Absent | Empty, New, Absent | Empty | Old) => vec![
            Step::Drop(Slot::Live, Role::Old),
            Step::Move {
                from: Slot::Staging,
                to: Slot::Live,
            },
        ],
        (New, Old, Absent | Empty) => vec![
            Step::SyncRoot,
            Step::Drop(Slot::Backup, Role::Old),
            Step::Move {
                from: Slot::Staging,
                to: Slot::Backup,
            },
        ],
        (New, Absent | Empty, Absent | Empty | Old) => vec![],
        (Absent | Empty, Absent | Empty | Old | Unclaimed | Blocked, _)
        | (Absent | Empty, New, New | Unclaimed | Blocked)
        | (New, New | Unclaimed | Blocked, _)
        | (New, Absent | Empty, New | Unclaimed | Blocked)
        | (New, Old, New | Old | Unclaimed | Blocked)
        | (Old | Unclaimed, Absent | Empty | Old | Unclaimed | Blocked, _)
        | (Old | Unclaimed, New, New | Old | Unclaimed | Blocked)
        | (Blocked, Absent | Empty | New | Old | Unclaimed | Blocked, _) => {
            return Err(RecoverRefusal::Unexpected(Box::new(*observed)));
        }
    };
    steps.extend([
        Step::SyncRoot,
        Step::CarryOver,
        Step::SyncGame,
        Step::Drop(Slot::Backup, Role::Old),
        Step::Drop(Slot::Staging, Role::New),
        Step::AdoptRecord,
        Step::ClearIntent,
    ]);
    Ok(steps)
}

fn finish_repair(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    let id = intent.transaction;
    match (observed.live.seen_from(id), observed.staging.seen_from(id)) {
        (Unclaimed, Absent | Empty | New) => Ok(vec![
            Step::PlaceRepaired,
            Step::SyncGame,
            Step::Drop(Slot::Staging, Role::New),
            Step::AdoptRecord,
            Step::ClearIntent,
        ]),
        // Somebody took the game away meanwhile: a few files of it would be no game.
        (Absent | Empty | Blocked, Absent | Empty | New) => Ok(drop_staging()),
        (New | Old, Absent | Empty | New | Old | Unclaimed | Blocked)
        | (Absent | Empty | Unclaimed | Blocked, Old | Unclaimed | Blocked) => {
            Err(RecoverRefusal::Unexpected(Box::new(*observed)))
        }
    }
}

fn finish_download(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    let incoming = observed.incoming.seen_from(intent.transaction);
    match (incoming, observed.sentinel) {
        (New | Old | Unclaimed, SentinelAt::Incoming | SentinelAt::Both) => Ok(vec![
            Step::Claim(Slot::Incoming, Role::New),
            Step::StopServing,
            Step::ParkSentinel,
            Step::SyncRoot,
            Step::DropOldFiles,
            // What is in the way goes to `kept/`: nothing that was deleted may come back there.
            Step::SyncGame,
            Step::PlaceFiles,
            Step::SyncGame,
            Step::PlaceSentinel,
            Step::SyncRoot,
            Step::DropParked,
            Step::SyncRoot,
            Step::Drop(Slot::Incoming, Role::New),
            Step::ClearIntent,
        ]),
        (Absent | Empty | New | Old | Unclaimed, SentinelAt::Root) => Ok(vec![
            Step::SyncRoot,
            Step::DropParked,
            Step::SyncRoot,
            Step::Drop(Slot::Incoming, Role::New),
            Step::ClearIntent,
        ]),
        (Absent | Empty, SentinelAt::Incoming | SentinelAt::Both)
        | (Absent | Empty | New | Old | Unclaimed, SentinelAt::Nowhere)
        | (
            Blocked,
            SentinelAt::Nowhere | SentinelAt::Root | SentinelAt::Incoming | SentinelAt::Both,
        ) => Err(RecoverRefusal::Unexpected(Box::new(*observed))),
    }
}

fn finish_uninstall(
    intent: &Intent,
    observed: &Observed,
    purge: bool,
) -> Result<Vec<Step>, RecoverRefusal> {
    use Occupant::{Absent, Blocked, Empty, New, Old, Unclaimed};
    let live = observed.live.seen_from(intent.transaction);
    let backup = observed.backup.seen_from(intent.transaction);
    let mut steps = match (live, backup) {
        // A backup of nobody is left over from a transaction whose intent is lost.
        (Old | Unclaimed, Absent | Empty | Unclaimed | Blocked) => vec![
            Step::SetAside(Slot::Backup),
            Step::Claim(Slot::Live, Role::Old),
            Step::Move {
                from: Slot::Live,
                to: Slot::Backup,
            },
        ],
        // A game that still runs may have made a new `local/` meanwhile; it is the user's.
        (Absent | Empty | Unclaimed, Old) => vec![],
        (Absent | Empty, Absent | Empty) => vec![Step::Drop(Slot::Live, Role::Old)],
        (Absent | Empty, New | Unclaimed | Blocked)
        | (Old | Unclaimed, New)
        | (Old, Old)
        | (New | Blocked, Absent | Empty | New | Old | Unclaimed | Blocked) => {
            return Err(RecoverRefusal::Unexpected(Box::new(*observed)));
        }
    };
    steps.push(Step::SyncRoot);
    steps.push(if purge { Step::Purge } else { Step::PutAside });
    steps.extend([
        Step::SyncGame,
        Step::Drop(Slot::Backup, Role::Old),
        Step::ForgetRecord,
        Step::ClearIntent,
    ]);
    Ok(steps)
}

fn remove_again() -> Vec<Step> {
    vec![
        Step::StopServing,
        Step::ParkSentinel,
        Step::SyncRoot,
        Step::RemovePayload,
        Step::SyncGame,
        Step::DropParked,
        Step::SyncRoot,
        Step::ClearIntent,
    ]
}
