//! [`Member`]: what we need to know of an entry of a RAR archive.

use rars::{ArchiveMember, ArchiveMemberDetail, AttrSource, rar50::FileRedirection};

use crate::{
    engine::{EngineError, names, times},
    frame::{EntryFrame, EntryKind},
};

/// Hard links and file copies of RAR 5: files whose bytes are stored once.
const SAME_BYTES: std::ops::RangeInclusive<u64> = 4..=5;
const UNIX_SYMLINK: u32 = 0o120_000;
const UNIX_KIND: u32 = 0o170_000;

/// One entry.
pub(super) struct Member {
    /// As the decoder's callbacks name it.
    pub(super) key: Vec<u8>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) bytes: Option<u64>,
    modified: Option<i64>,
    mode: u32,
    /// Whether the archive has a checksum of its bytes.
    pub(super) has_checksum: bool,
}

/// What to do with it.
pub(super) enum Kind {
    Directory,
    File,
    /// The same bytes as the file of this name.
    Copy(String),
    Link,
    OldVersion,
    /// A redirection that no RAR we know writes.
    Unknown,
}

impl Member {
    pub(super) fn new(member: &ArchiveMember) -> Result<Self, EngineError> {
        let meta = &member.meta;
        let is_unix = meta.attr_source() == AttrSource::Unix;
        let mode = if is_unix {
            u32::try_from(meta.file_attr).unwrap_or(0)
        } else {
            0
        };
        let mut found = Self {
            key: meta.name.clone(),
            name: String::new(),
            kind: Kind::Unknown,
            bytes: (meta.unpacked_size != u64::MAX).then_some(meta.unpacked_size),
            modified: None,
            mode,
            has_checksum: true,
        };
        let name = names::utf8(&meta.name)?;
        if let ArchiveMemberDetail::Rar50Plus {
            redirection,
            crc32,
            hash,
            ..
        } = &member.detail
        {
            found.name = without_slash(name);
            found.kind = kind(member, redirection.as_ref(), mode)?;
            let told = meta.file_time.filter(|time| *time != times::UNTOLD);
            found.modified = told.map(i64::from);
            found.has_checksum = crc32.is_some() || hash.is_some();
        } else {
            // RAR 4 separates with backslashes, and its times are in an unknown time zone.
            found.name = without_slash(&name.replace('\\', "/"));
            found.kind = kind(member, None, mode)?;
        }
        Ok(found)
    }

    pub(super) fn frame(&self) -> EntryFrame<'_> {
        EntryFrame {
            kind: match self.kind {
                Kind::Directory => EntryKind::Directory,
                Kind::File | Kind::Copy(_) | Kind::Link | Kind::OldVersion | Kind::Unknown => {
                    EntryKind::file(self.mode)
                }
            },
            bytes: self.bytes,
            modified: self.modified,
            name: &self.name,
        }
    }
}

fn without_slash(name: &str) -> String {
    name.strip_suffix('/').unwrap_or(name).to_owned()
}

fn kind(
    member: &ArchiveMember,
    redirection: Option<&FileRedirection>,
    mode: u32,
) -> Result<Kind, EngineError> {
    if let Some(redirection) = redirection {
        return Ok(match redirection.redirection_type {
            kind if SAME_BYTES.contains(&kind) => {
                Kind::Copy(names::utf8(&redirection.target_name)?.to_owned())
            }
            1..=3 => Kind::Link,
            _ => Kind::Unknown,
        });
    }
    Ok(if member.meta.is_directory {
        Kind::Directory
    } else if mode & UNIX_KIND == UNIX_SYMLINK {
        Kind::Link
    } else {
        Kind::File
    })
}

/// Bytes of history that a compressed RAR 5 member asks for.
pub(super) fn dictionary(member: &ArchiveMember) -> Option<u64> {
    let ArchiveMemberDetail::Rar50Plus {
        compression_info, ..
    } = &member.detail
    else {
        return None;
    };
    let meta = &member.meta;
    if meta.is_stored || meta.is_directory || meta.is_redirection {
        return None;
    }
    let is_rar7 = compression_info & 0x3F != 0;
    let power = compression_info >> 10 & if is_rar7 { 0x1F } else { 0xF };
    let size = (128_u64 << 10).checked_shl(u32::try_from(power).ok()?)?;
    // RAR 7 adds a fraction in steps of 1/32.
    let fraction = if is_rar7 {
        compression_info >> 15 & 0x1F
    } else {
        0
    };
    Some(size.saturating_add((size / 32).saturating_mul(fraction)))
}
