//! [`LogFiles`]: the log on disk, in a few files of bounded size: `lanspread.log` is the newest,
//! `lanspread.log.1` the one before.

#![expect(
    clippy::disallowed_methods,
    reason = "the log is written by its own process"
)]

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Files, the newest included: 64 MiB together.
const FILES_MAX: u32 = 8;

/// A writer that starts a new file when one is full and drops the oldest.
#[derive(Debug)]
pub(crate) struct LogFiles {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

/// The newest log in a state directory.
pub(crate) fn newest(state: &Path) -> PathBuf {
    state.join("logs").join("lanspread.log")
}

impl LogFiles {
    /// Goes on writing where the last run ended.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let path = newest(state);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Self::open_with(path, FILE_BYTES_MAX)
    }

    fn open_with(path: PathBuf, bytes_max: u64) -> io::Result<Self> {
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            bytes,
            bytes_max,
        })
    }

    fn numbered(&self, number: u32) -> PathBuf {
        match number {
            0 => self.path.clone(),
            _ => self.path.with_extension(format!("log.{number}")),
        }
    }

    /// Renaming onto the oldest drops it.
    fn rotate(&mut self) -> io::Result<()> {
        for number in (0..FILES_MAX - 1).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for LogFiles {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = line.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.bytes_max {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.bytes += length;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_in_size_and_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lanspread.log");
        let mut log = LogFiles::open_with(path.clone(), 10).unwrap();
        for line in 0..100 {
            log.write_all(format!("line{line:03}\n").as_bytes())
                .unwrap();
        }
        let count = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(count, usize::try_from(FILES_MAX).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "line099\n");
        let oldest = dir.path().join("lanspread.log.7");
        assert_eq!(fs::read_to_string(oldest).unwrap(), "line092\n");
        assert!(FILE_BYTES_MAX * u64::from(FILES_MAX) <= 64 << 20);
    }

    #[test]
    fn goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lanspread.log");
        for line in ["a\n", "b\n"] {
            let mut log = LogFiles::open_with(path.clone(), 10).unwrap();
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
    }
}
