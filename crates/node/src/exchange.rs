//! Owns what we have for others, who wants it, and what we send.
//!
//! Invariant: a peer gets pieces only of contents that are registered here, and only pieces whose
//! bytes were verified; what it is told it may ask for is what it may ask for.

mod blobs;
mod late;
mod moves;
mod outgoing;
mod pushing;
pub(crate) mod serve_lane;
mod telling;
mod uploads;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use lanspread_disk::content::PieceSource;
use lanspread_net::lane::Lane;
use lanspread_proto::{
    ChunkMap, ContentId, GameId, Manifest, PeerId, PieceIndex, PieceSet, limits as wire_limits,
    wire::{
        LinkMessage,
        link::{Interest, InterestState},
    },
};
use lanspread_swarm::Liars;
use tokio::sync::{mpsc, watch};

use crate::{
    actor::Mailbox,
    peers::PeersHandle,
    restart::{Failure, Part, Parts},
    snapshot::{Component, SharingState},
    transfer,
};

use late::{Flood, Late};
use pushing::Pushing;
use telling::Telling;
use uploads::Uploads;
pub(crate) use uploads::{LaneEvent, UploadPorts};

/// Verified pieces are told in batches: at most so long after the first of a batch ...
const HAVE_DELAY: Duration = Duration::from_millis(100);
/// ... and at once when there are so many.
const HAVE_BATCH: usize = 16;

/// What the exchange is told.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A link is up.
    PeerUp { peer: PeerId },
    /// A link is down.
    PeerDown { peer: PeerId },
    /// A message about contents.
    FromPeer { peer: PeerId, message: LinkMessage },
    /// A lane on which we send.
    Lane { lane: Lane },
    /// From a lane's tasks.
    OnLane(LaneEvent),
    /// From now on this content is served.
    Serve(Served),
    /// No longer.
    Withdraw { content: ContentId },
    /// A download stored a piece.
    Verified {
        content: ContentId,
        pieces: Vec<PieceIndex>,
    },
    /// A download wants to hear what peers say of a content.
    Fetch {
        content: ContentId,
        transfer: Mailbox<transfer::Msg>,
    },
    /// It does no longer.
    FetchEnded {
        content: ContentId,
        transfer: Mailbox<transfer::Msg>,
    },
    /// A peer sent a chunk that does not match.
    Lied { peer: PeerId, content: ContentId },
    /// Payload bytes came from a peer.
    Received { peer: PeerId, bytes: u64 },
    /// Sending is paused or goes on.
    SetSharing { sharing: SharingState },
}

/// A content that is served.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) game: GameId,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) chunk_map: Arc<ChunkMap>,
    pub(crate) source: Arc<dyn PieceSource>,
    pub(crate) have: PieceSet,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Served({}, {})",
            self.game,
            self.manifest.content().short()
        )
    }
}

/// A cheap door to the exchange.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeHandle {
    pub(crate) mailbox: Mailbox<Msg>,
}

impl ExchangeHandle {
    pub(crate) async fn serve(&self, served: Served) {
        self.mailbox.send(Msg::Serve(served)).await;
    }

    pub(crate) async fn withdraw(&self, content: ContentId) {
        self.mailbox.send(Msg::Withdraw { content }).await;
    }

    pub(crate) async fn set_sharing(&self, sharing: SharingState) {
        self.mailbox.send(Msg::SetSharing { sharing }).await;
    }
}

/// Why a peer is told what we have of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    /// It downloads, and serves what it gets.
    Serving,
    /// It downloads, and keeps nothing that it could serve.
    TakingOnly,
    /// It has all of it, and offers us what nobody has.
    Seeding,
}

/// The actor.
pub(crate) struct Exchange {
    inbox: mpsc::Receiver<Msg>,
    peers: PeersHandle,
    uploads: Uploads,
    pushing: Pushing,
    served: BTreeMap<ContentId, Served>,
    interests: BTreeMap<ContentId, BTreeMap<PeerId, Listener>>,
    transfers: BTreeMap<ContentId, Mailbox<transfer::Msg>>,
    /// Verified pieces that interested peers have not heard of.
    untold: BTreeMap<ContentId, Vec<PieceIndex>>,
    /// What downloads could not take when it was said.
    late: Late,
    telling: Telling,
    /// Who sent bad chunks.
    liars: watch::Sender<Liars>,
}

impl Exchange {
    /// Starts the actor.
    pub(crate) fn start(
        parts: &Parts,
        peers: PeersHandle,
        ports: UploadPorts,
        liars: watch::Sender<Liars>,
        inbox: mpsc::Receiver<Msg>,
    ) {
        let tasks = ports.tasks.clone();
        let telling = Telling::new(peers.clone());
        let pushing = Pushing::new(ports.clock, peers.clone(), ports.library.clone());
        let exchange = Self {
            inbox,
            peers,
            uploads: Uploads::new(ports),
            pushing,
            served: BTreeMap::new(),
            interests: BTreeMap::new(),
            transfers: BTreeMap::new(),
            untold: BTreeMap::new(),
            late: Late::default(),
            telling,
            liars,
        };
        parts.keep(&tasks, exchange);
    }
}

