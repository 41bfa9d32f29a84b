//! Peers on loopback, and one of every message.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use lanspread_proto::{
    ContentId, GameId, Hash, PeerId, PieceIndex,
    library::{Availability, LibraryDigest, LibraryEntry, Size},
    text::{PeerName, Title},
    version::VersionLabel,
    wire::{
        Bounded, LinkMessage,
        link::{
            Addresses, Have, HaveMap, Hello, Interest, InterestState, LanesWanted, LibraryDelta,
            LibraryPage, LibraryWant, PeerHint, PeerHints, PieceRef, Reachability, Sharing, Update,
        },
    },
};
use tokio::sync::mpsc;

use crate::{BindConfig, Endpoint, Identity, Incoming, Lane, Link, LinkReceiver, LinkSender};

pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
}

/// What a link splits into.
pub(crate) type Ends = (LinkSender, LinkReceiver);

pub(crate) fn party_of_two() -> (Peer, Peer) {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    (Peer::bind(loopback), Peer::bind(loopback))
}

impl Peer {
    pub(crate) fn bind(ip: IpAddr) -> Self {
        Self::bind_with(ip, |_config| {})
    }

    pub(crate) fn bind_with(ip: IpAddr, change: impl FnOnce(&mut BindConfig)) -> Self {
        let identity = Arc::new(Identity::generate().unwrap());
        let id = identity.peer_id();
        let mut config = BindConfig::new(identity);
        config.ip = ip;
        config.port = 0;
        // Longer than any test needs on a busy machine, and never waited for in full.
        config.handshake_timeout = Duration::from_secs(5);
        change(&mut config);
        let (endpoint, incoming) = Endpoint::bind(config).unwrap();
        Self {
            id,
            address: endpoint.local_addr(),
            endpoint,
            incoming,
        }
    }

    /// Both ends of a link; one message was said on it, for the other side sees it only then.
    pub(crate) async fn link_to(&self, other: &mut Self) -> (Ends, Ends) {
        let link = self.endpoint.dial_link(other.address, Some(other.id));
        let here = link.await.unwrap().split();
        let first = LinkMessage::Sharing(Sharing::On);
        here.0.send(&first).await.unwrap();
        let mut there = other.link().await.split();
        assert_eq!(there.1.recv().await.unwrap(), first);
        (here, there)
    }

    pub(crate) async fn link(&mut self) -> Link {
        match self.incoming.recv().await.unwrap() {
            Incoming::Link(link) => link,
            Incoming::Lane { lane, .. } => panic!("{lane:?}"),
        }
    }

    pub(crate) async fn lane(&mut self) -> Lane {
        match self.incoming.recv().await.unwrap() {
            Incoming::Lane { lane, .. } => lane,
            Incoming::Link(link) => panic!("{link:?}"),
        }
    }
}

pub(crate) fn hello(name: &str) -> Hello {
    Hello {
        protocol: (1, 1),
        features: 0b101,
        boot: 99,
        name: PeerName::clean(name),
        addresses: Addresses::cut(["10.0.0.1:47100".parse().unwrap()]),
        reachable: Reachability::Open,
        sharing: Sharing::On,
        library: digest(),
        extensions: Bounded::default(),
    }
}

/// One of every kind, except the goodbye.
pub(crate) fn messages() -> Vec<LinkMessage> {
    let content = ContentId::from_bytes([3; 32]);
    let peer = PeerId::from_bytes([4; 32]);
    let piece = PieceRef {
        content,
        piece: PieceIndex(8),
    };
    let hint = PeerHint {
        peer,
        addresses: Addresses::cut(["[fe80::1]:5".parse().unwrap()]),
    };
    vec![
        LinkMessage::Hello(hello("somebody")),
        LinkMessage::Update(Update {
            name: PeerName::clean("else"),
            addresses: Addresses::default(),
            reachable: Reachability::EstablishedOnly,
        }),
        LinkMessage::LibraryWant(LibraryWant {
            epoch: 1,
            revision: 2,
        }),
        LinkMessage::LibraryPage(LibraryPage {
            digest: digest(),
            page: 0,
            last: true,
            entries: Bounded::cut([entry(content)]),
        }),
        LinkMessage::LibraryDelta(LibraryDelta {
            from: 1,
            digest: digest(),
            upserts: Bounded::cut([entry(content)]),
            removals: Bounded::cut([(GameId::parse("quake").unwrap(), content)]),
        }),
        LinkMessage::LibraryChanged(digest()),
        LinkMessage::Interest(Interest {
            content,
            state: InterestState::Serving,
        }),
        large_message(),
        LinkMessage::Have(Have {
            content,
            pieces: Bounded::cut([piece.piece]),
            queued_bytes: 5,
        }),
        LinkMessage::HaveNot(content),
        LinkMessage::Offer(piece),
        LinkMessage::OfferDeclined(piece),
        LinkMessage::BadChunk(piece),
        LinkMessage::Sharing(Sharing::Paused),
        LinkMessage::LanesWanted(LanesWanted { lanes: 2 }),
        LinkMessage::PeerHints(PeerHints {
            peers: Bounded::cut([hint.clone()]),
        }),
        LinkMessage::MeetWanted(peer),
        LinkMessage::Meet(hint),
        LinkMessage::HaveWanted(content),
    ]
}

/// 32 KiB.
pub(crate) fn large_message() -> LinkMessage {
    LinkMessage::HaveMap(HaveMap {
        content: ContentId::from_bytes([3; 32]),
        first: PieceIndex(0),
        last: true,
        bits: Bounded::cut(std::iter::repeat_n(0xaa, 32 * 1_024)),
    })
}

fn digest() -> LibraryDigest {
    LibraryDigest {
        epoch: 7,
        revision: 8,
        count: 1,
        hash: Hash::of(b"library"),
    }
}

fn entry(content: ContentId) -> LibraryEntry {
    LibraryEntry {
        game: GameId::parse("quake").unwrap(),
        content,
        version: VersionLabel::parse("1.0").unwrap(),
        title: Title::clean("Quake"),
        availability: Availability::Ready,
        payload: Size { bytes: 9, files: 1 },
        unpacked: None,
        extensions: Bounded::default(),
    }
}
