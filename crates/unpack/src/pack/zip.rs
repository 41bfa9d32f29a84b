//! [`ZipPacker`]: ZIP with Deflate, ZIP64 where a file needs it.

use std::io::{self, Read, Seek, Write};

use lanspread_proto::RelPath;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{Exactly, PackFile, Packer};

/// Fast: the archives are for demos and tests.
const LEVEL: i64 = 1;
/// Files of this size need ZIP64.
const ZIP64_FROM: u64 = 0xFFFF_FFFF;

/// A ZIP into `W`.
pub struct ZipPacker<W: Write + Seek> {
    archive: ZipWriter<W>,
    zip64_from: u64,
}

impl<W: Write + Seek> std::fmt::Debug for ZipPacker<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ZipPacker")
    }
}

impl<W: Write + Seek> ZipPacker<W> {
    /// Begins an archive.
    pub fn new(output: W) -> Self {
        Self {
            archive: ZipWriter::new(output),
            zip64_from: ZIP64_FROM,
        }
    }

    /// As [`ZipPacker::new`], but every file gets the fields of ZIP64.
    pub fn always_zip64(output: W) -> Self {
        Self {
            archive: ZipWriter::new(output),
            zip64_from: 0,
        }
    }

    /// Writes the directory and gives the output back.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.archive.finish()?)
    }
}

fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::default())
        .unix_permissions(mode)
}

impl<W: Write + Seek> Packer for ZipPacker<W> {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        Ok(self.archive.add_directory(path.as_str(), options(0o755))?)
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        let options = options(file.mode()).large_file(file.bytes >= self.zip64_from);
        self.archive.start_file(file.path.as_str(), options)?;
        let mut exactly = Exactly::new(data, file.bytes);
        io::copy(&mut exactly, &mut self.archive)?;
        exactly.finish()
    }
}
