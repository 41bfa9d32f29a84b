//! How a lane to a peer comes about: by TCP if it can be reached, else opened by the peer itself,
//! else as a stream of the link.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use lanspread_net::{Endpoint, Lane, LinkError, LinkSender};
use lanspread_proto::{
    PeerId,
    wire::{LinkMessage, lane::LaneRole, link::LanesWanted},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::Msg;
use crate::{actor::Mailbox, exchange, views::PathInfo};

/// The next address is tried when the ones before have not answered for this long.
const STAGGER: Duration = Duration::from_millis(250);
/// All addresses together: a lost first packet is sent again after a second.
const TCP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a peer may take to open a lane itself: its own attempt over TCP, and some.
const SERVED_TIMEOUT: Duration = Duration::from_millis(3_500);
/// Lanes that are being opened for one peer at its own request.
pub(super) const SERVING_MAX: usize = lanspread_proto::limits::LANES_PER_PEER_MAX;

/// Why there is no lane.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaneError {
    /// There is no link to the peer.
    #[error("there is no link to {}", .0.short())]
    NotLinked(PeerId),
    /// Neither TCP nor the link carries one.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// What an attempt needs to know.
#[derive(Debug)]
pub(crate) struct LanePlan {
    pub(super) peer: PeerId,
    pub(super) endpoint: Endpoint,
    pub(super) sender: LinkSender,
    /// Where it may take TCP, best first; empty when it is known not to.
    pub(super) addresses: Vec<SocketAddr>,
    /// Kept by the lane that comes of it.
    pub(super) busy: Arc<()>,
}

/// An attempt over better addresses than one in use.
#[derive(Debug)]
pub(crate) struct BetterPlan {
    pub(super) plan: LanePlan,
    /// What the way to each of them is like.
    pub(super) ways: Vec<(SocketAddr, PathInfo)>,
}

impl BetterPlan {
    /// A lane on which the peer sends to us. That it does not come says nothing of TCP to the peer,
    /// which works where it is used.
    pub(super) async fn fetch(self, peers: &Mailbox<Msg>) -> Option<(Lane, PathInfo)> {
        let peer = self.plan.peer;
        let lane = timeout(TCP_TIMEOUT, self.plan.dial_any(LaneRole::Fetch)).await;
        let lane = lane.ok().flatten()?;
        let address = lane.path().remote;
        let (_, way) = self.ways.iter().find(|(to, _)| *to == address)?;
        let address = Some(address);
        peers.send(Msg::TcpTried { peer, address }).await;
        Some((lane, *way))
    }
}

impl LanePlan {
    /// A lane on which the peer sends to us. `served` brings one that the peer opens itself.
    pub(super) async fn fetch(
        self,
        served: oneshot::Receiver<Lane>,
        peers: &Mailbox<Msg>,
    ) -> Result<Lane, LaneError> {
        if let Some(lane) = self.dial(LaneRole::Fetch, peers).await {
            return Ok(lane);
        }
        let wanted = LinkMessage::LanesWanted(LanesWanted { lanes: 1 });
        self.sender.try_send(&wanted)?;
        if let Ok(Ok(lane)) = timeout(SERVED_TIMEOUT, served).await {
            return Ok(lane);
        }
        let lane = self.sender.open_lane(LaneRole::Fetch).await?;
        Ok(kept(lane, self.busy))
    }

    /// A lane on which we send to the peer, because it asked for one.
    pub(super) async fn serve(
        self,
        peers: Mailbox<Msg>,
        exchange: Mailbox<exchange::Msg>,
        _permit: OwnedSemaphorePermit,
    ) {
        let dialled = self.dial(LaneRole::Serve, &peers).await;
        let lane = match dialled {
            Some(lane) => Ok(lane),
            None => self.sender.open_lane(LaneRole::Serve).await,
        };
        let lane = lane.map(|lane| kept(lane, self.busy));
        match lane {
            Ok(lane) => exchange.send(exchange::Msg::Lane { lane }).await,
            Err(error) => tracing::debug!(%error, "no lane could be opened"),
        }
    }

    async fn dial(&self, role: LaneRole, peers: &Mailbox<Msg>) -> Option<Lane> {
        if self.addresses.is_empty() {
            return None;
        }
        let peer = self.peer;
        let lane = timeout(TCP_TIMEOUT, self.dial_any(role)).await;
        let lane = lane.ok().flatten();
        let address = lane.as_ref().map(|lane| lane.path().remote);
        peers.send(Msg::TcpTried { peer, address }).await;
        lane
    }

    /// All addresses, one after the other without waiting long; the first that answers wins.
    async fn dial_any(&self, role: LaneRole) -> Option<Lane> {
        let mut attempts = JoinSet::new();
        let mut delay = Duration::ZERO;
        for address in self.addresses.iter().copied() {
            let (endpoint, peer) = (self.endpoint.clone(), self.peer);
            attempts.spawn(async move {
                sleep(delay).await;
                endpoint.dial_lane(address, peer, role).await
            });
            delay += STAGGER;
        }
        while let Some(attempt) = attempts.join_next().await {
            match attempt {
                Ok(Ok(lane)) => return Some(kept(lane, Arc::clone(&self.busy))),
                Ok(Err(error)) => tracing::debug!(%error, "no lane over TCP"),
                Err(error) => tracing::error!(%error, "a dial failed"),
            }
        }
        None
    }
}

fn kept(mut lane: Lane, busy: Arc<()>) -> Lane {
    lane.keep(busy);
    lane
}

/// Permits for lanes that are opened at the request of one peer.
pub(super) fn serving_permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(SERVING_MAX))
}
