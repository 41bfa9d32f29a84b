//! [`Link`]: one authenticated QUIC connection that carries everything small.
//!
//! ```text
//! LinkSender (clones) ──► queue of frames ──► write task ──► control stream ──► peer
//! LinkReceiver        ◄── FrameReader    ◄──────────────── control stream ◄── peer
//! streams opened by the peer ──► one task ──► lane hello ──► Incoming::Lane of the endpoint
//! ```
//!
//! Invariant: the connection ends when the last sender and the receiver are gone, whatever streams
//! are open.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use lanspread_proto::{
    PeerId,
    wire::{
        LinkMessage,
        lane::LaneRole,
        link::{Goodbye, Hello},
    },
};
use quinn::{ConnectionError, RecvStream, SendDatagramError, SendStream, VarInt};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    error::LinkError,
    frame::{FrameError, FrameReader},
    lane::Lane,
    limits,
};

mod goodbye;
mod lanes;

pub(crate) use goodbye::goodbye_code;
use goodbye::goodbye_of;
pub(crate) use lanes::{accept_lanes, canonical};
use lanes::{lane_path, lane_stream};

/// Looks at whether an answer came, within the time for it.
const ANSWER_LOOKS: u32 = 10;

/// A link before anything was said on it.
#[derive(Debug)]
pub struct Link {
    sender: LinkSender,
    receiver: LinkReceiver,
}

/// Says things on a link; cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkSender {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Outgoing>,
}

/// Hears what the other side says on a link.
#[derive(Debug)]
pub struct LinkReceiver {
    shared: Arc<Shared>,
    frames: FrameReader<RecvStream>,
}

/// What is known of a new connection.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: quinn::Connection,
    pub(crate) peer: PeerId,
    pub(crate) remote: SocketAddr,
    pub(crate) dialled: bool,
    /// When the first message must be here.
    pub(crate) hello_by: Instant,
}

#[derive(Debug)]
enum Outgoing {
    Frame(Vec<u8>),
    /// The last one; says when the peer has it.
    Last(Vec<u8>, oneshot::Sender<()>),
}

impl Link {
    /// Starts the write task of a connection whose control stream is open.
    pub(crate) fn start(shared: Shared, send: SendStream, recv: RecvStream) -> Self {
        // The control stream goes before lanes.
        let _closed_already = send.set_priority(1);
        let shared = Arc::new(shared);
        let (queue, frames) = mpsc::channel(limits::LINK_QUEUE_FRAMES);
        tokio::spawn(write_frames(send, frames));
        Self {
            sender: LinkSender {
                shared: Arc::clone(&shared),
                queue,
            },
            receiver: LinkReceiver {
                shared,
                frames: FrameReader::new(recv),
            },
        }
    }

    /// Who is at the other end, proved by the handshake.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.sender.peer()
    }

    /// Where the other end was when the link was opened.
    #[must_use]
    pub fn remote_addr(&self) -> SocketAddr {
        self.sender.remote_addr()
    }

    /// This side opened the link.
    #[must_use]
    pub fn dialled(&self) -> bool {
        self.sender.dialled()
    }

    /// The two directions.
    #[must_use]
    pub fn split(self) -> (LinkSender, LinkReceiver) {
        (self.sender, self.receiver)
    }
}

impl LinkSender {
    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.shared.peer
    }

    /// Where the other end is now: it may move while the link is up.
    #[must_use]
    pub fn remote_addr(&self) -> SocketAddr {
        canonical(self.shared.connection.remote_address())
    }

    /// This side opened the link.
    #[must_use]
    pub fn dialled(&self) -> bool {
        self.shared.dialled
    }

    /// The round trip time as QUIC sees it.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.shared.connection.rtt()
    }

    /// Queues a message, waiting while the queue is full. May be given up: then it is not sent.
    ///
    /// # Errors
    /// The link is closed.
    pub async fn send(&self, message: &LinkMessage) -> Result<(), LinkError> {
        let frame = Outgoing::Frame(message.encode());
        let sent = self.queue.send(frame).await;
        sent.map_err(|_closed| self.shared.reason())
    }

    /// Queues a message without waiting.
    ///
    /// # Errors
    /// The queue is full, or the link is closed.
    pub fn try_send(&self, message: &LinkMessage) -> Result<(), LinkError> {
        let frame = Outgoing::Frame(message.encode());
        self.queue.try_send(frame).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LinkError::Full(self.peer()),
            mpsc::error::TrySendError::Closed(_) => self.shared.reason(),
        })
    }

    /// Opens a lane on this link, for when TCP is not possible.
    ///
    /// # Errors
    /// The link is closed, or the peer lets no more streams be opened.
    pub async fn open_lane(&self, role: LaneRole) -> Result<Lane, LinkError> {
        let opening = timeout(limits::HANDSHAKE_TIMEOUT, self.shared.connection.open_bi());
        let (send, recv) = opening
            .await
            .map_err(|_elapsed| LinkError::Full(self.peer()))?
            .map_err(|error| self.shared.explain(&error))?;
        let path = lane_path(self.shared.peer, self.shared.remote);
        Lane::open(lane_stream(send, recv), path, role).await
    }

    /// Sends a datagram, which may be lost; the oldest that wait give way.
    ///
    /// # Errors
    /// It is longer than the path allows, or the link is closed.
    pub fn send_datagram(&self, datagram: Bytes) -> Result<(), LinkError> {
        let bytes = datagram.len();
        let max = self.datagram_bytes_max();
        if bytes > max {
            return Err(LinkError::TooLong { bytes, max });
        }
        let connection = &self.shared.connection;
        connection
            .send_datagram(datagram)
            .map_err(|error| match error {
                SendDatagramError::ConnectionLost(error) => self.shared.explain(&error),
                SendDatagramError::TooLarge
                | SendDatagramError::Disabled
                | SendDatagramError::UnsupportedByPeer => LinkError::TooLong { bytes, max: 0 },
            })
    }

    /// The longest datagram that goes now; it changes with the path.
    #[must_use]
    pub fn datagram_bytes_max(&self) -> usize {
        let path = self.shared.connection.max_datagram_size().unwrap_or(0);
        path.min(limits::DATAGRAM_BYTES_MAX)
    }

    /// The next datagram from the peer.
    ///
    /// # Errors
    /// The link ended.
    pub async fn recv_datagram(&self) -> Result<Bytes, LinkError> {
        let datagram = self.shared.connection.read_datagram().await;
        datagram.map_err(|error| self.shared.explain(&error))
    }

    /// Says goodbye and closes the link, also under the other senders and the receiver. Takes about
    /// a round trip, at most a second.
    pub async fn close(&self, reason: Goodbye) {
        let frame = LinkMessage::Goodbye(reason).encode();
        let last = async {
            let (arrived, wait) = oneshot::channel();
            if self
                .queue
                .send(Outgoing::Last(frame, arrived))
                .await
                .is_ok()
            {
                // An error means that the link broke meanwhile: nothing is left to wait for.
                let _broken = wait.await;
            }
        };
        let _cut = timeout(limits::GOODBYE_TIMEOUT, last).await;
        self.shared.close(goodbye_code(reason));
    }

    /// Whether the peer answers on this link within a time: it is asked by a datagram that says
    /// nothing, and acknowledges it.
    pub async fn answers(&self, within: Duration) -> bool {
        let heard = || self.shared.connection.stats().udp_rx.datagrams;
        let before = heard();
        // A link that is closed does not answer.
        drop(self.send_datagram(Bytes::from_static(&[0])));
        for _ in 0..ANSWER_LOOKS {
            tokio::time::sleep(within / ANSWER_LOOKS).await;
            if heard() != before {
                return true;
            }
        }
        false
    }

    /// Waits until the link ended and says why.
    pub async fn closed(&self) -> LinkError {
        let error = self.shared.connection.closed().await;
        self.shared.explain(&error)
    }
}

