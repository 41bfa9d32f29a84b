//! Owns who has what: our own library as peers hear it, a replica of each linked peer's, and the
//! merged view of all.
//!
//! Invariants: the view shows linked peers only; to each peer at most the agreed number of library
//! messages goes out, and what waits for it is bounded.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use lanspread_proto::{
    ContentId, GameId, Manifest, PeerId, VersionLabel,
    library::{LibraryDigest, LibraryEntry},
    wire::{LinkMessage, link::LibraryWant},
};
use lanspread_swarm::{
    Truth, Truths,
    bucket::Bucket,
    library::{LibraryError, LocalLibrary, RemoteLibrary},
    merged::Merged,
    time::Instant,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    clock::Clock,
    notice::Notice,
    peers::PeersHandle,
    restart::{Failure, Part, Parts},
    snapshot::Component,
    views::{LibraryView, Watched},
};

/// Between two announcements of our own changes: far below what peers accept.
const ANNOUNCE_INTERVAL: Duration = Duration::from_millis(200);
/// Between two merged views: merging costs milliseconds at a big party.
const VIEW_INTERVAL: Duration = Duration::from_millis(100);
/// A link whose queue is full is tried again after this.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Messages that wait for one peer besides a snapshot; beyond them it is only told to ask.
const WAITING_MAX: usize = 256;
/// Replicas kept of peers that left, so that one who comes back need not send everything again.
const PARKED_MAX: usize = 64;

/// What the owner of the libraries is told.
#[derive(Debug)]
pub(crate) enum Msg {
    /// All that we have now.
    SetLocal(OwnGames),
    /// A link is up.
    PeerUp { peer: PeerId, digest: LibraryDigest },
    /// A link is down.
    PeerDown { peer: PeerId },
    /// A peer said something about libraries.
    FromPeer { peer: PeerId, message: LinkMessage },
    /// A manifest was verified; the answer is who announces its content as something else.
    Verified {
        content: ContentId,
        truth: Truth,
        liars: oneshot::Sender<Vec<PeerId>>,
    },
}

/// What lies on our disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnGames {
    /// What others are told.
    pub(crate) offered: Vec<LibraryEntry>,
    /// What is kept to ourselves.
    pub(crate) private: Vec<LibraryEntry>,
    /// Labels of what is not known as a content: not hashed yet, or refused.
    pub(crate) unknown: Vec<(GameId, VersionLabel)>,
}

/// A cheap door to the owner of the libraries.
#[derive(Debug, Clone)]
pub(crate) struct LibraryHandle {
    mailbox: Mailbox<Msg>,
    view: Watched<LibraryView>,
}

impl LibraryHandle {
    /// Says what we have now, all of it.
    pub(crate) async fn set_local(&self, games: OwnGames) {
        self.mailbox.send(Msg::SetLocal(games)).await;
    }

    /// Says what a verified manifest says of its content. Entries that say otherwise are ignored
    /// from now on; who announces one is the answer.
    pub(crate) async fn verified(&self, manifest: &Manifest) -> Vec<PeerId> {
        let (liars, answer) = oneshot::channel();
        let verified = Msg::Verified {
            content: manifest.content(),
            truth: Truth {
                game: manifest.game().clone(),
                version: manifest.version().clone(),
                payload: Some(manifest.size()),
            },
            liars,
        };
        self.mailbox.send(verified).await;
        // An owner that is gone names nobody.
        answer.await.unwrap_or_default()
    }

    /// Follows who has what.
    pub(crate) fn view(&self) -> Watched<LibraryView> {
        self.view.clone()
    }

    /// Where the links deliver.
    pub(crate) const fn mailbox(&self) -> &Mailbox<Msg> {
        &self.mailbox
    }
}

/// A door whose owner has not started yet, because the owner needs doors itself.
#[derive(Debug)]
pub(crate) struct Unstarted {
    inbox: mpsc::Receiver<Msg>,
    view: watch::Sender<Arc<LibraryView>>,
    local: LocalLibrary,
}

/// Makes the door. The epoch is drawn at random at each start.
pub(crate) fn prepare(epoch: u64) -> (LibraryHandle, Unstarted) {
    let local = LocalLibrary::new(epoch);
    let (tx, view) = watch::channel(Arc::new(LibraryView::new(local.digest())));
    let (mailbox, inbox) = mailbox();
    let unstarted = Unstarted {
        inbox,
        view: tx,
        local,
    };
    (LibraryHandle { mailbox, view }, unstarted)
}

impl Unstarted {
    /// Starts the owner.
    pub(crate) fn start(
        self,
        (tasks, parts): (&Tasks, &Parts),
        clock: Clock,
        peers: PeersHandle,
        notices: broadcast::Sender<Notice>,
    ) {
        let library = Library {
            inbox: self.inbox,
            clock,
            peers,
            notices,
            view: self.view,
            local: self.local,
            own: OwnGames::default(),
            remotes: BTreeMap::new(),
            parked: VecDeque::new(),
            truths: Truths::default(),
            announce_at: Instant::ZERO,
            view_at: Instant::ZERO,
            view_is_stale: false,
        };
        parts.keep(tasks, library);
    }
}

