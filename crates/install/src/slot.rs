//! Names of everything that LanSpread keeps beside a game's payload, and the marker that proves a
//! directory ours.
//!
//! Invariant: no payload and no archive can hold one of these names (`proto::rel_path`,
//! `proto::manifest`).

use alloc::{format, string::String};
use core::fmt;

use serde::{Deserialize, Serialize};

/// The sentinel: present at the root of a game exactly when it is downloaded.
pub use lanspread_proto::manifest::VERSION_INI;

/// The user's files that were put aside, one directory per transaction.
pub const KEPT: &str = "kept";
/// In every owned directory: whose it is.
pub const MARKER: &str = ".lanspread_owned";
/// A marker that is just being written.
pub const MARKER_DRAFT: &str = ".lanspread_owned.tmp";
/// The sentinel while the payload behind it changes.
pub const PARKED: &str = ".lanspread_version.ini";
/// In a game's state directory: what was asked and how far it got.
pub const INTENT: &str = "install_intent";
/// In a game's state directory: every file of `local/` that we wrote.
pub const RECORD: &str = "install_record";
/// The record of an install that is not finished yet.
pub const RECORD_NEXT: &str = "install_record.next";

/// Longest marker file that is read.
pub const MARKER_BYTES_MAX: u64 = 256;

/// A directory at the root of a game with a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// `local/`: the installed game.
    Live,
    /// `.local.installing/`: an install in progress.
    Staging,
    /// `.local.backup/`: what was in `local/` before.
    Backup,
    /// `.incoming/`: a download in progress.
    Incoming,
}

impl Slot {
    /// The directory's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "local",
            Self::Staging => ".local.installing",
            Self::Backup => ".local.backup",
            Self::Incoming => ".incoming",
        }
    }

    /// The name it gets below `kept/` when it turns up without an owner.
    #[must_use]
    pub const fn kept_name(self) -> &'static str {
        match self {
            Self::Live => "local",
            Self::Staging => "local.installing",
            Self::Backup => "local.backup",
            Self::Incoming => "incoming",
        }
    }
}

/// One transaction, unique on this machine: the time it began, and chance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionId(u128);

impl TransactionId {
    /// Made of the time (seconds since 1970) and 64 random bits, both given from outside.
    #[must_use]
    pub const fn at(unix_seconds: u64, random: u64) -> Self {
        let bits = (unix_seconds as u128) << 64 | random as u128;
        Self(bits)
    }

    /// From its number.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// When it began, in seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.0 >> 64).unwrap_or(u64::MAX)
    }

    /// The directory below `kept/` for what this transaction puts aside: its time in UTC, as
    /// `2026-11-20_08-17-38`.
    #[must_use]
    pub fn kept_name(self) -> String {
        let seconds = self.unix_seconds();
        let (year, month, day) = civil_date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}_{hour:02}-{minute:02}-{second:02}")
    }
}

/// The Gregorian date of a day since 1970-01-01, counted in 400-year eras that begin in March.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({self})")
    }
}

/// What an owned directory holds for its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// What the transaction makes. All of it is ours until it becomes live.
    New,
    /// What the transaction replaces. It may hold files of the user.
    Old,
}

/// The content of [`MARKER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Marker {
    /// The transaction that owns the directory.
    pub transaction: TransactionId,
    /// As what.
    pub role: Role,
}

const MARKER_HEAD: &str = "lanspread-owned 1";

impl Marker {
    /// The bytes of the file: three lines of text, so that a curious person can read it.
    #[must_use]
    pub fn encode(self) -> String {
        let role = match self.role {
            Role::New => "new",
            Role::Old => "old",
        };
        format!("{MARKER_HEAD}\n{}\n{role}\n", self.transaction)
    }

    /// Reads a marker; `None` proves nothing, so the directory is not ours.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let mut lines = text.split('\n');
        let (head, number, role) = (lines.next()?, lines.next()?, lines.next()?);
        let canonical = number.len() == 32 && !number.starts_with('+');
        if head != MARKER_HEAD || lines.next().is_some() || !canonical {
            return None;
        }
        let transaction = TransactionId(u128::from_str_radix(number, 16).ok()?);
        let role = match role {
            "new" => Role::New,
            "old" => Role::Old,
            _ => return None,
        };
        Some(Self { transaction, role })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_round_trip_and_nothing_else_parses() {
        for role in [Role::New, Role::Old] {
            let marker = Marker {
                transaction: TransactionId::at(1_763_625_458, u64::MAX),
                role,
            };
            let text = marker.encode();
            assert_eq!(Marker::parse(text.as_bytes()), Some(marker));
            for cut in 0..text.len() {
                assert_eq!(Marker::parse(&text.as_bytes()[..cut]), None, "{cut}");
            }
            let zeroes = alloc::vec![0; text.len()];
            assert_eq!(Marker::parse(&zeroes), None);
            assert_eq!(Marker::parse(format!("{text}\n").as_bytes()), None);
        }
    }

    #[test]
    fn kept_names_are_dates() {
        let check = |seconds, name: &str| {
            assert_eq!(TransactionId::at(seconds, 7).kept_name(), name);
        };
        check(0, "1970-01-01_00-00-00");
        check(951_782_400, "2000-02-29_00-00-00");
        check(1_709_164_799, "2024-02-28_23-59-59");
        check(1_795_162_658, "2026-11-20_08-17-38");
        check(4_107_542_399, "2100-02-28_23-59-59");
        check(4_107_542_400, "2100-03-01_00-00-00");
        assert_eq!(TransactionId::at(u64::MAX, 0).unix_seconds(), u64::MAX);
        assert!(!TransactionId::at(u64::MAX, 0).kept_name().is_empty());
    }
}
