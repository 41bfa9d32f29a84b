//! Messages on a link: everything small that two peers tell each other.
//!
//! A link is one QUIC connection. The dialler opens the first bidirectional stream; both sides
//! send [`LinkMessage`]s on it, [`Hello`] first. Further bidirectional streams are lanes
//! ([`super::lane`]).

use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{
    bounded::{Bounded, Extensions},
    codec::messages,
};
use crate::{
    geometry::PieceIndex,
    id::{ContentId, GameId, PeerId},
    library::{LibraryDigest, LibraryEntry},
    limits,
    text::PeerName,
};

const CONTROL: u32 = limits::CONTROL_FRAME_BYTES_MAX;

messages! {
    /// A message on a link.
    LinkMessage {
        /// The first message in each direction.
        Hello(Hello) = 0x0001, max limits::HELLO_BYTES_MAX;
        /// The last message in each direction.
        Goodbye(Goodbye) = 0x0002, max 64;
        /// The addresses or the name of the sender changed.
        Update(Update) = 0x0003, max limits::HELLO_BYTES_MAX;
        /// Asks for the library: a delta if the revision is still known, else a snapshot.
        LibraryWant(LibraryWant) = 0x0010, max 64;
        /// One page of a snapshot.
        LibraryPage(LibraryPage) = 0x0011, max CONTROL;
        /// What changed between two revisions.
        LibraryDelta(LibraryDelta) = 0x0012, max CONTROL;
        /// The digest changed; sent when there is no delta to send.
        LibraryChanged(LibraryDigest) = 0x0013, max 128;
        /// The sender wants to hear (or no longer) what the receiver has of a content.
        Interest(Interest) = 0x0020, max 128;
        /// A page of the map of pieces that the sender has.
        HaveMap(HaveMap) = 0x0021, max CONTROL;
        /// Pieces that the sender has newly verified.
        Have(Have) = 0x0022, max CONTROL;
        /// The sender no longer has a content.
        HaveNot(ContentId) = 0x0023, max 64;
        /// The sender would send this piece now: ask for it.
        Offer(PieceRef) = 0x0024, max 128;
        /// The offered piece is not wanted.
        OfferDeclined(PieceRef) = 0x0025, max 128;
        /// The receiver sent a chunk that does not match, and is refused for the content from now.
        BadChunk(PieceRef) = 0x0026, max 128;
        /// The sender stops or resumes sending pieces to anybody.
        Sharing(Sharing) = 0x0030, max 16;
        /// Asks the receiver to open lanes on which it serves: the sender cannot reach it by TCP.
        LanesWanted(LanesWanted) = 0x0031, max 16;
        /// Other peers that the sender has a link to.
        PeerHints(PeerHints) = 0x0040, max CONTROL;
        /// Asks the receiver, a common peer, to introduce the sender to another peer.
        MeetWanted(PeerId) = 0x0041, max 64;
        /// A common peer's introduction: dial these addresses at once, the other does the same.
        Meet(PeerHint) = 0x0042, max 1024;
        /// The sender has all of a content and wants to hear what the receiver has of it, to
        /// offer what nobody has. Who does not know this says nothing, and is offered nothing.
        HaveWanted(ContentId) = 0x8020, max 64;
    }
}

/// Who I am. The identity itself is the key of the TLS session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Oldest and newest protocol that the sender speaks.
    pub protocol: (u16, u16),
    /// Bits for optional abilities; unknown bits are ignored.
    pub features: u64,
    /// Drawn at random at each start: two live peers with one key are clones.
    pub boot: u64,
    /// The name for people.
    pub name: PeerName,
    /// Where the sender listens, best first. A hint until a dial proves it.
    pub addresses: Addresses,
    /// Whether somebody has reached the sender by a connection it did not open.
    pub reachable: Reachability,
    /// Whether the sender sends pieces now.
    pub sharing: Sharing,
    /// The sender's library.
    pub library: LibraryDigest,
    /// Room to grow.
    pub extensions: Extensions,
}

