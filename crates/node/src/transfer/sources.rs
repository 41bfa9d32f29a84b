//! The peers of one download as the transfer sees them: their lanes, and what they say they have.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use lanspread_net::lane::{Lane, LanePath};
use lanspread_proto::{
    ContentId, PeerId, Piece, PieceIndex, PieceSet,
    library::Availability,
    wire::{
        LinkMessage,
        link::{HaveMap, Interest, InterestState, Sharing},
    },
};
use lanspread_swarm::{
    credit::LaneId,
    download::{Path, PeerFacts, Place},
    time::Instant,
};

use super::{
    Msg, TransferPorts,
    lane::{FetchLane, LanePorts},
    store::Store,
};
use crate::{
    actor::Mailbox,
    have_pages::HavePages,
    peers::PeersHandle,
    views::{Medium, PathInfo, PeerInfo},
};

/// A lane that closed or did not open is tried again after this.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// A silent lane whose addresses are out of use is given up after this ...
const SILENT: Duration = Duration::from_secs(1);
/// ... and any other one after this: a busy sender may let a request wait for some seconds.
const SILENT_LONG: Duration = Duration::from_secs(12);

/// The addresses that are in use now.
pub(super) struct Net<'a> {
    /// Ours.
    pub(super) own: &'a BTreeSet<IpAddr>,
    /// The peer's, on its link.
    pub(super) linked: Option<IpAddr>,
}

/// All sources of one download.
pub(super) struct Sources {
    content: ContentId,
    store: Arc<Store>,
    /// What peers are told that we are here for.
    interest: InterestState,
    mailbox: Mailbox<Msg>,
    peers: BTreeMap<PeerId, Source>,
    /// Who does not know yet that we are interested.
    untold: BTreeSet<PeerId>,
    /// One of them has something of it.
    has_holder: bool,
}

struct Source {
    sharing: Sharing,
    path: Path,
    place: Place,
    rate_hint: Option<u64>,
    lanes: BTreeMap<LaneId, OpenLane>,
    /// Refused: no lane is opened again.
    closed: bool,
    /// Pages of its map so far.
    map: HavePages,
    /// When a better way to it was last looked for.
    improved_at: Option<Instant>,
}

impl Source {
    /// Lanes on which something may be asked.
    fn staying(&self) -> impl Iterator<Item = (&LaneId, &OpenLane)> {
        self.lanes.iter().filter(|(_, open)| !open.leaving)
    }
}

/// Why a piece was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAsked {
    /// The peer has no lane.
    NoLane,
    /// This lane takes nothing more: it is closing, or stuck.
    Closed(LaneId),
}

struct OpenLane {
    lane: FetchLane,
    path: LanePath,
    /// When something last came on it, or was first asked on it.
    heard: Instant,
    asked_count: u32,
    /// Where the peer's link went when this was opened.
    linked: Option<IpAddr>,
    /// A better one is there: this one brings what it has begun.
    leaving: bool,
}

impl Sources {
    pub(super) fn new(
        content: ContentId,
        (store, interest): (Arc<Store>, InterestState),
        mailbox: Mailbox<Msg>,
    ) -> Self {
        Self {
            content,
            store,
            interest,
            mailbox,
            peers: BTreeMap::new(),
            untold: BTreeSet::new(),
            has_holder: false,
        }
    }

    /// Who was a source, and there were some, is gone or has it no more.
    pub(super) fn lost_all(&mut self, holders: &[(PeerId, Availability)]) -> bool {
        let serves = |(peer, availability): &(PeerId, Availability)| {
            *availability != Availability::LocalOnly && self.peers.contains_key(peer)
        };
        let has_holder = holders.iter().any(serves);
        std::mem::replace(&mut self.has_holder, has_holder) && !has_holder
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.peers.keys().copied()
    }

    pub(super) const fn interest(&self, state: InterestState) -> LinkMessage {
        LinkMessage::Interest(Interest {
            content: self.content,
            state,
        })
    }

    /// Adds a peer; `true` when it is new.
    pub(super) fn add(&mut self, peer: PeerId, info: &PeerInfo) -> bool {
        let known = self.peers.get_mut(&peer);
        if let Some(source) = known {
            source.sharing = info.sharing;
            return false;
        }
        let source = Source {
            sharing: info.sharing,
            path: as_seen(info.path),
            place: place_of(info.path),
            rate_hint: info.path.bits_per_second.map(|bits| bits / 8),
            lanes: BTreeMap::new(),
            closed: false,
            map: HavePages::default(),
            improved_at: None,
        };
        self.peers.insert(peer, source);
        self.untold.insert(peer);
        true
    }

