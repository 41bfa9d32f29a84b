//! ZIP: the central directory is the truth. Entries that overlap, or whose local header says
//! something else, are refused.

use std::{
    collections::HashSet,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use zip::{
    CompressionMethod, ExtraField, ZipArchive,
    read::{ArchiveOffset, Config, ZipFile, ZipReadOptions},
    result::ZipError,
};

use super::{EngineError, names, times};
use crate::{
    detect::Format,
    error::ErrorCode,
    frame::{Encryption, EntryFrame, EntryKind, Mode, SkipReason, StartFacts},
    worker::{Job, link::locked, source::Source},
};

/// Bytes of a record of the central directory in front of its name.
const DIRECTORY_RECORD_BYTES: usize = 46;
/// Bytes of a local header in front of its name.
const LOCAL_HEADER_BYTES: u64 = 30;
/// What the decoder can undo, as it is built here.
const METHODS: &[CompressionMethod] = &[
    CompressionMethod::STORE,
    CompressionMethod::DEFLATE,
    CompressionMethod::DEFLATE64,
    CompressionMethod::BZIP2,
    CompressionMethod::LZMA,
    CompressionMethod::ZSTD,
    CompressionMethod::XZ,
    CompressionMethod::PPMD,
];

pub(super) fn run(job: &Job) -> Result<(), EngineError> {
    let config = Config {
        archive_offset: ArchiveOffset::Known(0),
    };
    let mut archive =
        ZipArchive::with_config(config, job.joined()).map_err(|error| translated(&error))?;
    let (entries, encrypted) = entries(&archive)?;
    check_no_overlap(&entries, archive.central_directory_start())?;
    if archive.has_duplicate_names()
        && let Some(name) = twin(job.joined(), archive.central_directory_start())?
    {
        let detail = "two entries have the same name";
        return Err(EngineError::new(ErrorCode::UnsafeName, detail).at(name));
    }
    if let (Mode::Unpack, Some(name)) = (job.request.mode, &encrypted) {
        return Err(EngineError::new(ErrorCode::PasswordRequired, "").at(name));
    }
    job.start(StartFacts {
        format: Format::Zip,
        solid: false,
        encryption: encrypted.map_or(Encryption::None, |_name| Encryption::Entries),
        entries: u64::try_from(entries.len()).ok(),
        bytes: entries
            .iter()
            .try_fold(0_u64, |sum, entry| sum.checked_add(entry.bytes)),
        dictionary_bytes: None,
        isolation: job.isolation.clone(),
    })?;
    for entry in &entries {
        send(job, &mut archive, entry).map_err(|error| error.at(&entry.name))?;
    }
    Ok(())
}

/// What the central directory says about an entry.
struct Entry {
    index: usize,
    name: String,
    kind: Kind,
    start: u64,
    end: u64,
    bytes: u64,
    crc32: u32,
    mode: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Root,
    Directory,
    File,
    Link,
    /// A pipe or a device.
    Special,
}

/// The type of a file in its Unix mode, and those that are not files, directories or links.
const TYPE_MASK: u32 = 0o170_000;
const SPECIAL_TYPES: [u32; 4] = [0o010_000, 0o020_000, 0o060_000, 0o140_000];

/// All entries in the order of their data, and the name of the first that is encrypted.
fn entries(archive: &ZipArchive<Source>) -> Result<(Vec<Entry>, Option<String>), EngineError> {
    let mut encrypted = None;
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let data = archive
            .by_index_data(index)
            .map_err(|error| translated(&error))?;
        let raw = data.name_raw();
        let decoded = match std::str::from_utf8(raw) {
            Ok(name) => name.to_owned(),
            Err(_other_code_page) => data
                .name()
                .map_err(|error| translated(&error))?
                .into_owned(),
        };
        // Some packers on Windows write its separator, against the specification.
        let from_dos = matches!(u8::from(data.system()), 0 | 10 | 14);
        let spelled = if from_dos {
            decoded.replace('\\', "/")
        } else {
            decoded
        };
        let name = names::trimmed(&spelled);
        let raw_length = u64::try_from(raw.len()).unwrap_or(u64::MAX);
        let start = data.header_start();
        if data.encrypted() {
            encrypted.get_or_insert_with(|| spelled.clone());
        } else {
            // The listing refuses what unpacking would refuse.
            check_method(data.compression()).map_err(|error| error.at(&spelled))?;
        }
        let mode = data.unix_mode().unwrap_or(0);
        let kind = match name {
            None => Kind::Root,
            Some(_) if data.is_symlink() => Kind::Link,
            Some(_) if SPECIAL_TYPES.contains(&(mode & TYPE_MASK)) => Kind::Special,
            Some(_) if spelled.ends_with('/') => Kind::Directory,
            Some(_) => Kind::File,
        };
        if matches!(kind, Kind::Root | Kind::Directory) && data.size() > 0 {
            let detail = "a directory with bytes";
            return Err(EngineError::new(ErrorCode::Damaged, detail).at(&spelled));
        }
        entries.push(Entry {
            index,
            kind,
            name: name.unwrap_or_default().to_owned(),
            start,
            end: start
                .saturating_add(LOCAL_HEADER_BYTES)
                .saturating_add(raw_length)
                .saturating_add(data.compressed_size()),
            bytes: data.size(),
            crc32: data.crc32(),
            mode,
        });
    }
    entries.sort_by_key(|entry| entry.start);
    Ok((entries, encrypted))
}

