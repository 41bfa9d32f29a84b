//! The lanes of a download: they open, close, die, and move to better addresses.
//!
//! Invariant: a request is on one lane. When a better lane is there, what the old one has not begun
//! to send is asked on the new one, and the old one ends with what it has begun: nothing is fetched
//! twice, and nobody is to blame.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use lanspread_net::lane::Lane;
use lanspread_proto::{PeerId, PieceIndex};
use lanspread_swarm::{credit::LaneId, download::Outcome};

use super::{
    Msg, Transfer,
    sources::{self, Net},
};
use crate::views::PathInfo;

/// How often it is asked whether there is a better way to a source that sends.
const BETTER_INTERVAL: Duration = Duration::from_secs(3);

/// An open request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Where it was asked.
    pub(super) lane: LaneId,
    /// Bytes of it arrived.
    pub(super) begun: bool,
}

impl Transfer {
    pub(super) fn on_lane_opened(&mut self, peer: PeerId, lane: Option<Lane>) {
        let linked = self.linked_address(peer);
        self.sources.on_lane(&self.ports, peer, (lane, linked));
        self.update_facts(peer);
    }

    pub(super) fn on_lane_closed(&mut self, peer: PeerId, lane: LaneId) {
        if !self.sources.on_lane_closed(peer, lane) {
            return;
        }
        let now = self.ports.clock.now();
        for piece in self.asked_on(peer, lane, |_| true) {
            self.asked.remove(&(peer, piece));
            self.download.on_piece(now, peer, piece, Outcome::Lost);
        }
        self.update_facts(peer);
        self.sources.open_lane(&self.ports, peer, sources::RETRY);
    }

    /// Closes lanes that must be dead, and opens others in their place.
    pub(super) fn replace_dead_lanes(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let now = self.ports.clock.now();
        let view = Arc::clone(&self.ports.peers_view.borrow());
        let own = view
            .addresses
            .iter()
            .map(|own| own.ip().to_canonical())
            .collect();
        let asked = self.asked.iter();
        let asked: BTreeSet<(PeerId, LaneId)> = asked
            .map(|((peer, _), asked)| (*peer, asked.lane))
            .collect();
        for (peer, lane) in asked {
            let linked = self.linked_address(peer).map(|a| a.ip().to_canonical());
            let net = Net { own: &own, linked };
            if self.sources.is_dead((peer, lane), now, &net) {
                tracing::info!(peer = %peer.short(), "a lane is dead and is replaced");
                self.on_lane_closed(peer, lane);
            }
        }
    }

    /// Looks for better ways to those who send, and ends lanes that have nothing left to bring.
    pub(super) fn improve_lanes(&mut self) {
        let now = self.ports.clock.now();
        let busy: BTreeSet<LaneId> = self.asked.values().map(|asked| asked.lane).collect();
        self.sources.end_leaving(&busy);
        for (peer, lane, remote) in self.sources.improvable(now, BETTER_INTERVAL, &busy) {
            let (peers, mailbox) = (self.ports.peers.clone(), self.mailbox.clone());
            let span = tracing::debug_span!("better_lane", peer = %peer.short());
            self.ports.tasks.spawn_until_stop(span, async move {
                if let Some((better, path)) = peers.open_better_lane(peer, remote).await {
                    mailbox
                        .send(Msg::BetterLane {
                            peer,
                            than: lane,
                            lane: better,
                            path,
                        })
                        .await;
                }
            });
        }
    }

    /// A better lane is there: what the old one has not begun is asked on it.
    pub(super) fn on_better_lane(
        &mut self,
        peer: PeerId,
        old: LaneId,
        (lane, path): (Lane, PathInfo),
    ) {
        let (from, to) = (self.sources.remote(peer, old), lane.path().remote);
        let Some(from) = from else {
            // It closed meanwhile, and another one is being opened.
            return;
        };
        tracing::info!(peer = %peer.short(), %from, %to, "a lane moves to a better way");
        let linked = self.linked_address(peer);
        self.sources
            .on_lane(&self.ports, peer, (Some(lane), linked));
        self.sources.leave(peer, old, path);
        self.update_facts(peer);
        for piece in self.asked_on(peer, old, |asked| !asked.begun) {
            self.sources.cancel(peer, old, piece);
            self.asked.remove(&(peer, piece));
            self.request(peer, piece);
        }
    }

    fn asked_on(
        &self,
        peer: PeerId,
        lane: LaneId,
        is_meant: impl Fn(&Asked) -> bool,
    ) -> Vec<PieceIndex> {
        let asked = self.asked.iter();
        let on_it = asked.filter(|((asked, _), on)| *asked == peer && on.lane == lane);
        let meant = on_it.filter(|(_, on)| is_meant(on));
        meant.map(|((_, piece), _)| *piece).collect()
    }

    fn linked_address(&self, peer: PeerId) -> Option<SocketAddr> {
        let view = self.ports.peers_view.borrow();
        view.peers.get(&peer).and_then(|info| info.address)
    }
}
