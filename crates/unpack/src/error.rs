//! [`UnpackError`]: why an archive is refused, with a code that stays the same over versions.

use std::{fmt, io};

use lanspread_proto::text::visible;
use serde::{Deserialize, Serialize};

/// What went wrong, as a closed list; the text of each is stable and may be shown or matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorCode {
    /// Not an archive we read, or a method or version that the engine does not know.
    UnsupportedFormat,
    /// The list of entries itself is encrypted.
    EncryptedHeaders,
    /// An entry is encrypted.
    PasswordRequired,
    /// A volume of the set is not there.
    MissingVolume,
    /// The archive contradicts itself.
    Damaged,
    /// The archive ends before it should.
    Truncated,
    /// Decoded bytes do not match the checksum in the archive.
    ChecksumMismatch,
    /// A name that not every operating system can hold, or that has a twin.
    UnsafeName,
    /// The archive wants a larger dictionary than allowed.
    LimitDictionary,
    /// The decoder ran out of the memory it may use.
    LimitMemory,
    /// More entries or more bytes of names than allowed.
    LimitEntries,
    /// One name is longer than allowed.
    LimitName,
    /// One file or all files together are larger than allowed.
    LimitSize,
    /// The output is out of proportion to the archive.
    LimitRatio,
    /// The worker said nothing for too long or took too long.
    LimitTime,
    /// The bytes of the archive could not be read.
    Io,
    /// Somebody cancelled.
    Cancelled,
    /// The worker broke its own rules or could not be started.
    Internal,
}

impl ErrorCode {
    /// The stable name, in words with dashes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedFormat => "unsupported-format",
            Self::EncryptedHeaders => "encrypted-headers",
            Self::PasswordRequired => "password-required",
            Self::MissingVolume => "missing-volume",
            Self::Damaged => "damaged",
            Self::Truncated => "truncated",
            Self::ChecksumMismatch => "checksum-mismatch",
            Self::UnsafeName => "unsafe-name",
            Self::LimitDictionary => "limit-dictionary",
            Self::LimitMemory => "limit-memory",
            Self::LimitEntries => "limit-entries",
            Self::LimitName => "limit-name",
            Self::LimitSize => "limit-size",
            Self::LimitRatio => "limit-ratio",
            Self::LimitTime => "limit-time",
            Self::Io => "io",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Whether the archive itself is to blame, so that trying again cannot help.
    #[must_use]
    pub const fn blames_archive(self) -> bool {
        !matches!(
            self,
            Self::Io | Self::Cancelled | Self::Internal | Self::LimitTime | Self::LimitMemory
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One refused archive.
#[derive(Debug, thiserror::Error)]
pub struct UnpackError {
    /// What went wrong.
    pub code: ErrorCode,
    /// The entry at which it went wrong, as the archive spells it, if there is one.
    pub entry: Option<String>,
    /// What the engine said, for people; at most 512 bytes.
    pub detail: String,
    /// What the operating system said, if it was involved.
    #[source]
    pub source: Option<io::Error>,
}

/// Longest [`UnpackError::detail`].
pub(crate) const DETAIL_BYTES_MAX: usize = 512;

impl UnpackError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            entry: None,
            detail: shortened(visible(&detail.into()), DETAIL_BYTES_MAX),
            source: None,
        }
    }

    pub(crate) fn at(mut self, entry: impl Into<String>) -> Self {
        self.entry = Some(entry.into());
        self
    }

    pub(crate) fn from_io(code: ErrorCode, doing: &str, source: io::Error) -> Self {
        Self {
            source: Some(source),
            ..Self::new(code, doing)
        }
    }
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        if let Some(entry) = &self.entry {
            write!(f, ": {entry:?}")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// The text, cut at a character boundary to at most `bytes`.
pub(crate) fn shortened(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        let mut end = bytes;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}
