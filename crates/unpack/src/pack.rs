//! Writers of archives: `tar.zst` for publishing; stored RAR, ZIP and 7z for the demo and tests.
//!
//! Output is deterministic: the same entries in the same order give the same bytes.

use std::io::{self, Read};

use lanspread_proto::RelPath;

#[cfg(feature = "test-util")]
pub mod evil;
mod seven_z;
mod stored_rar5;
mod tarball;
mod zip;

pub use self::{
    seven_z::SevenZPacker,
    stored_rar5::{SameBytes, StoredRar5},
    tarball::{TarPacker, TarZstd},
    zip::ZipPacker,
};

/// A file to be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackFile<'a> {
    /// Where it will be unpacked.
    pub path: &'a RelPath,
    /// Exactly how many bytes it has.
    pub bytes: u64,
    /// Whether it gets the Unix execute bit.
    pub executable: bool,
}

impl PackFile<'_> {
    const fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// Something that takes entries one after the other.
pub trait Packer {
    /// Adds an empty directory; those of files need not be added.
    ///
    /// # Errors
    /// What the output said.
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()>;

    /// Adds a file with the bytes of `data`.
    ///
    /// # Errors
    /// `data` does not have exactly the promised length, or what either side said.
    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()>;
}

/// Reads exactly the promised bytes, and makes a shorter or longer source an error.
struct Exactly<'a> {
    data: &'a mut dyn Read,
    left: u64,
}

impl<'a> Exactly<'a> {
    fn new(data: &'a mut dyn Read, bytes: u64) -> Self {
        Self { data, left: bytes }
    }

    /// After everything was read: checks that nothing is left over.
    fn finish(self) -> io::Result<()> {
        let more = self.data.read(&mut [0_u8])?;
        if self.left == 0 && more == 0 {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file has another size than promised",
            ))
        }
    }
}

impl Read for Exactly<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(out.len());
        let Some(room) = out.get_mut(..most).filter(|room| !room.is_empty()) else {
            return Ok(0);
        };
        let count = self.data.read(room)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self
            .left
            .saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
