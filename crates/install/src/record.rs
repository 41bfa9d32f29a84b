//! [`InstallRecord`]: every file of `local/` that we wrote. What is not in it, or is not as it
//! says, is the user's.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use lanspread_proto::{ContentId, Hash, RelPath, VersionLabel, limits};
use serde::{Deserialize, Serialize};

use crate::sealed::{Seal, SealError};

const SEAL: Seal = Seal {
    magic: *b"LSIR",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};

/// Files in one record: what a manifest may hold, and no unpacked game comes near.
pub const RECORD_FILES_MAX: usize = limits::MANIFEST_FILES_MAX;
/// Longest record file: about 250 bytes for each of the most files.
pub const RECORD_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What an install wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRecord {
    content: ContentId,
    version: VersionLabel,
    files: Vec<RecordedFile>,
}

/// One file that we wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Where, below `local/`.
    pub path: RelPath,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its BLAKE3 root.
    pub root: Hash,
    /// What the file system said of it when it was written: while that holds, nobody need hash it.
    pub stamp: Stamp,
}

/// A file's identity for the file system: changes whenever its bytes may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Last modification, nanoseconds since 1970.
    pub modified_nanos: i128,
    /// The file system's number for the file.
    pub file_id: u64,
}

impl InstallRecord {
    /// Sorts the files by path.
    ///
    /// # Errors
    /// Too many files, or one path twice.
    pub fn new(
        content: ContentId,
        version: VersionLabel,
        mut files: Vec<RecordedFile>,
    ) -> Result<Self, SealError> {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let record = Self {
            content,
            version,
            files,
        };
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<(), SealError> {
        if self.files.len() > RECORD_FILES_MAX {
            return Err(SealError::TooLarge);
        }
        let sorted = self
            .files
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.path < b.path));
        if sorted {
            Ok(())
        } else {
            Err(SealError::Invalid)
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        SEAL.close(self)
    }

    /// Reads a record file.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let record: Self = SEAL.open(bytes)?;
        record.check()?;
        Ok(record)
    }

    /// The content that was installed.
    #[must_use]
    pub const fn content(&self) -> ContentId {
        self.content
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> &VersionLabel {
        &self.version
    }

    /// The files, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[RecordedFile] {
        &self.files
    }

    /// Bytes of all files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// The files by the folded form of their paths: a name that differs in case may be the same
    /// file.
    #[must_use]
    pub fn by_fold_key(&self) -> BTreeMap<String, &RecordedFile> {
        self.files
            .iter()
            .map(|file| (file.path.fold_key(), file))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: u64) -> RecordedFile {
        RecordedFile {
            path: RelPath::parse(path).unwrap(),
            bytes,
            root: Hash::of(path.as_bytes()),
            stamp: Stamp {
                modified_nanos: -5,
                file_id: u64::MAX,
            },
        }
    }

    fn record(files: Vec<RecordedFile>) -> Result<InstallRecord, SealError> {
        let version = VersionLabel::parse("1").unwrap();
        InstallRecord::new(ContentId::from_bytes([1; 32]), version, files)
    }

    #[test]
    fn round_trip_sorted() {
        let record = record(alloc::vec![file("b", 2), file("a/x", u64::MAX)]).unwrap();
        let bytes = record.encode().unwrap();
        assert_eq!(InstallRecord::parse(&bytes), Ok(record.clone()));
        assert_eq!(record.files()[0].path.as_str(), "a/x");
        assert_eq!(record.total_bytes(), u64::MAX);
    }

    #[test]
    fn hostile_bytes_are_refused() {
        assert_eq!(
            record(alloc::vec![file("a", 1), file("a", 1)]),
            Err(SealError::Invalid)
        );
        // Unsorted, a bad path and a length from nowhere, each with a valid checksum.
        let unsorted = InstallRecord {
            content: ContentId::from_bytes([0; 32]),
            version: VersionLabel::parse("1").unwrap(),
            files: alloc::vec![file("b", 1), file("a", 1)],
        };
        let bytes = SEAL.close(&unsorted).unwrap();
        assert_eq!(InstallRecord::parse(&bytes), Err(SealError::Invalid));
        let escaping = ([0_u8; 32], "1", alloc::vec![("../x", 1_u64)]);
        let bytes = SEAL.close(&escaping).unwrap();
        assert_eq!(InstallRecord::parse(&bytes), Err(SealError::Invalid));
        let endless = ([0_u8; 32], "1", u64::MAX);
        let bytes = SEAL.close(&endless).unwrap();
        assert_eq!(InstallRecord::parse(&bytes), Err(SealError::Invalid));
    }
}
