//! One life of the sockets: everybody linked, every dial, every greeting. Carries out what
//! `swarm::Peers` decides.
//!
//! Invariant: handlers are synchronous; dials, greetings and goodbyes are jobs that report back.

mod lanes;
mod links;
mod people;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use lanspread_net::{Endpoint, Incoming, interfaces::OwnAddress};
use lanspread_proto::{
    PeerId,
    text::PeerName,
    wire::{
        Bounded, Extensions, LinkMessage, PROTOCOL_NEWEST, PROTOCOL_OLDEST,
        link::{Goodbye, Hello, Reachability, Sharing, Update},
    },
};
use lanspread_swarm::{
    peers::{DialId, LinkId, PeerState as Standing, Peers, Sighting, Source},
    time::Instant,
};
use tokio::sync::oneshot;

use self::{lanes::LaneDesk, links::Linked};
use super::{
    Msg,
    connects::Connects,
    link::greet,
    owner::Keep,
    roster::Roster,
    wake::{Clocks, TICK},
};
use crate::{actor::Reply, notice::Notice, snapshot::PeerState};

/// Between two looks at the round-trip times.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);
/// A copy of us has another key after this, or we have.
const COPY_PAUSE: Duration = Duration::from_secs(3);
/// Addresses without a key that are shown.
const STRANGERS_MAX: usize = 64;
/// Peers whose key two programs have that are shown.
const CLONES_MAX: usize = 16;
/// Why somebody who typed an address gets no link.
const BLOCKED: &str = "the peer there is blocked here";
/// Complaints of discovery that are shown.
const WARNINGS_MAX: usize = 8;

/// Why a session ended though nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Everybody was told goodbye.
    Left,
    /// A copy of us keeps our key.
    Cloned,
}

/// See the module.
pub(super) struct Session<'a> {
    keep: &'a mut Keep,
    endpoint: Endpoint,
    decider: Peers,
    links: BTreeMap<LinkId, Linked>,
    /// The link before, per peer, until everybody has heard that it is down.
    fading: BTreeMap<PeerId, (LinkId, oneshot::Receiver<()>)>,
    dials: BTreeMap<DialId, Vec<SocketAddr>>,
    connects: Connects,
    roster: Roster,
    lanes: LaneDesk,
    reachable: Reachability,
    /// Where a copy of us answered; by then one of the two has another key.
    copies: BTreeMap<SocketAddr, Instant>,
    /// Typed addresses that nobody answered at yet, and old programs.
    strangers: BTreeMap<SocketAddr, PeerState>,
    discovered: BTreeSet<PeerId>,
    cloned_peers: BTreeSet<PeerId>,
    /// What discovery complained about.
    warnings: Vec<String>,
    /// Who was connected when people were last told, and who said goodbye since.
    told: BTreeSet<PeerId>,
    goodbyes: BTreeSet<PeerId>,
    clocks: Clocks,
    tick_at: Instant,
    measure_at: Instant,
    save_at: Instant,
    changed: bool,
    end: Option<End>,
}

impl<'a> Session<'a> {
    /// Starts with what was known before.
    pub(super) fn begin(keep: &'a mut Keep, endpoint: Endpoint) -> Self {
        let now = keep.ports.clock.now();
        let me = keep.identity.peer_id();
        let mut session = Self {
            decider: Peers::new(me, keep.boot, keep.boot),
            endpoint,
            links: BTreeMap::new(),
            fading: BTreeMap::new(),
            dials: BTreeMap::new(),
            connects: Connects::default(),
            roster: Roster::default(),
            lanes: LaneDesk::default(),
            reachable: Reachability::Unknown,
            copies: BTreeMap::new(),
            strangers: BTreeMap::new(),
            discovered: BTreeSet::new(),
            cloned_peers: BTreeSet::new(),
            warnings: Vec::new(),
            told: BTreeSet::new(),
            goodbyes: BTreeSet::new(),
            clocks: Clocks::read(),
            tick_at: now + TICK,
            measure_at: now + TICK,
            save_at: now,
            changed: true,
            end: None,
            keep,
        };
        session.meet_known(now);
        session
    }

