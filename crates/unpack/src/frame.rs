//! [`Frame`]: what the worker says to its parent, and [`Request`], the parent's only question.
//!
//! Layout: `type u8, 0, 0, 0, length u32 LE, payload`. DATA carries raw bytes, the others a
//! postcard body. The parent takes every frame for hostile: nothing is allocated on its word.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::{
    detect::Format,
    error::ErrorCode,
    limits::{DATA_BYTES_MAX, FRAME_BYTES_MAX},
};

/// Bytes in front of every payload.
pub(crate) const HEADER_BYTES: usize = 8;
/// First bytes of a [`Request`]; the digit is the version of this protocol.
pub(crate) const REQUEST_MAGIC: [u8; 8] = *b"LSUNPK2\n";

/// How well the worker is locked in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// No files, no network, no new process: every layer holds.
    Full,
    /// A separate process with resource limits, but a layer is missing; the text names it.
    Reduced(String),
}

/// What the parent wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Every entry with its bytes.
    Unpack,
    /// Every entry without its bytes, from the headers where the format has them.
    List,
}

/// The facts about an archive that are known before the first entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFacts {
    /// Which format.
    pub format: Format,
    /// Whether entries can only be decoded one after the other.
    pub solid: bool,
    /// Whether any entry is encrypted. Only a list gets beyond this; unpacking ends in an error.
    pub encryption: Encryption,
    /// Entries, if the format tells.
    pub entries: Option<u64>,
    /// Unpacked bytes, if the format tells.
    pub bytes: Option<u64>,
    /// Largest dictionary that any entry asks for, in bytes, if the format tells.
    pub dictionary_bytes: Option<u64>,
    /// How well the worker is locked in.
    pub isolation: Isolation,
}

/// Whether a password is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encryption {
    /// Everything can be read.
    None,
    /// At least one entry is encrypted.
    Entries,
}

/// Why an entry is left out, without the archive being refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SkipReason {
    /// A symbolic link or junction; links are never created.
    Link,
    /// A device, pipe or socket.
    Special,
    /// An older version of a file, or a mark that a file was deleted.
    OldVersion,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EntryKind {
    Directory,
    File,
    /// A file with a Unix execute bit.
    Executable,
}

impl EntryKind {
    /// A file with this Unix mode; 0 when there is none.
    pub(crate) const fn file(mode: u32) -> Self {
        if mode & 0o111 == 0 {
            Self::File
        } else {
            Self::Executable
        }
    }
}

/// One file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryFrame<'a> {
    pub(crate) kind: EntryKind,
    pub(crate) bytes: Option<u64>,
    /// Seconds since 1970.
    pub(crate) modified: Option<i64>,
    pub(crate) name: &'a str,
}

/// The end of a file: what the worker counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndEntryFrame {
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
    /// The archive has a checksum and the bytes match it.
    pub(crate) verified: bool,
}

/// A file with the same bytes as an earlier one of this archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyFrame<'a> {
    /// The earlier file, counted from 0 over the files with bytes and the copies.
    pub(crate) from: u32,
    pub(crate) name: &'a str,
}

/// An entry that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkippedFrame<'a> {
    pub(crate) name: &'a str,
    pub(crate) reason: SkipReason,
}

/// A question for archive bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadFrame {
    pub(crate) volume: u32,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// Why the worker gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorFrame<'a> {
    pub(crate) code: ErrorCode,
    pub(crate) entry: Option<&'a str>,
    pub(crate) detail: &'a str,
}

