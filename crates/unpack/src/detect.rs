//! [`Format`]: what an archive is, by its first bytes and never by its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes from the start of a file that [`detect`] wants to see; shorter files give what they have.
pub const PREFIX_BYTES: usize = 512;

/// The archives we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// RAR 1.5 to 4.
    Rar4,
    /// RAR 5 to 7.
    Rar5,
    /// ZIP and ZIP64.
    Zip,
    /// 7z.
    SevenZ,
    /// tar without compression.
    Tar,
    /// Zstandard, taken for a compressed tar.
    TarZstd,
    /// gzip, taken for a compressed tar.
    TarGzip,
    /// xz, taken for a compressed tar.
    TarXz,
}

impl Format {
    /// The name people know.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rar4 => "RAR4",
            Self::Rar5 => "RAR5",
            Self::Zip => "ZIP",
            Self::SevenZ => "7z",
            Self::Tar => "tar",
            Self::TarZstd => "tar.zst",
            Self::TarGzip => "tar.gz",
            Self::TarXz => "tar.xz",
        }
    }

    /// Whether its volumes are one file cut into pieces, so that reading them is reading the
    /// pieces one after the other. RAR volumes have headers of their own.
    #[must_use]
    pub const fn volumes_are_slices(self) -> bool {
        !matches!(self, Self::Rar4 | Self::Rar5)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The format of a file that begins with these bytes, if it is an archive.
#[must_use]
pub fn detect(prefix: &[u8]) -> Option<Format> {
    const MAGICS: &[(&[u8], Format)] = &[
        (b"Rar!\x1a\x07\x00", Format::Rar4),
        (b"Rar!\x1a\x07\x01\x00", Format::Rar5),
        (b"PK\x03\x04", Format::Zip),
        // An empty ZIP is nothing but its end record; a cut one may begin with a marker.
        (b"PK\x05\x06", Format::Zip),
        (b"PK\x07\x08PK\x03\x04", Format::Zip),
        (b"7z\xbc\xaf\x27\x1c", Format::SevenZ),
        (b"\x28\xb5\x2f\xfd", Format::TarZstd),
        (b"\x1f\x8b\x08", Format::TarGzip),
        (b"\xfd7zXZ\x00", Format::TarXz),
    ];
    let by_start = MAGICS
        .iter()
        .find(|(magic, _)| prefix.starts_with(magic))
        .map(|(_, format)| *format);
    let is_tar = || is_tar_header(prefix) || is_empty_tar(prefix);
    by_start.or_else(|| is_tar().then_some(Format::Tar))
}

/// Whether it begins with a tar's end mark: a tar without entries, or what is no archive at all.
pub(crate) fn is_empty_tar(prefix: &[u8]) -> bool {
    prefix.len() >= PREFIX_BYTES && prefix.iter().all(|byte| *byte == 0)
}

/// A tar header, by its checksum alone: those from before POSIX and labels have no magic.
pub(crate) fn is_tar_header(prefix: &[u8]) -> bool {
    let Some(header) = prefix.get(..PREFIX_BYTES) else {
        return false;
    };
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    let field = header.get(148..156).unwrap_or_default();
    let digits: String = field
        .iter()
        .map(|byte| char::from(*byte))
        .skip_while(|c| *c == ' ')
        .take_while(char::is_ascii_digit)
        .collect();
    u32::from_str_radix(&digits, 8) == Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefix: &[u8], expected: Option<Format>) {
        assert_eq!(detect(prefix), expected, "{prefix:?}");
    }

    #[test]
    fn by_magic() {
        check(b"Rar!\x1a\x07\x00rest", Some(Format::Rar4));
        check(b"Rar!\x1a\x07\x01\x00", Some(Format::Rar5));
        check(b"Rar!\x1a\x07\x01", None);
        check(b"PK\x03\x04", Some(Format::Zip));
        check(b"PK\x05\x06", Some(Format::Zip));
        check(b"7z\xbc\xaf\x27\x1c", Some(Format::SevenZ));
        check(b"\x28\xb5\x2f\xfd", Some(Format::TarZstd));
        check(b"\x1f\x8b\x08\x00", Some(Format::TarGzip));
        check(b"\xfd7zXZ\x00", Some(Format::TarXz));
        check(b"MZ\x90\x00", None);
        check(b"", None);
    }

    #[test]
    fn a_tar_from_before_posix() {
        let mut header = tar::Header::new_old();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        check(header.as_bytes(), Some(Format::Tar));
        // No entry, only the end mark.
        check(&[0; 512], Some(Format::Tar));
        check(&[0; 511], None);
        check(&[7; 512], None);
    }

    #[test]
    fn tar_needs_its_checksum() {
        let mut header = tar::Header::new_ustar();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        let mut bytes = *header.as_bytes();
        check(&bytes, Some(Format::Tar));
        check(&bytes[..511], None);
        bytes[0] ^= 1;
        check(&bytes, None);
    }
}