    fn meet_known(&mut self, now: Instant) {
        for peer in self.keep.blocked.clone() {
            self.decider.set_blocked(now, peer, true);
        }
        for hint in self.keep.remembered.clone() {
            self.discovered.insert(hint.peer);
            let sighting = Sighting {
                peer: Some(hint.peer),
                boot: None,
                addresses: hint.addresses.into_vec(),
                source: Source::Remembered,
            };
            self.decider.on_sighting(now, sighting);
        }
        for address in self.keep.typed.clone() {
            self.sight_typed(now, address);
        }
    }

    /// Takes in what somebody says; tells when the session ends by it.
    pub(super) fn on_message(&mut self, message: Msg) -> Option<End> {
        let now = self.now();
        match message {
            Msg::Connect(address, reply) => self.on_connect(now, address, reply),
            Msg::Block(peer, blocked, reply) => self.on_block(now, peer, blocked, reply),
            Msg::SetName(name, reply) => self.on_name(name, reply),
            Msg::SetSharing(sharing) => self.on_sharing(sharing),
            Msg::Refuse { peer, reason } => self.on_refuse(now, peer, reason),
            Msg::Sighted(sighting) => self.on_sighted(now, sighting),
            Msg::OldLanSpread(address) => self.show_stranger(address, PeerState::OldLanSpread),
            Msg::Warned(message) => self.on_warned(message),
            Msg::Interfaces(own) => self.on_interfaces(now, own),
            Msg::Dialled {
                dial,
                addresses,
                outcome,
            } => self.on_dialled(now, dial, &addresses, outcome),
            Msg::Accepted(greeted) => self.on_accepted(now, greeted),
            Msg::FromLink {
                peer,
                link,
                message,
            } => self.on_peer_message(now, peer, link, message),
            Msg::LinkEnded { peer, link, error } => self.on_link_ended(now, peer, link, &error),
            Msg::PlanLane { peer, served, plan } => self.on_plan_lane(now, peer, served, plan),
            Msg::PlanBetter { peer, than, plan } => self.on_plan_better(now, peer, than, plan),
            Msg::TcpTried { peer, address } => self.lanes.on_tcp_tried(now, peer, address),
            Msg::Checked { link, answers } => self.on_checked(now, link, answers),
            Msg::Leave(done) => self.on_leave(done),
            #[cfg(test)]
            Msg::Panic => panic!("planted"),
            #[cfg(test)]
            Msg::Slept => self.clocks = self.clocks.as_before_a_sleep(),
        }
        self.end
    }

    /// Somebody opened a link or a lane to us.
    pub(super) fn on_incoming(&mut self, incoming: Incoming) {
        match incoming {
            // Who is blocked hears nothing of us but that.
            Incoming::Link(link) if self.keep.blocked.contains(&link.peer()) => {
                let (sender, _) = link.split();
                let span = tracing::debug_span!("blocked", peer = %sender.peer().short());
                self.keep.session.spawn_until_stop(span, async move {
                    sender.close(Goodbye::Blocked).await;
                });
            }
            Incoming::Link(link) => {
                let (hello, mailbox) = (self.hello(), self.keep.mailbox.clone());
                let span = tracing::debug_span!("greet", peer = %link.peer().short());
                self.keep.session.spawn_until_stop(span, async move {
                    match greet(link, hello).await {
                        Ok(greeted) => mailbox.send(Msg::Accepted(greeted)).await,
                        Err(error) => tracing::debug!(%error, "a greeting failed"),
                    }
                });
            }
            Incoming::Lane { lane, .. } => self.on_lane(lane),
        }
    }

    /// Time passed; tells when the session has ended by what happened before.
    pub(super) fn on_time(&mut self) -> Option<End> {
        let now = self.now();
        self.decider.on_timeout(now);
        if now >= self.tick_at {
            self.tick_at = now + TICK;
            self.on_tick(now);
        }
        self.end
    }

