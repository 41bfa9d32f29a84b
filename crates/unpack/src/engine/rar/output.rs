//! [`Output`]: decoded members on their way to the parent.
//!
//! Invariant: a file's end is sent only after the decoder went on to the next member, because by
//! then it has verified the checksum.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use super::member::{Kind, Member};
use crate::{
    engine::{EngineError, roster::Roster},
    error::ErrorCode,
    frame::SkipReason,
    worker::link::{Link, locked},
};

/// Where decoded members go.
pub(super) struct Output {
    link: Arc<Mutex<Link>>,
    /// Those that did not begin yet.
    members: VecDeque<Member>,
    roster: Roster,
    open: Option<Member>,
    failure: Option<EngineError>,
}

/// The reason is kept in [`Output::take_failure`].
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(super) struct Stopped;

impl Output {
    pub(super) fn new(link: Arc<Mutex<Link>>, members: VecDeque<Member>) -> Self {
        Self {
            link,
            members,
            roster: Roster::default(),
            open: None,
            failure: None,
        }
    }

    /// Sends everything without bytes.
    pub(super) fn list(&mut self) -> Result<(), EngineError> {
        while let Some(member) = self.members.pop_front() {
            if matches!(member.kind, Kind::File) {
                locked(&self.link).listed_file(member.frame())?;
                self.roster.add(&member.name, member.bytes.unwrap_or(0));
            } else {
                self.send_without_bytes(&member)?;
            }
        }
        Ok(())
    }

    /// A member begins: ends the one before, and says where the bytes of this one go.
    pub(super) fn begin(&mut self, key: &[u8]) -> Result<Box<dyn io::Write>, Stopped> {
        match self.try_begin(key) {
            Ok(()) if self.open.is_some() => Ok(Box::new(DataWriter(Arc::clone(&self.link)))),
            Ok(()) => Ok(Box::new(io::sink())),
            Err(error) => {
                self.failure = Some(error);
                Err(Stopped)
            }
        }
    }

    /// Why [`Output::begin`] stopped.
    pub(super) const fn take_failure(&mut self) -> Option<EngineError> {
        self.failure.take()
    }

    /// The decoder is done.
    pub(super) fn finish(&mut self) -> Result<(), EngineError> {
        self.end_file()?;
        while let Some(member) = self.members.pop_front() {
            locked(&self.link).skipped(&member.name, SkipReason::OldVersion)?;
        }
        Ok(())
    }

    fn try_begin(&mut self, key: &[u8]) -> Result<(), EngineError> {
        self.end_file()?;
        let member = self.advance(key)?;
        if matches!(member.kind, Kind::File) {
            locked(&self.link).begin_file(member.frame())?;
            self.open = Some(member);
            return Ok(());
        }
        self.send_without_bytes(&member)
    }

    /// The next member of this name. Those before it were passed over: old versions of files.
    fn advance(&mut self, key: &[u8]) -> Result<Member, EngineError> {
        while let Some(member) = self.members.pop_front() {
            if member.key == key {
                return Ok(member);
            }
            locked(&self.link).skipped(&member.name, SkipReason::OldVersion)?;
        }
        Err(EngineError::new(
            ErrorCode::Internal,
            "an entry that is not in the list",
        ))
    }

    fn send_without_bytes(&mut self, member: &Member) -> Result<(), EngineError> {
        let mut link = locked(&self.link);
        match &member.kind {
            Kind::Directory => link.entry(member.frame())?,
            Kind::Copy(target) => {
                let (from, bytes) = self.roster.find(target, &member.name)?;
                link.copy(from, &member.name, bytes)?;
                self.roster.add(&member.name, bytes);
            }
            Kind::Link => link.skipped(&member.name, SkipReason::Link)?,
            Kind::OldVersion => link.skipped(&member.name, SkipReason::OldVersion)?,
            Kind::File | Kind::Unknown => link.skipped(&member.name, SkipReason::Special)?,
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), EngineError> {
        if let Some(member) = self.open.take() {
            let bytes = locked(&self.link).end_file(member.has_checksum)?;
            self.roster.add(&member.name, bytes);
        }
        Ok(())
    }
}

/// The bytes of the open file.
struct DataWriter(Arc<Mutex<Link>>);

impl io::Write for DataWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.0).data(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
