//! Owns what we know of our own games on disk: scanned, hashed, shared or not.
//!
//! Invariant: a game that an operation holds is not looked at until it is released; what is served
//! is what was hashed, and is withdrawn the moment it turns out not to be.

mod archives;
mod handle;
mod look;
mod place;
mod watching;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_disk::{
    Disk, Place,
    content::{OpenContent, PieceSource},
    hashing::Progress,
    index::Index,
    pool::Pool,
    scan::{FoundGame, GamesUnavailable, Payload},
    state::StateDir,
};
use lanspread_proto::{
    ContentId, GameId, Manifest, PieceSet,
    library::{Availability, LibraryEntry, Size},
    text::Title,
    wire::Extensions,
};
use lanspread_unpack::WorkerCommand;
use tokio::sync::{broadcast, mpsc, watch};

pub(crate) use self::handle::ShelfHandle;
use self::look::{Known, Looker, PayloadState, Seen, Subject};
use crate::{
    actor::{Mailbox, Reply, Tasks},
    config::Settings,
    download::Agreed,
    error::OperationError,
    exchange::{ExchangeHandle, Served},
    handle::{GamesMove, PublishPlan, ShareChange},
    library::LibraryHandle,
    limits,
    notice::Notice,
    peers::PeersHandle,
    snapshot::{GamesDirState, HashingView, LocalView, NotShared, Problem, SharingState},
    views::{ShelfGame, ShelfView},
};

/// What the shelf is told.
#[derive(Debug)]
pub(crate) enum Msg {
    PlanPublish(PathBuf, Reply<PublishPlan>),
    Rescan(Reply<()>),
    Share(ShareChange, Reply<()>),
    SetGamesDir(PathBuf, GamesMove, Reply<()>),
    /// An operation begins on a game: it is not looked at until it is released.
    Hold(GameId, Reply<()>),
    Release(GameId),
    Manifest(GameId, Reply<Arc<Manifest>>),
    OpenContent(GameId, Reply<Arc<OpenContent>>),
    /// A download was made the payload.
    Committed(GameId, Agreed),
    /// A person made this folder a game just now.
    Published(GameId),
    /// A download of this content runs; or none does any more.
    Downloading(GameId, Option<Arc<Manifest>>),
    /// Something in a game's directory changed.
    Changed {
        game: GameId,
    },
    /// Something in the games directory changed.
    AnyChanged,
    /// A peer says that our bytes of a content are wrong.
    Doubted {
        content: ContentId,
    },
    /// From jobs.
    Scanned(Result<Vec<FoundGame>, GamesUnavailable>),
    Looked(GameId, Box<Seen>),
    Hashed(GameId, Result<Box<Known>, NotShared>),
    Moved(PathBuf, Result<(), OperationError>, Reply<()>),
}

/// What the shelf needs.
pub(crate) struct ShelfPorts {
    pub(crate) tasks: Tasks,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: StateDir,
    pub(crate) index: Arc<Index>,
    /// Threads for hashing our own games.
    pub(crate) pool: Arc<Pool>,
    pub(crate) worker: WorkerCommand,
    pub(crate) mailbox: Mailbox<Msg>,
    pub(crate) exchange: ExchangeHandle,
    pub(crate) library: LibraryHandle,
    pub(crate) peers: PeersHandle,
    pub(crate) settings: watch::Receiver<Settings>,
    pub(crate) notices: broadcast::Sender<Notice>,
    pub(crate) view: watch::Sender<Arc<ShelfView>>,
}

/// One game.
struct Entry {
    directory: String,
    title: Title,
    /// As `lanspread.toml` says.
    share: bool,
    holds: u32,
    /// It changed while it was held or looked at.
    dirty: bool,
    looking: bool,
    settled: bool,
    committed: Option<Agreed>,
    seen: LocalView,
    known: Option<Known>,
    downloading: Option<Arc<Manifest>>,
}

