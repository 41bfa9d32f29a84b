//! [`Event`]: what a caller may act on, and the checks that turn a worker's frames into it.
//!
//! Invariant: whatever the worker sends, events come in order (start, entries, end), every path is
//! a checked [`RelPath`] without a twin, and sizes and checksums are those of the bytes passed on.

use lanspread_proto::{RelPath, text::visible};

use crate::{
    error::{ErrorCode, UnpackError},
    frame::{
        CopyFrame, Encryption, EndEntryFrame, EntryFrame, EntryKind, Frame, Mode, SkipReason,
        StartFacts,
    },
    limits::Limits,
    names::NameTable,
};

/// The next thing to do for whoever writes the files.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Exactly first.
    Start(StartFacts),
    /// Create this directory.
    Directory(RelPath),
    /// A file begins. In a list nothing else about it follows.
    File(FileFacts),
    /// The next bytes of the file.
    Data(&'a [u8]),
    /// The file is complete.
    EndFile(FileEnd),
    /// A file with the same bytes as an earlier one of this archive.
    Copy {
        /// The earlier file, complete by now.
        from: RelPath,
        /// The new one.
        to: RelPath,
        /// Its size.
        bytes: u64,
    },
    /// An entry was left out; show it to the user.
    Skipped {
        /// The name as the archive spells it: for people only.
        name: String,
        /// Why.
        reason: SkipReason,
    },
    /// How far it is.
    Progress(Progress),
    /// The archive is complete. Without this event nothing is.
    End(Totals),
}

/// What is known about a file before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Where it belongs.
    pub path: RelPath,
    /// Its size, if the archive tells.
    pub bytes: Option<u64>,
    /// It carries a Unix execute bit.
    pub executable: bool,
    /// Modification time in seconds since 1970, if the archive tells.
    pub modified: Option<i64>,
}

/// What was counted over a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEnd {
    /// Its size.
    pub bytes: u64,
    /// CRC-32 of its bytes.
    pub crc32: u32,
    /// The archive has a checksum and the bytes match it.
    pub verified: bool,
}

/// How far an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Archive bytes asked for so far (a byte read twice counts once, roughly).
    pub packed: u64,
    /// Bytes delivered so far.
    pub unpacked: u64,
}

/// What an archive came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Files, directories, copies and skipped entries.
    pub entries: u64,
    /// Bytes of all files and copies.
    pub bytes: u64,
}

/// An [`Event`] whose data still lies in the frame buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The payload of the frame is the data.
    Data,
    Event(Event<'static>),
}

/// A file that has begun.
#[derive(Debug)]
struct OpenFile {
    path: RelPath,
    declared: Option<u64>,
    bytes: u64,
    crc: crc32fast::Hasher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Within,
    After,
}

/// The state of one stream of frames.
#[derive(Debug)]
pub(crate) struct Checker {
    limits: Limits,
    mode: Mode,
    packed_total: u64,
    pub(crate) names: NameTable,
    phase: Phase,
    open: Option<OpenFile>,
    /// Complete files and their sizes, for copies.
    files: Vec<(RelPath, u64)>,
    entries: u64,
    bytes: u64,
}

impl Checker {
    pub(crate) fn new(limits: Limits, mode: Mode, packed_total: u64, names: NameTable) -> Self {
        Self {
            limits,
            mode,
            packed_total,
            names,
            phase: Phase::Before,
            open: None,
            files: Vec::new(),
            entries: 0,
            bytes: 0,
        }
    }

    /// Bytes passed on so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next frame, READ excepted.
    pub(crate) fn on_frame(&mut self, frame: Frame<'_>) -> Result<Checked, UnpackError> {
        if let Frame::Error(error) = &frame {
            let mut reported = UnpackError::new(error.code, error.detail);
            reported.entry = error.entry.map(visible);
            return Err(reported);
        }
        let expected = if matches!(frame, Frame::Start(_)) {
            Phase::Before
        } else {
            Phase::Within
        };
        if self.phase != expected {
            return Err(broken("a frame out of order"));
        }
        match frame {
            Frame::Start(facts) => self.on_start(facts),
            Frame::Entry(entry) => self.on_entry(&entry),
            Frame::Data(data) => self.on_data(data),
            Frame::EndEntry(end) => self.on_end_entry(end),
            Frame::Copy(copy) => self.on_copy(&copy),
            Frame::Skipped(skipped) => {
                self.between_files()?;
                self.names.count(skipped.name, &self.limits)?;
                self.entries = self.entries.saturating_add(1);
                Ok(Checked::Event(Event::Skipped {
                    name: skipped.name.to_owned(),
                    reason: skipped.reason,
                }))
            }
            Frame::Progress(packed, unpacked) => Ok(Checked::Event(Event::Progress(Progress {
                packed,
                unpacked,
            }))),
            Frame::End(entries, bytes) => self.on_end(Totals { entries, bytes }),
            Frame::Read(_) | Frame::Error(_) => Err(broken("a frame out of order")),
        }
    }

