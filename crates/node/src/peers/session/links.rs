//! Links: from a dial or a stranger's hello to their end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use lanspread_net::{LinkError, LinkReceiver, LinkSender};
use lanspread_proto::{
    PeerId,
    wire::{
        Bounded, LinkMessage,
        link::{Goodbye, Hello, PeerHint, PeerHints, Update},
    },
};
use lanspread_swarm::{
    peers::{DialId, Direction, HelloFacts, LinkId, PeersAction, Sighting, Source},
    time::Instant,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Msg, Routes,
        addresses::as_heard,
        dial::{self, Found, blame_of},
        link::{Greeted, LinkPorts, LinkTask},
        probes,
        roster::Introduction,
    },
    BLOCKED, CLONES_MAX, COPY_PAUSE, End, Session,
};
use crate::snapshot::PeerState;

/// How long a peer may take to answer on a link that may be dead.
const CHECK_TIMEOUT: Duration = Duration::from_millis(2_500);

/// A better way is looked for so long after a link came up, or addresses changed, ...
const IMPROVE_FIRST: Duration = Duration::from_secs(5);
/// ... and, where the better addresses do not answer, twice as long after that, up to this.
const IMPROVE_MAX: Duration = Duration::from_secs(120);

/// One link after its hello.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) sender: LinkSender,
    pub(super) hello: Hello,
    /// Taken by the task when the link is the one to its peer.
    receiver: Option<LinkReceiver>,
    stop: CancellationToken,
    /// Ends when everybody has heard that the link is down.
    ended: Option<oneshot::Receiver<()>>,
    /// It is being looked whether the peer still answers.
    is_checked: bool,
    /// When a better way is looked for, and how long after that again.
    improve: (Instant, Duration),
}

