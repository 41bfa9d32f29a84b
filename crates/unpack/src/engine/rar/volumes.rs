//! What the headers of all volumes say together: whether a volume is missing, whether the set is
//! solid, and which members are old versions of files.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{Read, Seek, SeekFrom},
};

use rars::{Archive, ArchiveMemberRef, rar15_40, rar50};

use super::member::{Kind, Member};
use crate::{
    engine::EngineError,
    error::ErrorCode,
    worker::{Job, source::Source},
};

/// The record of a RAR 5 header that gives a file's version number.
const VERSION_RECORD: u64 = 4;
/// Longest extra area that is read a second time.
const EXTRA_BYTES_MAX: u64 = 2 << 20;
/// The version of RAR 3, in its headers.
const FIRST_WITH_END: u8 = 29;
/// Flag of a RAR 4 member that is an old version.
const LEGACY_VERSION: u16 = 0x0800;
/// Flag of a RAR 4 end block: there is another volume.
const LEGACY_NEXT_VOLUME: u16 = 0x0001;

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
    for (number, archive) in (1_u64..).zip(archives) {
        if !has_end(archive) {
            let detail = format!("volume {number} ends without its end mark");
            return Err(EngineError::new(ErrorCode::Truncated, detail));
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

/// RAR 3 and later close every volume with a block of its own; without it, whole entries may have
/// been cut off.
fn has_end(archive: &Archive) -> bool {
    if let Some(archive) = archive.as_rar50() {
        return archive
            .blocks
            .iter()
            .any(|block| matches!(block, rar50::Block::End(_)));
    }
    archive.as_rar15_40().is_none_or(|archive| {
        let is_old = archive.files().any(|file| file.unp_ver < FIRST_WITH_END);
        let is_end = |block: &rar15_40::Block| matches!(block, rar15_40::Block::End(_));
        is_old || archive.blocks.iter().any(is_end)
    })
}

fn wants_next_volume(archive: &Archive) -> bool {
    if let Some(archive) = archive.as_rar50() {
        let wants =
            |block: &rar50::Block| matches!(block, rar50::Block::End(end) if end.has_next_volume());
        return archive.blocks.iter().any(wants);
    }
    archive.as_rar15_40().is_some_and(|archive| {
        archive.blocks.iter().any(|block| {
            matches!(block, rar15_40::Block::End(end) if end.flags & LEGACY_NEXT_VOLUME != 0)
        })
    })
}

/// Whether the first volume says that the archive is solid.
pub(super) fn is_solid(archives: &[Archive]) -> bool {
    archives.first().is_some_and(|first| {
        first
            .as_rar50()
            .is_some_and(|archive| archive.main.is_solid())
            || first
                .as_rar15_40()
                .is_some_and(|archive| archive.main.is_solid())
    })
}

/// Marks the members that are old versions of files. The decoder knows nothing of RAR 5's: they
/// look like two files of one name, so the headers of such twins are read again.
pub(super) fn mark_old_versions(
    job: &Job,
    archives: &[Archive],
    members: &mut VecDeque<Member>,
) -> Result<(), EngineError> {
    let twins = twins(members);
    let volumes = (0_u32..).zip(archives);
    let parts =
        volumes.flat_map(|(volume, archive)| archive.member_refs().map(move |part| (volume, part)));
    let first_parts = parts.filter(|(_, part)| !part.is_split_before());
    for ((volume, part), member) in first_parts.zip(members) {
        let is_old = if let ArchiveMemberRef::Rar50Plus(file) = part {
            twins.contains(&member.key) && has_version_record(job, volume, file)?
        } else if let ArchiveMemberRef::Rar15To40(file) = part {
            file.block.flags & LEGACY_VERSION != 0
        } else {
            false
        };
        if is_old {
            member.kind = Kind::OldVersion;
        }
    }
    Ok(())
}

/// The names that several members have.
fn twins(members: &VecDeque<Member>) -> BTreeSet<Vec<u8>> {
    let mut seen = BTreeSet::new();
    let again = members.iter().filter(|member| !seen.insert(&member.key));
    again.map(|member| member.key.clone()).collect()
}

fn has_version_record(
    job: &Job,
    volume: u32,
    file: &rar50::FileHeader,
) -> Result<bool, EngineError> {
    // The extra area ends the header, behind what the decoder calls its range.
    let start = u64::try_from(file.block.header_range.end).unwrap_or(u64::MAX);
    let length = file.block.extra_area_size.unwrap_or(0).min(EXTRA_BYTES_MAX);
    let mut source = Source::volume(&job.link, volume);
    source.seek(SeekFrom::Start(start))?;
    let mut records = Vec::new();
    source.take(length).read_to_end(&mut records)?;
    Ok(record_types(&records).contains(&VERSION_RECORD))
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
