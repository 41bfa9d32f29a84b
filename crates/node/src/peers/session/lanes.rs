//! Lanes: the way to open one, and where one that a peer opened goes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use lanspread_net::{Carrier, Lane};
use lanspread_proto::{
    PeerId, limits,
    wire::link::{LanesWanted, Reachability},
};
use lanspread_swarm::{bucket::Bucket, time::Instant};
use tokio::sync::{Semaphore, oneshot};

use super::{
    super::lanes::{BetterPlan, LanePlan, serving_permits},
    Session,
};
use crate::exchange;

/// A peer that TCP did not reach is tried again after this.
const TCP_PAUSE: Duration = Duration::from_secs(60);
/// Lanes that one peer may have us open per minute: each is a handful of connections to wherever it
/// says it is.
const WANTED_PER_MINUTE: u32 = 60;
/// The same at once.
const WANTED_BURST: u32 = 20;
/// A minute.
const MINUTE: Duration = Duration::from_secs(60);
/// So many peers must say that they cannot reach us, unless we know fewer.
const UNREACHED_MIN: usize = 2;
/// Addresses tried for one lane.
const LANE_ADDRESSES_MAX: usize = 6;

/// What is known of lanes, per peer.
#[derive(Debug, Default)]
pub(super) struct LaneDesk {
    desks: BTreeMap<PeerId, Desk>,
    /// Who says that it cannot reach us by TCP.
    unreached: BTreeSet<PeerId>,
}

#[derive(Debug)]
struct Desk {
    tcp: Tcp,
    /// Who waits for a lane that the peer opens.
    waiting: VecDeque<oneshot::Sender<Lane>>,
    serving: Arc<Semaphore>,
    /// Lanes that it may still have us open.
    wanted: Bucket,
    /// Every lane with it, and every attempt at one, has a copy.
    busy: Arc<()>,
}

/// Whether the peer takes TCP from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tcp {
    Unknown,
    Works(SocketAddr),
    FailedAt(Instant),
}

impl LaneDesk {
    fn of(&mut self, peer: PeerId) -> &mut Desk {
        self.desks.entry(peer).or_insert_with(|| Desk {
            tcp: Tcp::Unknown,
            waiting: VecDeque::new(),
            serving: serving_permits(),
            wanted: Bucket::new(WANTED_PER_MINUTE, MINUTE, WANTED_BURST),
            busy: Arc::new(()),
        })
    }

    pub(super) fn on_tcp_tried(&mut self, now: Instant, peer: PeerId, at: Option<SocketAddr>) {
        if let Some(desk) = self.desks.get_mut(&peer) {
            desk.tcp = at.map_or(Tcp::FailedAt(now), Tcp::Works);
        }
    }

    /// There is no lane with a peer, and nobody is opening one.
    pub(super) fn is_idle(&self, peer: PeerId) -> bool {
        let desk = self.desks.get(&peer);
        desk.is_none_or(|desk| Arc::strong_count(&desk.busy) == 1)
    }

    /// How many of the lanes that a peer wants are opened: what it may have at once, at the rate
    /// that it may have them.
    fn admit(&mut self, now: Instant, peer: PeerId, lanes: u8) -> usize {
        let bucket = &mut self.of(peer).wanted;
        let most = usize::from(lanes).min(limits::LANES_PER_PEER_MAX);
        (0..most).take_while(|_| bucket.take(now)).count()
    }

    /// A peer says that it cannot reach us. One alone is not believed while there are others: the
    /// rest of the party would stop trying.
    fn is_unreached(&mut self, peer: PeerId, linked: usize) -> bool {
        if self.unreached.len() < UNREACHED_MIN {
            self.unreached.insert(peer);
        }
        self.unreached.len() >= UNREACHED_MIN.min(linked)
    }

    /// Other addresses: what was known about TCP is void.
    pub(super) fn forget(&mut self) {
        self.unreached.clear();
        self.desks
            .values_mut()
            .for_each(|desk| desk.tcp = Tcp::Unknown);
    }

    /// See [`LaneDesk::forget`]; who waits, waits on.
    pub(super) fn forget_peer(&mut self, peer: PeerId) {
        self.unreached.remove(&peer);
        if let Some(desk) = self.desks.get_mut(&peer) {
            desk.tcp = Tcp::Unknown;
        }
        self.desks.retain(|_, desk| {
            desk.waiting.retain(|waiting| !waiting.is_closed());
            let is_idle = Arc::strong_count(&desk.busy) == 1;
            desk.tcp != Tcp::Unknown || !desk.waiting.is_empty() || !is_idle
        });
    }
}

