//! What the original LanSpread left in a game's directory, and what becomes of it.
//!
//! It kept its log and its parked sentinels beside the payload, and marked the directories of an
//! install with a file of its own. What its log says is in a form that nobody promised us, so the
//! decision is made of what lies there; only *uninstall* is looked for in it.
//!
//! | found                                        | done                                         |
//! |----------------------------------------------|----------------------------------------------|
//! | staging with its marker                      | rolled back: deleted                         |
//! | backup, no `local/`, an uninstall was logged | finished: the backup goes to `kept/`         |
//! | backup, no `local/`                          | rolled back: the backup is `local/` again    |
//! | backup, and a `local/`                       | finished: the backup goes to `kept/`         |
//! | its log, sentinels and marker at the root    | moved to the state directory                 |
//!
//! A backup is moved when its marker or the log proves it; only a staging with the marker is
//! deleted, for all in it came out of an archive. A parked sentinel never comes back: the files
//! behind it may be of two versions. Everything else stays. The log goes last, because it proves.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::slot::Slot;

/// Its log of what it was about to do.
pub const LOG: &str = ".lanspread.json";
/// The sentinel of a download that is not committed.
pub const SENTINEL_DRAFT: &str = ".version.ini.tmp";
/// The sentinel of the version that a download replaces.
pub const SENTINEL_PARKED: &str = ".version.ini.discarded";
/// Longest of its files that is moved.
pub const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What is in a directory that both programs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holding {
    /// Nothing is there.
    Absent,
    /// A directory with nothing in it but, at most, a marker.
    Empty,
    /// A directory with the original's marker.
    Marked,
    /// A directory without a marker.
    Unmarked,
    /// A directory with our marker: not the original's.
    Ours,
    /// Something that is not a directory.
    Blocked,
}

impl Holding {
    const fn is_filled(self) -> bool {
        match self {
            Self::Marked | Self::Unmarked | Self::Ours => true,
            Self::Absent | Self::Empty | Self::Blocked => false,
        }
    }
}

/// What the original was about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Logged {
    /// Its log speaks of an uninstall.
    Uninstall,
    /// Its log speaks of something else, or of nothing.
    Other,
}

/// A small file of the original at the root of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stray {
    /// [`SENTINEL_DRAFT`].
    SentinelDraft,
    /// [`SENTINEL_PARKED`].
    SentinelParked,
    /// A marker that is in no slot.
    Marker,
    /// [`LOG`].
    Log,
}

impl Stray {
    /// All of them, in the order in which they are moved.
    pub const ALL: [Self; 4] = [
        Self::SentinelDraft,
        Self::SentinelParked,
        Self::Marker,
        Self::Log,
    ];

    /// Its name at the root of a game.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SentinelDraft => SENTINEL_DRAFT,
            Self::SentinelParked => SENTINEL_PARKED,
            Self::Marker => crate::slot::MARKER,
            Self::Log => LOG,
        }
    }

    /// Its name in the game's state directory.
    #[must_use]
    pub const fn moved_name(self) -> &'static str {
        match self {
            Self::SentinelDraft => "original_version.ini.tmp",
            Self::SentinelParked => "original_version.ini.discarded",
            Self::Marker => "original_owned",
            Self::Log => "original_lanspread.json",
        }
    }
}

/// What lies in a game's directory while no transaction of ours is unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `local/`.
    pub live: Holding,
    /// `.local.installing/`.
    pub staging: Holding,
    /// `.local.backup/`.
    pub backup: Holding,
    /// Its log, if that is a file that can be moved.
    pub log: Option<Logged>,
    /// Its other files that can be moved.
    pub strays: BTreeSet<Stray>,
}

/// One thing to do. Done before, wholly or in part, it can be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// Removes a slot in which nothing is but, at most, a marker.
    RemoveEmpty(Slot),
    /// Renames the backup to `local/`, where nothing is.
    Restore,
    /// Moves a slot to `kept/`; planned for the backup only.
    PutAside(Slot),
    /// Deletes the staging: what is in it, then the marker.
    ///
    /// What cannot be deleted by name is put aside instead.
    DropStaging,
    /// Removes the marker from `local/`, which stays.
    Unmark,
    /// Moves a file to the state directory.
    TakeOut(Stray),
}

/// What the original left for us to do, in this order; each is durable before the next begins.
#[must_use]
pub fn plan(found: &Found) -> Vec<Move> {
    let mut moves = Vec::new();
    let settled = settle_backup(found, &mut moves);
    match found.staging {
        Holding::Marked => moves.push(Move::DropStaging),
        Holding::Empty => moves.push(Move::RemoveEmpty(Slot::Staging)),
        Holding::Absent | Holding::Unmarked | Holding::Ours | Holding::Blocked => {}
    }
    if found.live == Holding::Marked || moves.contains(&Move::Restore) {
        moves.push(Move::Unmark);
    }
    let strays = found.strays.iter().filter(|stray| **stray != Stray::Log);
    moves.extend(strays.map(|stray| Move::TakeOut(*stray)));
    if found.log.is_some() && settled {
        moves.push(Move::TakeOut(Stray::Log));
    }
    moves
}

/// Plans for the backup; `false` while the log must stay to prove what it is.
fn settle_backup(found: &Found, moves: &mut Vec<Move>) -> bool {
    let is_proven = match found.backup {
        Holding::Empty => {
            moves.push(Move::RemoveEmpty(Slot::Backup));
            return true;
        }
        Holding::Absent | Holding::Ours | Holding::Blocked => return true,
        Holding::Marked => true,
        Holding::Unmarked => found.log.is_some(),
    };
    if !is_proven {
        return true;
    }
    if found.live.is_filled() || found.log == Some(Logged::Uninstall) {
        moves.push(Move::PutAside(Slot::Backup));
        return true;
    }
    match found.live {
        Holding::Blocked => return false,
        Holding::Empty => moves.push(Move::RemoveEmpty(Slot::Live)),
        Holding::Absent | Holding::Marked | Holding::Unmarked | Holding::Ours => {}
    }
    moves.push(Move::Restore);
    true
}

/// The slots that hold something which cannot be proven the original's or ours, and stay.
#[must_use]
pub fn stays(found: &Found) -> Vec<Slot> {
    let planned = plan(found);
    let is_moved =
        planned.contains(&Move::Restore) || planned.contains(&Move::PutAside(Slot::Backup));
    let mut left = Vec::new();
    if matches!(found.staging, Holding::Unmarked | Holding::Blocked) {
        left.push(Slot::Staging);
    }
    match found.backup {
        Holding::Blocked => left.push(Slot::Backup),
        Holding::Marked | Holding::Unmarked if !is_moved => left.push(Slot::Backup),
        Holding::Marked | Holding::Unmarked | Holding::Absent | Holding::Empty | Holding::Ours => {}
    }
    left
}

impl core::fmt::Display for Move {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (live, staging, backup) = (Slot::Live, Slot::Staging, Slot::Backup);
        match self {
            Self::RemoveEmpty(slot) => write!(f, "{} was empty and is gone", slot.name()),
            Self::Restore => write!(f, "{} is {} again", backup.name(), live.name()),
            Self::PutAside(slot) => write!(f, "{} was put into kept", slot.name()),
            Self::DropStaging => write!(f, "{} was half an install and is gone", staging.name()),
            Self::Unmark => write!(f, "{} lost its mark", live.name()),
            Self::TakeOut(stray) => write!(
                f,
                "{} lies in the state directory as {}",
                stray.name(),
                stray.moved_name()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
