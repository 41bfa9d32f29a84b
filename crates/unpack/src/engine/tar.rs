//! tar, plain or compressed: one forward pass, no seeking.

use std::{
    cell::Cell,
    io::{self, BufReader, Read},
    rc::Rc,
};

use tar::{Archive, Entry, EntryType};

use super::{EngineError, names, roster::Roster, times};
use crate::{
    detect::Format,
    error::ErrorCode,
    frame::{Encryption, EntryFrame, EntryKind, Mode, SkipReason, StartFacts},
    worker::{Job, link::locked, source::Source},
};

/// A tar archive is made of these.
const BLOCK_BYTES: usize = 512;
/// Smallest and largest window of zstd, as powers of two.
const WINDOW_LOG: std::ops::RangeInclusive<u32> = 10..=31;
/// What the xz decoder needs besides its dictionary.
const XZ_OVERHEAD: u64 = 1 << 20;

pub(super) fn run(job: &Job, format: Format) -> Result<(), EngineError> {
    job.start(StartFacts {
        format,
        solid: format != Format::Tar,
        encryption: Encryption::None,
        entries: None,
        bytes: None,
        dictionary_bytes: None,
        isolation: job.isolation.clone(),
    })?;
    let zeroes = Rc::new(Cell::new(0));
    let tail = Tail {
        inner: decoder(job, format)?,
        zeroes: Rc::clone(&zeroes),
    };
    let mut archive = Archive::new(tail);
    let mut roster = Roster::default();
    let entries = archive.entries().map_err(|error| translated(&error))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| translated(&error))?;
        send(job, &mut entry, &mut roster)?;
        io::copy(&mut entry, &mut io::sink()).map_err(|error| translated(&error))?;
        // A file may end with as many zeroes as the mark has; what fills its last block has fewer.
        zeroes.set(0);
    }
    // Whatever comes after the mark is of no use.
    let has_end_mark = zeroes.get() >= BLOCK_BYTES;
    // Decoders check what they have only when they are read to their end.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| translated(&error))?;
    if !has_end_mark {
        return Err(EngineError::new(
            ErrorCode::Truncated,
            "the end mark is missing",
        ));
    }
    Ok(())
}

fn decoder(job: &Job, format: Format) -> Result<Box<dyn Read>, EngineError> {
    let source: Source = job.joined();
    let most = job.request.dictionary_bytes;
    Ok(match format {
        Format::TarZstd => {
            let mut decoder = zstd::stream::read::Decoder::new(source)?;
            let log = most
                .max(1)
                .ilog2()
                .clamp(*WINDOW_LOG.start(), *WINDOW_LOG.end());
            decoder.window_log_max(log)?;
            Box::new(decoder)
        }
        Format::TarGzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(source))),
        Format::TarXz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                most.saturating_add(XZ_OVERHEAD),
                liblzma::stream::CONCATENATED,
            )
            .map_err(|error| translated(&error.into()))?;
            Box::new(liblzma::read::XzDecoder::new_stream(source, stream))
        }
        Format::Tar | Format::Rar4 | Format::Rar5 | Format::Zip | Format::SevenZ => {
            Box::new(BufReader::with_capacity(64 * 1024, source))
        }
    })
}

/// Counts the zero bytes at the end of what was read, since the count was set back.
struct Tail<R> {
    inner: R,
    zeroes: Rc<Cell<usize>>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        let read = out.get(..count).unwrap_or_default();
        let zeroes = read.iter().rev().take_while(|byte| **byte == 0).count();
        let before = if zeroes == count {
            self.zeroes.get()
        } else {
            0
        };
        self.zeroes.set(before.saturating_add(zeroes));
        Ok(count)
    }
}

fn send<R: Read>(
    job: &Job,
    entry: &mut Entry<'_, R>,
    roster: &mut Roster,
) -> Result<(), EngineError> {
    let kind = entry.header().entry_type();
    if matches!(kind, EntryType::XGlobalHeader) {
        return Ok(());
    }
    let spelled = names::utf8(&entry.path_bytes())?.to_owned();
    let Some(name) = names::trimmed(&spelled) else {
        return Ok(());
    };
    // Archives from before POSIX have no type for directories.
    let old_directory = kind == EntryType::Regular && spelled.ends_with('/');
    let has_bytes = [
        EntryType::Regular,
        EntryType::Continuous,
        EntryType::GNUSparse,
    ];
    if kind == EntryType::Directory || old_directory {
        directory(job, name)
    } else if has_bytes.contains(&kind) {
        file(job, entry, name, roster)
    } else if kind == EntryType::Link {
        let target = entry.link_name_bytes().unwrap_or_default();
        let target = names::trimmed(names::utf8(&target)?).unwrap_or_default();
        let (from, bytes) = roster.find(target, name)?;
        locked(&job.link).copy(from, name, bytes)?;
        roster.add(name, bytes);
        Ok(())
    } else {
        let link = kind == EntryType::Symlink;
        let reason = if link {
            SkipReason::Link
        } else {
            SkipReason::Special
        };
        Ok(locked(&job.link).skipped(name, reason)?)
    }
}

fn directory(job: &Job, name: &str) -> Result<(), EngineError> {
    locked(&job.link).entry(EntryFrame {
        kind: EntryKind::Directory,
        bytes: None,
        modified: None,
        name,
    })?;
    Ok(())
}

fn file<R: Read>(
    job: &Job,
    entry: &mut Entry<'_, R>,
    name: &str,
    roster: &mut Roster,
) -> Result<(), EngineError> {
    if is_pax_sparse(entry)? {
        let detail = "a sparse file in the POSIX form, which nothing here can read; \
                      pack it anew without `--sparse`, or with `--format=gnu`";
        return Err(EngineError::new(ErrorCode::UnsupportedFormat, detail).at(name));
    }
    let bytes = entry.size();
    let frame = EntryFrame {
        kind: EntryKind::file(entry.header().mode().unwrap_or(0)),
        bytes: Some(bytes),
        modified: entry
            .header()
            .mtime()
            .ok()
            .filter(|seconds| *seconds != times::UNTOLD.into())
            .and_then(|seconds| i64::try_from(seconds).ok()),
        name,
    };
    if job.request.mode == Mode::List {
        locked(&job.link).listed_file(frame)?;
    } else {
        locked(&job.link).begin_file(frame)?;
        let count = job.pour(entry).map_err(|error| error.at(name))?;
        if count != bytes {
            return Err(EngineError::new(ErrorCode::Truncated, "the data ends early").at(name));
        }
        locked(&job.link).end_file(false)?;
    }
    roster.add(name, bytes);
    Ok(())
}

/// Whether the entry holds a map of a sparse file besides its bytes. The reader does not know that
/// form and would deliver both.
fn is_pax_sparse<R: Read>(entry: &mut Entry<'_, R>) -> Result<bool, EngineError> {
    let extensions = entry.pax_extensions().map_err(|error| translated(&error))?;
    for extension in extensions.into_iter().flatten() {
        let extension = extension.map_err(|error| translated(&error))?;
        if extension.key_bytes().starts_with(b"GNU.sparse.") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn translated(error: &io::Error) -> EngineError {
    let text = error.to_string();
    let code = if error.kind() == io::ErrorKind::UnexpectedEof {
        ErrorCode::Truncated
    } else if text.contains("requires too much memory") || text.contains("memory limit") {
        ErrorCode::LimitDictionary
    } else {
        ErrorCode::Damaged
    };
    EngineError::new(code, text)
}