/// The actor.
pub(crate) struct Shelf {
    ports: ShelfPorts,
    looker: Looker,
    games_dir: PathBuf,
    state: GamesDirState,
    entries: BTreeMap<GameId, Entry>,
    /// What the exchange serves for us.
    served: BTreeMap<ContentId, Arc<dyn PieceSource>>,
    /// Games that the person does not share, besides what `lanspread.toml` says.
    switched_off: BTreeSet<GameId>,
    /// Games to look at, and to hash, next.
    to_look: VecDeque<GameId>,
    to_hash: BTreeMap<GameId, Arc<Payload>>,
    busy: bool,
    scanning: bool,
    scan_replies: Vec<Reply<()>>,
    hashing: Option<Hashing>,
    paused_until: Option<Option<Instant>>,
    problems: Vec<Problem>,
    watch: watching::Watching,
}

/// A game that is being hashed.
struct Hashing {
    game: GameId,
    progress: Arc<Progress>,
    total_bytes: u64,
    begun: Instant,
}

impl Shelf {
    /// Starts the actor with a first scan.
    pub(crate) fn start(ports: ShelfPorts, games_dir: PathBuf, inbox: mpsc::Receiver<Msg>) {
        let looker = Looker {
            disk: Arc::clone(&ports.disk),
            state: ports.state.clone(),
            index: Arc::clone(&ports.index),
            pool: Arc::clone(&ports.pool),
            worker: ports.worker.clone(),
        };
        let tasks = ports.tasks.clone();
        let switched_off = place::load_switched_off(ports.disk.as_ref(), &ports.state);
        let watch = watching::Watching::start(&ports, &games_dir);
        let shelf = Self {
            ports,
            looker,
            games_dir,
            state: GamesDirState::Available,
            entries: BTreeMap::new(),
            served: BTreeMap::new(),
            switched_off,
            to_look: VecDeque::new(),
            to_hash: BTreeMap::new(),
            busy: false,
            scanning: false,
            scan_replies: Vec::new(),
            hashing: None,
            paused_until: None,
            problems: Vec::new(),
            watch,
        };
        tasks.spawn_until_stop(tracing::info_span!("shelf"), shelf.run(inbox));
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Msg>) {
        let mut scan = tokio::time::interval(limits::SCAN_INTERVAL);
        scan.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut settings = self.ports.settings.clone();
        loop {
            let changed = tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => return,
                },
                Ok(()) = settings.changed() => true,
                _ = scan.tick() => { self.scan(); false }
                _ = tick.tick() => self.on_tick(),
            };
            self.work();
            if changed {
                self.publish().await;
            }
        }
    }

    /// Returns whether anything that others see may have changed.
    fn on_message(&mut self, message: Msg) -> bool {
        match message {
            Msg::PlanPublish(source, reply) => {
                place::plan_publish(&self.ports, &self.games_dir, source, reply)
            }
            Msg::Rescan(reply) => {
                self.scan_replies.push(reply);
                self.scan();
            }
            Msg::Share(change, reply) => self.share(change, reply),
            Msg::SetGamesDir(dir, how, reply) => {
                place::move_games(&self.ports, self.games_dir.clone(), (dir, how), reply);
            }
            Msg::Moved(dir, result, reply) => self.on_moved(dir, result, reply),
            Msg::Hold(game, reply) => self.hold(&game, reply),
            Msg::Release(game) => self.release(&game),
            Msg::Manifest(game, reply) => drop(reply.send(self.manifest(&game))),
            Msg::OpenContent(game, reply) => drop(reply.send(self.open_content(&game))),
            Msg::Committed(game, agreed) => {
                let entry = self.entry(&game);
                entry.committed = Some(agreed);
                entry.downloading = None;
            }
            Msg::Published(game) => {
                self.entry(&game).settled = true;
                self.look_again(&game);
            }
            Msg::Downloading(game, manifest) => self.entry(&game).downloading = manifest,
            Msg::Changed { game } => self.on_changed(&game),
            Msg::AnyChanged => self.scan(),
            Msg::Doubted { content } => self.on_doubted(content),
            Msg::Scanned(result) => self.on_scanned(result),
            Msg::Looked(game, seen) => self.on_looked(&game, *seen),
            Msg::Hashed(game, result) => self.on_hashed(&game, result),
        }
        true
    }

    fn entry(&mut self, game: &GameId) -> &mut Entry {
        self.entries
            .entry(game.clone())
            .or_insert_with(|| Entry::new(game.as_str().to_owned()))
    }

    fn hold(&mut self, game: &GameId, reply: Reply<()>) {
        let result = match self.state {
            GamesDirState::Available => {
                self.entry(game).holds += 1;
                if let Some(hashing) = self.hashing.as_ref().filter(|h| h.game == *game) {
                    hashing.progress.cancel();
                }
                Ok(())
            }
            GamesDirState::Unavailable => {
                Err(OperationError::GamesDirUnavailable(self.games_dir.clone()))
            }
        };
        drop(reply.send(result));
    }

    fn release(&mut self, game: &GameId) {
        let entry = self.entry(game);
        entry.holds = entry.holds.saturating_sub(1);
        self.look_again(game);
    }

    fn manifest(&self, game: &GameId) -> Result<Arc<Manifest>, OperationError> {
        let known = self
            .entries
            .get(game)
            .and_then(|entry| entry.known.as_ref());
        let known = known.ok_or_else(|| OperationError::NotDownloaded(game.clone()))?;
        Ok(Arc::clone(&known.agreed.manifest))
    }

    fn open_content(&mut self, game: &GameId) -> Result<Arc<OpenContent>, OperationError> {
        // A download that was committed a moment ago is held, so nobody looked at it since.
        let Some(entry) = self.entries.get(game) else {
            return Err(OperationError::NotDownloaded(game.clone()));
        };
        if let Some(agreed) = entry.committed.clone() {
            let root = self.root(&entry.directory);
            let payload = lanspread_disk::scan::scan_payload(self.ports.disk.as_ref(), &root)
                .map_err(|error| OperationError::Publish {
                    entry: game.to_string(),
                    code: "payload",
                    reason: error.to_string(),
                })?;
            let disk = Arc::clone(&self.ports.disk);
            return OpenContent::new(disk, root, agreed.manifest, &payload)
                .map(Arc::new)
                .ok_or_else(|| OperationError::NotDownloaded(game.clone()));
        }
        let known = entry.known.as_ref();
        let known = known.ok_or_else(|| OperationError::NotDownloaded(game.clone()))?;
        Ok(Arc::clone(&known.open))
    }

    fn root(&self, directory: &str) -> Place {
        Place::root(&self.games_dir).listed(directory)
    }

    fn on_changed(&mut self, game: &GameId) {
        match self.entries.contains_key(game) {
            true => self.look_again(game),
            false => self.scan(),
        }
    }

    fn on_doubted(&mut self, content: ContentId) {
        let doubted = self.entries.iter().find(|(_, entry)| {
            entry
                .known
                .as_ref()
                .is_some_and(|known| known.agreed.manifest.content() == content)
        });
        if let Some((game, _)) = doubted {
            // A look finds changed files; rot that left size and time alone is `verify`'s to find.
            let game = game.clone();
            self.look_again(&game);
        }
    }

    /// Queues a game, unless it is held or already looked at; then it is looked at afterwards.
    fn look_again(&mut self, game: &GameId) {
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        if entry.holds > 0 || entry.looking {
            entry.dirty = true;
        } else if !self.to_look.contains(game) {
            self.to_look.push_back(game.clone());
        }
    }

    fn scan(&mut self) {
        if std::mem::replace(&mut self.scanning, true) {
            return;
        }
        let (disk, games) = (Arc::clone(&self.ports.disk), Place::root(&self.games_dir));
        let mailbox = self.ports.mailbox.clone();
        self.ports
            .tasks
            .spawn_blocking(tracing::debug_span!("scan"), move || {
                let found = lanspread_disk::scan::list_games(disk.as_ref(), &games);
                mailbox.blocking_send(Msg::Scanned(found));
            });
    }

    fn on_scanned(&mut self, result: Result<Vec<FoundGame>, GamesUnavailable>) {
        self.scanning = false;
        let available = match result {
            Ok(found) => {
                self.state = GamesDirState::Available;
                self.take_in(found);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the games directory is not available");
                self.state = GamesDirState::Unavailable;
                // Nothing is forgotten but what can be served: the disk may be plugged in again.
                self.entries
                    .values_mut()
                    .for_each(|entry| entry.known = None);
                Err(OperationError::GamesDirUnavailable(self.games_dir.clone()))
            }
        };
        for reply in self.scan_replies.drain(..) {
            drop(reply.send(available.clone()));
        }
    }

    fn take_in(&mut self, found: Vec<FoundGame>) {
        self.problems.clear();
        let mut seen = BTreeSet::new();
        for game in found {
            match game.game {
                Ok(id) => {
                    let entry = self.entry(&id);
                    entry.directory = game.directory;
                    entry.seen.present = true;
                    self.look_again(&id);
                    seen.insert(id);
                }
                Err(why) => self.problems.push(Problem {
                    code: "not-a-game",
                    subject: game.directory,
                    message: why.to_string(),
                }),
            }
        }
        let gone: Vec<GameId> = self
            .entries
            .iter()
            .filter(|(game, entry)| !seen.contains(*game) && entry.holds == 0 && !entry.looking)
            .map(|(game, _)| game.clone())
            .collect();
        for game in gone {
            self.entries.remove(&game);
            self.to_look.retain(|other| *other != game);
            self.to_hash.remove(&game);
        }
    }

    /// Starts the next look, or the next hashing when nothing is to be looked at.
    fn work(&mut self) {
        if self.busy || self.state == GamesDirState::Unavailable {
            return;
        }
        while let Some(game) = self.to_look.pop_front() {
            if self.look(&game) {
                return;
            }
        }
        // Small games first: most of the library is there soon.
        let smallest = self.to_hash.iter().min_by_key(|(_, payload)| payload.bytes);
        let smallest = smallest.map(|(game, _)| game.clone());
        if let Some(game) = smallest
            && let Some(payload) = self.to_hash.remove(&game)
        {
            self.hash(&game, payload);
        }
    }

    fn look(&mut self, game: &GameId) -> bool {
        let games = Place::root(&self.games_dir);
        let Some(entry) = self.entries.get_mut(game).filter(|entry| entry.holds == 0) else {
            return false;
        };
        entry.looking = true;
        entry.dirty = false;
        self.busy = true;
        let subject = entry.subject(game, games);
        let (looker, mailbox, game) = (
            self.looker.clone(),
            self.ports.mailbox.clone(),
            game.clone(),
        );
        self.ports
            .tasks
            .spawn_blocking(tracing::debug_span!("look", %game), move || {
                let seen = Box::new(looker.look(&subject));
                mailbox.blocking_send(Msg::Looked(game, seen));
            });
        true
    }

    fn on_looked(&mut self, game: &GameId, seen: Seen) {
        self.busy = false;
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        entry.looking = false;
        entry.title = seen.title;
        entry.share = seen.share;
        entry.seen.downloaded = seen.downloaded;
        entry.seen.installed = seen.installed;
        entry.seen.kept_bytes = seen.kept_bytes;
        entry.committed = None;
        let (known, not_shared) = match seen.payload {
            PayloadState::Known(known) => (Some(known), None),
            PayloadState::Unhashed(payload) => {
                self.to_hash.insert(game.clone(), payload);
                (None, Some(NotShared::Checking))
            }
            PayloadState::Not(reason) => (None, Some(reason)),
        };
        entry.seen.not_shared = not_shared;
        entry.take(&self.ports, known);
        if entry.dirty {
            self.look_again(game);
        }
    }

    fn hash(&mut self, game: &GameId, payload: Arc<Payload>) {
        let games = Place::root(&self.games_dir);
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        if entry.holds > 0 {
            entry.dirty = true;
            return;
        }
        entry.looking = true;
        self.busy = true;
        let subject = entry.subject(game, games);
        let progress = Arc::new(Progress::default());
        self.hashing = Some(Hashing {
            game: game.clone(),
            progress: Arc::clone(&progress),
            total_bytes: payload.bytes,
            begun: Instant::now(),
        });
        let (looker, mailbox, game) = (
            self.looker.clone(),
            self.ports.mailbox.clone(),
            game.clone(),
        );
        self.ports
            .tasks
            .spawn_blocking(tracing::info_span!("hash", %game), move || {
                let known = looker.hash(&subject, &payload, &progress).map(Box::new);
                mailbox.blocking_send(Msg::Hashed(game, known));
            });
    }

    fn on_hashed(&mut self, game: &GameId, result: Result<Box<Known>, NotShared>) {
        self.busy = false;
        self.hashing = None;
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        entry.looking = false;
        match result {
            Ok(known) => {
                entry.settled = false;
                entry.seen.not_shared = None;
                entry.take(&self.ports, Some(*known));
            }
            Err(reason) => {
                entry.seen.not_shared = Some(reason);
                entry.take(&self.ports, None);
            }
        }
        if entry.dirty {
            self.look_again(game);
        }
    }

    fn on_tick(&mut self) -> bool {
        let settling: Vec<GameId> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.seen.not_shared == Some(NotShared::Settling))
            .map(|(game, _)| game.clone())
            .collect();
        for game in &settling {
            self.look_again(game);
        }
        if self
            .paused_until
            .flatten()
            .is_some_and(|until| until <= Instant::now())
        {
            self.paused_until = None;
            return true;
        }
        self.watch.keep(&self.ports, &self.games_dir);
        self.hashing.is_some() || self.paused_until.is_some()
    }

    fn share(&mut self, change: ShareChange, reply: Reply<()>) {
        let result = match change {
            ShareChange::Game(game, _) if !self.entries.contains_key(&game) => {
                Err(OperationError::UnknownGame(game))
            }
            ShareChange::Game(game, on) => {
                match on {
                    true => self.switched_off.remove(&game),
                    false => self.switched_off.insert(game),
                };
                place::save_switched_off(&self.ports, &self.switched_off);
                Ok(())
            }
            ShareChange::All(on) => {
                self.paused_until = if on { None } else { Some(None) };
                Ok(())
            }
            ShareChange::Pause(time) => {
                self.paused_until = Some(time.map(|time| Instant::now() + time));
                Ok(())
            }
        };
        drop(reply.send(result));
    }

    fn on_moved(&mut self, dir: PathBuf, result: Result<(), OperationError>, reply: Reply<()>) {
        if result.is_ok() {
            self.entries.clear();
            self.to_look.clear();
            self.to_hash.clear();
            self.games_dir = dir;
            self.watch = watching::Watching::start(&self.ports, &self.games_dir);
            self.scan();
        }
        drop(reply.send(result));
    }

    fn sharing(&self) -> SharingState {
        match self.paused_until {
            Some(until) => SharingState::Paused(
                until.map(|until| until.saturating_duration_since(Instant::now())),
            ),
            None if self.ports.settings.borrow().share => SharingState::On,
            None => SharingState::Off,
        }
    }

    /// Tells everybody what is on the shelf now.
    async fn publish(&mut self) {
        let sharing = self.sharing();
        let mut games = BTreeMap::new();
        let (mut offered, mut serve) = (Vec::new(), Vec::new());
        for (game, entry) in &self.entries {
            let off = self.switched_off.contains(game) || !entry.share;
            let shared = !off && sharing != SharingState::Off;
            entry.offer(game, shared, &mut offered);
            serve.extend(entry.served(game).filter(|_| shared));
            games.insert(game.clone(), entry.view(off, self.root(&entry.directory)));
        }
        self.serve(serve).await;
        self.ports.library.set_local(offered).await;
        self.ports.exchange.set_sharing(sharing).await;
        self.ports
            .peers
            .set_sharing(place::on_the_wire(sharing))
            .await;
        let view = ShelfView {
            games,
            games_dir: self.games_dir.clone(),
            games_dir_state: self.state,
            hashing: self.hashing.as_ref().map(Hashing::view),
            problems: self.problems.clone(),
        };
        self.ports.view.send_replace(Arc::new(view));
    }
}