    /// Does what the decider says, tells people, and returns when the next thing is due.
    pub(super) fn settle(&mut self) -> tokio::time::Instant {
        while let Some(action) = self.decider.poll_action() {
            self.act(action);
        }
        self.tell_people();
        if std::mem::take(&mut self.changed) {
            self.keep.view.send_replace(Arc::new(self.build_view()));
        }
        let due = self.decider.poll_timeout().unwrap_or(Instant::FAR);
        let due = if self.end.is_some() {
            self.now()
        } else {
            due.min(self.tick_at)
        };
        self.keep.ports.clock.at(due)
    }

    fn on_tick(&mut self, now: Instant) {
        let clocks = Clocks::read();
        if clocks.jumped_since(&self.clocks) {
            tracing::info!("the machine slept: all links are made anew");
            self.decider.on_wake(now);
            self.keep.announce_again();
        }
        self.clocks = clocks;
        self.connects.on_time(now);
        let due = self.copies.extract_if(.., |_, at| *at <= now);
        let due: Vec<SocketAddr> = due.map(|(address, _)| address).collect();
        for address in due {
            self.sight_typed(now, address);
        }
        self.improve_links(now);
        self.changed |= self.roster.forget_gone(now);
        if now >= self.measure_at {
            self.measure_at = now + MEASURE_INTERVAL;
            let links = self.links.values();
            let links = links.map(|linked| (linked.sender.peer(), &linked.sender));
            self.changed |= self.roster.measure(links);
        }
    }

    fn on_connect(&mut self, now: Instant, address: SocketAddr, reply: Reply<PeerId>) {
        let owner = self.owner_of(address);
        if let Some((peer, Standing::Linked(_))) = owner {
            // Who asked may have gone.
            drop(reply.send(Ok(peer)));
            return;
        }
        self.connects.add(now, address, reply);
        if !self.keep.typed.contains(&address) && self.keep.typed.len() < STRANGERS_MAX {
            self.keep.typed.push(address);
        }
        self.sight_typed(now, address);
        if let Some((_, Standing::Blocked)) = owner {
            self.connects.on_refused(address, "blocked", BLOCKED);
        }
    }

    /// Who answered at an address; what anybody says of it counts for nothing.
    fn owner_of(&self, address: SocketAddr) -> Option<(PeerId, Standing)> {
        let mut links = self.links.values();
        let linked = links.find(|linked| linked.sender.remote_addr() == address);
        let linked = linked.map(|linked| linked.sender.peer());
        let owner = linked.or_else(|| self.decider.found_at(address))?;
        Some((owner, self.decider.standing(owner)))
    }

    fn sight_typed(&mut self, now: Instant, address: SocketAddr) {
        self.keep.addresses.list(address.ip());
        self.endpoint.set_filter(self.keep.addresses.filter());
        self.show_stranger(address, PeerState::Dialling);
        let sighting = Sighting {
            peer: None,
            boot: None,
            addresses: vec![address],
            source: Source::Typed,
        };
        self.decider.on_sighting(now, sighting);
    }

    fn on_block(&mut self, now: Instant, peer: PeerId, blocked: bool, reply: Reply<()>) {
        self.decider.set_blocked(now, peer, blocked);
        if blocked {
            self.keep.blocked.insert(peer);
        } else {
            self.keep.blocked.remove(&peer);
        }
        self.changed = true;
        let saving = self.keep.saving_blocked();
        let span = tracing::debug_span!("save");
        // Whoever asks next is heard after this is written, so nothing older is written over it.
        self.keep.session.spawn_blocking(span, move || {
            saving();
            drop(reply.send(Ok(())));
        });
    }

    fn on_name(&mut self, name: PeerName, reply: Reply<()>) {
        self.keep.name = name;
        self.tell_update();
        drop(reply.send(Ok(())));
    }

    fn on_sharing(&mut self, sharing: Sharing) {
        if self.keep.sharing != sharing {
            self.keep.sharing = sharing;
            self.tell_all(&LinkMessage::Sharing(sharing));
        }
    }