/// Addresses of one peer, best first. Scopes of link-local addresses are not sent.
pub type Addresses = Bounded<SocketAddr, { limits::ADDRESSES_MAX }>;

/// What a peer knows of its own reachability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reachability {
    /// Nobody tried yet.
    Unknown,
    /// Connections from others arrive, over TCP too.
    Open,
    /// Only connections that the peer opened itself work.
    EstablishedOnly,
}

/// Whether a peer sends pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// It does.
    On,
    /// Its person paused it; nobody is to blame.
    Paused,
}

/// Part of [`Hello`] that may change while a link is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The name for people.
    pub name: PeerName,
    /// Where the sender listens now, best first.
    pub addresses: Addresses,
    /// What it knows of its reachability.
    pub reachable: Reachability,
}

/// Why a link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goodbye {
    /// The program ends.
    Leaving,
    /// There is a second link to the same peer, and this one goes.
    Duplicate,
    /// No common protocol version.
    Version,
    /// The receiver broke the protocol.
    Violation,
    /// The receiver is blocked by the person.
    Blocked,
    /// The sender has as many links as it keeps.
    Full,
    /// Another live peer has the receiver's key.
    Clone,
}

/// See [`LinkMessage::LibraryWant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryWant {
    /// The epoch of what the asker knows; 0 for nothing.
    pub epoch: u64,
    /// Its revision.
    pub revision: u64,
}

/// See [`LinkMessage::LibraryPage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryPage {
    /// What the whole snapshot is.
    pub digest: LibraryDigest,
    /// Number of this page, from 0.
    pub page: u32,
    /// No page follows.
    pub last: bool,
    /// Its entries.
    pub entries: Bounded<LibraryEntry, { limits::LIBRARY_PAGE_ENTRIES_MAX }>,
}

/// See [`LinkMessage::LibraryDelta`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryDelta {
    /// The revision before.
    pub from: u64,
    /// The library after.
    pub digest: LibraryDigest,
    /// New and changed entries.
    pub upserts: Bounded<LibraryEntry, { limits::LIBRARY_PAGE_ENTRIES_MAX }>,
    /// Entries that are gone.
    pub removals: Bounded<(GameId, ContentId), { limits::LIBRARY_PAGE_ENTRIES_MAX }>,
}

/// See [`LinkMessage::Interest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// In what.
    pub content: ContentId,
    /// How.
    pub state: InterestState,
}

/// How a peer is interested in a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterestState {
    /// No longer.
    Off,
    /// It downloads and serves what it gets: it may be pushed to.
    Serving,
    /// It downloads and keeps nothing that it could serve.
    TakingOnly,
}

/// See [`LinkMessage::HaveMap`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaveMap {
    /// Of what.
    pub content: ContentId,
    /// The piece of the first bit.
    pub first: PieceIndex,
    /// No page follows.
    pub last: bool,
    /// Eight pieces per byte, lowest first.
    pub bits: Bounded<u8, { limits::HAVE_MAP_PAGE_BYTES_MAX }>,
}

/// See [`LinkMessage::Have`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    /// Of what.
    pub content: ContentId,
    /// Which pieces.
    pub pieces: Bounded<PieceIndex, { limits::HAVE_PIECES_MAX }>,
    /// Bytes reserved at the sender and not yet sent: how long a new request would wait.
    pub queued_bytes: u64,
}

/// One piece of one content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PieceRef {
    /// Of what.
    pub content: ContentId,
    /// Which piece.
    pub piece: PieceIndex,
}

/// See [`LinkMessage::LanesWanted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanesWanted {
    /// How many should be open.
    pub lanes: u8,
}

/// See [`LinkMessage::PeerHints`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHints {
    /// The peers.
    pub peers: Bounded<PeerHint, { limits::HINTS_MAX }>,
}

/// A peer and where it was last reached, or said to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerHint {
    /// Who.
    pub peer: PeerId,
    /// Where, best first.
    pub addresses: Addresses,
}
