//! tar, plain or compressed: one forward pass, no seeking.

use std::{
    cell::Cell,
    io::{self, BufRead, BufReader, Read},
    rc::Rc,
};

use flate2::bufread::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::{EngineError, names, roster::Roster, times};
use crate::{
    detect::{Format, is_tar_header},
    error::ErrorCode,
    frame::{Encryption, EntryFrame, EntryKind, Mode, SkipReason, StartFacts},
    worker::{Job, link::locked, source::Source},
};

/// A tar archive is made of these.
const BLOCK_BYTES: usize = 512;
/// The type of a record that names the whole archive, and is no file.
const LABEL: u8 = b'V';
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
    let mut roster = Roster::default();
    let mut rest = Tail::new(decoder(job, format)?);
    let mut entries = send_all(job, &mut rest, &mut roster)?;
    // What somebody joined with `cat` is one archive.
    while let Some(block) = block_behind(&mut rest).map_err(|error| translated(&error))? {
        // In front of the first entry, zeroes are no end mark, but damage.
        if entries == 0 || !is_tar_header(&block) {
            let detail = "something that is no tar follows the end mark";
            return Err(EngineError::new(ErrorCode::Damaged, detail));
        }
        rest.give_back(block);
        entries = send_all(job, &mut rest, &mut roster)?;
    }
    Ok(())
}

/// Sends what comes before the end mark; says how many entries that are.
fn send_all(
    job: &Job,
    rest: &mut Tail<Box<dyn Read>>,
    roster: &mut Roster,
) -> Result<u64, EngineError> {
    let zeroes = Rc::clone(&rest.zeroes);
    let mut archive = Archive::new(rest);
    let mut count = 0_u64;
    for entry in archive.entries().map_err(|error| translated(&error))? {
        let mut entry = entry.map_err(|error| translated(&error))?;
        send(job, &mut entry, roster)?;
        io::copy(&mut entry, &mut io::sink()).map_err(|error| translated(&error))?;
        // A file may end with as many zeroes as the mark has; what fills its last block has fewer.
        zeroes.set(0);
        count = count.saturating_add(1);
    }
    if zeroes.get() < BLOCK_BYTES {
        let detail = "the end mark is missing";
        return Err(EngineError::new(ErrorCode::Truncated, detail));
    }
    Ok(count)
}

/// The first block that is not all zeroes, shorter if the input ends in it. Decoders check what
/// they have only when they are read to their end.
fn block_behind(rest: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let most = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        if rest.by_ref().take(most).read_to_end(&mut block)? == 0 {
            return Ok(None);
        }
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
    }
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
        Format::TarGzip => Box::new(Members(Some(GzDecoder::new(BufReader::new(source))))),
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

/// The members of a gzip file, one after the other. As `gzip` does, it takes zeroes behind the last
/// one for padding.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.0.take() {
            let count = member.read(out)?;
            if count > 0 || out.is_empty() {
                self.0 = Some(member);
                return Ok(count);
            }
            let mut source = member.into_inner();
            let padding = skip_zeroes(&mut source)?;
            if source.fill_buf()?.is_empty() {
                break;
            }
            if padding > 0 {
                let detail = "something follows the zeroes behind the end";
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
            self.0 = Some(GzDecoder::new(source));
        }
        Ok(0)
    }
}

fn skip_zeroes(source: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0_u64;
    loop {
        let zeroes = source.fill_buf()?.iter().take_while(|byte| **byte == 0);
        let count = zeroes.count();
        if count == 0 {
            return Ok(skipped);
        }
        source.consume(count);
        skipped = skipped.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// Counts the zero bytes at the end of what was read, since the count was set back.
struct Tail<R> {
    inner: R,
    zeroes: Rc<Cell<usize>>,
    /// Read once, to be read again before all else.
    again: io::Cursor<Vec<u8>>,
}

impl<R> Tail<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            zeroes: Rc::default(),
            again: io::Cursor::default(),
        }
    }

    /// Takes back what was read last.
    fn give_back(&mut self, bytes: Vec<u8>) {
        self.again = io::Cursor::new(bytes);
        self.zeroes.set(0);
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = match self.again.read(out)? {
            0 => self.inner.read(out)?,
            count => count,
        };
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
    if kind == EntryType::XGlobalHeader || kind.as_byte() == LABEL {
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