impl Session<'_> {
    pub(super) fn on_plan_lane(
        &mut self,
        now: Instant,
        peer: PeerId,
        served: oneshot::Sender<Lane>,
        plan: oneshot::Sender<LanePlan>,
    ) {
        let Some(ready) = self.lane_plan(now, peer) else {
            // Dropped: there is no link.
            return;
        };
        let waiting = &mut self.lanes.of(peer).waiting;
        waiting.retain(|waiting| !waiting.is_closed());
        if waiting.len() < limits::LANES_PER_PEER_MAX {
            waiting.push_back(served);
        }
        // Who asked may have gone.
        drop(plan.send(ready));
    }

    pub(super) fn on_plan_better(
        &mut self,
        now: Instant,
        peer: PeerId,
        than: SocketAddr,
        plan: oneshot::Sender<BetterPlan>,
    ) {
        let Some(mut ready) = self.lane_plan(now, peer) else {
            return;
        };
        let own = &self.keep.addresses;
        ready.addresses.retain(|to| own.is_better(*to, than));
        if ready.addresses.is_empty() {
            return;
        }
        let ways = ready.addresses.iter();
        let ways = ways.map(|to| (*to, own.path_to(*to))).collect();
        // Who asked may have gone.
        drop(plan.send(BetterPlan { plan: ready, ways }));
    }

    fn lane_plan(&mut self, now: Instant, peer: PeerId) -> Option<LanePlan> {
        let link = self.decider.link_of(peer)?;
        let linked = self.links.get(&link)?;
        let sender = linked.sender.clone();
        let (remote, reachable) = (sender.remote_addr(), linked.hello.reachable);
        let tcp = self.lanes.of(peer).tcp;
        let addresses = match (tcp, reachable) {
            (Tcp::FailedAt(at), _) if now.since(at) < TCP_PAUSE => Vec::new(),
            (Tcp::Unknown | Tcp::FailedAt(_), Reachability::EstablishedOnly) => Vec::new(),
            (Tcp::Works(first), _) => self.lane_addresses(peer, &[first, remote]),
            (Tcp::Unknown | Tcp::FailedAt(_), _) => self.lane_addresses(peer, &[remote]),
        };
        Some(LanePlan {
            peer,
            endpoint: self.endpoint.clone(),
            sender,
            addresses,
            busy: Arc::clone(&self.lanes.of(peer).busy),
        })
    }

    /// Where the peer may take TCP: better ways first, of equal ones what worked.
    pub(super) fn lane_addresses(&self, peer: PeerId, known: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut contacts = self.decider.views();
        let contact = contacts.find(|contact| contact.peer == peer);
        let said = contact.map(|contact| contact.addresses).unwrap_or_default();
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in known.iter().chain(&said) {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        self.keep.addresses.best_first(&mut addresses);
        addresses.truncate(LANE_ADDRESSES_MAX);
        addresses
    }

    /// A lane that somebody else opened: to who sends on it, or to who waits for it.
    pub(super) fn on_lane(&mut self, mut lane: Lane) {
        let peer = lane.peer();
        lane.keep(Arc::clone(&self.lanes.of(peer).busy));
        if lane.path().carrier == Carrier::Tcp {
            self.set_reachable(Reachability::Open);
        }
        if self.decider.link_of(peer).is_none() {
            tracing::debug!(peer = %peer.short(), "a lane without a link is closed");
            return;
        }
        if lane.sends() {
            let exchange = self.keep.ports.exchange.clone();
            let span = tracing::debug_span!("lane", peer = %peer.short());
            self.keep.session.spawn_until_stop(span, async move {
                exchange.send(exchange::Msg::Lane { lane }).await;
            });
            return;
        }
        while let Some(waiting) = self.lanes.of(peer).waiting.pop_front() {
            match waiting.send(lane) {
                Ok(()) => return,
                Err(back) => lane = back,
            }
        }
        tracing::debug!(peer = %peer.short(), "a lane that nobody waits for is closed");
    }

    /// A peer cannot reach us by TCP: we open the lane.
    pub(super) fn on_lanes_wanted(&mut self, now: Instant, peer: PeerId, wanted: LanesWanted) {
        let linked = self.decider.linked().count();
        let is_unreached = self.lanes.is_unreached(peer, linked);
        if self.reachable == Reachability::Unknown && is_unreached {
            self.set_reachable(Reachability::EstablishedOnly);
        }
        let admitted = self.lanes.admit(now, peer, wanted.lanes);
        let serving = Arc::clone(&self.lanes.of(peer).serving);
        for _ in 0..admitted {
            let Ok(permit) = Arc::clone(&serving).try_acquire_owned() else {
                return;
            };
            let Some(plan) = self.lane_plan(now, peer) else {
                return;
            };
            let (mailbox, exchange) = (self.keep.mailbox.clone(), self.keep.ports.exchange.clone());
            let span = tracing::debug_span!("serve", peer = %peer.short());
            let serve = plan.serve(mailbox, exchange, permit);
            self.keep.session.spawn_until_stop(span, serve);
        }
    }

    fn set_reachable(&mut self, reachable: Reachability) {
        if self.reachable != reachable {
            self.reachable = reachable;
            self.tell_update();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    #[test]
    fn a_peer_has_few_lanes_opened_whatever_it_says() {
        let mut desk = LaneDesk::default();
        let mut at = Instant::ZERO;
        let mut ask = |desk: &mut LaneDesk, seconds, times: u32| {
            at += Duration::from_secs(seconds);
            let opened = (0..times).map(|_| desk.admit(at, peer(1), u8::MAX));
            u32::try_from(opened.sum::<usize>()).unwrap()
        };
        assert_eq!(ask(&mut desk, 0, 1), 4);
        assert_eq!(ask(&mut desk, 0, 1_000), WANTED_BURST - 4);
        assert_eq!(ask(&mut desk, 1, 1_000), WANTED_PER_MINUTE / 60);
        assert_eq!(ask(&mut desk, 600, 1_000), WANTED_BURST);
        assert_eq!(desk.admit(at, peer(2), 1), 1);
    }

    #[test]
    fn one_of_many_is_not_believed_to_be_cut_off() {
        let mut desk = LaneDesk::default();
        assert!(!desk.is_unreached(peer(1), 5));
        assert!(!desk.is_unreached(peer(1), 5));
        assert!(desk.is_unreached(peer(2), 5));
        desk.forget();
        assert!(desk.is_unreached(peer(1), 1));
        desk.forget_peer(peer(1));
        assert!(!desk.is_unreached(peer(2), 2));
    }
}