    /// Tells those who do not know yet that we are interested; a link that takes nothing now is
    /// tried again.
    pub(super) fn tell_interest(&mut self, peers: &PeersHandle) {
        let interest = self.interest(self.interest);
        self.untold
            .retain(|peer| !peers.tell(*peer, interest.clone()));
    }

    /// Forgets a peer and ends its lanes.
    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        self.untold.remove(&peer);
        self.peers.remove(&peer).is_some()
    }

    pub(super) fn set_sharing(&mut self, peer: PeerId, sharing: Sharing) {
        if let Some(source) = self.peers.get_mut(&peer) {
            source.sharing = sharing;
        }
    }

    /// What the scheduler is told of a peer.
    pub(super) fn facts(&self, peer: PeerId, lied_before: bool) -> Option<PeerFacts> {
        let source = self.peers.get(&peer)?;
        Some(PeerFacts {
            rate_hint: source.rate_hint,
            path: source.path,
            place: source.place,
            sharing: source.sharing,
            lanes: u8::try_from(source.staying().count()).unwrap_or(u8::MAX),
            lied_before,
        })
    }

    /// Asks for a lane, after a while.
    pub(super) fn open_lane(&self, ports: &TransferPorts, peer: PeerId, after: Duration) {
        if self
            .peers
            .get(&peer)
            .is_none_or(|source| source.closed || source.staying().next().is_some())
        {
            return;
        }
        let (peers, mailbox) = (ports.peers.clone(), self.mailbox.clone());
        let span = tracing::debug_span!("open_lane", peer = %peer.short());
        ports.tasks.spawn_until_stop(span, async move {
            tokio::time::sleep(after).await;
            let lane = match peers.open_lane(peer).await {
                Ok(lane) => Some(lane),
                Err(error) => {
                    tracing::debug!(%error, "no lane");
                    None
                }
            };
            mailbox.send(Msg::LaneOpened { peer, lane }).await;
        });
    }

    /// A lane is there, or not; then it is asked for again.
    pub(super) fn on_lane(
        &mut self,
        ports: &TransferPorts,
        peer: PeerId,
        (lane, linked): (Option<Lane>, Option<SocketAddr>),
    ) {
        let Some(lane) = lane else {
            return self.open_lane(ports, peer, RETRY);
        };
        let Some(source) = self.peers.get_mut(&peer).filter(|source| !source.closed) else {
            return;
        };
        let id = ports.numbers.next();
        let ports_of_lane = LanePorts {
            content: self.content,
            store: Arc::clone(&self.store),
            pieces: ports.pieces.clone(),
            buffers: ports.buffers.clone(),
            credit: ports.credit.clone(),
            pace: ports.pace.clone(),
            mailbox: self.mailbox.clone(),
        };
        let path = lane.path();
        let lane = FetchLane::start(&ports.tasks, id, lane, ports_of_lane);
        source.lanes.insert(
            id,
            OpenLane {
                lane,
                path,
                heard: ports.clock.now(),
                asked_count: 0,
                linked: linked.map(|linked| linked.ip().to_canonical()),
                leaving: false,
            },
        );
    }

    /// Something came on a lane.
    pub(super) fn heard(&mut self, peer: PeerId, lane: LaneId, now: Instant) {
        let source = self.peers.get_mut(&peer);
        if let Some(open) = source.and_then(|source| source.lanes.get_mut(&lane)) {
            open.heard = now;
        }
    }

    /// A lane on which something is asked, but which must be dead: our own address of it or the
    /// peer's is no longer in use, or nothing came for long.
    pub(super) fn is_dead(
        &self,
        (peer, lane): (PeerId, LaneId),
        now: Instant,
        net: &Net<'_>,
    ) -> bool {
        let source = self.peers.get(&peer);
        let Some(open) = source.and_then(|source| source.lanes.get(&lane)) else {
            return false;
        };
        let silent = now.since(open.heard);
        let own = open.path.local.map(|local| local.ip().to_canonical());
        let own_gone = own.is_some_and(|own| !own.is_loopback() && !net.own.contains(&own));
        let remote = open.path.remote.ip().to_canonical();
        // The link went where the lane goes, and goes there no more. Where the two never were
        // together, the one says nothing about the other.
        let moved = open.linked == Some(remote) && net.linked.is_some_and(|now| now != remote);
        silent >= SILENT_LONG || (silent >= SILENT && (own_gone || moved))
    }

    /// Where a lane goes, while it is open.
    pub(super) fn remote(&self, peer: PeerId, lane: LaneId) -> Option<SocketAddr> {
        let open = self.peers.get(&peer)?.lanes.get(&lane)?;
        Some(open.path.remote)
    }

    /// Lanes on which something is asked, for which nobody looked for a better way for so long.
    pub(super) fn improvable(
        &mut self,
        now: Instant,
        interval: Duration,
        busy: &BTreeSet<LaneId>,
    ) -> Vec<(PeerId, LaneId, SocketAddr)> {
        let mut found = Vec::new();
        for (peer, source) in &mut self.peers {
            let at = *source.improved_at.get_or_insert(now);
            let lane = source.staying().find(|(lane, _)| busy.contains(lane));
            let lane = lane.map(|(lane, open)| (*peer, *lane, open.path.remote));
            if let Some(lane) = lane.filter(|_| now.since(at) >= interval) {
                source.improved_at = Some(now);
                found.push(lane);
            }
        }
        found
    }

    /// Nothing more is asked on a lane; the way to the peer is another one.
    pub(super) fn leave(&mut self, peer: PeerId, lane: LaneId, path: PathInfo) {
        let Some(source) = self.peers.get_mut(&peer) else {
            return;
        };
        source.path = as_seen(path);
        source.place = place_of(path);
        source.rate_hint = path.bits_per_second.map(|bits| bits / 8);
        if let Some(open) = source.lanes.get_mut(&lane) {
            open.leaving = true;
        }
    }

    /// Closes lanes that were left and have nothing more to bring.
    pub(super) fn end_leaving(&mut self, busy: &BTreeSet<LaneId>) {
        for source in self.peers.values_mut() {
            let stays = |lane: &LaneId, open: &OpenLane| !open.leaving || busy.contains(lane);
            source.lanes.retain(|lane, open| stays(lane, open));
        }
    }

    /// `false` when the lane was closed from here.
    pub(super) fn on_lane_closed(&mut self, peer: PeerId, lane: LaneId) -> bool {
        self.peers
            .get_mut(&peer)
            .is_some_and(|source| source.lanes.remove(&lane).is_some())
    }

    /// Takes nothing more from a peer.
    pub(super) fn close_lanes(&mut self, peer: PeerId) {
        if let Some(source) = self.peers.get_mut(&peer) {
            source.lanes.clear();
            source.closed = true;
        }
    }

    /// Asks for a piece on the peer's lane that was asked least.
    pub(super) fn request(&mut self, peer: PeerId, piece: Piece) -> Result<LaneId, NotAsked> {
        let source = self.peers.get_mut(&peer).ok_or(NotAsked::NoLane)?;
        let least = source.lanes.iter_mut().filter(|(_, open)| !open.leaving);
        let (id, open) = least
            .min_by_key(|(_, open)| open.asked_count)
            .ok_or(NotAsked::NoLane)?;
        open.asked_count = open.asked_count.wrapping_add(1);
        match open.lane.request(piece) {
            true => Ok(*id),
            false => Err(NotAsked::Closed(*id)),
        }
    }

    pub(super) fn cancel(&self, peer: PeerId, lane: LaneId, piece: PieceIndex) {
        let source = self.peers.get(&peer);
        if let Some(open) = source.and_then(|source| source.lanes.get(&lane)) {
            open.lane.cancel(piece);
        }
    }

    /// Takes in a page of a peer's map; the map once it is whole.
    pub(super) fn add_page(
        &mut self,
        peer: PeerId,
        page: &HaveMap,
        piece_count: u32,
    ) -> Option<PieceSet> {
        let source = self.peers.get_mut(&peer)?;
        source.map.add(page, piece_count)
    }
}

/// Whom the scheduler takes to be behind our switch.
const fn place_of(path: PathInfo) -> Place {
    match path.near {
        true => Place::Near,
        false => Place::Far,
    }
}

/// As the scheduler counts it.
const fn as_seen(path: PathInfo) -> Path {
    match path.medium {
        Medium::Wifi => Path::Wireless,
        Medium::Loopback | Medium::Wired | Medium::Unknown | Medium::Virtual => Path::Wired,
    }
}