impl Session<'_> {
    pub(super) fn on_dialled(
        &mut self,
        now: Instant,
        dial: DialId,
        addresses: &[SocketAddr],
        outcome: Result<Found, LinkError>,
    ) {
        self.dials.remove(&dial);
        self.changed = true;
        let found = match outcome {
            Ok(found) => found,
            Err(error) => return self.on_dial_failed(now, dial, addresses, &error),
        };
        let Found {
            address,
            peer,
            greeted,
        } = found;
        let boot = greeted.as_ref().map(|greeted| greeted.hello.boot);
        if peer == self.keep.identity.peer_id() && boot.ok() != Some(self.keep.boot) {
            self.copies.insert(address, now + COPY_PAUSE);
        }
        match greeted {
            Ok(greeted) => {
                self.add_link(now, greeted, Direction::Dialled(address));
                self.decider.on_dialled(now, dial);
                self.answer_connects(addresses, address, peer);
            }
            Err(LinkError::Goodbye { reason, .. }) => {
                let link = self.next_link();
                let direction = Direction::Dialled(address);
                self.decider.on_link_up(now, link, peer, direction);
                self.decider.on_dialled(now, dial);
                self.decider.on_goodbye(now, link, reason);
                self.decider.on_link_down(now, link);
                self.answer_connects(addresses, address, peer);
            }
            Err(error) => self.on_dial_failed(now, dial, addresses, &error),
        }
    }

    fn on_dial_failed(
        &mut self,
        now: Instant,
        dial: DialId,
        addresses: &[SocketAddr],
        error: &LinkError,
    ) {
        tracing::debug!(?addresses, %error, "a dial failed");
        self.decider.on_dial_failed(now, dial, blame_of(error));
        self.connects.on_failed(addresses, error);
        for address in addresses {
            if let Some(state) = self.strangers.get_mut(address) {
                *state = PeerState::Gone;
            }
        }
    }

    /// Tells who typed one of these addresses what came of it.
    fn answer_connects(&mut self, addresses: &[SocketAddr], address: SocketAddr, peer: PeerId) {
        for address in addresses {
            self.strangers.remove(address);
        }
        if self.decider.link_of(peer).is_some() {
            self.connects.on_up(addresses, peer);
        } else if peer == self.keep.identity.peer_id() {
            let reason = "this node itself answers there, or a copy of it";
            self.connects.on_refused(address, "own-address", reason);
        } else if self.keep.blocked.contains(&peer) {
            self.connects.on_refused(address, "blocked", BLOCKED);
        } else {
            let reason = "the peer there does not keep a link to us";
            self.connects.on_refused(address, "refused-by-peer", reason);
        }
    }

    pub(super) fn on_accepted(&mut self, now: Instant, greeted: Greeted) {
        self.add_link(now, greeted, Direction::Accepted);
    }

    fn next_link(&mut self) -> LinkId {
        let link = LinkId(self.keep.next_link);
        self.keep.next_link += 1;
        link
    }

    fn add_link(&mut self, now: Instant, greeted: Greeted, direction: Direction) {
        let link = self.next_link();
        let Greeted {
            sender,
            receiver,
            hello,
        } = greeted;
        let peer = sender.peer();
        let facts = HelloFacts {
            boot: hello.boot,
            addresses: as_heard(&hello.addresses, sender.remote_addr()),
            reachable: hello.reachable,
        };
        let linked = Linked {
            sender,
            hello,
            receiver: Some(receiver),
            stop: self.keep.session.stop().child_token(),
            ended: None,
            is_checked: false,
            improve: (now + IMPROVE_FIRST, IMPROVE_FIRST),
        };
        self.links.insert(link, linked);
        self.decider.on_link_up(now, link, peer, direction);
        self.decider.on_hello(now, link, facts);
    }

    pub(super) fn on_link_ended(
        &mut self,
        now: Instant,
        peer: PeerId,
        link: LinkId,
        error: &LinkError,
    ) {
        tracing::debug!(peer = %peer.short(), %error, "a link ended");
        if self
            .fading
            .get(&peer)
            .is_some_and(|(fading, _)| *fading == link)
        {
            self.fading.remove(&peer);
        }
        if let LinkError::Goodbye { reason, .. } = error {
            if self.decider.link_of(peer) == Some(link) {
                self.goodbyes.insert(peer);
            }
            self.decider.on_goodbye(now, link, *reason);
        }
        if let LinkError::Protocol { .. } = error {
            self.close(link, Goodbye::Violation);
        }
        self.decider.on_link_down(now, link);
    }

    pub(super) fn on_refuse(&mut self, now: Instant, peer: PeerId, reason: Goodbye) {
        if let Some(link) = self.decider.link_of(peer) {
            tracing::warn!(peer = %peer.short(), ?reason, "the link to a peer is ended");
            self.close(link, reason);
            // As if it had ended it itself: it is not dialled again at once.
            self.decider.on_goodbye(now, link, reason);
            self.decider.on_link_down(now, link);
        }
    }

    pub(super) fn on_peer_message(
        &mut self,
        now: Instant,
        peer: PeerId,
        link: LinkId,
        message: LinkMessage,
    ) {
        let Some(linked) = self.links.get(&link) else {
            return;
        };
        let heard_from = linked.sender.remote_addr();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the links deliver the messages about peers only"
        )]
        match message {
            LinkMessage::Update(update) => self.on_peer_update(now, link, update),
            LinkMessage::Sharing(sharing) => {
                self.roster.set_sharing(peer, sharing);
                self.changed = true;
            }
            LinkMessage::LanesWanted(wanted) => self.on_lanes_wanted(now, peer, wanted),
            LinkMessage::PeerHints(hints) => {
                for hint in hints.peers.into_vec() {
                    self.on_hint(now, &hint, heard_from, Source::Hint(peer));
                }
            }
            LinkMessage::MeetWanted(other) => self.decider.on_meet_wanted(now, peer, other),
            LinkMessage::Meet(hint) => self.on_hint(now, &hint, heard_from, Source::Meet(peer)),
            _ => {}
        }
    }

    fn on_peer_update(&mut self, now: Instant, link: LinkId, update: Update) {
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        let peer = linked.sender.peer();
        let heard = as_heard(&update.addresses, linked.sender.remote_addr());
        linked.hello.reachable = update.reachable;
        self.decider.on_update(now, link, &heard, update.reachable);
        self.improve_soon(now, Some(peer));
        self.roster.rename(peer, update.name);
        self.lanes.forget_peer(peer);
        self.changed = true;
    }

    /// A link over which nothing is sent moves to a better way, if one answers. One with lanes
    /// stays until they have ended: they have moved by themselves, and would end with it.
    pub(super) fn improve_links(&mut self, now: Instant) {
        let linked: Vec<(PeerId, LinkId)> = self.decider.linked().collect();
        for (peer, link) in linked {
            let is_idle = self.lanes.is_idle(peer);
            let due = (self.links.get(&link)).filter(|linked| linked.improve.0 <= now);
            let Some(remote) = due.map(|linked| linked.sender.remote_addr()) else {
                continue;
            };
            let mut better = self.lane_addresses(peer, &[]);
            better.retain(|to| self.keep.addresses.is_better(*to, remote));
            let dials = is_idle && !better.is_empty();
            if let Some(linked) = self.links.get_mut(&link) {
                let (at, pause) = &mut linked.improve;
                *at = now + *pause;
                *pause = match dials {
                    true => (*pause * 2).min(IMPROVE_MAX),
                    false => IMPROVE_FIRST,
                };
            }
            if dials {
                self.decider.on_better_way(now, peer, better);
            }
        }
    }

    /// Addresses changed: a better way may be there now.
    pub(super) fn improve_soon(&mut self, now: Instant, peer: Option<PeerId>) {
        let is_meant = |linked: &&mut Linked| peer.is_none_or(|p| linked.sender.peer() == p);
        for linked in self.links.values_mut().filter(is_meant) {
            linked.improve = (linked.improve.0.min(now + IMPROVE_FIRST), IMPROVE_FIRST);
        }
    }

    fn on_hint(&mut self, now: Instant, hint: &PeerHint, heard_from: SocketAddr, source: Source) {
        let addresses = as_heard(&hint.addresses, heard_from);
        let sighting = Sighting {
            peer: Some(hint.peer),
            boot: None,
            addresses,
            source,
        };
        self.on_sighted(now, sighting);
    }

    /// Carries out what the decider says.
    pub(super) fn act(&mut self, action: PeersAction) {
        match action {
            PeersAction::Dial {
                dial,
                addresses,
                expected,
            } => self.dial(dial, addresses, expected),
            PeersAction::CloseLink { link, reason } => self.close(link, reason),
            PeersAction::CheckLink { link } => self.check(link),
            PeersAction::LinkUp { peer, link } => self.raise(peer, link),
            PeersAction::LinkDown { peer, link } => self.lower(peer, link),
            PeersAction::MeetVia { peer, common } => {
                self.tell(common, &LinkMessage::MeetWanted(peer));
            }
            PeersAction::Introduce { to, hint } => self.tell(to, &LinkMessage::Meet(hint)),
            PeersAction::Hint { to, peers } => {
                let peers = Bounded::cut(peers);
                self.tell(to, &LinkMessage::PeerHints(PeerHints { peers }));
            }
            PeersAction::OwnKeyCloned { we_change } => {
                if we_change {
                    self.end = Some(End::Cloned);
                }
            }
            PeersAction::PeerKeyCloned { peer } => {
                if self.cloned_peers.len() < CLONES_MAX {
                    self.cloned_peers.insert(peer);
                    self.changed = true;
                }
            }
        }
    }

    fn dial(&mut self, dial: DialId, addresses: Vec<SocketAddr>, expected: Option<PeerId>) {
        let (hello, mailbox) = (self.hello(), self.keep.mailbox.clone());
        let endpoint = self.endpoint.clone();
        self.dials.insert(dial, addresses.clone());
        for address in &addresses {
            if let Some(state) = self.strangers.get_mut(address) {
                *state = PeerState::Dialling;
            }
        }
        self.changed = true;
        let span = tracing::debug_span!("dial", ?addresses);
        self.keep.session.spawn_until_stop(span, async move {
            let outcome = dial::dial(endpoint, addresses.clone(), expected, hello).await;
            mailbox
                .send(Msg::Dialled {
                    dial,
                    addresses,
                    outcome,
                })
                .await;
        });
    }

    /// Says goodbye; a link that nobody heard of is forgotten at once.
    fn close(&mut self, link: LinkId, reason: Goodbye) {
        let Some(linked) = self.links.get(&link) else {
            return;
        };
        let sender = linked.sender.clone();
        let span = tracing::debug_span!("goodbye", peer = %sender.peer().short());
        self.keep
            .session
            .spawn_until_stop(span, async move { sender.close(reason).await });
        if linked.receiver.is_some() {
            self.links.remove(&link);
        }
    }

    /// A link on which nobody answers any more has ended, long before its idle time is over.
    fn check(&mut self, link: LinkId) {
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        if std::mem::replace(&mut linked.is_checked, true) {
            return;
        }
        let (sender, mailbox) = (linked.sender.clone(), self.keep.mailbox.clone());
        let span = tracing::debug_span!("check", peer = %sender.peer().short());
        self.keep.session.spawn_until_stop(span, async move {
            let answers = sender.answers(CHECK_TIMEOUT).await;
            mailbox.send(Msg::Checked { link, answers }).await;
        });
    }

    pub(super) fn on_checked(&mut self, now: Instant, link: LinkId, answers: bool) {
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        linked.is_checked = false;
        if !answers {
            tracing::info!(peer = %linked.sender.peer().short(), "nobody answers on the link");
            self.decider.on_link_dead(now, link);
        }
    }

    /// First the routes, so that whoever hears of the peer can answer it.
    fn raise(&mut self, peer: PeerId, link: LinkId) {
        let after = self.fading.remove(&peer).map(|(_, ended)| ended);
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        let Some(receiver) = linked.receiver.take() else {
            return;
        };
        let (done, ended) = oneshot::channel();
        linked.ended = Some(ended);
        let intro = Introduction {
            name: linked.hello.name.clone(),
            sharing: linked.hello.sharing,
            address: linked.sender.remote_addr(),
        };
        let (sender, stop) = (linked.sender.clone(), linked.stop.clone());
        let ports = &self.keep.ports;
        let task = LinkTask {
            link,
            peer,
            receiver,
            hello: linked.hello.clone(),
            ports: LinkPorts {
                peers: self.keep.mailbox.clone(),
                exchange: ports.exchange.clone(),
                library: ports.library.mailbox().clone(),
                clock: ports.clock,
            },
            stop: linked.stop.clone(),
            after,
            done,
        };
        self.roster.on_up(peer, intro, &self.keep.addresses);
        self.publish_routes();
        let span = tracing::info_span!("link", peer = %peer.short());
        let ports = &self.keep.ports;
        let probes = probes::run(sender, ports.clock, ports.round_trips.clone());
        ports.tasks.spawn_until_stop(span.clone(), async move {
            stop.run_until_cancelled(probes).await;
        });
        ports.tasks.spawn(span, task.run());
        self.changed = true;
    }

    fn lower(&mut self, peer: PeerId, link: LinkId) {
        let Some(linked) = self.links.remove(&link) else {
            return;
        };
        linked.stop.cancel();
        if let Some(ended) = linked.ended {
            self.fading.insert(peer, (link, ended));
        }
        let now = self.now();
        self.roster.on_down(now, peer);
        self.lanes.forget_peer(peer);
        self.publish_routes();
        self.changed = true;
    }

    fn publish_routes(&self) {
        let linked = self.decider.linked();
        let routes: Routes = linked
            .filter_map(|(peer, link)| Some((peer, self.links.get(&link)?.sender.clone())))
            .collect();
        self.keep.routes.send_replace(Arc::new(routes));
    }
}