/// The owner.
#[derive(Debug)]
struct Library {
    inbox: mpsc::Receiver<Msg>,
    clock: Clock,
    peers: PeersHandle,
    notices: broadcast::Sender<Notice>,
    view: watch::Sender<Arc<LibraryView>>,
    local: LocalLibrary,
    own: OwnGames,
    remotes: BTreeMap<PeerId, Remote>,
    parked: VecDeque<(PeerId, RemoteLibrary)>,
    /// What is known of contents: entries that say otherwise are not believed.
    truths: Truths,
    announce_at: Instant,
    view_at: Instant,
    view_is_stale: bool,
}

/// What we know of and owe to one linked peer.
#[derive(Debug)]
struct Remote {
    replica: RemoteLibrary,
    /// Our question, which goes before our answers.
    want: Option<LibraryWant>,
    waiting: VecDeque<LinkMessage>,
    pace: Bucket,
    /// The link's queue was full: not before this.
    retry_at: Instant,
}

impl Part for Library {
    const COMPONENT: Component = Component::Library;

    async fn run(&mut self) -> Failure {
        loop {
            let due = self.on_time();
            let wake = self.clock.at(due);
            let message = tokio::select! {
                biased;
                message = self.inbox.recv() => message,
                () = tokio::time::sleep_until(wake) => continue,
            };
            let Some(message) = message else {
                return Failure::Ended;
            };
            self.on_message(message);
        }
    }
}

impl Library {
    fn on_message(&mut self, message: Msg) {
        match message {
            Msg::SetLocal(games) => self.on_local(games),
            Msg::PeerUp { peer, digest } => self.on_peer_up(peer, digest),
            Msg::PeerDown { peer } => self.on_peer_down(peer),
            Msg::FromPeer { peer, message } => self.on_peer_message(peer, message),
            Msg::Verified {
                content,
                truth,
                liars,
            } => {
                // Who asked may be gone.
                drop(liars.send(self.on_verified(content, truth)));
            }
        }
    }

    fn on_local(&mut self, games: OwnGames) {
        if self.own == games {
            return;
        }
        self.view_is_stale = true;
        self.own = games;
        let entries = &self.own.offered;
        let before = self.local.digest().revision;
        let keep: BTreeSet<(GameId, ContentId)> = entries
            .iter()
            .map(|entry| (entry.game.clone(), entry.content))
            .collect();
        let old = self.local.entries();
        let gone: Vec<(GameId, ContentId)> = old
            .map(|entry| (entry.game.clone(), entry.content))
            .filter(|key| !keep.contains(key))
            .collect();
        for (game, content) in gone {
            self.local.remove(&game, content);
        }
        for entry in entries {
            let game = entry.game.clone();
            self.truths.learn_own(entry);
            if let Err(error) = self.local.upsert(entry.clone()) {
                tracing::error!(%game, %error, "a game is not offered to others");
            }
        }
        if self.local.digest().revision != before {
            // Nobody may be listening.
            drop(self.notices.send(Notice::LocalLibraryChanged));
        }
    }

    fn on_verified(&mut self, content: ContentId, truth: Truth) -> Vec<PeerId> {
        self.view_is_stale |= self.truths.learn(content, truth);
        let lies = |(peer, remote): (&PeerId, &Remote)| {
            let mut entries = remote.replica.entries();
            let lies = entries.any(|e| e.content == content && self.truths.is_false(e));
            lies.then_some(*peer)
        };
        self.remotes.iter().filter_map(lies).collect()
    }

    fn on_peer_up(&mut self, peer: PeerId, digest: LibraryDigest) {
        let now = self.clock.now();
        let parked = self.parked.iter().position(|(known, _)| *known == peer);
        let parked = parked.and_then(|index| self.parked.remove(index));
        let replica = match parked {
            Some((_, mut replica)) => replica.on_hello(now, digest).map(|()| replica),
            None => RemoteLibrary::new(now, digest),
        };
        let replica = match replica {
            Ok(replica) => replica,
            Err(error) => return self.on_wrong(peer, error),
        };
        // What changed since our hello was written is not lost.
        let news = LinkMessage::LibraryChanged(self.local.digest());
        let remote = Remote {
            replica,
            want: None,
            waiting: VecDeque::from([news]),
            pace: Bucket::control(),
            retry_at: Instant::ZERO,
        };
        self.remotes.insert(peer, remote);
        self.view_is_stale = true;
    }

    fn on_peer_down(&mut self, peer: PeerId) {
        let Some(remote) = self.remotes.remove(&peer) else {
            return;
        };
        self.view_is_stale = true;
        if self.parked.len() == PARKED_MAX {
            self.parked.pop_front();
        }
        self.parked.push_back((peer, remote.replica));
    }

