//! Owns what we know of our own games on disk: scanned, hashed, shared or not.
//!
//! Invariant: a game that an operation holds is not looked at until it is released; what is served
//! is what was hashed, and is withdrawn the moment it turns out not to be.

mod archives;
mod entry;
mod handle;
mod holding;
mod look;
mod looking;
mod migrating;
mod moving;
mod offer;
mod place;
mod reference;
mod refusal;
mod scanning;
mod sweeping;
mod unshared;
mod watching;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_disk::{
    Disk, DiskError, Place,
    content::{OpenContent, PieceSource},
    games_lock::GamesLock,
    index::Index,
    pool::Pool,
    scan::{FoundGame, GamesUnavailable, Payload},
    state::StateDir,
};
use lanspread_proto::{ContentId, GameId, Manifest};
use lanspread_unpack::WorkerCommand;
use tokio::sync::{broadcast, mpsc, watch};

pub(crate) use self::{
    archives::{Files, Judged, check_layout},
    handle::ShelfHandle,
    reference::Reference,
    scanning::take,
    unshared::load as load_unshared,
};
use self::{
    entry::{Entry, Trust},
    holding::Answer,
    look::{Hashed, Looker, Seen},
    looking::{Hashing, next_to_hash},
    moving::Moving,
    scanning::{Held, Listed, Scan},
    sweeping::Sweep,
    unshared::Unshared,
};
use crate::{
    actor::{Mailbox, Reply, Tasks},
    config::Settings,
    download::Agreed,
    error::OperationError,
    exchange::ExchangeHandle,
    handle::{GamesMove, PublishPlan, ShareChange},
    library::LibraryHandle,
    limits,
    notice::Notice,
    peers::PeersHandle,
    restart::{Failure, Part, Parts},
    saves::Saves,
    snapshot::{Component, GamesDirState, NotShared, Problem},
    views::{PlayView, ShelfView, Watched},
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
    /// It ended: the game is looked at, and then the answer comes.
    Release(GameId, Reply<()>),
    /// The payload, as it can be read.
    Content(GameId, Reply<Arc<OpenContent>>),
    /// What a payload should be.
    Reference(GameId, Reply<Reference>),
    /// A download was made the payload.
    Committed(GameId, Agreed),
    /// The payload was taken away.
    Removed(GameId),
    /// A person made this folder a game just now.
    Published(GameId),
    /// A download of this content runs; or none does any more.
    Downloading(GameId, Option<Arc<Manifest>>),
    /// So many verified bytes of an unfinished download lie on disk.
    PartialBytes(GameId, u64),
    /// Something in a game's directory changed; its name, if that is known.
    Changed {
        game: GameId,
        directory: Option<String>,
    },
    /// Something in the games directory changed.
    AnyChanged,
    /// Our own bytes of a content are not what they were when they were hashed.
    Rotten {
        game: GameId,
        content: ContentId,
    },
    /// From jobs.
    Scanned(PathBuf, Option<GamesLock>, Result<Listed, GamesUnavailable>),
    Looked(GameId, Box<Seen>),
    /// A defect ended the look.
    LookFailed(GameId, String),
    Hashed(GameId, Hashed),
    Moved(
        PathBuf,
        Option<GamesLock>,
        Result<(), OperationError>,
        Reply<()>,
    ),
    /// What no game needs any more is gone from the state directory.
    Swept,
    /// Up to which list the games that are not shared are written down.
    UnsharedSaved(u64, Result<(), DiskError>),
    #[cfg(test)]
    Panic,
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
    /// Which servers run.
    pub(crate) play: Watched<PlayView>,
    pub(crate) notices: broadcast::Sender<Notice>,
    pub(crate) view: watch::Sender<Arc<ShelfView>>,
}

/// What the shelf begins with.
pub(crate) struct Begin {
    pub(crate) games_dir: PathBuf,
    /// On the games directory, if there is one.
    pub(crate) lock: Option<GamesLock>,
    /// Games that the person does not share.
    pub(crate) unshared: BTreeSet<GameId>,
    /// The index says all that it ever said.
    pub(crate) index_is_whole: bool,
}

