//! [`Refusal`]: why a payload is not shared, or a game not touched.

use lanspread_disk::{execute::TransactionError, intent_file::StateFileError, scan::Payload};
use lanspread_proto::{Hash, manifest::VERSION_INI};

use crate::{error::OperationError, snapshot::NotShared};

/// What does not depend on the files alone: another time it may be otherwise.
const PASSING: [&str; 8] = [
    "cancelled",
    "defect",
    "disk",
    "disk-full",
    "internal",
    "io",
    "limit-memory",
    "limit-time",
];

/// Why a payload is not shared that was read.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) why: NotShared,
    /// Of the payload, if that alone is the reason.
    fingerprint: Option<Hash>,
}

impl Refusal {
    pub(super) fn new(why: NotShared, payload: &Payload) -> Self {
        let lasts = match &why {
            NotShared::Refused { code, .. } => !PASSING.contains(code),
            NotShared::NoVersion
            | NotShared::SwitchedOff
            | NotShared::Checking
            | NotShared::Settling => false,
        };
        Self {
            fingerprint: lasts.then(|| payload.fingerprint()),
            why,
        }
    }

    /// For a reason that is none of the payload's.
    pub(super) const fn passing(why: NotShared) -> Self {
        Self {
            why,
            fingerprint: None,
        }
    }

    /// It holds until a file changes.
    pub(super) const fn lasts(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Whether it is about these files, as they are.
    pub(super) fn is_of(&self, payload: &Payload) -> bool {
        self.fingerprint == Some(payload.fingerprint())
    }
}

/// Why a game whose last operation cannot be finished is not shared.
pub(super) fn not_recovered(error: &TransactionError) -> NotShared {
    let is_disk = matches!(
        error,
        TransactionError::Step { .. } | TransactionError::State(StateFileError::Disk(_))
    );
    if error.is_in_use() {
        not("close-the-game", error)
    } else if error.is_full() {
        not("disk-full", error)
    } else if is_disk {
        not("disk", error)
    } else {
        not("unreadable-record", error)
    }
}

/// What every operation is answered while a file of ours says nothing that can be believed.
pub(super) fn unreadable(error: &TransactionError) -> Option<OperationError> {
    let TransactionError::State(error) = error else {
        return None;
    };
    let (path, reason) = match error {
        StateFileError::Unreadable { place, reason } => (place.path(), reason.to_string()),
        StateFileError::Disk(error) if error.is_reading() => {
            (error.path.clone(), error.to_string())
        }
        StateFileError::Disk(_) => return None,
    };
    Some(OperationError::Record { path, reason })
}

/// Why a game is not shared. The entry is what the reason begins with, where the code does not say
/// which file it is.
pub(super) fn not(code: &'static str, reason: &dyn std::fmt::Display) -> NotShared {
    let reason = reason.to_string();
    let named = match code {
        "version-ini" => Some((VERSION_INI, reason.as_str())),
        _ => reason.split_once(": "),
    };
    let (entry, reason) = named.unwrap_or(("the folder", &reason));
    NotShared::Refused {
        entry: entry.to_owned(),
        code,
        reason: reason.to_owned(),
    }
}