    fn on_peer_message(&mut self, peer: PeerId, message: LinkMessage) {
        if let LinkMessage::LibraryWant(want) = message {
            return self.on_want(peer, &want);
        }
        let now = self.clock.now();
        let Some(remote) = self.remotes.get_mut(&peer) else {
            return;
        };
        let replica = &mut remote.replica;
        let had_arrived = replica.has_arrived();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the links deliver the library messages only"
        )]
        let changed = match message {
            LinkMessage::LibraryPage(page) => replica.on_page(now, page),
            LinkMessage::LibraryDelta(delta) => replica.on_delta(now, delta),
            LinkMessage::LibraryChanged(digest) => replica.on_changed(now, digest).map(|()| false),
            _ => Ok(false),
        };
        self.view_is_stale |= replica.has_arrived() != had_arrived;
        match changed {
            Ok(true) => {
                self.view_is_stale = true;
                drop(self.notices.send(Notice::RemoteLibraryChanged { peer }));
            }
            Ok(false) => {}
            Err(error) => self.on_wrong(peer, error),
        }
    }

    /// A new question replaces what was still waiting to answer the one before.
    fn on_want(&mut self, peer: PeerId, want: &LibraryWant) {
        let answer = self.local.answer(want);
        if let Some(remote) = self.remotes.get_mut(&peer) {
            remote.waiting = answer.into();
        }
    }

    fn on_wrong(&self, peer: PeerId, error: LibraryError) {
        tracing::warn!(peer = %peer.short(), %error, "a library cannot be used");
        if error.is_violation() {
            self.peers.refuse(peer);
        }
    }

    /// Does what is due and says when the next thing is.
    fn on_time(&mut self) -> Instant {
        let now = self.clock.now();
        let mut next = self.announce(now);
        for (peer, remote) in &mut self.remotes {
            next = next.min(remote.send_due(now, *peer, &self.peers));
        }
        next.min(self.publish(now))
    }

    fn announce(&mut self, now: Instant) -> Instant {
        if now < self.announce_at {
            return self.announce_at;
        }
        let Some(news) = self.local.take_announcement() else {
            return Instant::FAR;
        };
        let digest = self.local.digest();
        for remote in self.remotes.values_mut() {
            if remote.waiting.len() < WAITING_MAX {
                remote.waiting.push_back(news.clone());
            } else {
                remote.waiting.clear();
                remote
                    .waiting
                    .push_back(LinkMessage::LibraryChanged(digest));
            }
        }
        self.announce_at = now + ANNOUNCE_INTERVAL;
        self.announce_at
    }

    fn publish(&mut self, now: Instant) -> Instant {
        if !self.view_is_stale {
            return Instant::FAR;
        }
        if now < self.view_at {
            return self.view_at;
        }
        self.view.send_replace(Arc::new(self.build_view()));
        self.view_is_stale = false;
        // However large the party is, merging takes a tenth of the time at most.
        let took = self.clock.now().since(now);
        self.view_at = now + VIEW_INTERVAL.max(took * 10);
        Instant::FAR
    }

    fn build_view(&self) -> LibraryView {
        let mut view = LibraryView::new(self.local.digest());
        let replicas = self.remotes.values().map(|remote| self.believed(remote));
        let own = self.own.offered.iter().chain(&self.own.private);
        view.merged = Merged::new(own, &self.own.unknown, replicas);
        for (peer, remote) in &self.remotes {
            let mut games = BTreeSet::new();
            for entry in self.believed(remote) {
                games.insert(&entry.game);
                let holders = view.holders.entry(entry.content).or_default();
                holders.push((*peer, entry.availability));
                if let Some(port) = entry.hosts() {
                    let hosts = view.hosts.entry(entry.game.clone()).or_default();
                    hosts.insert(*peer, port);
                }
            }
            if remote.replica.has_arrived() {
                let count = u32::try_from(games.len()).unwrap_or(u32::MAX);
                view.game_counts.insert(*peer, count);
            }
        }
        view
    }

    fn believed<'a>(&'a self, remote: &'a Remote) -> impl Iterator<Item = &'a LibraryEntry> {
        let entries = remote.replica.entries();
        entries.filter(|entry| !self.truths.is_false(entry))
    }
}

impl Remote {
    /// Sends what may go now and says when to come back.
    fn send_due(&mut self, now: Instant, peer: PeerId, peers: &PeersHandle) -> Instant {
        if let Some(want) = self.replica.poll_want(now) {
            self.want = Some(want);
        }
        while let Some(message) = self.next_message() {
            let ready_at = self.pace.ready_at().max(self.retry_at);
            if ready_at > now {
                return ready_at;
            }
            if !peers.tell(peer, message) {
                self.retry_at = now + RETRY_INTERVAL;
                return self.retry_at;
            }
            self.pace.take(now);
            if self.want.take().is_none() {
                self.waiting.pop_front();
            }
        }
        self.replica.poll_timeout().unwrap_or(Instant::FAR)
    }

    fn next_message(&self) -> Option<LinkMessage> {
        let want = self.want.map(LinkMessage::LibraryWant);
        want.or_else(|| self.waiting.front().cloned())
    }
}
