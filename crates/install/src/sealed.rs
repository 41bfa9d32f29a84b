//! Our small state files: magic, version, postcard body, BLAKE3 of all before. What does not
//! carry its own checksum is not believed.

use alloc::vec::Vec;

use lanspread_proto::Hash;
use serde::{Serialize, de::DeserializeOwned};

/// Why a state file is not believed. Whatever it said is unknown, so nothing may be deleted on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Empty, torn, overwritten, or no such file at all: the checksum does not hold.
    #[error("the file is damaged")]
    Damaged,
    /// Whole, but of another kind.
    #[error("the file is of another kind")]
    OtherKind,
    /// Whole, but written by a later LanSpread.
    #[error("the file is of version {0}, which this LanSpread does not know")]
    UnknownVersion(u16),
    /// Whole, but the body breaks a rule.
    #[error("the file says something impossible")]
    Invalid,
    /// Larger than such a file may be.
    #[error("the file is larger than it may be")]
    TooLarge,
}

/// What kind of file, and which version of it.
pub(crate) struct Seal {
    pub(crate) magic: [u8; 4],
    pub(crate) version: u16,
    pub(crate) bytes_max: u64,
}

impl Seal {
    pub(crate) fn close<T: Serialize>(&self, body: &T) -> Result<Vec<u8>, SealError> {
        let mut head = self.magic.to_vec();
        head.extend(self.version.to_le_bytes());
        let mut bytes =
            postcard::to_extend(body, head).map_err(|_unserialisable| SealError::Invalid)?;
        bytes.extend(Hash::of(&bytes).as_bytes());
        if bytes.len() as u64 > self.bytes_max {
            return Err(SealError::TooLarge);
        }
        Ok(bytes)
    }

    pub(crate) fn open<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, SealError> {
        if bytes.len() as u64 > self.bytes_max {
            return Err(SealError::TooLarge);
        }
        let (sealed, checksum) = bytes.split_last_chunk::<32>().ok_or(SealError::Damaged)?;
        if Hash::of(sealed).as_bytes() != checksum {
            return Err(SealError::Damaged);
        }
        let (magic, rest) = sealed
            .split_first_chunk::<4>()
            .ok_or(SealError::OtherKind)?;
        let (version, body) = rest.split_first_chunk::<2>().ok_or(SealError::OtherKind)?;
        let version = u16::from_le_bytes(*version);
        if *magic != self.magic {
            return Err(SealError::OtherKind);
        }
        if version != self.version {
            return Err(SealError::UnknownVersion(version));
        }
        match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            Ok((_, _)) | Err(_) => Err(SealError::Invalid),
        }
    }
}