impl Shelf {
    /// Registers what is new, and withdraws what is no longer there. What a download serves is its
    /// own business.
    async fn serve(&mut self, serve: Vec<Served>) {
        let now: BTreeMap<ContentId, Arc<dyn PieceSource>> = serve
            .iter()
            .map(|served| (served.manifest.content(), Arc::clone(&served.source)))
            .collect();
        for content in self
            .served
            .keys()
            .filter(|content| !now.contains_key(content))
        {
            self.ports.exchange.withdraw(*content).await;
        }
        for served in serve {
            let before = self.served.get(&served.manifest.content());
            if !before.is_some_and(|before| Arc::ptr_eq(before, &served.source)) {
                self.ports.exchange.serve(served).await;
            }
        }
        self.served = now;
    }
}

impl Hashing {
    fn view(&self) -> HashingView {
        let done_bytes = self.progress.bytes().min(self.total_bytes);
        let elapsed = self.begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let left = (done_bytes > 0).then(|| {
            let rest = (self.total_bytes - done_bytes) as f64 / done_bytes as f64;
            Duration::from_secs_f64(elapsed * rest)
        });
        HashingView {
            done_bytes,
            total_bytes: self.total_bytes,
            left,
        }
    }
}

impl Entry {
    fn new(directory: String) -> Self {
        Self {
            title: Title::clean(&lanspread_proto::manifest::title_of(&directory)),
            directory,
            share: true,
            holds: 0,
            dirty: false,
            looking: false,
            settled: false,
            committed: None,
            seen: LocalView::default(),
            known: None,
            downloading: None,
        }
    }

