//! [`LaneReader`]: messages, and data straight into the caller's buffer.

use std::{fmt, sync::Arc};

use lanspread_proto::{
    PeerId,
    wire::{
        CodecError, DataHeader, LaneMessage,
        codec::FrameHeader,
        lane::{DATA_BODY_MAX, DATA_HEADER_BYTES, DATA_KIND, LaneRole},
    },
};
use tokio::sync::OwnedSemaphorePermit;

use super::Source;
use crate::{
    error::LinkError,
    frame::{FrameError, FrameReader},
};

/// What comes next on a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneEvent {
    /// A message.
    Message(LaneMessage),
    /// Data; its bytes are read with [`LaneReader::read_data`].
    Data {
        /// Of which request, and where in it.
        header: DataHeader,
        /// How many.
        bytes: u32,
    },
}

/// What the other side says on a lane.
pub struct LaneReader {
    peer: PeerId,
    frames: FrameReader<Source>,
    /// Bytes of the current data frame that were not read yet.
    data_left: u32,
    _permit: Option<OwnedSemaphorePermit>,
    /// Whoever counts lanes counts this.
    _kept: Option<Arc<()>>,
}

impl LaneReader {
    pub(super) fn new(peer: PeerId, source: Source, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            peer,
            frames: FrameReader::new(source),
            data_left: 0,
            _permit: permit,
            _kept: None,
        }
    }

    pub(super) fn keep(&mut self, kept: Arc<()>) {
        self._kept = Some(kept);
    }

    /// The next message or data header. What was left of the data before is skipped. May be given
    /// up and called again.
    ///
    /// # Errors
    /// [`LinkError::Ended`] after the last frame; the connection broke; the peer broke the
    /// protocol.
    pub async fn next(&mut self) -> Result<LaneEvent, LinkError> {
        self.skip_data().await?;
        self.next_event().await.map_err(|error| self.explain(error))
    }

    /// Fills `out` with the next bytes of the data that [`LaneReader::next`] announced. If it is
    /// given up, an unknown number of them is lost.
    ///
    /// # Errors
    /// `out` is longer than what is left of the data; the connection broke.
    pub async fn read_data(&mut self, out: &mut [u8]) -> Result<(), LinkError> {
        let left = usize::try_from(self.data_left).unwrap_or(usize::MAX);
        if out.len() > left {
            return Err(LinkError::TooLong {
                bytes: out.len(),
                max: left,
            });
        }
        let mut rest = out;
        while !rest.is_empty() {
            let count = self.read_some(rest).await?;
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads and forgets what is left of the data.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn skip_data(&mut self) -> Result<(), LinkError> {
        let mut waste = [0; 4 * 1_024];
        while self.data_left > 0 {
            let most = usize::try_from(self.data_left).unwrap_or(usize::MAX);
            let len = most.min(waste.len());
            let part = waste.get_mut(..len).unwrap_or_default();
            self.read_some(part).await?;
        }
        Ok(())
    }

    async fn read_some(&mut self, out: &mut [u8]) -> Result<usize, LinkError> {
        let read = self.frames.read_raw(out).await;
        let count = read.map_err(|error| self.explain(FrameError::Io(error)))?;
        let counted = u32::try_from(count).unwrap_or(u32::MAX);
        self.data_left = self.data_left.saturating_sub(counted);
        Ok(count)
    }

    async fn next_event(&mut self) -> Result<LaneEvent, FrameError> {
        loop {
            let header = self.frames.header().await?;
            if header.kind == DATA_KIND {
                return self.next_data(header).await;
            }
            match self.next_message(header).await? {
                Some(LaneMessage::Hello(_)) => {
                    return Err(CodecError::UnknownType(header.kind).into());
                }
                Some(message) => return Ok(LaneEvent::Message(message)),
                None => {}
            }
        }
    }

    async fn next_data(&mut self, header: FrameHeader) -> Result<LaneEvent, FrameError> {
        let header = header.check(DATA_BODY_MAX)?;
        let bytes = header
            .body_bytes
            .checked_sub(DATA_HEADER_BYTES_U32)
            .ok_or(CodecError::Body(DATA_KIND))?;
        let body = self.frames.body(DATA_HEADER_BYTES_U32).await?;
        let header = DataHeader::decode(body.first_chunk().copied().unwrap_or_default());
        drop(body);
        self.data_left = bytes;
        Ok(LaneEvent::Data { header, bytes })
    }

    async fn next_message(
        &mut self,
        header: FrameHeader,
    ) -> Result<Option<LaneMessage>, FrameError> {
        let header = header.check(LaneMessage::max_body(header.kind)?)?;
        let body = self.frames.body(header.body_bytes).await?;
        Ok(LaneMessage::decode(header.kind, &body)?)
    }

    /// What the opener says the lane is for: its first frame.
    pub(super) async fn hello(&mut self) -> Result<LaneRole, LinkError> {
        let peer = self.peer;
        let header = self.frames.header().await;
        let header = header.map_err(|error| self.explain(error))?;
        if header.kind == DATA_KIND {
            return Err(LinkError::HelloMissing {
                peer,
                kind: DATA_KIND,
            });
        }
        let first = self.next_message(header).await;
        match first.map_err(|error| self.explain(error))? {
            Some(LaneMessage::Hello(hello)) => Ok(hello.role),
            Some(_) | None => Err(LinkError::HelloMissing {
                peer,
                kind: header.kind,
            }),
        }
    }

    fn explain(&self, error: FrameError) -> LinkError {
        let peer = self.peer;
        match error {
            FrameError::Ended => LinkError::Ended(peer),
            FrameError::Io(source) => LinkError::Lost { peer, source },
            FrameError::Codec(source) => LinkError::Protocol { peer, source },
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is 8")]
const DATA_HEADER_BYTES_U32: u32 = DATA_HEADER_BYTES as u32;

impl fmt::Debug for LaneReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneReader({})", self.peer.short())
    }
}
