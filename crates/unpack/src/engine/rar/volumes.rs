//! What the headers of all volumes say together: whether a volume is missing, whether the set is
//! solid, and which members are old versions of files.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{Read, Seek, SeekFrom},
};

use rars::{Archive, rar50};

use super::member::{Kind, Member};
use crate::{
    engine::EngineError,
    error::ErrorCode,
    worker::{Job, source::Source},
};

/// The record of a RAR 5 header that gives a file's version number.
const VERSION_RECORD: u64 = 4;
/// Longest header that is read a second time.
const HEADER_BYTES_MAX: usize = 2 << 20;

/// Every volume is there and in its place, as far as the headers tell.
pub(super) fn check_complete(archives: &[Archive]) -> Result<(), EngineError> {
    let missing = |detail: String| Err(EngineError::new(ErrorCode::MissingVolume, detail));
    for (expected, archive) in (0_u64..).zip(archives) {
        let Archive::Rar50Plus(archive) = archive else {
            continue;
        };
        let number = archive.main.volume_number.unwrap_or(0);
        if number != expected {
            let (found, wanted) = (number.saturating_add(1), expected.saturating_add(1));
            return missing(format!("volume {found} lies where volume {wanted} should"));
        }
    }
    let first = archives.first().and_then(|first| first.members().next());
    if first.is_some_and(|member| member.meta.is_split_before) {
        return missing("the first volume is missing".to_owned());
    }
    let goes_on = archives.last().is_some_and(|last| {
        last.members()
            .last()
            .is_some_and(|member| member.meta.is_split_after)
            || wants_next_volume(last)
    });
    if goes_on {
        return missing(format!(
            "volume {} is missing",
            archives.len().saturating_add(1)
        ));
    }
    Ok(())
}

fn wants_next_volume(archive: &Archive) -> bool {
    let Archive::Rar50Plus(archive) = archive else {
        return false;
    };
    let wants =
        |block: &rar50::Block| matches!(block, rar50::Block::End(end) if end.has_next_volume());
    archive.blocks.iter().any(wants)
}

/// Whether the first volume says that the archive is solid.
pub(super) fn is_solid(archives: &[Archive]) -> bool {
    if let Some(Archive::Rar50Plus(archive)) = archives.first() {
        archive.main.is_solid()
    } else if let Some(Archive::Rar15To40(archive)) = archives.first() {
        archive.main.is_solid()
    } else {
        false
    }
}

/// The decoder knows nothing of RAR 5's file versions: they look like two files of one name. So
/// the headers of such twins are read again.
pub(super) fn mark_old_versions(
    job: &Job,
    archives: &[Archive],
    members: &mut VecDeque<Member>,
) -> Result<(), EngineError> {
    let mut seen = BTreeSet::new();
    let twins: BTreeSet<Vec<u8>> = members
        .iter()
        .filter(|member| !seen.insert(&member.key))
        .map(|member| member.key.clone())
        .collect();
    if twins.is_empty() {
        return Ok(());
    }
    let headers = (0_u32..).zip(archives).flat_map(|(volume, archive)| {
        // Older formats have the version in the name.
        let files = archive
            .as_rar50()
            .into_iter()
            .flat_map(rar50::Archive::files);
        files.map(move |file| (volume, file))
    });
    let first_parts = headers.filter(|(_, file)| !file.is_split_before());
    for ((volume, file), member) in first_parts.zip(members) {
        if twins.contains(&member.key) && has_version(job, volume, file)? {
            member.kind = Kind::OldVersion;
        }
    }
    Ok(())
}

fn has_version(job: &Job, volume: u32, file: &rar50::FileHeader) -> Result<bool, EngineError> {
    let range = &file.block.header_range;
    let length = range.end.saturating_sub(range.start).min(HEADER_BYTES_MAX);
    let mut header = vec![0_u8; length];
    let mut source = Source::volume(&job.link, volume);
    source.seek(SeekFrom::Start(
        u64::try_from(range.start).unwrap_or(u64::MAX),
    ))?;
    source.read_exact(&mut header)?;
    let extra = file.block.extra_area_size.unwrap_or(0);
    let extra = usize::try_from(extra).unwrap_or(usize::MAX).min(length);
    let records = header
        .get(length.saturating_sub(extra)..)
        .unwrap_or_default();
    Ok(record_types(records).contains(&VERSION_RECORD))
}

/// The types of the records in a header's extra area.
fn record_types(mut records: &[u8]) -> Vec<u64> {
    let mut types = Vec::new();
    while let Some((size, rest)) = vint(records) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some((record, next)) = rest.split_at_checked(size) else {
            break;
        };
        types.extend(vint(record).map(|(kind, _)| kind));
        records = next;
    }
    types
}

/// A number of RAR 5: seven bits a byte, lowest first, and the bytes behind it.
fn vint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at.saturating_add(1)..)?));
        }
    }
    None
}
