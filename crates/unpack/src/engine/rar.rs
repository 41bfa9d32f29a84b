//! RAR 4 and 5, read with `rars` in one pass over all volumes.
//!
//! The headers of all volumes are read first (`rars` works that way), then the data in order.

use std::{cell::RefCell, collections::VecDeque, io, rc::Rc, sync::Arc};

use rars::{Archive, ArchiveReadOptions, ArchiveReader, ErrorKind, ExtractedLink};

use super::EngineError;
use crate::{
    detect::Format,
    error::ErrorCode,
    frame::{Encryption, Mode, StartFacts},
    worker::{Job, source::Source},
};

mod member;
mod output;
mod volumes;

use member::Member;
use output::Output;

/// Members up to this size are decoded whole in memory, larger ones in pieces.
const BUFFERED_BYTES_MAX: u64 = 8 << 20;

pub(super) fn run(job: &Job, format: Format) -> Result<(), EngineError> {
    let options = options(job);
    let archives = open_all(job, options)?;
    volumes::check_complete(&archives)?;
    let mut found = rars::volume_members(&archives).map_err(|error| translated(&error))?;
    let solid = found.iter().any(rars::ArchiveMember::is_solid) || volumes::is_solid(&archives);
    let encrypted = found.iter().any(|member| member.meta.is_encrypted);
    let mut members: VecDeque<Member> = found
        .iter()
        .map(Member::new)
        .collect::<Result<_, EngineError>>()?;
    if let (Mode::Unpack, Some(at)) = (
        job.request.mode,
        found.iter().position(|member| member.meta.is_encrypted),
    ) {
        let error = EngineError::new(ErrorCode::PasswordRequired, "");
        return Err(match members.get(at) {
            Some(member) => error.at(&member.name),
            None => error,
        });
    }
    let dictionary_bytes = found
        .drain(..)
        .filter_map(|member| member::dictionary(&member))
        .max();
    volumes::mark_old_versions(job, &archives, &mut members)?;
    job.start(StartFacts {
        format,
        solid,
        encryption: if encrypted {
            Encryption::Entries
        } else {
            Encryption::None
        },
        entries: u64::try_from(members.len()).ok(),
        bytes: members
            .iter()
            .try_fold(0_u64, |sum, member| sum.checked_add(member.bytes?)),
        dictionary_bytes,
        isolation: job.isolation.clone(),
    })?;
    let mut output = Output::new(Arc::clone(&job.link), members);
    match job.request.mode {
        Mode::List => output.list(),
        Mode::Unpack => extract(&archives, options, output),
    }
}

fn options(job: &Job) -> ArchiveReadOptions<'static> {
    ArchiveReadOptions::new()
        .with_max_header_count(job.request.entries)
        .with_max_header_bytes(job.request.header_bytes)
        .with_rar50_buffered_decode_limit(BUFFERED_BYTES_MAX)
        .with_rar50_dictionary_size_limit(job.request.dictionary_bytes)
}

fn open_all(job: &Job, options: ArchiveReadOptions<'_>) -> Result<Vec<Archive>, EngineError> {
    (0..job.request.volumes.len())
        .map(|volume| {
            let number = u32::try_from(volume).unwrap_or(u32::MAX);
            let source = Source::volume(&job.link, number);
            ArchiveReader::read_reader_with_options(source, options).map_err(|error| {
                let mut error = translated(&error);
                if error.code == ErrorCode::PasswordRequired {
                    error.code = ErrorCode::EncryptedHeaders;
                }
                error.detail = format!("volume {}: {}", number.saturating_add(1), error.detail);
                error
            })
        })
        .collect()
}

fn extract(
    archives: &[Archive],
    options: ArchiveReadOptions<'_>,
    output: Output,
) -> Result<(), EngineError> {
    let output = Rc::new(RefCell::new(output));
    let begin = |name: &[u8]| -> rars::Result<Box<dyn io::Write>> {
        output
            .borrow_mut()
            .begin(name)
            .map_err(|stopped| rars::Error::from(io::Error::other(stopped)))
    };
    let outcome = rars::extract_volumes_with_links(
        archives,
        options,
        |meta| begin(&meta.name),
        |meta, _link: ExtractedLink<'_>| begin(&meta.name).map(drop),
    );
    let mut output = output.borrow_mut();
    match (output.take_failure(), outcome) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err(translated(&error)),
        (None, Ok(())) => output.finish(),
    }
}

fn translated(error: &rars::Error) -> EngineError {
    let cause = error.root_cause();
    let mut translated = EngineError::new(code(error), cause.to_string());
    translated.entry = error
        .entry_context()
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    translated
}

fn code(error: &rars::Error) -> ErrorCode {
    use rars::{Error, codec};

    let cause = error.root_cause();
    let kind = error.kind();
    let is_eof = matches!(cause, Error::Io(io) if io.kind == io::ErrorKind::UnexpectedEof);
    let ends = matches!(
        cause,
        Error::TooShort | Error::Codec(codec::Error::NeedMoreInput)
    );
    if is_eof || ends {
        ErrorCode::Truncated
    } else if matches!(
        cause,
        Error::FeatureDisabled { .. } | Error::UnsupportedEncryption { .. }
    ) || matches!(kind, ErrorKind::PasswordRequired | ErrorKind::BadPassword)
    {
        // The only feature left out that an archive can ask for is decryption.
        ErrorCode::PasswordRequired
    } else if matches!(cause, Error::Rar50DictionaryLimitExceeded { .. }) {
        ErrorCode::LimitDictionary
    } else if matches!(
        cause,
        Error::HeaderCountLimitExceeded { .. } | Error::HeaderBytesLimitExceeded { .. }
    ) {
        ErrorCode::LimitEntries
    } else if matches!(
        kind,
        ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature
    ) {
        ErrorCode::UnsupportedFormat
    } else if kind == ErrorKind::ChecksumMismatch {
        ErrorCode::ChecksumMismatch
    } else if kind == ErrorKind::ResourceLimit {
        ErrorCode::LimitMemory
    } else {
        ErrorCode::Damaged
    }
}
