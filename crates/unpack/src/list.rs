//! [`list`]: what is in an archive, without unpacking it where the format allows that.

use std::sync::Arc;

use lanspread_proto::RelPath;

use crate::{
    error::{ErrorCode, UnpackError},
    events::Event,
    frame::{Encryption, Mode, SkipReason, StartFacts},
    limits::Limits,
    names::NameTable,
    parent::{ArchiveBytes, Unpacker, WorkerCommand},
};

/// A file of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Where it would be written.
    pub path: RelPath,
    /// Its size, if the archive tells.
    pub bytes: Option<u64>,
    /// The earlier file whose bytes it shares, if the archive says so.
    pub copy_of: Option<RelPath>,
}

/// What is in an archive. That a listing exists means that its names are fine and its volumes
/// complete; its data is checked only by unpacking.
#[derive(Debug)]
pub struct Listing {
    /// The facts about the archive as a whole.
    pub start: StartFacts,
    /// The files and copies, in archive order.
    pub files: Vec<ListedFile>,
    /// The directories that have an entry of their own.
    pub directories: Vec<RelPath>,
    /// What would be left out.
    pub skipped: Vec<(String, SkipReason)>,
    /// Entries in all.
    pub entries: u64,
    /// Unpacked bytes in all; a file of unknown size counts as nothing.
    pub bytes: u64,
}

impl Listing {
    /// Whether the archive can be installed.
    ///
    /// # Errors
    /// [`ErrorCode::PasswordRequired`] for encrypted entries.
    pub fn check_installable(&self) -> Result<(), UnpackError> {
        if self.start.encryption == Encryption::Entries {
            return Err(UnpackError::new(ErrorCode::PasswordRequired, ""));
        }
        Ok(())
    }
}

/// Lists the `volumes` first volumes of `sources`; `names` as in [`Unpacker::start`], and returned.
///
/// # Errors
/// Encrypted headers, a missing volume, names we refuse, limits, damage in the headers (in a tar:
/// damage anywhere), or the bytes cannot be read.
pub fn list(
    command: &WorkerCommand,
    sources: Arc<dyn ArchiveBytes>,
    volumes: usize,
    limits: Limits,
    names: NameTable,
) -> Result<(Listing, NameTable), UnpackError> {
    let mut unpacker = Unpacker::start(command, sources, volumes, (Mode::List, limits), names)?;
    let Event::Start(start) = unpacker.next_event()? else {
        return Err(UnpackError::new(ErrorCode::Internal, "no start"));
    };
    let mut listing = Listing {
        start,
        files: Vec::new(),
        directories: Vec::new(),
        skipped: Vec::new(),
        entries: 0,
        bytes: 0,
    };
    loop {
        match unpacker.next_event()? {
            Event::File(file) => listing.files.push(ListedFile {
                path: file.path,
                bytes: file.bytes,
                copy_of: None,
            }),
            Event::Copy { from, to, bytes } => listing.files.push(ListedFile {
                path: to,
                bytes: Some(bytes),
                copy_of: Some(from),
            }),
            Event::Directory(path) => listing.directories.push(path),
            Event::Skipped { name, reason } => listing.skipped.push((name, reason)),
            Event::End(totals) => {
                listing.entries = totals.entries;
                listing.bytes = totals.bytes;
                return Ok((listing, unpacker.into_names()));
            }
            Event::Start(_) | Event::Data(_) | Event::EndFile(_) | Event::Progress(_) => {}
        }
    }
}
