//! [`Lane`]: a byte stream that carries pieces one way, over TCP and TLS or over a QUIC stream.
//!
//! Payload bytes are never copied by this file: they go from TLS into the reader's buffer, and from
//! the writer's buffer into TLS.

use std::{fmt, io, net::SocketAddr, time::Duration};

use lanspread_proto::{
    PeerId,
    limits::DATA_BYTES_MAX,
    wire::{
        CodecError, DataHeader, LaneMessage,
        codec::FrameHeader,
        lane::{DATA_BODY_MAX, DATA_HEADER_BYTES, DATA_KIND, LaneHello, LaneRole},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

use crate::{
    error::LinkError,
    frame::{FrameError, FrameReader},
};

/// What carries a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// A stream of a link.
    Quic,
}

/// Between whom a lane runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanePath {
    /// The other side.
    pub peer: PeerId,
    /// Its address.
    pub remote: SocketAddr,
    /// Over what.
    pub carrier: Carrier,
}

/// A lane after its hello.
#[derive(Debug)]
pub struct Lane {
    path: LanePath,
    role: LaneRole,
    opened_here: bool,
    reader: LaneReader,
    writer: LaneWriter,
}

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

type Source = Box<dyn AsyncRead + Send + Sync + Unpin>;
type Sink = Box<dyn AsyncWrite + Send + Sync + Unpin>;

/// The two directions of a byte stream that is about to become a lane.
pub(crate) struct Stream {
    pub(crate) source: Source,
    pub(crate) sink: Sink,
    /// Held as long as the lane is read.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

impl Lane {
    /// Opens a lane on a stream by saying what it is for.
    pub(crate) async fn open(
        stream: Stream,
        path: LanePath,
        role: LaneRole,
    ) -> Result<Self, LinkError> {
        let mut lane = Self::new(stream, path, role, true);
        let hello = LaneMessage::Hello(LaneHello { role });
        lane.writer.send(&hello).await?;
        lane.writer.flush().await?;
        Ok(lane)
    }

    /// Takes a lane that the other side opened.
    pub(crate) async fn accept(
        stream: Stream,
        path: LanePath,
        limit: Duration,
    ) -> Result<Self, LinkError> {
        let mut lane = Self::new(stream, path, LaneRole::Fetch, false);
        lane.role = timeout(limit, lane.reader.hello())
            .await
            .map_err(|_elapsed| LinkError::HelloTimeout(path.peer))??;
        Ok(lane)
    }

    fn new(stream: Stream, path: LanePath, role: LaneRole, opened_here: bool) -> Self {
        Self {
            path,
            role,
            opened_here,
            reader: LaneReader {
                peer: path.peer,
                frames: FrameReader::new(stream.source),
                data_left: 0,
                _permit: stream.permit,
            },
            writer: LaneWriter {
                peer: path.peer,
                io: stream.sink,
                pending: Vec::new(),
                written: 0,
                torn: false,
            },
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.path.peer
    }

    /// Between whom, and over what.
    #[must_use]
    pub const fn path(&self) -> LanePath {
        self.path
    }

    /// What the opener said: it fetches or it serves.
    #[must_use]
    pub const fn role(&self) -> LaneRole {
        self.role
    }

    /// This side opened the lane.
    #[must_use]
    pub const fn opened_here(&self) -> bool {
        self.opened_here
    }

    /// This side sends the pieces; else it receives them.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.opened_here == (self.role == LaneRole::Serve)
    }

    /// The two directions.
    #[must_use]
    pub fn split(self) -> (LaneReader, LaneWriter) {
        (self.reader, self.writer)
    }
}

/// What the other side says on a lane.
pub struct LaneReader {
    peer: PeerId,
    frames: FrameReader<Source>,
    /// Bytes of the current data frame that were not read yet.
    data_left: u32,
    _permit: Option<OwnedSemaphorePermit>,
}

impl LaneReader {
    /// The next message or data header. What was left of the data before is skipped. May be given
    /// up and called again.
    ///
    /// # Errors
    /// [`LinkError::Ended`] after the last frame; the connection broke; the peer broke the protocol.
    pub async fn next(&mut self) -> Result<LaneEvent, LinkError> {
        self.skip_data().await?;
        self.next_event().await.map_err(|error| self.explain(error))
    }

    /// Fills `out` with the next bytes of the data that [`LaneReader::next`] announced. If it is given
    /// up, an unknown number of them is lost.
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

    async fn hello(&mut self) -> Result<LaneRole, LinkError> {
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
    /// More than [`DATA_BYTES_MAX`] bytes; the connection broke; an earlier data frame was given up.
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

impl fmt::Debug for LaneReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneReader({})", self.peer.short())
    }
}

impl fmt::Debug for LaneWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneWriter({})", self.peer.short())
    }
}
