//! [`TreeWriter`]: a packer whose archive is a directory.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::PathBuf,
};

use lanspread_proto::RelPath;
use lanspread_unpack::pack::{PackFile, Packer};

/// A packer whose archive is a directory.
pub(super) struct TreeWriter {
    root: PathBuf,
}

impl TreeWriter {
    /// Writes below `root`.
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn place(&self, path: &RelPath) -> PathBuf {
        let mut place = self.root.clone();
        place.extend(path.components());
        place
    }
}

impl Packer for TreeWriter {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        fs::create_dir_all(self.place(path))
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        if let Some(parent) = file.path.parent() {
            self.add_dir(&parent)?;
        }
        let mut output = BufWriter::new(File::create_new(self.place(file.path))?);
        io::copy(data, &mut output)?;
        output.flush()
    }
}
