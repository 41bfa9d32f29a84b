//! [`Intent`]: what was asked and how far it got, written down before anything is touched.
//!
//! An intent that cannot be read means *unknown*: touch nothing and say so.

use alloc::vec::Vec;

use lanspread_proto::{ContentId, VersionLabel};
use serde::{Deserialize, Serialize};

use crate::{
    sealed::{Seal, SealError},
    slot::TransactionId,
};

const SEAL: Seal = Seal {
    magic: *b"LSIN",
    version: 1,
    bytes_max: INTENT_BYTES_MAX,
};

/// Longest intent file.
pub const INTENT_BYTES_MAX: u64 = 4096;

/// One transaction on one game, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which one; the markers name it too.
    pub transaction: TransactionId,
    /// How far it got.
    pub phase: Phase,
    /// What was asked.
    pub goal: Goal,
}

/// The one bit that recovery turns on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing that counts was touched: recovery goes back to the old state.
    Preparing,
    /// Everything needed is durable: recovery goes forward to the new state.
    Committed,
}

/// The exact bytes to install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Of which content.
    pub content: ContentId,
    /// Its version.
    pub version: VersionLabel,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// `.incoming/` becomes the payload.
    CommitDownload {
        /// What was downloaded.
        target: Target,
        /// The payload it replaces, if that is known.
        old: Option<ContentId>,
    },
    /// The staging becomes `local/` where there was none.
    Install(Target),
    /// The staging replaces `local/`.
    Update(Target),
    /// `local/` goes away.
    Uninstall {
        /// The user's files go with it.
        purge: bool,
    },
    /// The payload goes away.
    Remove {
        /// Which payload.
        content: ContentId,
        /// `local/` was there and stays.
        keep_installed: bool,
    },
    /// The files in the staging replace damaged ones in `local/`.
    Repair(Target),
    /// The staging, filled straight from the swarm, becomes `local/` or replaces it. What came is
    /// nowhere else: undone, it begins anew.
    LowDisk(Target),
}

impl Intent {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SealError::TooLarge`]; a version label is at most 64 characters, so never in practice.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        SEAL.close(self)
    }

    /// Reads an intent file.
    ///
    /// # Errors
    /// Why it says nothing we may act upon.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        SEAL.open(bytes)
    }

    /// The same transaction in another phase.
    #[must_use]
    pub fn in_phase(&self, phase: Phase) -> Self {
        Self {
            phase,
            ..self.clone()
        }
    }
}

impl Goal {
    /// The content that becomes live or downloaded by it.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::CommitDownload { target, .. }
            | Self::Install(target)
            | Self::Update(target)
            | Self::Repair(target)
            | Self::LowDisk(target) => Some(target),
            Self::Uninstall { .. } | Self::Remove { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goals() -> Vec<Goal> {
        let content = ContentId::from_bytes([7; 32]);
        let version = VersionLabel::parse(&"ü".repeat(64)).unwrap();
        let target = Target { content, version };
        alloc::vec![
            Goal::CommitDownload {
                target: target.clone(),
                old: Some(content)
            },
            Goal::Install(target.clone()),
            Goal::Update(target.clone()),
            Goal::Repair(target.clone()),
            Goal::LowDisk(target),
            Goal::Uninstall { purge: true },
            Goal::Remove {
                content,
                keep_installed: false
            },
        ]
    }

    #[test]
    fn only_whole_intents_are_believed() {
        for goal in goals() {
            let intent = Intent {
                transaction: TransactionId::at(1, 2),
                phase: Phase::Preparing,
                goal,
            };
            let bytes = intent.encode().unwrap();
            assert_eq!(Intent::parse(&bytes), Ok(intent.clone()));
            for at in 0..bytes.len() {
                assert_eq!(Intent::parse(&bytes[..at]), Err(SealError::Damaged));
                let mut flipped = bytes.clone();
                flipped[at] ^= 0x10;
                assert_eq!(Intent::parse(&flipped), Err(SealError::Damaged));
            }
        }
        assert_eq!(Intent::parse(&[0; 4096]), Err(SealError::Damaged));
        assert_eq!(Intent::parse(&[0; 4097]), Err(SealError::TooLarge));
    }

    #[test]
    fn other_files_and_later_versions_are_named() {
        let later = Seal { version: 9, ..SEAL };
        let bytes = later.close(&goals()).unwrap();
        assert_eq!(Intent::parse(&bytes), Err(SealError::UnknownVersion(9)));
        let other = Seal {
            magic: *b"LSIR",
            ..SEAL
        };
        let bytes = other.close(&goals()).unwrap();
        assert_eq!(Intent::parse(&bytes), Err(SealError::OtherKind));
        let bytes = SEAL.close(&(1_u8, 77_u8, [9_u8; 32])).unwrap();
        assert_eq!(Intent::parse(&bytes), Err(SealError::Invalid));
    }
}
