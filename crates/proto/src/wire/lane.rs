//! Messages on a lane: one reliable byte stream that carries pieces one way.
//!
//! The first frame, from who opened the lane, is [`LaneHello`]: it says who will send. After it the
//! *receiver* sends requests, credit and cancels; the *sender* answers with data, busy or gone. The
//! sender never writes more payload bytes than it has credit for.

use serde::{Deserialize, Serialize};

use super::codec::{FrameHeader, HEADER_BYTES, messages};
use crate::{geometry::PieceIndex, id::ContentId, limits};

messages! {
    /// A message on a lane, except data.
    LaneMessage {
        /// The first frame, from who opened the lane.
        Hello(LaneHello) = 0x0101, max 64;
        /// Receiver: reserves a piece at the sender. Moves no bytes yet.
        Request(Request) = 0x0102, max 128;
        /// Receiver: asks for a manifest or a chunk map.
        BlobRequest(BlobRequest) = 0x0103, max 128;
        /// Receiver: the sender may send so many more payload bytes.
        Credit(Credit) = 0x0104, max 16;
        /// Receiver: the request is no longer wanted.
        Cancel(RequestId) = 0x0105, max 16;
        /// Sender: the queue is full; ask later or elsewhere. Nobody is to blame.
        Busy(Busy) = 0x0106, max 32;
        /// Sender: will not come.
        Gone(Gone) = 0x0107, max 32;
        /// Sender: the length of a blob whose data follows.
        BlobStart(BlobStart) = 0x0108, max 32;
    }
}

/// The type of a data frame. Its body is [`DataHeader`] and then the bytes as they are.
pub const DATA_KIND: u16 = 0x0110;
/// Bytes of a [`DataHeader`].
pub const DATA_HEADER_BYTES: usize = 8;
/// The longest body of a data frame.
pub const DATA_BODY_MAX: u32 = limits::DATA_BYTES_MAX + 8;

/// Which side of a lane sends the pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaneRole {
    /// Who opened it receives.
    Fetch,
    /// Who opened it sends: the other side could not open one.
    Serve,
}

/// See [`LaneMessage::Hello`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneHello {
    /// Who sends.
    pub role: LaneRole,
}

/// Numbers the requests of one lane; chosen by the receiver, not reused while open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// See [`LaneMessage::Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its number.
    pub request: RequestId,
    /// Of what.
    pub content: ContentId,
    /// Which piece.
    pub piece: PieceIndex,
}

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BlobKind {
    /// The canonical manifest; its hash is the content's id.
    Manifest,
    /// The chunk map; it merges to the roots in the manifest.
    ChunkMap,
}

impl BlobKind {
    /// The most bytes such a blob may have.
    #[must_use]
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::Manifest => limits::MANIFEST_BYTES_MAX,
            Self::ChunkMap => limits::CHUNK_MAP_BYTES_MAX,
        }
    }
}

/// See [`LaneMessage::BlobRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRequest {
    /// Its number.
    pub request: RequestId,
    /// Of what.
    pub content: ContentId,
    /// What.
    pub kind: BlobKind,
}

/// See [`LaneMessage::Credit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Payload bytes to add to what the sender may send.
    pub bytes: u32,
}

/// See [`LaneMessage::Busy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// Which request.
    pub request: RequestId,
    /// Bytes reserved before it.
    pub queued_bytes: u64,
}

/// See [`LaneMessage::Gone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Which request.
    pub request: RequestId,
    /// Why.
    pub reason: GoneReason,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GoneReason {
    /// The sender does not have it, or no longer.
    NotHere,
    /// The file changed or cannot be read; the sender checks it again.
    DiskFault,
    /// The sender's person paused sharing.
    Paused,
    /// The sender refuses this receiver.
    Refused,
    /// The request was cancelled, and nothing of it follows.
    Cancelled,
}

/// See [`LaneMessage::BlobStart`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobStart {
    /// Which request.
    pub request: RequestId,
    /// Bytes of the whole blob.
    pub bytes: u64,
}

/// What a data frame says about its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataHeader {
    /// Which request.
    pub request: RequestId,
    /// Where in the piece or blob the bytes lie.
    pub offset: u32,
}

impl DataHeader {
    /// Frame header and data header of `bytes` payload bytes.
    #[must_use]
    pub fn encode(self, bytes: u32) -> [u8; HEADER_BYTES + DATA_HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES + DATA_HEADER_BYTES];
        let header = FrameHeader {
            kind: DATA_KIND,
            body_bytes: bytes.saturating_add(8),
        }
        .encode();
        let words = [self.request.0.to_le_bytes(), self.offset.to_le_bytes()];
        let all = header.iter().chain(words.as_flattened());
        out.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        out
    }

    /// Reads a data header.
    #[must_use]
    pub const fn decode(bytes: [u8; DATA_HEADER_BYTES]) -> Self {
        let [r0, r1, r2, r3, o0, o1, o2, o3] = bytes;
        Self {
            request: RequestId(u32::from_le_bytes([r0, r1, r2, r3])),
            offset: u32::from_le_bytes([o0, o1, o2, o3]),
        }
    }
}