    fn subject(&self, game: &GameId, games: Place) -> Subject {
        Subject {
            game: game.clone(),
            directory: self.directory.clone(),
            games,
            committed: self.committed.clone(),
            settled: self.settled,
        }
    }

    /// From now on this is what is known.
    fn take(&mut self, ports: &ShelfPorts, known: Option<Known>) {
        let content = |known: &Known| known.agreed.manifest.content();
        let before = self.known.as_ref().map(content);
        let now = known.as_ref().map(content);
        if before != now {
            // Nobody may be listening.
            drop(ports.notices.send(Notice::LocalLibraryChanged));
        }
        self.known = known;
    }

    fn availability(&self) -> Option<Availability> {
        match (&self.known, &self.downloading, &self.seen.installed) {
            (Some(_), _, _) => Some(Availability::Ready),
            (None, Some(_), _) => Some(Availability::Partial),
            (None, None, Some(_)) if self.seen.downloaded.is_none() => {
                Some(Availability::LocalOnly)
            }
            (None, None, _) => None,
        }
    }

    fn offer(&self, game: &GameId, shared: bool, offered: &mut Vec<LibraryEntry>) {
        let entry = |content, version, availability, payload, unpacked| LibraryEntry {
            game: game.clone(),
            content,
            version,
            title: self.title.clone(),
            availability,
            payload,
            unpacked,
            extensions: Extensions::default(),
        };
        if !shared {
            return;
        }
        if let Some(known) = &self.known {
            let manifest = &known.agreed.manifest;
            let (content, version) = (manifest.content(), manifest.version().clone());
            let size = size_of(manifest);
            offered.push(entry(
                content,
                version,
                Availability::Ready,
                size,
                known.unpacked,
            ));
        }
        if let Some(manifest) = &self.downloading {
            let (content, version) = (manifest.content(), manifest.version().clone());
            offered.push(entry(
                content,
                version,
                Availability::Partial,
                size_of(manifest),
                None,
            ));
        }
        if let (Some((version, content)), Some(Availability::LocalOnly)) =
            (&self.seen.installed, self.availability())
        {
            let (version, nothing) = (version.clone(), Size::default());
            offered.push(entry(
                *content,
                version,
                Availability::LocalOnly,
                nothing,
                None,
            ));
        }
    }

    fn view(&self, off: bool, root: Place) -> ShelfGame {
        let mut local = self.seen.clone();
        local.content = self
            .known
            .as_ref()
            .map(|known| known.agreed.manifest.content());
        local.availability = self.availability();
        if off && local.not_shared.is_none() {
            local.not_shared = Some(NotShared::SwitchedOff);
        }
        let manifest = self
            .known
            .as_ref()
            .map(|known| Arc::clone(&known.agreed.manifest));
        ShelfGame {
            title: self.title.clone(),
            local,
            root,
            manifest,
        }
    }

    fn served(&self, game: &GameId) -> Option<Served> {
        let known = self.known.as_ref()?;
        let manifest = Arc::clone(&known.agreed.manifest);
        let source: Arc<dyn PieceSource> = Arc::<OpenContent>::clone(&known.open);
        Some(Served {
            game: game.clone(),
            have: PieceSet::full(manifest.geometry().piece_count()),
            chunk_map: Arc::clone(&known.agreed.chunk_map),
            manifest,
            source,
        })
    }
}

fn size_of(manifest: &Manifest) -> Size {
    let files = u32::try_from(manifest.files().len()).unwrap_or(u32::MAX);
    Size {
        bytes: manifest.total_bytes(),
        files,
    }
}
