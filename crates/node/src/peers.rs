//! Owns who is there: sightings, dials, links, names; and how lanes to a peer come about.
//!
//! ```text
//!   Endpoint ── incoming links and lanes ──┐
//!   discovery ── sightings, interfaces ────┤
//!   doors ── connect, block, name ─────────┼──► Session (swarm::Peers decides) ──► PeersView
//!   LinkTask per link ── what peers say ───┘         │ dials, greetings, lanes: jobs
//!        └──► library, exchange: up, messages, down
//! ```
//! Invariant: at most one link per peer is up, and it is in the routes before anybody hears of it.

mod addresses;
mod connects;
mod dial;
mod lanes;
mod link;
mod owner;
pub(crate) mod probes;
mod remembered;
mod roster;
mod session;
mod wake;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr};

use lanspread_net::{Lane, LinkError, LinkSender, interfaces::OwnAddress};
use lanspread_proto::{
    PeerId,
    text::PeerName,
    wire::{
        LinkMessage,
        link::{Goodbye, Sharing},
    },
};
use lanspread_swarm::peers::{DialId, LinkId, Sighting};
use tokio::sync::oneshot;

use self::{
    dial::Found,
    lanes::{BetterPlan, LanePlan},
    link::Greeted,
};
pub(crate) use self::{
    lanes::LaneError,
    owner::{Announcement, PeersPorts, Socket, Start, bind, prepare},
};
use crate::{
    actor::{Mailbox, Reply},
    clock::Clock,
    error::OperationError,
    views::{PathInfo, PeersView, Watched},
};

/// The links that are up.
pub(crate) type Routes = BTreeMap<PeerId, LinkSender>;

/// What the owner of the links is told and asked.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A person typed an address.
    Connect(SocketAddr, Reply<PeerId>),
    /// A person blocks a peer, or lets it in again.
    Block(PeerId, bool, Reply<()>),
    /// Our name.
    SetName(PeerName, Reply<()>),
    /// Whether we send pieces.
    SetSharing(Sharing),
    /// A peer broke the protocol.
    Refuse { peer: PeerId, reason: Goodbye },
    /// Somebody may be somewhere.
    Sighted(Sighting),
    /// The earlier program was seen there.
    OldLanSpread(SocketAddr),
    /// Our own addresses, when they changed.
    Interfaces(Vec<OwnAddress>),
    /// Discovery has a difficulty, in words for people.
    Warned(String),
    /// Whether a peer still answers on its link.
    Checked { link: LinkId, answers: bool },
    /// A dial ended.
    Dialled {
        dial: DialId,
        addresses: Vec<SocketAddr>,
        outcome: Result<Found, LinkError>,
    },
    /// Somebody dialled us and said hello.
    Accepted(Greeted),
    /// A linked peer said something for us.
    FromLink {
        peer: PeerId,
        link: LinkId,
        message: LinkMessage,
    },
    /// A link ended.
    LinkEnded {
        peer: PeerId,
        link: LinkId,
        error: LinkError,
    },
    /// Somebody wants a lane on which the peer sends to us; the way to it, and what it opens
    /// itself.
    PlanLane {
        peer: PeerId,
        served: oneshot::Sender<Lane>,
        plan: oneshot::Sender<LanePlan>,
    },
    /// Somebody wants a lane over a better address than this one; dropped when there is none.
    PlanBetter {
        peer: PeerId,
        than: SocketAddr,
        plan: oneshot::Sender<BetterPlan>,
    },
    /// TCP to a peer was tried, and worked at this address.
    TcpTried {
        peer: PeerId,
        address: Option<SocketAddr>,
    },
    /// The node stops: say goodbye to everybody.
    Leave(oneshot::Sender<()>),
    /// A defect, for tests of the restart.
    #[cfg(test)]
    Panic,
    /// A sleep of the machine, for tests of the waking.
    #[cfg(test)]
    Slept,
}

/// A cheap door to the owner of the links.
#[derive(Debug, Clone)]
pub(crate) struct PeersHandle {
    mailbox: Mailbox<Msg>,
    view: Watched<PeersView>,
    routes: Watched<Routes>,
}

