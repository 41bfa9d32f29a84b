//! [`Lane`]: a byte stream that carries pieces one way, over TCP and TLS or over a QUIC stream.
//!
//! Payload bytes are never copied by this file: they go from TLS into the reader's buffer, and from
//! the writer's buffer into TLS.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use lanspread_proto::{
    PeerId,
    wire::{
        LaneMessage,
        lane::{LaneHello, LaneRole},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

use crate::error::LinkError;

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{LaneEvent, LaneReader};
pub use writer::LaneWriter;

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
    /// Our own address on a TCP lane: when it is gone from this machine, so is the lane.
    pub local: Option<SocketAddr>,
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

/// Where the bytes of a lane come from.
pub(crate) type Source = Box<dyn AsyncRead + Send + Sync + Unpin>;
/// Where they go to.
pub(crate) type Sink = Box<dyn AsyncWrite + Send + Sync + Unpin>;

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
            reader: LaneReader::new(path.peer, stream.source, stream.permit),
            writer: LaneWriter::new(path.peer, stream.sink),
        }
    }

    /// Keeps something until the lane is no longer read.
    pub fn keep(&mut self, kept: Arc<()>) {
        self.reader.keep(kept);
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
