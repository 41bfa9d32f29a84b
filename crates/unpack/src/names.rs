//! [`NameTable`]: the names of one game, over all its archives; the boundary no name slips through.

use lanspread_proto::rel_path::{PathTable, RelPath};

use crate::{
    error::{ErrorCode, UnpackError, shortened},
    limits::Limits,
};

/// Bytes of a refused name that an error repeats.
const SHOWN_NAME_BYTES_MAX: usize = 200;

/// The names taken so far. One table serves all archives of a game, one after the other: a file
/// that two archives bring is a twin, and refused.
#[derive(Debug, Default)]
pub struct NameTable {
    paths: PathTable,
    entries: u64,
    bytes: u64,
}

impl NameTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add_file(&mut self, name: &str, limits: &Limits) -> Result<RelPath, UnpackError> {
        let path = self.admit(name, limits)?;
        match self.paths.add_file(&path) {
            Ok(()) => Ok(path),
            Err(twin) => Err(refused(ErrorCode::UnsafeName, twin.to_string(), name)),
        }
    }

    pub(crate) fn add_directory(
        &mut self,
        name: &str,
        limits: &Limits,
    ) -> Result<RelPath, UnpackError> {
        let path = self.admit(name, limits)?;
        match self.paths.add_directory(&path) {
            Ok(()) => Ok(path),
            Err(twin) => Err(refused(ErrorCode::UnsafeName, twin.to_string(), name)),
        }
    }

    /// Counts an entry that is left out; its name only has to be short.
    pub(crate) fn count(&mut self, name: &str, limits: &Limits) -> Result<(), UnpackError> {
        if name.len() > limits.name_bytes {
            let detail = format!("a name of {} bytes", name.len());
            return Err(refused(ErrorCode::LimitName, detail, name));
        }
        self.entries = self.entries.saturating_add(1);
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(name.len()).unwrap_or(u64::MAX));
        if self.entries > limits.entries || self.bytes > limits.header_bytes {
            let detail = format!("{} entries, {} bytes of names", self.entries, self.bytes);
            return Err(refused(ErrorCode::LimitEntries, detail, name));
        }
        Ok(())
    }

    fn admit(&mut self, name: &str, limits: &Limits) -> Result<RelPath, UnpackError> {
        self.count(name, limits)?;
        RelPath::parse_composed(name)
            .map_err(|reason| refused(ErrorCode::UnsafeName, reason.to_string(), name))
    }
}

fn refused(code: ErrorCode, detail: String, name: &str) -> UnpackError {
    UnpackError::new(code, detail).at(shortened(name.to_owned(), SHOWN_NAME_BYTES_MAX))
}