    fn on_start(&mut self, facts: StartFacts) -> Result<Checked, UnpackError> {
        self.phase = Phase::Within;
        if facts
            .entries
            .is_some_and(|count| count > self.limits.entries)
        {
            return Err(UnpackError::new(
                ErrorCode::LimitEntries,
                "the archive declares more entries than allowed",
            ));
        }
        if self.mode == Mode::Unpack && facts.encryption == Encryption::Entries {
            return Err(UnpackError::new(ErrorCode::PasswordRequired, ""));
        }
        if let Some(bytes) = facts.bytes {
            self.check_total(bytes)?;
        }
        Ok(Checked::Event(Event::Start(facts)))
    }

    fn on_entry(&mut self, entry: &EntryFrame<'_>) -> Result<Checked, UnpackError> {
        self.between_files()?;
        self.entries = self.entries.saturating_add(1);
        if entry.kind == EntryKind::Directory {
            let path = self.names.add_directory(entry.name, &self.limits)?;
            return Ok(Checked::Event(Event::Directory(path)));
        }
        let path = self.names.add_file(entry.name, &self.limits)?;
        let declared = entry.bytes.unwrap_or(0);
        if declared > self.limits.file_bytes {
            return Err(too_large(path.as_str()));
        }
        self.check_total(self.bytes.saturating_add(declared))
            .map_err(|error| error.at(path.as_str()))?;
        if self.mode == Mode::List {
            self.bytes = self.bytes.saturating_add(declared);
            self.files.push((path.clone(), declared));
        } else {
            self.open = Some(OpenFile {
                path: path.clone(),
                declared: entry.bytes,
                bytes: 0,
                crc: crc32fast::Hasher::new(),
            });
        }
        Ok(Checked::Event(Event::File(FileFacts {
            path,
            bytes: entry.bytes,
            executable: entry.kind == EntryKind::Executable,
            modified: entry.modified,
        })))
    }

    fn on_data(&mut self, data: &[u8]) -> Result<Checked, UnpackError> {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let Some(file) = &mut self.open else {
            return Err(broken("data outside a file"));
        };
        file.bytes = file.bytes.saturating_add(length);
        if file.declared.is_some_and(|declared| file.bytes > declared) {
            let error = UnpackError::new(ErrorCode::Damaged, "more bytes than declared");
            return Err(error.at(file.path.as_str()));
        }
        if file.bytes > self.limits.file_bytes {
            return Err(too_large(file.path.as_str()));
        }
        file.crc.update(data);
        self.bytes = self.bytes.saturating_add(length);
        match self.check_total(self.bytes) {
            Ok(()) => Ok(Checked::Data),
            Err(error) => Err(match &self.open {
                Some(file) => error.at(file.path.as_str()),
                None => error,
            }),
        }
    }

    fn on_end_entry(&mut self, end: EndEntryFrame) -> Result<Checked, UnpackError> {
        let Some(file) = self.open.take() else {
            return Err(broken("the end of a file that did not begin"));
        };
        if file.declared.is_some_and(|declared| file.bytes != declared) {
            let error = UnpackError::new(ErrorCode::Damaged, "fewer bytes than declared");
            return Err(error.at(file.path.as_str()));
        }
        let counted = FileEnd {
            bytes: file.bytes,
            crc32: file.crc.finalize(),
            verified: end.verified,
        };
        if (end.bytes, end.crc32) != (counted.bytes, counted.crc32) {
            return Err(broken("another checksum than the parent's").at(file.path.as_str()));
        }
        self.files.push((file.path, file.bytes));
        Ok(Checked::Event(Event::EndFile(counted)))
    }

    fn on_copy(&mut self, copy: &CopyFrame<'_>) -> Result<Checked, UnpackError> {
        self.between_files()?;
        let index = usize::try_from(copy.from).unwrap_or(usize::MAX);
        let Some((from, bytes)) = self.files.get(index).cloned() else {
            return Err(broken("a copy of a file that is not there").at(copy.name));
        };
        let to = self.names.add_file(copy.name, &self.limits)?;
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.check_total(self.bytes)
            .map_err(|error| error.at(to.as_str()))?;
        self.files.push((to.clone(), bytes));
        Ok(Checked::Event(Event::Copy { from, to, bytes }))
    }

    fn on_end(&mut self, totals: Totals) -> Result<Checked, UnpackError> {
        self.between_files()?;
        if totals.bytes != self.bytes || totals.entries != self.entries {
            return Err(broken("another total than the parent's"));
        }
        self.phase = Phase::After;
        Ok(Checked::Event(Event::End(totals)))
    }

    fn between_files(&self) -> Result<(), UnpackError> {
        match &self.open {
            None => Ok(()),
            Some(file) => Err(broken("a frame inside a file").at(file.path.as_str())),
        }
    }

    fn check_total(&self, bytes: u64) -> Result<(), UnpackError> {
        if bytes > self.limits.total_bytes {
            let detail = format!("more than {} bytes in all", self.limits.total_bytes);
            return Err(UnpackError::new(ErrorCode::LimitSize, detail));
        }
        if !self.limits.is_in_proportion(self.packed_total, bytes) {
            let detail = format!("{bytes} bytes from {} archive bytes", self.packed_total);
            return Err(UnpackError::new(ErrorCode::LimitRatio, detail));
        }
        Ok(())
    }
}

fn broken(detail: &str) -> UnpackError {
    UnpackError::new(ErrorCode::Internal, detail)
}

fn too_large(path: &str) -> UnpackError {
    UnpackError::new(ErrorCode::LimitSize, "the file is larger than allowed").at(path)
}

#[cfg(test)]
mod tests;
