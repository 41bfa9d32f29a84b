//! [`TransactionError`]: why a transaction did not happen, and what is true now.

use lanspread_install::{RecoverRefusal, Refusal, SealError, Slot, Step};
use lanspread_proto::{ContentId, RelPath};

use crate::{error::DiskError, intent_file::StateFileError, vfs::Place};

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Not in this state of the game.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The directories are not as any operation leaves them; nothing was touched.
    #[error(transparent)]
    Unexpected(#[from] RecoverRefusal),
    /// The intent or a record cannot be read, so nothing was touched.
    #[error(transparent)]
    State(#[from] StateFileError),
    /// A file of the download or staging is not there in its whole length.
    #[error("{0}: the file is not complete")]
    Incomplete(RelPath),
    /// Recovery needs a manifest that nobody has.
    #[error("the manifest of {} is missing", .0.short())]
    ManifestMissing(ContentId),
    /// An install of nothing.
    #[error("there is nothing to install")]
    NothingStaged,
    /// More files than a record can name.
    #[error("the install cannot be recorded: {0}")]
    Unrecordable(SealError),
    /// A step failed.
    #[error("{source}")]
    Step {
        /// Which.
        step: Step,
        /// Why.
        source: StepError,
        /// What is true now.
        settled: Settled,
    },
}

/// What is true after a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// The old state, whole: nothing was touched or all of it was undone.
    Old,
    /// The intent stays, and recovery will go on: now, or when whatever failed is better.
    Waiting,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The intent or a record.
    #[error(transparent)]
    State(#[from] StateFileError),
    /// A directory is not proven ours, so it was not touched.
    #[error("{}: the directory is not this operation's", .0.name())]
    NotOwned(Slot),
    /// Files turned up where only empty directories should be left.
    #[error("{0}: somebody put a file there meanwhile")]
    NotEmpty(Place),
    /// A file of the payload is neither in `.incoming/` nor at its place.
    #[error("{0}: the file is gone")]
    Lost(RelPath),
    /// The file changes while it is looked at.
    #[error("{0}: the file is being written")]
    Changing(Place),
    /// The step needs a record or manifest that this transaction does not have.
    #[error("this operation cannot do that")]
    Unfit,
}

impl StepError {
    fn disk(&self) -> Option<&DiskError> {
        match self {
            Self::Disk(error) | Self::State(StateFileError::Disk(error)) => Some(error),
            Self::State(StateFileError::Unreadable { .. })
            | Self::NotOwned(_)
            | Self::NotEmpty(_)
            | Self::Lost(_)
            | Self::Changing(_)
            | Self::Unfit => None,
        }
    }

    /// Somebody uses the files: closing the game helps.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        match self {
            Self::Changing(_) | Self::NotEmpty(_) => true,
            Self::Disk(_) | Self::State(_) | Self::NotOwned(_) | Self::Lost(_) | Self::Unfit => {
                self.disk().is_some_and(DiskError::is_busy)
            }
        }
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.disk().is_some_and(DiskError::is_unsupported)
    }
}

impl TransactionError {
    fn step(&self) -> Option<&StepError> {
        match self {
            Self::Step { source, .. } => Some(source),
            Self::Refused(_)
            | Self::Unexpected(_)
            | Self::State(_)
            | Self::Incomplete(_)
            | Self::ManifestMissing(_)
            | Self::Unrecordable(_)
            | Self::NothingStaged => None,
        }
    }

    /// Somebody uses the files: *close the game to finish*.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.step().is_some_and(StepError::is_in_use)
    }

    /// The volume is full: freeing space helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let disk = self.step().and_then(StepError::disk);
        disk.is_some_and(DiskError::is_full)
    }

    /// The operation is not over: its intent stays, [`super::recover`] goes on with it.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(
            self,
            Self::Step {
                settled: Settled::Waiting,
                ..
            }
        )
    }

    /// A step failed, and everything is as if the operation had never begun: its intent is gone.
    #[must_use]
    pub const fn is_undone(&self) -> bool {
        matches!(
            self,
            Self::Step {
                settled: Settled::Old,
                ..
            }
        )
    }
}

impl From<DiskError> for TransactionError {
    fn from(error: DiskError) -> Self {
        Self::State(StateFileError::Disk(error))
    }
}
