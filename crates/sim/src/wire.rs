//! What travels between hosts: messages that take a latency, and segments that take capacity.

use lanspread_proto::{
    PieceIndex, PieceSet,
    wire::{
        lane::{GoneReason, RequestId},
        link::Sharing,
    },
};

/// Names a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(pub u32);

/// The small messages of links and lanes.
#[derive(Debug, Clone)]
pub enum Message {
    /// All that the sender has, and whether it downloads and serves.
    HaveMap(PieceSet, Role),
    /// What it has newly, and the bytes queued at it.
    Have(Vec<PieceIndex>, u64),
    /// It has everything, and will offer what nobody has.
    HaveWanted,
    /// It would send this piece.
    Offer(PieceIndex),
    /// The offer is not wanted.
    Decline(PieceIndex),
    /// It pauses or resumes sharing.
    Sharing(Sharing),
    /// Reserves a piece.
    Request(RequestId, PieceIndex),
    /// No longer wanted.
    Cancel(RequestId),
    /// May send so many more bytes.
    Credit(u64),
    /// Not now.
    Busy(RequestId, u64),
    /// Not at all.
    Gone(RequestId, GoneReason),
}

impl Message {
    /// It answers on a lane, behind the data that was written before it.
    #[must_use]
    pub const fn follows_data(&self) -> bool {
        matches!(self, Self::Busy(..) | Self::Gone(..))
    }

    /// Losing it must not stop anything. The rest is lost only with its link.
    #[must_use]
    pub const fn may_be_lost(&self) -> bool {
        matches!(
            self,
            Self::Have(..) | Self::Offer(_) | Self::Decline(_) | Self::Request(..)
        )
    }
}

/// What a host does with the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has all of it.
    Seeder,
    /// It downloads and serves.
    Downloader,
    /// It downloads and keeps nothing that it could serve.
    Taker,
    /// It has a part and does not download.
    Holder,
}

/// Some bytes of a piece.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Who sends.
    pub from: HostId,
    /// Who receives.
    pub to: HostId,
    /// For which request.
    pub request: RequestId,
    /// How many bytes.
    pub bytes: u64,
    /// They are not the content's.
    pub bad: bool,
    /// The connection they travel on: a later one does not receive them.
    pub session: u32,
    /// When its last byte has left the cable that it is on.
    pub tail: lanspread_swarm::Instant,
}