/// Everything the worker can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Start(StartFacts),
    Read(ReadFrame),
    Entry(EntryFrame<'a>),
    Data(&'a [u8]),
    EndEntry(EndEntryFrame),
    Copy(CopyFrame<'a>),
    Skipped(SkippedFrame<'a>),
    /// Packed bytes asked for and unpacked bytes delivered so far; also a sign of life.
    Progress(u64, u64),
    /// Entries and bytes delivered.
    End(u64, u64),
    Error(ErrorFrame<'a>),
}

/// The parent's question, on the worker's standard input behind [`REQUEST_MAGIC`] and a `u32`
/// length. Answers to [`ReadFrame`]s follow: `u32` length (`u32::MAX`: unreadable), bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) mode: Mode,
    /// Length of every volume in bytes.
    pub(crate) volumes: Vec<u64>,
    pub(crate) dictionary_bytes: u64,
    pub(crate) address_space: u64,
    pub(crate) entries: u64,
    pub(crate) header_bytes: u64,
}

/// A frame that no honest worker sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the worker sent something that is not a frame")]
pub(crate) struct FrameError;

impl Frame<'_> {
    const fn kind(&self) -> u8 {
        match self {
            Self::Start(_) => 0x01,
            Self::Read(_) => 0x02,
            Self::Entry(_) => 0x10,
            Self::Data(_) => 0x11,
            Self::EndEntry(_) => 0x12,
            Self::Copy(_) => 0x13,
            Self::Skipped(_) => 0x14,
            Self::Progress(..) => 0x20,
            Self::End(..) => 0x30,
            Self::Error(_) => 0x3F,
        }
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// It is longer than a frame may be.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let body = match self {
            Self::Data(bytes) => return append(out, self.kind(), bytes),
            Self::Start(body) => encoded(body),
            Self::Read(body) => encoded(body),
            Self::Entry(body) => encoded(body),
            Self::EndEntry(body) => encoded(body),
            Self::Copy(body) => encoded(body),
            Self::Skipped(body) => encoded(body),
            Self::Progress(packed, unpacked) => encoded(&(packed, unpacked)),
            Self::End(entries, bytes) => encoded(&(entries, bytes)),
            Self::Error(body) => encoded(body),
        }?;
        append(out, self.kind(), &body)
    }
}

impl<'a> Frame<'a> {
    /// Decodes the payload of a frame of this kind.
    ///
    /// # Errors
    /// Unknown kind, or not exactly one body.
    pub(crate) fn decode(kind: u8, payload: &'a [u8]) -> Result<Self, FrameError> {
        Ok(match kind {
            0x01 => Self::Start(decoded(payload)?),
            0x02 => Self::Read(decoded(payload)?),
            0x10 => Self::Entry(decoded(payload)?),
            0x11 => Self::Data(payload),
            0x12 => Self::EndEntry(decoded(payload)?),
            0x13 => Self::Copy(decoded(payload)?),
            0x14 => Self::Skipped(decoded(payload)?),
            0x20 => {
                let (packed, unpacked) = decoded(payload)?;
                Self::Progress(packed, unpacked)
            }
            0x30 => {
                let (entries, bytes) = decoded(payload)?;
                Self::End(entries, bytes)
            }
            0x3F => Self::Error(decoded(payload)?),
            _ => return Err(FrameError),
        })
    }
}

fn encoded<T: Serialize>(body: &T) -> Result<Vec<u8>, FrameError> {
    postcard::to_allocvec(body).map_err(|_too_large| FrameError)
}

fn decoded<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, FrameError> {
    match postcard::take_from_bytes(payload) {
        Ok((body, [])) => Ok(body),
        Ok(_) | Err(_) => Err(FrameError),
    }
}

fn append(out: &mut Vec<u8>, kind: u8, payload: &[u8]) -> Result<(), FrameError> {
    if payload.len() > payload_max(kind) {
        return Err(FrameError);
    }
    let length = u32::try_from(payload.len()).map_err(|_too_long| FrameError)?;
    out.extend_from_slice(&[kind, 0, 0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

const fn payload_max(kind: u8) -> usize {
    if kind == 0x11 {
        DATA_BYTES_MAX
    } else {
        FRAME_BYTES_MAX
    }
}

/// Reads the next frame into `payload` and returns its kind.
///
/// # Errors
/// `UnexpectedEof` when the worker is gone, `InvalidData` for what is not a frame, or what the
/// pipe said.
pub(crate) fn read_frame(from: &mut impl Read, payload: &mut Vec<u8>) -> io::Result<u8> {
    let mut header = [0_u8; HEADER_BYTES];
    from.read_exact(&mut header)?;
    let [kind, zeroes @ .., l0, l1, l2, l3] = header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if zeroes != [0, 0, 0] || length > payload_max(kind) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, FrameError));
    }
    payload.resize(length, 0);
    from.read_exact(payload)?;
    Ok(kind)
}

#[cfg(test)]
mod tests;
