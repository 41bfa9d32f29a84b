//! [`LinkError`]: what went wrong with a peer, whose fault it is, and whether to try again.

use std::{io, net::SocketAddr};

use lanspread_proto::{
    PeerId,
    wire::{CodecError, link::Goodbye},
};

/// Why a link or a lane could not be opened, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is outside the networks that this peer talks to.
    #[error("{0} is neither in a network of this machine nor listed")]
    AddressRefused(SocketAddr),
    /// Nothing answers there, or it refuses.
    #[error("cannot reach {address}: {source}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The other side did not finish the handshake in time.
    #[error("{0} did not finish the handshake in time")]
    HandshakeTimeout(SocketAddr),
    /// Something answers that is no LanSpread peer, or the connection broke meanwhile.
    #[error("the handshake with {address} failed: {source}")]
    Handshake {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: HandshakeError,
    },
    /// Somebody else answers at the address.
    #[error("{} answers at {address}, not {}", found.short(), expected.short())]
    WrongKey {
        /// Where.
        address: SocketAddr,
        /// Who was expected.
        expected: PeerId,
        /// Who answered.
        found: PeerId,
    },
    /// The hello did not come in time.
    #[error("{} did not introduce itself in time", .0.short())]
    HelloTimeout(PeerId),
    /// Something else came first.
    #[error("{} sent a frame of type {kind:#06x} before its hello", peer.short())]
    HelloMissing {
        /// Who.
        peer: PeerId,
        /// What came.
        kind: u16,
    },
    /// What came is no message.
    #[error("{} broke the protocol: {source}", peer.short())]
    Protocol {
        /// Who.
        peer: PeerId,
        /// How.
        source: CodecError,
    },
    /// The peer ended the connection and said why.
    #[error("{} said goodbye: {reason:?}", peer.short())]
    Goodbye {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: Goodbye,
    },
    /// The peer sends nothing more on this lane.
    #[error("{} ended the lane", .0.short())]
    Ended(PeerId),
    /// The connection broke.
    #[error("the connection to {} is lost: {source}", peer.short())]
    Lost {
        /// To whom.
        peer: PeerId,
        /// What the operating system or the transport said.
        source: io::Error,
    },
    /// This side closed the connection.
    #[error("the connection to {} was closed here", .0.short())]
    Closed(PeerId),
    /// The endpoint is closed.
    #[error("this peer is shutting down")]
    EndpointClosed,
    /// The peer does not take what is sent as fast as it is sent.
    #[error("the queue to {} is full", .0.short())]
    Full(PeerId),
    /// A datagram or data frame is longer than the way allows.
    #[error("{bytes} bytes are too many, {max} are allowed")]
    TooLong {
        /// Bytes that were to be sent.
        bytes: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// A data frame was given up in the middle: nothing sensible can follow on this lane.
    #[error("a data frame to {} was cut off", .0.short())]
    Torn(PeerId),
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// TLS over TCP.
    #[error("{0}")]
    Tls(#[source] io::Error),
    /// QUIC.
    #[error("{0}")]
    Quic(#[source] quinn::ConnectionError),
    /// The other side speaks another application protocol.
    #[error("the other side speaks another protocol")]
    Protocol,
    /// The other side showed no key.
    #[error("the other side shows no key")]
    NoKey,
    /// Our own key cannot be used.
    #[error("the own key cannot be used: {0}")]
    OwnKey(#[source] rustls::Error),
}

/// Who would have to change something for it to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The peer: it broke the protocol, is somebody else, or does not want us.
    Peer,
    /// This side.
    Local,
    /// Nobody: packets do not arrive.
    Network,
}

impl LinkError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unreachable { .. } | Self::HandshakeTimeout(_) | Self::Lost { .. } => {
                Blame::Network
            }
            Self::Handshake { source, .. } => source.blame(),
            Self::Goodbye { reason, .. } => match reason {
                Goodbye::Violation | Goodbye::Clone | Goodbye::Duplicate => Blame::Local,
                Goodbye::Leaving | Goodbye::Version | Goodbye::Blocked | Goodbye::Full => {
                    Blame::Peer
                }
            },
            Self::WrongKey { .. }
            | Self::HelloTimeout(_)
            | Self::HelloMissing { .. }
            | Self::Protocol { .. }
            | Self::Ended(_) => Blame::Peer,
            Self::AddressRefused(_)
            | Self::Closed(_)
            | Self::EndpointClosed
            | Self::Full(_)
            | Self::TooLong { .. }
            | Self::Torn(_) => Blame::Local,
        }
    }

    /// The same attempt may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => source.kind() != io::ErrorKind::Unsupported,
            Self::HandshakeTimeout(_)
            | Self::Lost { .. }
            | Self::Ended(_)
            | Self::HelloTimeout(_)
            | Self::Full(_)
            | Self::Torn(_) => true,
            Self::Handshake { source, .. } => source.blame() == Blame::Network,
            Self::Goodbye { reason, .. } => matches!(reason, Goodbye::Leaving | Goodbye::Full),
            Self::AddressRefused(_)
            | Self::WrongKey { .. }
            | Self::HelloMissing { .. }
            | Self::Protocol { .. }
            | Self::Closed(_)
            | Self::EndpointClosed
            | Self::TooLong { .. } => false,
        }
    }
}

impl HandshakeError {
    fn blame(&self) -> Blame {
        match self {
            Self::Tls(error) if error.kind() != io::ErrorKind::InvalidData => Blame::Network,
            Self::Quic(quinn::ConnectionError::TimedOut | quinn::ConnectionError::Reset) => {
                Blame::Network
            }
            Self::Tls(_) | Self::Quic(_) | Self::Protocol | Self::NoKey => Blame::Peer,
            Self::OwnKey(_) => Blame::Local,
        }
    }
}