fn check_method(method: CompressionMethod) -> Result<(), EngineError> {
    if METHODS.contains(&method) {
        return Ok(());
    }
    let detail = format!("packed with {method}, which cannot be read");
    Err(EngineError::new(ErrorCode::UnsupportedFormat, detail))
}

/// The first name that another entry has, too. The reader
/// keeps one entry of each name, so the central directory is read again.
fn twin(mut source: Source, directory: u64) -> io::Result<Option<String>> {
    source.seek(SeekFrom::Start(directory))?;
    let mut source = BufReader::new(source);
    let mut seen = HashSet::new();
    loop {
        let mut record = [0; DIRECTORY_RECORD_BYTES];
        source.read_exact(&mut record)?;
        if !record.starts_with(b"PK\x01\x02") {
            return Ok(None);
        }
        let [
            ..,
            n0,
            n1,
            x0,
            x1,
            c0,
            c1,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = record;
        let mut name = vec![0; usize::from(u16::from_le_bytes([n0, n1]))];
        source.read_exact(&mut name)?;
        let behind = [[x0, x1], [c0, c1]].map(|field| i64::from(u16::from_le_bytes(field)));
        source.seek_relative(behind.iter().sum())?;
        if seen.contains(&name) {
            return Ok(Some(String::from_utf8_lossy(&name).into_owned()));
        }
        seen.insert(name);
    }
}

/// Overlapping entries are how a small ZIP becomes a large bomb.
fn check_no_overlap(entries: &[Entry], directory: u64) -> Result<(), EngineError> {
    let mut free_from = 0;
    for entry in entries {
        if entry.start < free_from || entry.end > directory {
            let detail = "the entry overlaps another or the directory";
            return Err(EngineError::new(ErrorCode::Damaged, detail).at(&entry.name));
        }
        free_from = entry.end;
    }
    Ok(())
}

fn send(job: &Job, archive: &mut ZipArchive<Source>, entry: &Entry) -> Result<(), EngineError> {
    let frame = EntryFrame {
        kind: match entry.kind {
            Kind::Directory => EntryKind::Directory,
            Kind::Root | Kind::File | Kind::Link | Kind::Special => EntryKind::file(entry.mode),
        },
        bytes: (entry.kind == Kind::File).then_some(entry.bytes),
        modified: None,
        name: &entry.name,
    };
    match (entry.kind, job.request.mode) {
        (Kind::Root, _) => {}
        (Kind::Directory, _) => locked(&job.link).entry(frame)?,
        (Kind::Link, _) => locked(&job.link).skipped(&entry.name, SkipReason::Link)?,
        (Kind::Special, _) => locked(&job.link).skipped(&entry.name, SkipReason::Special)?,
        (Kind::File, Mode::List) => locked(&job.link).listed_file(frame)?,
        (Kind::File, Mode::Unpack) => {
            let options = ZipReadOptions::new()
                .ignore_crc32(true)
                .enforce_header_consistency(true);
            let mut data = archive
                .by_index_with_options(entry.index, options)
                .map_err(|error| translated(&error))?;
            let modified = modified(&data);
            locked(&job.link).begin_file(EntryFrame { modified, ..frame })?;
            pour(job, &mut data, entry)?;
        }
    }
    Ok(())
}

/// The time of the file that is in UTC. The one that every entry has is in an unknown time zone.
fn modified(data: &ZipFile<'_, impl Read + Seek>) -> Option<i64> {
    data.extra_data_fields().find_map(|field| {
        if let ExtraField::ExtendedTimestamp(times) = field {
            times.mod_time().map(i64::from)
        } else if let ExtraField::Ntfs(times) = field {
            times::since_1970(times.mtime())
        } else {
            None
        }
    })
}

fn pour(
    job: &Job,
    data: &mut ZipFile<'_, impl Read + Seek>,
    entry: &Entry,
) -> Result<(), EngineError> {
    job.pour(data)?;
    let mut link = locked(&job.link);
    if link.crc32() != entry.crc32 {
        return Err(EngineError::new(ErrorCode::ChecksumMismatch, ""));
    }
    link.end_file(true)?;
    Ok(())
}

fn translated(error: &ZipError) -> EngineError {
    let needs_password = |text: &str| text == ZipError::PASSWORD_REQUIRED;
    let code = if let ZipError::Io(source) = error
        && source.kind() == io::ErrorKind::UnexpectedEof
    {
        ErrorCode::Truncated
    } else if matches!(error, ZipError::UnsupportedArchive(text) if needs_password(text)) {
        ErrorCode::PasswordRequired
    } else if matches!(
        error,
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_)
    ) {
        ErrorCode::UnsupportedFormat
    } else {
        ErrorCode::Damaged
    };
    EngineError::new(code, error.to_string())
}
