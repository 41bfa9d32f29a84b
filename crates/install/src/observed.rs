//! [`Observed`]: what is on disk now, as far as a decision depends on it.

use crate::slot::{Marker, Role, Slot, TransactionId};

/// What is in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotState {
    /// Nothing is there.
    Absent,
    /// A directory with nothing in it but, at most, our marker: nobody can lose it.
    Empty,
    /// A directory without a marker that can be read.
    Unmarked,
    /// A directory with a marker.
    Owned(Marker),
    /// Something that is not a directory.
    Blocked,
}

/// What is at the root of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Observed {
    /// `local/`.
    pub live: SlotState,
    /// `.local.installing/`.
    pub staging: SlotState,
    /// `.local.backup/`.
    pub backup: SlotState,
    /// `.incoming/`.
    pub incoming: SlotState,
    /// `version.ini`.
    pub sentinel: SentinelAt,
}

impl core::fmt::Display for SlotState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Absent => "is not there",
            Self::Empty => "is empty",
            Self::Unmarked => "is a directory without our marker",
            Self::Owned(_) => "is a directory with our marker",
            Self::Blocked => "is not a directory",
        })
    }
}

impl core::fmt::Display for Observed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let slots = [
            (Slot::Live, self.live),
            (Slot::Staging, self.staging),
            (Slot::Backup, self.backup),
            (Slot::Incoming, self.incoming),
        ];
        for (slot, state) in slots {
            write!(f, "{} {state}, ", slot.name())?;
        }
        f.write_str(match self.sentinel {
            SentinelAt::Nowhere => "there is no version.ini",
            SentinelAt::Root => "version.ini is at its place",
            SentinelAt::Incoming => "version.ini is in .incoming",
            SentinelAt::Both => "version.ini is at its place and in .incoming",
        })
    }
}

/// Where there is a `version.ini`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SentinelAt {
    /// Neither at the root nor in `.incoming/`.
    Nowhere,
    /// At the root: the game is downloaded.
    Root,
    /// In `.incoming/`: the download is not committed.
    Incoming,
    /// In both: an old version is downloaded, a new one is not committed.
    Both,
}

impl SentinelAt {
    /// From what was seen at the two places.
    #[must_use]
    pub const fn seen<T>(root: Option<T>, incoming: Option<T>) -> Self
    where
        T: Copy,
    {
        match (root, incoming) {
            (None, None) => Self::Nowhere,
            (Some(_), None) => Self::Root,
            (None, Some(_)) => Self::Incoming,
            (Some(_), Some(_)) => Self::Both,
        }
    }
}

/// What is in a slot, seen from one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Occupant {
    Absent,
    Empty,
    /// What this transaction makes.
    New,
    /// What this transaction replaces, claimed.
    Old,
    /// A directory that this transaction has not claimed.
    Unclaimed,
    Blocked,
}

impl SlotState {
    pub(crate) fn seen_from(self, transaction: TransactionId) -> Occupant {
        match self {
            Self::Absent => Occupant::Absent,
            Self::Empty => Occupant::Empty,
            Self::Blocked => Occupant::Blocked,
            Self::Unmarked => Occupant::Unclaimed,
            Self::Owned(marker) if marker.transaction != transaction => Occupant::Unclaimed,
            Self::Owned(marker) => match marker.role {
                Role::New => Occupant::New,
                Role::Old => Occupant::Old,
            },
        }
    }

    /// Whether the slot holds something that an operation can work on.
    #[must_use]
    pub const fn is_filled(self) -> bool {
        match self {
            Self::Unmarked | Self::Owned(_) => true,
            Self::Absent | Self::Empty | Self::Blocked => false,
        }
    }
}