impl Part for Exchange {
    const COMPONENT: Component = Component::Uploads;

    async fn run(&mut self) -> Failure {
        let mut tell = tokio::time::interval(HAVE_DELAY);
        tell.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                message = self.inbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => return Failure::Ended,
                },
                _ = tell.tick() => self.on_tick(),
            }
            self.uploads.act();
            self.pushing.act();
        }
    }
}

impl Exchange {
    fn on_message(&mut self, message: Msg) {
        match message {
            Msg::PeerUp { peer } => self.on_peer_up(peer),
            Msg::PeerDown { peer } => self.on_peer_down(peer),
            Msg::FromPeer { peer, message } => self.on_peer_message(peer, message),
            Msg::Lane { lane } => self.uploads.on_lane(lane),
            Msg::OnLane(event) => self.on_lane_event(event),
            Msg::Serve(served) => self.on_serve(served),
            Msg::Withdraw { content } => self.on_withdraw(content),
            Msg::Verified { content, pieces } => self.on_verified(content, pieces),
            Msg::Fetch { content, transfer } => {
                self.transfers.insert(content, transfer);
            }
            Msg::FetchEnded { content, transfer } => {
                // The next download of the same content may have begun already.
                let registered = self.transfers.get(&content);
                if registered.is_some_and(|other| other.is_same(&transfer)) {
                    self.transfers.remove(&content);
                }
            }
            Msg::Lied { peer, content } => {
                let lied = |liars: &mut Liars| liars.on_lie(peer, content);
                self.liars.send_modify(lied);
            }
            Msg::Received { peer, bytes } => self.uploads.on_received(peer, bytes),
            Msg::SetSharing { sharing } => self.uploads.set_sharing(sharing),
        }
    }

    fn on_tick(&mut self) {
        for (content, pieces) in std::mem::take(&mut self.untold) {
            self.tell_have(content, &pieces);
        }
        for content in self.late.contents() {
            self.flush_late(content);
        }
        self.telling.catch_up(&self.served);
        self.uploads.on_tick();
        self.pushing.on_tick(self.uploads.bytes_per_second());
    }

    fn on_peer_up(&mut self, peer: PeerId) {
        let all: Vec<ContentId> = self.transfers.keys().copied().collect();
        for content in all {
            self.pass_on(content, transfer::Msg::PeerUp { peer });
        }
    }

    fn on_peer_down(&mut self, peer: PeerId) {
        self.uploads.on_peer_down(peer);
        self.pushing.on_peer_down(peer);
        self.telling.on_peer_down(peer);
        for interested in self.interests.values_mut() {
            interested.remove(&peer);
        }
        let all: Vec<ContentId> = self.transfers.keys().copied().collect();
        for content in all {
            self.pass_on(content, transfer::Msg::PeerDown { peer });
        }
    }

    fn on_peer_message(&mut self, peer: PeerId, message: LinkMessage) {
        self.hear_downloader(peer, &message);
        if let LinkMessage::Interest(interest) = message {
            self.on_interest(peer, interest);
        } else if let LinkMessage::HaveWanted(content) = message {
            self.on_listener(peer, content, Listener::Seeding);
            self.pass_on(content, transfer::Msg::FromPeer { peer, message });
        } else if let LinkMessage::BadChunk(bad) = &message {
            let (peer, content, piece) = (peer.short(), bad.content.short(), bad.piece.0);
            tracing::warn!(%peer, %content, piece, "a peer says that a piece from us was wrong");
            if let Some(served) = self.served.get(&bad.content) {
                self.uploads.on_complaint(bad.piece, served);
            }
        } else {
            self.route(peer, message);
        }
    }

    /// Hands what a peer says of its pieces to the downloads that it concerns.
    fn route(&mut self, peer: PeerId, message: LinkMessage) {
        match content_of(&message) {
            Some(content) => self.pass_on(content, transfer::Msg::FromPeer { peer, message }),
            None => {
                let all: Vec<ContentId> = self.transfers.keys().copied().collect();
                for content in all {
                    let message = message.clone();
                    self.pass_on(content, transfer::Msg::FromPeer { peer, message });
                }
            }
        }
    }

    /// Tells a download something it must not miss: what its mailbox does not take waits.
    fn pass_on(&mut self, content: ContentId, message: transfer::Msg) {
        self.flush_late(content);
        let Some(transfer) = self.transfers.get(&content) else {
            return;
        };
        let refused = match self.late.waits_for(content) {
            true => Some(message),
            false => transfer.offer(message).err(),
        };
        let Some(message) = refused else { return };
        if let Err(Flood(peer)) = self.late.push(content, message) {
            tracing::warn!(peer = %peer.short(), "a peer says more than can be heard");
            self.peers.refuse(peer);
        }
    }