impl PeersHandle {
    /// Connects to a typed address and waits until a link is up.
    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<PeerId, OperationError> {
        self.mailbox.ask(|reply| Msg::Connect(address, reply)).await
    }

    /// Blocks a peer, or lets it in again.
    pub(crate) async fn block(&self, peer: PeerId, blocked: bool) -> Result<(), OperationError> {
        self.mailbox
            .ask(|reply| Msg::Block(peer, blocked, reply))
            .await
    }

    /// Changes the name other people see.
    pub(crate) async fn set_name(&self, name: PeerName) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::SetName(name, reply)).await
    }

    /// Says to everybody, now and later, whether we send pieces.
    pub(crate) async fn set_sharing(&self, sharing: Sharing) {
        self.mailbox.send(Msg::SetSharing(sharing)).await;
    }

    /// Says something to a peer without waiting; `false` when it has no link or takes nothing now.
    pub(crate) fn tell(&self, peer: PeerId, message: LinkMessage) -> bool {
        let routes = self.routes.borrow();
        routes
            .get(&peer)
            .is_some_and(|link| link.try_send(&message).is_ok())
    }

    /// Asks a peer to send a probe back, if there is a link to it.
    pub(crate) fn probe(&self, peer: PeerId, clock: Clock) {
        if let Some(link) = self.routes.borrow().get(&peer) {
            probes::ask(link, clock);
        }
    }

    /// Ends the link to a peer that broke the protocol.
    pub(crate) fn refuse(&self, peer: PeerId) {
        let reason = Goodbye::Violation;
        if !self.mailbox.try_send(Msg::Refuse { peer, reason }) {
            tracing::warn!(peer = %peer.short(), "a peer that broke the protocol stays for now");
        }
    }

    /// Opens a lane on which the peer sends to us.
    pub(crate) async fn open_lane(&self, peer: PeerId) -> Result<Lane, LaneError> {
        let (plan, planned) = oneshot::channel();
        let (served, brings) = oneshot::channel();
        let wanted = Msg::PlanLane { peer, served, plan };
        self.mailbox.send(wanted).await;
        let plan = planned.await;
        let plan = plan.map_err(|_dropped| LaneError::NotLinked(peer))?;
        plan.fetch(brings, &self.mailbox).await
    }

    /// Opens a lane on which the peer sends to us over a better address than this one, if there is
    /// one and it answers; and what the way to it is like.
    pub(crate) async fn open_better_lane(
        &self,
        peer: PeerId,
        than: SocketAddr,
    ) -> Option<(Lane, PathInfo)> {
        let (plan, planned) = oneshot::channel();
        let wanted = Msg::PlanBetter { peer, than, plan };
        self.mailbox.send(wanted).await;
        planned.await.ok()?.fetch(&self.mailbox).await
    }

    /// Somebody may be somewhere.
    pub(crate) async fn sighted(&self, sighting: Sighting) {
        self.mailbox.send(Msg::Sighted(sighting)).await;
    }

    /// The earlier program was seen there.
    pub(crate) async fn saw_old_lanspread(&self, address: SocketAddr) {
        self.mailbox.send(Msg::OldLanSpread(address)).await;
    }

    /// Discovery has a difficulty, perhaps on one interface only.
    pub(crate) async fn warn_of_discovery(&self, message: String) {
        self.mailbox.send(Msg::Warned(message)).await;
    }

    /// Our own addresses changed.
    pub(crate) async fn set_interfaces(&self, addresses: Vec<OwnAddress>) {
        self.mailbox.send(Msg::Interfaces(addresses)).await;
    }

    /// Says goodbye to everybody and closes the sockets.
    pub(crate) async fn leave(&self) {
        let (done, left) = oneshot::channel();
        self.mailbox.send(Msg::Leave(done)).await;
        // An error means that the owner is gone already.
        drop(left.await);
    }

    /// Follows who is there.
    pub(crate) fn view(&self) -> Watched<PeersView> {
        self.view.clone()
    }
}
