//! 7z: one block after the other, each decoded once, with one thread.

use std::io::{self, Read, Seek, SeekFrom};

use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Coder, EncoderMethod, Error, Password};

use super::{EngineError, names, times};
use crate::{
    detect::Format,
    error::ErrorCode,
    frame::{Encryption, EntryFrame, EntryKind, Mode, SkipReason, StartFacts},
    worker::{Job, link::locked, source::Source},
};

const LZMA: &[u8] = &[0x03, 0x01, 0x01];
const LZMA2: &[u8] = &[0x21];
const PPMD: &[u8] = &[0x03, 0x04, 0x01];
const AES: &[u8] = &[0x06, 0xF1, 0x07, 0x01];
/// What the decoder can undo, as it is built here.
const METHODS: &[&[u8]] = &[
    EncoderMethod::ID_COPY,
    LZMA,
    LZMA2,
    PPMD,
    EncoderMethod::ID_BZIP2,
    EncoderMethod::ID_DEFLATE,
    EncoderMethod::ID_ZSTD,
    EncoderMethod::ID_BCJ_X86,
    EncoderMethod::ID_BCJ2,
    EncoderMethod::ID_BCJ_PPC,
    EncoderMethod::ID_BCJ_IA64,
    EncoderMethod::ID_BCJ_ARM,
    EncoderMethod::ID_BCJ_ARM64,
    EncoderMethod::ID_BCJ_ARM_THUMB,
    EncoderMethod::ID_BCJ_SPARC,
    EncoderMethod::ID_BCJ_RISCV,
    EncoderMethod::ID_DELTA,
];
/// The start header of every 7z, and where it says how far behind it the list of entries begins,
/// and how long that is.
const START_BYTES: usize = 32;
const LIST_OFFSET_AT: usize = 12;
const LIST_BYTES_AT: usize = 20;
/// The high half of the attributes holds a Unix mode.
const UNIX_EXTENSION: u32 = 0x8000;
const REPARSE_POINT: u32 = 0x400;
const UNIX_KIND: u32 = 0o170_000;

pub(super) fn run(job: &Job) -> Result<(), EngineError> {
    let mut source = job.joined();
    check_length(&mut source)?;
    let password = Password::empty();
    let archive = Archive::read(&mut source, &password).map_err(|error| {
        let mut error = translated(&error);
        if error.code == ErrorCode::PasswordRequired {
            error.code = ErrorCode::EncryptedHeaders;
        }
        error
    })?;
    let coders = || archive.blocks.iter().flat_map(|block| &block.coders);
    let encrypted = coders().any(|coder| coder.encoder_method_id() == AES);
    if encrypted && job.request.mode == Mode::Unpack {
        return Err(EngineError::new(ErrorCode::PasswordRequired, ""));
    }
    check_methods(&archive)?;
    job.start(StartFacts {
        format: Format::SevenZ,
        solid: archive.is_solid,
        encryption: if encrypted {
            Encryption::Entries
        } else {
            Encryption::None
        },
        entries: u64::try_from(archive.files.len()).ok(),
        bytes: archive
            .files
            .iter()
            .try_fold(0_u64, |sum, file| sum.checked_add(file.size)),
        dictionary_bytes: coders().filter_map(dictionary).max(),
        isolation: job.isolation.clone(),
    })?;
    if job.request.mode == Mode::List {
        return archive
            .files
            .iter()
            .try_for_each(|file| send(job, file, &mut io::empty()));
    }
    let mut failure = None;
    let mut each = |file: &ArchiveEntry, data: &mut dyn Read| {
        send(job, file, data).map_err(|error| {
            failure = Some(error);
            Error::FileNotFound
        })?;
        Ok(true)
    };
    for index in 0..archive.blocks.len() {
        let block = BlockDecoder::new(1, index, &archive, &password, &mut source);
        if let Err(error) = block.for_each_entries(&mut each) {
            return Err(failure.unwrap_or_else(|| translated(&error)));
        }
    }
    // Directories and empty files outside every block.
    let blocks = &archive.stream_map.file_block_index;
    archive
        .files
        .iter()
        .enumerate()
        .filter(|(index, _)| blocks.get(*index).is_none_or(Option::is_none))
        .try_for_each(|(_, file)| send(job, file, &mut io::empty()))
}

