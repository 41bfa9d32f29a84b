//! Puts the actors' views together into one [`Snapshot`], at most ten a second and only when
//! something changed, and passes notices on.
//!
//! Invariant: a notice that ends an operation is passed on after a snapshot that shows the end.

mod playing;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use lanspread_proto::{GameId, PeerId, library::Availability, wire::link::Sharing};
use lanspread_swarm::merged::{MergedContent, MergedGame};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use crate::{
    limits,
    notice::Notice,
    restart::{Failure, Part},
    snapshot::{
        Component, ContentView, GameView, MeView, MirrorView, PeerState, PeerView, Problem,
        Snapshot,
    },
    views::{
        ComponentsView, LibraryView, OperationsView, PeerInfo, PeersView, PlayView, ShelfView,
        UploadsView, Watched,
    },
};

/// Where the parts of a snapshot come from.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) peers: Watched<PeersView>,
    pub(crate) library: Watched<LibraryView>,
    pub(crate) shelf: Watched<ShelfView>,
    pub(crate) operations: Watched<OperationsView>,
    pub(crate) uploads: Watched<UploadsView>,
    pub(crate) play: Watched<PlayView>,
    pub(crate) mirror: Watched<MirrorView>,
    pub(crate) components: Watched<ComponentsView>,
}

/// One view of each actor, at one moment.
#[derive(Debug)]
struct Parts {
    peers: Arc<PeersView>,
    library: Arc<LibraryView>,
    shelf: Arc<ShelfView>,
    operations: Arc<OperationsView>,
    uploads: Arc<UploadsView>,
    play: Arc<PlayView>,
    mirror: Arc<MirrorView>,
    components: Arc<ComponentsView>,
}

/// The way out.
#[derive(Debug)]
pub(crate) struct Outlets {
    /// What readers follow.
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    /// What the actors announce.
    pub(crate) heard: broadcast::Receiver<Notice>,
    /// Where readers hear it.
    pub(crate) told: broadcast::Sender<Notice>,
    /// Who waits until everything that is so now can be seen.
    pub(crate) waiting: mpsc::Receiver<oneshot::Sender<()>>,
}

/// The part that puts the views together.
#[derive(Debug)]
pub(crate) struct Publisher {
    sources: Sources,
    outlets: Outlets,
    /// Notices that wait for the snapshot that shows what they tell.
    held: VecDeque<Notice>,
    /// They are told after the next snapshot.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Part for Publisher {
    const COMPONENT: Component = Component::Views;

    async fn run(&mut self) -> Failure {
        let mut next = Instant::now();
        let mut stale = true;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next), if stale => {
                    self.publish();
                    stale = false;
                    next = Instant::now() + limits::SNAPSHOT_INTERVAL;
                }
                notice = next_notice(&mut self.outlets.heard),
                    if self.held.len() < limits::NOTICES =>
                {
                    if self.held.is_empty() && !ends_operation(&notice) {
                        // Nobody may be listening.
                        drop(self.outlets.told.send(notice));
                    } else {
                        self.held.push_back(notice);
                        stale = true;
                    }
                }
                Some(waiter) = self.outlets.waiting.recv(),
                    if self.waiting.len() < limits::NOTICES =>
                {
                    self.waiting.push(waiter);
                    stale = true;
                }
                () = self.sources.changed(), if !stale => stale = true,
            }
        }
    }
}

impl Publisher {
    fn publish(&mut self) {
        let snapshots = &self.outlets.snapshots;
        let revision = snapshots.borrow().revision + 1;
        let snapshot = Arc::new(self.sources.take().snapshot(revision));
        let before = snapshots.send_replace(Arc::clone(&snapshot));
        let sent = |view: &Snapshot| -> BTreeSet<(PeerId, GameId)> {
            let uploads = view.uploads.iter();
            uploads
                .map(|upload| (upload.peer, upload.game.clone()))
                .collect()
        };
        if sent(&before) != sent(&snapshot) {
            drop(self.outlets.told.send(Notice::UploadsChanged));
        }
        for notice in self.held.drain(..) {
            // Nobody may be listening.
            drop(self.outlets.told.send(notice));
        }
        for waiter in self.waiting.drain(..) {
            // Who waited may have gone.
            let _heard = waiter.send(());
        }
    }
}

impl Sources {
    /// The first snapshot.
    pub(crate) fn first(&mut self) -> Arc<Snapshot> {
        Arc::new(self.take().snapshot(0))
    }

    /// What keeps the snapshot up to date.
    pub(crate) const fn publisher(self, outlets: Outlets) -> Publisher {
        Publisher {
            sources: self,
            outlets,
            held: VecDeque::new(),
            waiting: Vec::new(),
        }
    }

    async fn changed(&mut self) {
        tokio::select! {
            () = next_change(&mut self.peers) => {}
            () = next_change(&mut self.library) => {}
            () = next_change(&mut self.shelf) => {}
            () = next_change(&mut self.operations) => {}
            () = next_change(&mut self.uploads) => {}
            () = next_change(&mut self.play) => {}
            () = next_change(&mut self.mirror) => {}
            () = next_change(&mut self.components) => {}
        }
    }

    /// An operation ends when all else is settled: what is taken after it is as new as its end.
    fn take(&mut self) -> Parts {
        let operations = Arc::clone(&self.operations.borrow_and_update());
        Parts {
            operations,
            peers: Arc::clone(&self.peers.borrow_and_update()),
            library: Arc::clone(&self.library.borrow_and_update()),
            shelf: Arc::clone(&self.shelf.borrow_and_update()),
            uploads: Arc::clone(&self.uploads.borrow_and_update()),
            play: Arc::clone(&self.play.borrow_and_update()),
            mirror: Arc::clone(&self.mirror.borrow_and_update()),
            components: Arc::clone(&self.components.borrow_and_update()),
        }
    }
}