    fn flush_late(&mut self, content: ContentId) {
        let transfer = self.transfers.get(&content);
        // What was for a download that ended is dropped.
        let offer = |message| transfer.and_then(|transfer| transfer.offer(message).err());
        self.late.flush(content, offer);
    }

    /// What a downloader says of its pieces is for the download that it is a source of, and for
    /// whoever offers it what it lacks.
    fn hear_downloader(&mut self, peer: PeerId, message: &LinkMessage) {
        if let LinkMessage::HaveMap(map) = message {
            self.pushing.on_have_map(peer, map);
        } else if let LinkMessage::Have(have) = message {
            self.pushing.on_have(peer, have);
        } else if let LinkMessage::HaveNot(content) = message {
            self.pushing.on_interest_off(peer, *content);
        } else if let LinkMessage::OfferDeclined(offer) = message {
            self.pushing.on_declined(peer, *offer);
        }
    }

    fn on_interest(&mut self, peer: PeerId, interest: Interest) {
        let content = interest.content;
        match interest.state {
            InterestState::Off => {
                if let Some(interested) = self.interests.get_mut(&content) {
                    interested.remove(&peer);
                }
                self.pushing.on_interest_off(peer, content);
                self.telling.on_interest_off(peer, content);
            }
            InterestState::Serving => self.on_listener(peer, content, Listener::Serving),
            InterestState::TakingOnly => self.on_listener(peer, content, Listener::TakingOnly),
        }
    }

    fn on_listener(&mut self, peer: PeerId, content: ContentId, listener: Listener) {
        let interested = self.interests.entry(content).or_default();
        // One peer is interested in few contents: a hostile one must not make us remember many.
        if interested.len() < wire_limits::PEERS_MAX {
            interested.insert(peer, listener);
        }
        if let Some(served) = self.served.get(&content) {
            // That we push is said first: it is a reason not to ask for what the map shows.
            if listener == Listener::Serving {
                self.pushing.on_interest(peer, served);
            }
            self.telling.tell_map(peer, served);
        }
        self.forget_idle_interests();
    }

    fn on_lane_event(&mut self, event: LaneEvent) {
        if let LaneEvent::Sent {
            key,
            finished: true,
            ..
        } = &event
            && let Some(sent) = self.uploads.reservation(*key)
        {
            self.pushing.on_sent(sent.peer, sent.content, sent.piece);
        }
        let gone = self
            .uploads
            .on_lane_event(event, &self.served, &mut self.pushing);
        if let Some(gone) = gone {
            self.on_withdraw(gone);
        }
    }

    fn forget_idle_interests(&mut self) {
        let served: BTreeSet<ContentId> = self.served.keys().copied().collect();
        if self.interests.len() > wire_limits::LIBRARY_ENTRIES_MAX {
            self.interests
                .retain(|content, peers| served.contains(content) && !peers.is_empty());
        }
    }

    fn on_serve(&mut self, served: Served) {
        let content = served.manifest.content();
        for (peer, listener) in self.interests.get(&content).into_iter().flatten() {
            if *listener == Listener::Serving {
                self.pushing.on_interest(*peer, &served);
            }
            self.telling.tell_map(*peer, &served);
        }
        self.served.insert(content, served);
    }

    fn on_withdraw(&mut self, content: ContentId) {
        if self.served.remove(&content).is_none() {
            return;
        }
        self.untold.remove(&content);
        self.pushing.on_withdraw(content);
        self.uploads.on_content_gone(content);
        for peer in self
            .interests
            .get(&content)
            .into_iter()
            .flat_map(BTreeMap::keys)
        {
            self.telling.tell_gone(*peer, content);
        }
    }

    fn on_verified(&mut self, content: ContentId, pieces: Vec<PieceIndex>) {
        let Some(served) = self.served.get_mut(&content) else {
            return;
        };
        let untold = self.untold.entry(content).or_default();
        untold.extend(
            pieces
                .into_iter()
                .filter(|piece| served.have.insert(*piece)),
        );
        if untold.len() >= HAVE_BATCH {
            let pieces = std::mem::take(untold);
            self.tell_have(content, &pieces);
        }
    }

    fn tell_have(&mut self, content: ContentId, pieces: &[PieceIndex]) {
        let Some(interested) = self.interests.get(&content) else {
            return;
        };
        let queued_bytes = self.uploads.queued_bytes();
        let to = interested.keys().copied();
        self.telling.tell_have(to, content, (pieces, queued_bytes));
    }
}

/// The content that a message is about; `None` when it is about the peer as a whole.
fn content_of(message: &LinkMessage) -> Option<ContentId> {
    if let LinkMessage::HaveMap(map) = message {
        Some(map.content)
    } else if let LinkMessage::Have(have) = message {
        Some(have.content)
    } else if let LinkMessage::HaveNot(content) = message {
        Some(*content)
    } else if let LinkMessage::Offer(offer) | LinkMessage::OfferDeclined(offer) = message {
        Some(offer.content)
    } else {
        None
    }
}