/// The list of entries lies at the end, and the beginning says where: what ends before it was cut,
/// or its last slices are not there.
fn check_length(source: &mut Source) -> Result<(), EngineError> {
    let length = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut begin = [0; START_BYTES];
    source.read_exact(&mut begin)?;
    source.rewind()?;
    let field = |at: usize| {
        let bytes = begin.get(at..).and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let (offset, bytes) = (field(LIST_OFFSET_AT), field(LIST_BYTES_AT));
    let end = u64::try_from(START_BYTES).ok();
    let end = end.and_then(|start| start.checked_add(offset)?.checked_add(bytes));
    match end {
        Some(end) if end > length => {
            let detail = format!("it should have {end} bytes, and has {length}");
            Err(EngineError::new(ErrorCode::Truncated, detail))
        }
        // What cannot be, the reader refuses.
        Some(_) | None => Ok(()),
    }
}

/// The listing refuses what unpacking would refuse.
fn check_methods(archive: &Archive) -> Result<(), EngineError> {
    let first_files = &archive.stream_map.block_first_file_index;
    for (block, first) in archive.blocks.iter().zip(first_files) {
        let mut ids = block.coders.iter().map(Coder::encoder_method_id);
        let Some(id) = ids.find(|id| *id != AES && !METHODS.contains(id)) else {
            continue;
        };
        let method = match EncoderMethod::by_id(id) {
            Some(method) => method.name().to_owned(),
            None => format!("method {id:02x?}"),
        };
        let error = EngineError::new(
            ErrorCode::UnsupportedFormat,
            format!("packed with {method}, which cannot be read"),
        );
        return Err(match archive.files.get(*first) {
            Some(file) => error.at(&file.name),
            None => error,
        });
    }
    Ok(())
}

fn send(job: &Job, file: &ArchiveEntry, data: &mut dyn Read) -> Result<(), EngineError> {
    let Some(name) = names::trimmed(&file.name) else {
        return Ok(());
    };
    let attributes = if file.has_windows_attributes {
        file.windows_attributes
    } else {
        0
    };
    let mode = if attributes & UNIX_EXTENSION == 0 {
        0
    } else {
        attributes >> 16
    };
    let frame = EntryFrame {
        kind: if file.is_directory {
            EntryKind::Directory
        } else {
            EntryKind::file(mode)
        },
        bytes: (!file.is_directory).then_some(file.size),
        modified: modified(file),
        name,
    };
    let mut link = locked(&job.link);
    if file.is_anti_item {
        link.skipped(name, SkipReason::OldVersion)?;
    } else if mode & UNIX_KIND == 0o120_000 || attributes & REPARSE_POINT != 0 {
        link.skipped(name, SkipReason::Link)?;
    } else if file.is_directory {
        link.entry(frame)?;
    } else if job.request.mode == Mode::List {
        link.listed_file(frame)?;
    } else {
        link.begin_file(frame)?;
        drop(link);
        let count = job.pour(data).map_err(|error| checksum(error).at(name))?;
        if count != file.size {
            return Err(EngineError::new(ErrorCode::Truncated, "the data ends early").at(name));
        }
        let mut link = locked(&job.link);
        if file.has_crc && u64::from(link.crc32()) != file.crc {
            return Err(EngineError::new(ErrorCode::ChecksumMismatch, "").at(name));
        }
        link.end_file(file.has_crc)?;
    }
    Ok(())
}

/// Readers inside the crate report a wrong checksum as an I/O error around their own.
fn checksum(mut error: EngineError) -> EngineError {
    if error.detail.contains("ChecksumVerificationFailed") {
        error.code = ErrorCode::ChecksumMismatch;
    }
    error
}

fn modified(file: &ArchiveEntry) -> Option<i64> {
    let told = file.has_last_modified_date;
    told.then(|| times::since_1970(u64::from(file.last_modified_date)))?
}

/// Bytes of history a coder keeps.
fn dictionary(coder: &Coder) -> Option<u64> {
    let little_endian = |at: usize| {
        let bytes = coder.properties().get(at..at.saturating_add(4))?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    match coder.encoder_method_id() {
        id if id == LZMA || id == PPMD => little_endian(1),
        id if id == LZMA2 => {
            let bits = u32::from(*coder.properties().first()?);
            // 40 means 4 GiB - 1; more is not defined and refused by the decoder.
            Some(u64::from(2 | bits & 1) << (bits / 2 + 11).min(61))
        }
        _ => None,
    }
}

fn translated(error: &Error) -> EngineError {
    let code = match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => ErrorCode::PasswordRequired,
        Error::UnsupportedCompressionMethod(name) if name.contains("AES") => {
            ErrorCode::PasswordRequired
        }
        Error::UnsupportedVersion { .. }
        | Error::UnsupportedCompressionMethod(_)
        | Error::ExternalUnsupported
        | Error::Unsupported(_) => ErrorCode::UnsupportedFormat,
        Error::ChecksumVerificationFailed => ErrorCode::ChecksumMismatch,
        Error::MaxMemLimited { .. } => ErrorCode::LimitDictionary,
        Error::Io(source, _) if source.kind() == io::ErrorKind::UnexpectedEof => {
            ErrorCode::Truncated
        }
        Error::Io(..)
        | Error::FileOpen(..)
        | Error::BadSignature(_)
        | Error::NextHeaderCrcMismatch
        | Error::Other(_)
        | Error::BadTerminatedStreamsInfo(_)
        | Error::BadTerminatedUnpackInfo
        | Error::BadTerminatedPackInfo(_)
        | Error::BadTerminatedSubStreamsInfo
        | Error::BadTerminatedHeader(_)
        | Error::FileNotFound => ErrorCode::Damaged,
    };
    let detail = if let Error::Io(source, _) = error {
        source.to_string()
    } else if matches!(error, Error::BadSignature(_)) {
        "it does not begin like a 7z archive".to_owned()
    } else if matches!(error, Error::NextHeaderCrcMismatch) {
        "the checksum of its list of files is wrong".to_owned()
    } else {
        format!("{error:?}")
    };
    checksum(EngineError::new(code, detail))
}
