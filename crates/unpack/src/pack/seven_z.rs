//! [`SevenZPacker`]: 7z with LZMA2, one block for each file.

use std::io::{self, Read, Seek, Write};

use lanspread_proto::RelPath;
use sevenz_rust2::{
    ArchiveEntry, ArchiveWriter, EncoderConfiguration, encoder_options::Lzma2Options,
};

use super::{Exactly, PackFile, Packer};

/// Fast: the archives are for demos and tests.
const LEVEL: u32 = 1;
/// The attributes say that their high half holds a Unix mode.
const UNIX_EXTENSION: u32 = 0x8000;
const REGULAR_FILE: u32 = 0o100_000;

/// A 7z into `W`.
pub struct SevenZPacker<W: Write + Seek>(ArchiveWriter<W>);

impl<W: Write + Seek> std::fmt::Debug for SevenZPacker<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SevenZPacker")
    }
}

impl<W: Write + Seek> SevenZPacker<W> {
    /// Begins an archive.
    ///
    /// # Errors
    /// What the output said.
    pub fn new(output: W) -> io::Result<Self> {
        let mut archive = ArchiveWriter::new(output).map_err(io::Error::other)?;
        let method = EncoderConfiguration::from(Lzma2Options::from_level(LEVEL));
        archive.set_content_methods(vec![method]);
        Ok(Self(archive))
    }

    /// Writes the directory and gives the output back.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write + Seek> Packer for SevenZPacker<W> {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        let entry = ArchiveEntry::new_directory(path.as_str());
        self.0
            .push_archive_entry(entry, None::<io::Empty>)
            .map_err(io::Error::other)?;
        Ok(())
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        let mut entry = ArchiveEntry::new_file(file.path.as_str());
        entry.has_windows_attributes = true;
        entry.windows_attributes = (REGULAR_FILE | file.mode()) << 16 | UNIX_EXTENSION;
        let mut exactly = Exactly::new(data, file.bytes);
        let content = (file.bytes > 0).then_some(&mut exactly);
        self.0
            .push_archive_entry(entry, content)
            .map_err(io::Error::other)?;
        exactly.finish()
    }
}