/// A view whose writer has stopped does not change any more.
async fn next_change<T>(view: &mut Watched<T>) {
    if view.changed().await.is_err() {
        std::future::pending().await
    }
}

/// A reader that lagged goes on with what is there.
async fn next_notice(heard: &mut broadcast::Receiver<Notice>) -> Notice {
    loop {
        match heard.recv().await {
            Ok(notice) => return notice,
            Err(broadcast::error::RecvError::Lagged(count)) => {
                tracing::debug!(count, "notices were lost");
            }
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

const fn ends_operation(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::OperationFinished { .. }
            | Notice::OperationCancelled { .. }
            | Notice::OperationFailed { .. }
    )
}

impl Parts {
    fn snapshot(&self, revision: u64) -> Snapshot {
        Snapshot {
            revision,
            me: self.me(),
            games: self.games(),
            peers: self.peers(),
            queue: self.operations.queue.clone(),
            uploads: self.uploads.uploads.clone(),
            settings: self.operations.settings.clone(),
            mirror: Arc::clone(&self.mirror),
            problems: self.problems(),
            components: self.components.components.clone(),
        }
    }

    fn me(&self) -> MeView {
        MeView {
            peer: self.peers.me,
            name: self.peers.name.clone(),
            addresses: self.peers.addresses.clone(),
            games_dir: self.shelf.games_dir.clone(),
            games_dir_state: self.shelf.games_dir_state,
            is_listed: self.shelf.is_listed,
            sharing: self.shelf.sharing,
            reachable: self.peers.reachable,
            down_rate: self.uploads.down_rate,
            up_rate: self.uploads.up_rate,
            hashing: self.shelf.hashing,
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let parts = [
            &self.components.problems,
            &self.shelf.problems,
            &self.operations.problems,
            &self.play.problems,
            &self.peers.problems,
        ];
        parts.into_iter().flatten().cloned().collect()
    }

    fn games(&self) -> Vec<GameView> {
        let merged = self.library.merged.games().map(|game| &game.game);
        let all: BTreeSet<&GameId> = merged
            .chain(self.shelf.games.keys())
            .chain(self.operations.operations.keys())
            .collect();
        all.into_iter().map(|game| self.game(game)).collect()
    }

    fn game(&self, game: &GameId) -> GameView {
        let merged = self.library.merged.game(game);
        let here = self.shelf.games.get(game);
        let choice = self.library.merged.choose(game, None).ok();
        let local = here.map(|here| here.local.clone()).unwrap_or_default();
        let has_newer = merged.is_some_and(|merged| merged.update_available);
        GameView {
            game: game.clone(),
            title: self.title(game, merged),
            folder: here.map(|here| here.root.path()),
            contents: merged.map_or_else(Vec::new, |merged| self.contents(merged)),
            newest: choice.map(|choice| choice.content),
            update_available: has_newer || local.install_is_behind(),
            local,
            conflict: merged
                .and_then(|merged| merged.contents.first())
                .is_some_and(|newest| newest.conflict),
            operation: self.operations.operations.get(game).cloned(),
            play: self.play(game),
            hosts: self.hosts(game),
            about: self.about(game),
            cover: self.cover(game),
        }
    }

    fn contents(&self, game: &MergedGame) -> Vec<ContentView> {
        let contents = game.contents.iter();
        contents.map(|content| self.content(content)).collect()
    }

    fn content(&self, content: &MergedContent) -> ContentView {
        let ours = |kind| u32::from(content.own == Some(kind));
        ContentView {
            content: content.content,
            version: content.version.clone(),
            payload: content.payload,
            unpacked: content.unpacked,
            ready: content.peers.ready + ours(Availability::Ready),
            partial: content.peers.partial + ours(Availability::Partial),
            local_only: content.peers.local_only + ours(Availability::LocalOnly),
            holders: self.library.holders(content.content).to_vec(),
        }
    }

    fn peers(&self) -> Vec<PeerView> {
        let known = self.peers.peers.iter();
        let mut peers: Vec<PeerView> = known.map(|(peer, info)| self.peer(*peer, info)).collect();
        let strangers = self.peers.strangers.iter();
        peers.extend(strangers.map(|(address, state)| PeerView {
            peer: None,
            name: lanspread_proto::text::PeerName::default(),
            address: Some(*address),
            state: *state,
            sharing: false,
            reachable: None,
            games: None,
            rtt: None,
            medium: None,
            bits_per_second: None,
            received_bytes: 0,
            sent_bytes: 0,
        }));
        peers.sort_by(|a, b| (&a.name, a.peer, a.address).cmp(&(&b.name, b.peer, b.address)));
        peers
    }

    fn peer(&self, peer: PeerId, info: &PeerInfo) -> PeerView {
        let traffic = self.uploads.traffic.get(&peer).copied().unwrap_or_default();
        let games = self.library.game_counts.get(&peer).copied();
        PeerView {
            peer: Some(peer),
            name: info.name.clone(),
            address: info.address,
            state: info.state,
            sharing: info.state == PeerState::Connected && info.sharing == Sharing::On,
            reachable: info.reachable,
            games,
            rtt: info.rtt,
            medium: info.path.medium.kind(),
            bits_per_second: info.path.bits_per_second,
            received_bytes: traffic.received_bytes,
            sent_bytes: traffic.sent_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
