//! [`TarPacker`] and [`TarZstd`]: POSIX tar with GNU long names, as every tar reads it.

use std::io::{self, Read, Write};

use lanspread_proto::RelPath;
use tar::{Builder, EntryType, Header};

use super::{Exactly, PackFile, Packer};

/// Compression level of [`TarZstd`]: fast, and most of what is to be had on game data.
const LEVEL: i32 = 3;

/// An uncompressed tar into `W`, which may compress.
pub struct TarPacker<W: Write>(Builder<W>);

impl<W: Write> std::fmt::Debug for TarPacker<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TarPacker")
    }
}

impl<W: Write> TarPacker<W> {
    /// Begins an archive.
    pub fn new(output: W) -> Self {
        Self(Builder::new(output))
    }

    /// Writes the end mark and gives the output back.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner()
    }
}

impl<W: Write> Packer for TarPacker<W> {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        let mut header = header(EntryType::Directory, 0, 0o755);
        self.0
            .append_data(&mut header, format!("{path}/"), io::empty())
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        let mut header = header(EntryType::Regular, file.bytes, file.mode());
        let mut exactly = Exactly::new(data, file.bytes);
        self.0
            .append_data(&mut header, file.path.as_str(), &mut exactly)?;
        exactly.finish()
    }
}

/// No owner and no time, so that the same files give the same archive.
fn header(kind: EntryType, bytes: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// A tar compressed with Zstandard.
pub struct TarZstd<W: Write>(TarPacker<zstd::stream::write::Encoder<'static, W>>);

impl<W: Write> std::fmt::Debug for TarZstd<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TarZstd")
    }
}

impl<W: Write> TarZstd<W> {
    /// Begins an archive.
    ///
    /// # Errors
    /// There is no memory for the encoder.
    pub fn new(output: W) -> io::Result<Self> {
        let mut encoder = zstd::stream::write::Encoder::new(output, LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self(TarPacker::new(encoder)))
    }

    /// Writes the end and gives the output back.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()?.finish()
    }
}

impl<W: Write> Packer for TarZstd<W> {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        self.0.add_dir(path)
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        self.0.add_file(file, data)
    }
}
