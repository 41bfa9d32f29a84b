//! The engines: each reads one format in one pass and sends every entry through the link.

use std::io::{self, Read};

use crate::{
    detect::{Format, PREFIX_BYTES, detect},
    error::ErrorCode,
    frame::StartFacts,
    worker::{Job, link::locked, source::Source},
};

mod names;
mod rar;
mod roster;
mod seven_z;
mod tar;
mod times;
mod zip;

/// Why an engine gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineError {
    pub(crate) code: ErrorCode,
    pub(crate) entry: Option<String>,
    pub(crate) detail: String,
}

impl EngineError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            entry: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn at(mut self, entry: impl Into<String>) -> Self {
        self.entry.get_or_insert(entry.into());
        self
    }
}

/// What a reader or the link reported. When the link broke, the parent knows better.
impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> Self {
        let kind = error.kind();
        let text = error.to_string();
        let code = if kind == io::ErrorKind::UnexpectedEof {
            ErrorCode::Truncated
        } else if kind == io::ErrorKind::OutOfMemory {
            ErrorCode::LimitMemory
        } else if text.contains("requires too much memory") || text.contains("memory limit") {
            ErrorCode::LimitDictionary
        } else {
            ErrorCode::Damaged
        };
        Self::new(code, text)
    }
}

/// Detects the format and runs its engine.
pub(crate) fn run(job: &Job) -> Result<(), EngineError> {
    let mut prefix = Vec::with_capacity(PREFIX_BYTES);
    let limit = u64::try_from(PREFIX_BYTES).unwrap_or(u64::MAX);
    Source::volume(&job.link, 0)
        .take(limit)
        .read_to_end(&mut prefix)?;
    match detect(&prefix) {
        Some(format @ (Format::Rar4 | Format::Rar5)) => rar::run(job, format),
        Some(Format::Zip) => zip::run(job),
        Some(Format::SevenZ) => seven_z::run(job),
        Some(format @ (Format::Tar | Format::TarZstd | Format::TarGzip | Format::TarXz)) => {
            tar::run(job, format)
        }
        None => Err(EngineError::new(
            ErrorCode::UnsupportedFormat,
            "this is not an archive that can be read",
        )),
    }
}

impl Job {
    /// All volumes, one behind the other.
    fn joined(&self) -> Source {
        Source::joined(&self.link, self.request.volumes.len())
    }

    /// Sends the facts that are known before the first entry.
    fn start(&self, facts: StartFacts) -> Result<(), EngineError> {
        let (asked, allowed) = (facts.dictionary_bytes, self.request.dictionary_bytes);
        if let Some(bytes) = asked.filter(|bytes| *bytes > allowed) {
            let detail = format!("a dictionary of {bytes} bytes, {allowed} are allowed");
            return Err(EngineError::new(ErrorCode::LimitDictionary, detail));
        }
        Ok(locked(&self.link).start(facts)?)
    }

    /// Sends everything that `from` holds as the bytes of the file that began last.
    fn pour(&self, from: &mut dyn Read) -> Result<u64, EngineError> {
        let mut buffer = vec![0_u8; 64 * 1024];
        let mut total = 0_u64;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            locked(&self.link).data(buffer.get(..count).unwrap_or_default())?;
        }
    }
}
