//! [`Link`]: the worker's one line to its parent: frames out, archive bytes in.
//!
//! Invariant: frames leave in the order of the calls, and a question is answered before anything
//! else is sent.

use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    engine::EngineError,
    error::{DETAIL_BYTES_MAX, shortened},
    frame::{
        CopyFrame, EndEntryFrame, EntryFrame, ErrorFrame, Frame, ReadFrame, SkipReason,
        SkippedFrame, StartFacts,
    },
    limits::{DATA_BYTES_MAX, READ_BYTES_MAX},
};

/// Least time between two PROGRESS frames.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// First read-ahead after a jump: a header, not a megabyte of data that is skipped next.
const READ_AHEAD_MIN: u32 = 4 * 1024;
/// Pieces kept: 7z's BCJ2 reads four streams at once.
const WINDOWS_MAX: usize = 6;
/// Longest name or text in a frame, so that the frame always fits.
const TEXT_BYTES_MAX: usize = 32 * 1024;

/// A piece of a volume that was read ahead.
struct Window {
    volume: u32,
    offset: u64,
    bytes: Vec<u8>,
    /// How much to ask for when reading goes on behind it.
    ahead: u32,
}

impl Window {
    fn end(&self) -> u64 {
        self.offset
            .saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }
}

/// The file being sent.
struct OpenFile {
    bytes: u64,
    crc: crc32fast::Hasher,
}

/// The worker's side of both pipes.
pub(crate) struct Link {
    input: io::Stdin,
    output: io::Stdout,
    lengths: Vec<u64>,
    /// Most recently used last.
    windows: Vec<Window>,
    pending: Vec<u8>,
    data: Vec<u8>,
    open: Option<OpenFile>,
    broken: bool,
    packed: u64,
    entries: u64,
    unpacked: u64,
    last_progress: Instant,
}

