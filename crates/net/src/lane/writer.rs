//! [`LaneWriter`]: messages are gathered, data goes straight from the caller's buffer.
//!
//! Invariant: what is written is whole frames, or the lane is torn and takes no more.

use std::{fmt, io};

use lanspread_proto::{
    PeerId,
    limits::DATA_BYTES_MAX,
    wire::{DataHeader, LaneMessage},
};
use tokio::io::AsyncWriteExt;

use super::Sink;
use crate::error::LinkError;

/// What this side says on a lane.
pub struct LaneWriter {
    peer: PeerId,
    io: Sink,
    /// Frames, and headers of data, that were not written yet.
    pending: Vec<u8>,
    /// Bytes of them that were.
    written: usize,
    /// A data frame was begun and not ended.
    torn: bool,
}

/// Messages are gathered up to this many bytes before they are written without being asked.
const PENDING_BYTES_MAX: usize = 16 * 1_024;

impl LaneWriter {
    pub(super) const fn new(peer: PeerId, io: Sink) -> Self {
        Self {
            peer,
            io,
            pending: Vec::new(),
            written: 0,
            torn: false,
        }
    }

    /// Queues a message; [`LaneWriter::flush`] sends it. May be given up: the message is queued.
    ///
    /// # Errors
    /// The connection broke, or an earlier data frame was given up.
    pub async fn send(&mut self, message: &LaneMessage) -> Result<(), LinkError> {
        self.check_whole()?;
        self.pending.extend_from_slice(&message.encode());
        if self.pending.len() > PENDING_BYTES_MAX {
            self.write_pending(&[]).await?;
        }
        Ok(())
    }

    /// Sends data. If it is given up in the middle, the lane is of no more use.
    ///
    /// # Errors
    /// More than [`DATA_BYTES_MAX`] bytes; the connection broke; an earlier data frame was given
    /// up.
    pub async fn send_data(&mut self, header: DataHeader, bytes: &[u8]) -> Result<(), LinkError> {
        self.check_whole()?;
        let too_long = || LinkError::TooLong {
            bytes: bytes.len(),
            max: usize::try_from(DATA_BYTES_MAX).unwrap_or(usize::MAX),
        };
        let len = u32::try_from(bytes.len()).map_err(|_long| too_long())?;
        if len > DATA_BYTES_MAX {
            return Err(too_long());
        }
        self.pending.extend_from_slice(&header.encode(len));
        self.torn = true;
        let sent = self.write_pending(bytes).await?;
        let rest = bytes.get(sent..).unwrap_or_default();
        let result = self.io.write_all(rest).await;
        result.map_err(|source| self.lost(source))?;
        self.torn = false;
        Ok(())
    }

    /// Sends everything that was queued. Without it the last bytes may wait for ever.
    ///
    /// # Errors
    /// The connection broke, or an earlier data frame was given up.
    pub async fn flush(&mut self) -> Result<(), LinkError> {
        self.check_whole()?;
        self.write_pending(&[]).await?;
        let result = self.io.flush().await;
        result.map_err(|source| self.lost(source))
    }

    /// Sends everything that was queued and ends this direction.
    ///
    /// # Errors
    /// As [`LaneWriter::flush`].
    pub async fn finish(mut self) -> Result<(), LinkError> {
        self.flush().await?;
        let result = self.io.shutdown().await;
        result.map_err(|source| self.lost(source))
    }

    /// Writes what is pending, with `more` behind it; returns how many bytes of `more` went along.
    async fn write_pending(&mut self, more: &[u8]) -> Result<usize, LinkError> {
        while let Some(rest) = self.pending.get(self.written..).filter(|r| !r.is_empty()) {
            let parts = [io::IoSlice::new(rest), io::IoSlice::new(more)];
            let left = rest.len();
            let result = self.io.write_vectored(&parts).await;
            let count = match result {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                result => result,
            };
            let count = count.map_err(|source| self.lost(source))?;
            if let Some(beyond) = count.checked_sub(left) {
                self.pending.clear();
                self.written = 0;
                return Ok(beyond);
            }
            self.written += count;
        }
        Ok(0)
    }

    const fn check_whole(&self) -> Result<(), LinkError> {
        if self.torn {
            Err(LinkError::Torn(self.peer))
        } else {
            Ok(())
        }
    }

    fn lost(&self, source: io::Error) -> LinkError {
        LinkError::Lost {
            peer: self.peer,
            source,
        }
    }
}

impl fmt::Debug for LaneWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneWriter({})", self.peer.short())
    }
}