/// The actor.
pub(crate) struct Shelf {
    ports: ShelfPorts,
    inbox: mpsc::Receiver<Msg>,
    looker: Looker,
    games_dir: PathBuf,
    /// Keeps other nodes out; whoever lists or changes the directory has it meanwhile.
    lock: Option<GamesLock>,
    state: GamesDirState,
    entries: BTreeMap<GameId, Entry>,
    /// What the exchange serves for us.
    served: BTreeMap<ContentId, Arc<dyn PieceSource>>,
    /// Games that the person does not share, besides what `lanspread.toml` says.
    unshared: Unshared,
    /// Games to look at, and to hash, next.
    to_look: VecDeque<GameId>,
    to_hash: BTreeMap<GameId, Arc<Payload>>,
    /// Games that somebody waits for: they are hashed first.
    requested: BTreeSet<GameId>,
    /// The game that is looked at.
    looking: Option<GameId>,
    /// Holds that wait for the first scan of a games directory; `None` once it is done.
    early: Option<Vec<(GameId, Reply<()>)>>,
    scan: Scan,
    /// The directory in which games were found last.
    held: Option<Held>,
    held_saves: Saves,
    /// Who waits for the running scan, and who for the one after it.
    scan_replies: Vec<Reply<()>>,
    next_scan_replies: Vec<Reply<()>>,
    moving: Moving,
    sweep: Sweep,
    /// Holds that wait until unneeded manifests are gone.
    swept_first: Vec<(GameId, Reply<()>)>,
    /// What is said once everybody can see it.
    answers: Vec<Answer>,
    hashing: Option<Hashing>,
    paused_until: Option<Option<Instant>>,
    problems: Vec<Problem>,
    watch: watching::Watching,
    /// Something changed since everybody was told; they are told at this time.
    is_stale: bool,
    publish_at: tokio::time::Instant,
}

impl Shelf {
    /// Starts the actor with a first scan.
    pub(crate) fn start(
        parts: &Parts,
        ports: ShelfPorts,
        begin: Begin,
        inbox: mpsc::Receiver<Msg>,
    ) {
        let Begin {
            games_dir,
            lock,
            unshared,
            index_is_whole,
        } = begin;
        let looker = Looker {
            disk: Arc::clone(&ports.disk),
            state: ports.state.clone(),
            index: Arc::clone(&ports.index),
            pool: Arc::clone(&ports.pool),
            worker: ports.worker.clone(),
        };
        let tasks = ports.tasks.clone();
        let held = Held::load(ports.disk.as_ref(), &ports.state);
        let unshared = Unshared::start(&ports, unshared);
        let held_saves = Held::saves(&ports);
        let watch = watching::Watching::start(&ports, &games_dir);
        let shelf = Self {
            ports,
            inbox,
            looker,
            games_dir,
            lock,
            state: GamesDirState::Available,
            entries: BTreeMap::new(),
            served: BTreeMap::new(),
            unshared,
            to_look: VecDeque::new(),
            to_hash: BTreeMap::new(),
            requested: BTreeSet::new(),
            looking: None,
            early: Some(Vec::new()),
            scan: Scan::Idle,
            held,
            held_saves,
            scan_replies: Vec::new(),
            next_scan_replies: Vec::new(),
            moving: Moving::No,
            sweep: Sweep::begin(index_is_whole),
            swept_first: Vec::new(),
            answers: Vec::new(),
            hashing: None,
            paused_until: None,
            problems: Vec::new(),
            watch,
            is_stale: false,
            publish_at: tokio::time::Instant::now(),
        };
        parts.keep(&tasks, shelf);
    }
}

impl Part for Shelf {
    const COMPONENT: Component = Component::LibraryMonitor;

    async fn run(&mut self) -> Failure {
        let mut scan = tokio::time::interval(limits::SCAN_INTERVAL);
        scan.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut settings = self.ports.settings.clone();
        let mut play = self.ports.play.clone();
        loop {
            let changed = tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.publish_at), if self.is_stale => {
                    self.publish().await;
                    false
                }
                message = self.inbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => return Failure::Ended,
                },
                Ok(()) = settings.changed() => true,
                Ok(()) = play.changed() => true,
                _ = scan.tick() => { self.scan(); false }
                _ = tick.tick() => self.on_tick(),
            };
            self.work();
            self.is_stale |= changed;
            // Who asked does not wait; looks at many games in a row are shown together.
            if !self.answers.is_empty() {
                self.publish().await;
                self.answer_all();
            }
        }
    }
}