    fn on_sighted(&mut self, now: Instant, mut sighting: Sighting) {
        self.keep.addresses.best_first(&mut sighting.addresses);
        let me = self.keep.identity.peer_id();
        if let (Some(peer), Some(address)) = (sighting.peer, sighting.addresses.first())
            && peer != me
            && self.discovered.len() < lanspread_proto::limits::PEERS_MAX
            && self.discovered.insert(peer)
        {
            let (peer, address) = (Some(peer), *address);
            self.notify(Notice::PeerDiscovered { peer, address });
        }
        self.decider.on_sighting(now, sighting);
        self.changed = true;
    }

    fn on_interfaces(&mut self, now: Instant, own: Vec<OwnAddress>) {
        if !self.keep.addresses.set_own(own) {
            return;
        }
        tracing::info!(addresses = ?self.keep.addresses.announced(), "our addresses changed");
        self.endpoint.set_filter(self.keep.addresses.filter());
        self.roster.look_again(&self.keep.addresses);
        self.lanes.forget();
        self.decider.on_network_changed(now);
        self.improve_soon(now, None);
        self.keep.announce_again();
        self.tell_update();
    }

    fn on_warned(&mut self, message: String) {
        let known = self.warnings.contains(&message);
        if !known && self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(message);
            self.changed = true;
        }
    }

    fn show_stranger(&mut self, address: SocketAddr, state: PeerState) {
        let known = self.strangers.contains_key(&address);
        if known || self.strangers.len() < STRANGERS_MAX {
            self.strangers.insert(address, state);
            self.changed = true;
        }
    }

    fn on_leave(&mut self, done: oneshot::Sender<()>) {
        self.keep.remember(self.decider.remembered());
        let saving = self.keep.saving();
        let span = tracing::info_span!("save");
        self.keep.ports.tasks.spawn_blocking(span, saving);
        let links = std::mem::take(&mut self.links);
        let endpoint = self.endpoint.clone();
        let span = tracing::info_span!("leave");
        self.keep.ports.tasks.spawn(span, async move {
            let mut goodbyes = tokio::task::JoinSet::new();
            for linked in links.into_values() {
                goodbyes.spawn(async move { linked.sender.close(Goodbye::Leaving).await });
            }
            while goodbyes.join_next().await.is_some() {}
            endpoint.close().await;
            let _nobody_waits = done.send(());
        });
        self.keep.routes.send_replace(Arc::default());
        self.end = Some(End::Left);
    }

    /// Our part of a hello, as it is now.
    fn hello(&self) -> Hello {
        let Update {
            name,
            addresses,
            reachable,
        } = self.update();
        let library = self.keep.ports.library.view().borrow().digest;
        Hello {
            protocol: (PROTOCOL_OLDEST, PROTOCOL_NEWEST),
            features: 0,
            boot: self.keep.boot,
            name,
            addresses,
            reachable,
            sharing: self.keep.sharing,
            library,
            extensions: Extensions::default(),
        }
    }

    fn update(&self) -> Update {
        Update {
            name: self.keep.name.clone(),
            addresses: Bounded::cut(self.keep.addresses.announced()),
            reachable: self.reachable,
        }
    }

    fn tell_update(&mut self) {
        let update = LinkMessage::Update(self.update());
        self.tell_all(&update);
        self.changed = true;
    }

    fn tell_all(&self, message: &LinkMessage) {
        for (peer, _) in self.decider.linked() {
            self.tell(peer, message);
        }
    }

    fn tell(&self, peer: PeerId, message: &LinkMessage) {
        let link = self.decider.link_of(peer);
        let Some(linked) = link.and_then(|link| self.links.get(&link)) else {
            return;
        };
        if let Err(error) = linked.sender.try_send(message) {
            tracing::debug!(peer = %peer.short(), %error, "a message is not sent");
        }
    }

    fn notify(&self, notice: Notice) {
        // Nobody may be listening.
        drop(self.keep.ports.notices.send(notice));
    }

    fn now(&self) -> Instant {
        self.keep.ports.clock.now()
    }
}