/// The link, also after a panic elsewhere: the process ends then anyway.
pub(crate) fn locked(link: &Arc<Mutex<Link>>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    pub(crate) fn new(lengths: Vec<u64>) -> Self {
        Self {
            input: io::stdin(),
            output: io::stdout(),
            lengths,
            windows: Vec::new(),
            pending: Vec::new(),
            data: Vec::with_capacity(DATA_BYTES_MAX),
            open: None,
            broken: false,
            packed: 0,
            entries: 0,
            unpacked: 0,
            last_progress: Instant::now(),
        }
    }

    /// Length of a volume in bytes.
    pub(crate) fn length(&self, volume: u32) -> u64 {
        let index = usize::try_from(volume).unwrap_or(usize::MAX);
        self.lengths.get(index).copied().unwrap_or(0)
    }

    /// Whether the parent could not be reached or could not read.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Reads archive bytes; 0 only at the end of the volume.
    pub(crate) fn read_at(
        &mut self,
        volume: u32,
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<usize> {
        if out.is_empty() || offset >= self.length(volume) {
            return Ok(0);
        }
        let inside = |window: &Window| {
            window.volume == volume && window.offset <= offset && offset < window.end()
        };
        if let Some(at) = self.windows.iter().position(inside) {
            let window = self.windows.remove(at);
            self.windows.push(window);
        } else {
            self.read_ahead(volume, offset, out.len())?;
        }
        let Some(window) = self.windows.last() else {
            return Ok(0);
        };
        let skip = usize::try_from(offset - window.offset).unwrap_or(usize::MAX);
        let from = window.bytes.get(skip..).unwrap_or_default();
        let count = from.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    /// Makes the last window one that begins at `offset`.
    fn read_ahead(&mut self, volume: u32, offset: u64, wanted: usize) -> io::Result<()> {
        let before = |window: &Window| window.volume == volume && window.end() == offset;
        let sequential = self.windows.iter().position(before);
        let (mut bytes, ahead) = match sequential {
            Some(at) => {
                let window = self.windows.remove(at);
                (window.bytes, window.ahead.saturating_mul(4))
            }
            None if self.windows.len() >= WINDOWS_MAX => (self.windows.remove(0).bytes, 0),
            None => (Vec::new(), 0),
        };
        let ahead = ahead
            .max(u32::try_from(wanted).unwrap_or(READ_BYTES_MAX))
            .clamp(READ_AHEAD_MIN, READ_BYTES_MAX);
        self.ask(
            ReadFrame {
                volume,
                offset,
                length: ahead,
            },
            &mut bytes,
        )?;
        self.windows.push(Window {
            volume,
            offset,
            bytes,
            ahead,
        });
        Ok(())
    }

    fn ask(&mut self, question: ReadFrame, into: &mut Vec<u8>) -> io::Result<()> {
        self.flush_data()?;
        self.send(&Frame::Read(question))?;
        self.flush()?;
        let answer = self.answer(question.length, into);
        self.broken |= answer.is_err();
        self.packed = self
            .packed
            .saturating_add(u64::try_from(into.len()).unwrap_or(0));
        answer
    }

    fn answer(&mut self, length: u32, into: &mut Vec<u8>) -> io::Result<()> {
        let mut count = [0_u8; 4];
        self.input.read_exact(&mut count)?;
        let count = u32::from_le_bytes(count);
        if count == 0 || count > length {
            return Err(io::Error::other("the parent could not read the archive"));
        }
        into.resize(usize::try_from(count).unwrap_or(0), 0);
        self.input.read_exact(into)
    }

    /// Sends the facts about the archive.
    pub(crate) fn start(&mut self, facts: StartFacts) -> io::Result<()> {
        self.send(&Frame::Start(facts))
    }

    /// Sends a directory, or a file in a list.
    pub(crate) fn entry(&mut self, entry: EntryFrame<'_>) -> io::Result<()> {
        self.entries = self.entries.saturating_add(1);
        self.send(&Frame::Entry(EntryFrame {
            name: fitting(entry.name),
            ..entry
        }))
    }

    /// Sends a file of a list.
    pub(crate) fn listed_file(&mut self, entry: EntryFrame<'_>) -> io::Result<()> {
        self.unpacked = self.unpacked.saturating_add(entry.bytes.unwrap_or(0));
        self.entry(entry)
    }

    /// Begins a file.
    pub(crate) fn begin_file(&mut self, entry: EntryFrame<'_>) -> io::Result<()> {
        self.open = Some(OpenFile {
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        });
        self.entry(entry)
    }

    /// Sends bytes of the file that began last.
    pub(crate) fn data(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.open else {
            return Err(io::Error::other("data outside a file"));
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        file.bytes = file.bytes.saturating_add(length);
        file.crc.update(bytes);
        self.unpacked = self.unpacked.saturating_add(length);
        while !bytes.is_empty() {
            let room = DATA_BYTES_MAX
                .saturating_sub(self.data.len())
                .min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.data.extend_from_slice(now);
            bytes = rest;
            if self.data.len() >= DATA_BYTES_MAX {
                self.flush_data()?;
            }
        }
        Ok(())
    }

    /// CRC-32 of the bytes sent for the open file.
    pub(crate) fn crc32(&self) -> u32 {
        self.open
            .as_ref()
            .map_or(0, |file| file.crc.clone().finalize())
    }

    /// Ends the file that began last; returns its size.
    pub(crate) fn end_file(&mut self, verified: bool) -> io::Result<u64> {
        self.flush_data()?;
        let Some(file) = self.open.take() else {
            return Err(io::Error::other("the end of no file"));
        };
        self.send(&Frame::EndEntry(EndEntryFrame {
            bytes: file.bytes,
            crc32: file.crc.finalize(),
            verified,
        }))?;
        Ok(file.bytes)
    }

    /// Sends a file that has the bytes of an earlier one, `bytes` long.
    pub(crate) fn copy(&mut self, from: u32, name: &str, bytes: u64) -> io::Result<()> {
        self.entries = self.entries.saturating_add(1);
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.send(&Frame::Copy(CopyFrame {
            from,
            name: fitting(name),
        }))
    }

    /// Says that an entry is left out.
    pub(crate) fn skipped(&mut self, name: &str, reason: SkipReason) -> io::Result<()> {
        self.entries = self.entries.saturating_add(1);
        self.send(&Frame::Skipped(SkippedFrame {
            name: fitting(name),
            reason,
        }))
    }

    /// Says that everything was sent.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.send(&Frame::End(self.entries, self.unpacked))?;
        self.flush()
    }

    /// Says why there will be no end.
    pub(crate) fn error(&mut self, error: &EngineError) -> io::Result<()> {
        let detail = shortened(error.detail.clone(), DETAIL_BYTES_MAX);
        self.flush_data()?;
        self.send(&Frame::Error(ErrorFrame {
            code: error.code,
            entry: error.entry.as_deref().map(fitting),
            detail: &detail,
        }))?;
        self.flush()
    }

    fn flush_data(&mut self) -> io::Result<()> {
        if !self.data.is_empty() {
            let data = std::mem::take(&mut self.data);
            let sent = self.send(&Frame::Data(&data)).and_then(|()| self.flush());
            self.data = data;
            self.data.clear();
            sent?;
        }
        if self.last_progress.elapsed() >= PROGRESS_EVERY && !self.is_first_frame() {
            self.last_progress = Instant::now();
            self.send(&Frame::Progress(self.packed, self.unpacked))?;
        }
        Ok(())
    }

    /// PROGRESS must not come before START.
    const fn is_first_frame(&self) -> bool {
        self.entries == 0
    }

    fn send(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        frame.encode(&mut self.pending).map_err(io::Error::other)?;
        if self.pending.len() >= DATA_BYTES_MAX {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self
            .output
            .write_all(&self.pending)
            .and_then(|()| self.output.flush());
        self.pending.clear();
        self.broken |= written.is_err();
        written
    }
}

/// A name that fits a frame; the parent refuses it for its length anyway.
fn fitting(name: &str) -> &str {
    let mut end = name.len().min(TEXT_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