impl LinkReceiver {
    /// The first message, which must be a hello and come in time.
    ///
    /// # Errors
    /// Something else came, or nothing in time; the link ended; the peer broke the protocol.
    pub async fn recv_hello(&mut self) -> Result<Hello, LinkError> {
        let peer = self.shared.peer;
        let first = timeout_at(self.shared.hello_by, self.recv()).await;
        let message = first.map_err(|_elapsed| LinkError::HelloTimeout(peer))??;
        let kind = message.kind();
        if let LinkMessage::Hello(hello) = message {
            Ok(hello)
        } else {
            Err(LinkError::HelloMissing { peer, kind })
        }
    }

    /// The next message. May be given up and called again. A goodbye is not a message here but the
    /// end: [`LinkError::Goodbye`].
    ///
    /// # Errors
    /// The link ended, or the peer broke the protocol.
    pub async fn recv(&mut self) -> Result<LinkMessage, LinkError> {
        let peer = self.shared.peer;
        match self.next_message().await {
            Ok(LinkMessage::Goodbye(reason)) => Err(LinkError::Goodbye { peer, reason }),
            Ok(message) => Ok(message),
            Err(FrameError::Codec(source)) => Err(LinkError::Protocol { peer, source }),
            Err(FrameError::Ended) => Err(self.shared.reason()),
            Err(FrameError::Io(source)) => match self.shared.connection.close_reason() {
                Some(error) => Err(self.shared.explain(&error)),
                None => Err(LinkError::Lost { peer, source }),
            },
        }
    }

    async fn next_message(&mut self) -> Result<LinkMessage, FrameError> {
        loop {
            let header = self.frames.header().await?;
            let header = header.check(LinkMessage::max_body(header.kind)?)?;
            let body = self.frames.body(header.body_bytes).await?;
            if let Some(message) = LinkMessage::decode(header.kind, &body)? {
                return Ok(message);
            }
        }
    }
}

async fn write_frames(mut send: SendStream, mut frames: mpsc::Receiver<Outgoing>) {
    while let Some(outgoing) = frames.recv().await {
        let (frame, last) = match outgoing {
            Outgoing::Frame(frame) => (frame, None),
            Outgoing::Last(frame, arrived) => (frame, Some(arrived)),
        };
        if send.write_all(&frame).await.is_err() {
            return;
        }
        if let Some(arrived) = last {
            let _closed = send.finish();
            let _closed = send.stopped().await;
            let _nobody_waits = arrived.send(());
            return;
        }
    }
    let _closed = send.finish();
}

impl Shared {
    /// Why the link ended, asked when something could not be sent or nothing more comes.
    fn reason(&self) -> LinkError {
        let peer = self.peer;
        match self.connection.close_reason() {
            Some(error) => self.explain(&error),
            None => LinkError::Ended(peer),
        }
    }

    fn explain(&self, error: &ConnectionError) -> LinkError {
        let peer = self.peer;
        if let ConnectionError::ApplicationClosed(close) = error
            && let Some(reason) = goodbye_of(close.error_code)
        {
            return LinkError::Goodbye { peer, reason };
        }
        if matches!(error, ConnectionError::LocallyClosed) {
            return LinkError::Closed(peer);
        }
        LinkError::Lost {
            peer,
            source: io::Error::from(error.clone()),
        }
    }

    fn close(&self, code: u32) {
        self.connection.close(VarInt::from_u32(code), &[]);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close(0);
    }
}