impl Shelf {
    /// Returns whether anything that others see may have changed.
    fn on_message(&mut self, message: Msg) -> bool {
        match message {
            Msg::PlanPublish(source, reply) => {
                place::plan_publish(&self.ports, &self.games_dir, source, reply);
                return false;
            }
            Msg::Rescan(reply) => {
                // A scan that runs may have missed what the asker means.
                match self.scan {
                    Scan::Idle => self.scan_replies.push(reply),
                    Scan::Running | Scan::RunningStale => self.next_scan_replies.push(reply),
                }
                self.scan();
            }
            Msg::Share(change, reply) => self.share(change, reply),
            Msg::SetGamesDir(dir, how, reply) => self.want_move(dir, how, reply),
            Msg::Moved(dir, lock, result, reply) => {
                self.lock = lock;
                self.on_moved(dir, result, reply);
            }
            Msg::Hold(game, reply) => self.hold(&game, reply),
            Msg::Release(game, reply) => self.release(&game, reply),
            Msg::Content(game, reply) => {
                drop(reply.send(self.content(&game)));
                return false;
            }
            Msg::Reference(game, reply) => drop(reply.send(self.reference(&game))),
            Msg::Committed(game, agreed) => {
                let entry = self.entry(&game);
                entry.committed = Some(agreed);
                entry.rotten = None;
                entry.downloading = None;
            }
            Msg::Removed(game) => self.entry(&game).removed = true,
            Msg::Published(game) => {
                self.entry(&game).trust = Trust::Settled;
                self.look_again(&game);
            }
            Msg::Downloading(game, manifest) => self.entry(&game).downloading = manifest,
            Msg::PartialBytes(game, bytes) => self.entry(&game).seen.partial_bytes = bytes,
            Msg::Changed { game, directory } => self.on_changed(&game, directory.as_deref()),
            Msg::AnyChanged => self.scan(),
            Msg::Rotten { game, content } => self.on_rotten(&game, content),
            Msg::Scanned(dir, lock, result) => {
                self.lock = lock;
                self.on_scanned(&dir, result);
            }
            Msg::Looked(game, seen) => self.on_looked(&game, *seen),
            Msg::LookFailed(game, panic) => self.on_look_failed(&game, panic),
            Msg::Hashed(game, result) => self.on_hashed(&game, result),
            Msg::Swept => {
                self.on_swept();
                return false;
            }
            Msg::UnsharedSaved(number, written) => self.on_unshared_saved(number, written),
            #[cfg(test)]
            Msg::Panic => panic!("planted"),
        }
        true
    }

    fn entry(&mut self, game: &GameId) -> &mut Entry {
        self.entries
            .entry(game.clone())
            .or_insert_with(|| Entry::new(game.as_str().to_owned()))
    }

    fn root(&self, directory: &str) -> Place {
        Place::root(&self.games_dir).listed(directory)
    }

    /// A directory of another spelling may have taken the place of the one that is known.
    fn on_changed(&mut self, game: &GameId, directory: Option<&str>) {
        let entry = self.entries.get(game);
        match entry.is_some_and(|entry| directory.is_none_or(|name| name == entry.directory)) {
            true => self.look_again(game),
            false => self.scan(),
        }
    }

    /// The disk lies: the content is not served again before a person looked at it.
    fn on_rotten(&mut self, game: &GameId, content: ContentId) {
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        if entry.content() == Some(content) {
            let rotten = entry.known.clone();
            entry.take(&self.ports, None);
            entry.rotten = rotten;
            entry.seen.not_shared = Some(looking::rotten(game));
        }
    }

    /// Queues a game, unless it is held or already looked at; then it is looked at afterwards.
    fn look_again(&mut self, game: &GameId) {
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        if entry.look.stale(entry.holds > 0) && !self.to_look.contains(game) {
            self.to_look.push_back(game.clone());
        }
    }

    fn take_in(&mut self, found: Vec<FoundGame>) {
        self.problems.clear();
        let mut seen = BTreeSet::new();
        for game in found {
            match game.game {
                Ok(id) => {
                    let is_new = !self.entries.contains_key(&id);
                    let entry = self.entry(&id);
                    if is_new {
                        // Nothing is said of it before it was looked at.
                        entry.seen.not_shared = Some(NotShared::Checking);
                    }
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
            .filter(|(game, entry)| {
                !seen.contains(*game) && !entry.is_held() && !entry.look.is_running()
            })
            .map(|(game, _)| game.clone())
            .collect();
        for game in gone {
            self.entries.remove(&game);
            self.to_look.retain(|other| *other != game);
            self.to_hash.remove(&game);
        }
    }

    /// Starts the next look, and the next hashing.
    fn work(&mut self) {
        if self.sweep == Sweep::Running {
            return;
        }
        if !matches!(self.moving, Moving::No) {
            return self.move_if_idle();
        }
        if self.state == GamesDirState::Unavailable {
            return;
        }
        while self.looking.is_none()
            && let Some(game) = self.to_look.pop_front()
        {
            self.look(&game);
        }
        if self.hashing.is_none()
            && let Some(game) = next_to_hash(&self.to_hash, &self.requested)
            && let Some(payload) = self.to_hash.remove(&game)
        {
            self.hash(&game, payload);
        }
        self.sweep_if_idle();
    }

    fn on_tick(&mut self) -> bool {
        let entries = self.entries.iter();
        let settling = entries
            .filter(|(_, entry)| entry.seen.not_shared == Some(NotShared::Settling))
            .map(|(game, _)| game.clone());
        for game in &settling.collect::<Vec<_>>() {
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
}
