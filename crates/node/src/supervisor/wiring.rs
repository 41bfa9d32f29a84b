//! Which actor holds which doors of the others: all mailboxes and views are made first, so that the
//! actors can be started in any order.

use std::{collections::BTreeMap, sync::Arc};

use lanspread_disk::{Disk, RealDisk, games_lock::GamesLock};
use lanspread_swarm::Liars;
use tokio::sync::{broadcast, mpsc, watch};

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    buffers::Buffers,
    clock::Clock,
    config::{Config, Settings},
    credit::CreditHandle,
    exchange::{self, Exchange, ExchangeHandle, UploadPorts},
    foundation::Foundation,
    games::{self, Games, GamesHandle},
    handle::{NodeHandle, Views},
    jobs::JobPorts,
    lanes::LaneNumbers,
    library::LibraryHandle,
    limits,
    mirror::{Mirror, MirrorPorts},
    notice::Notice,
    pace::{Pace, Way},
    peers::{PeersHandle, PeersPorts, probes::RoundTrip},
    play::{self, Play, PlayHandle, PlayPorts},
    publish::{Outlets, Sources},
    restart::Parts,
    shelf::{self, Shelf, ShelfHandle, ShelfPorts},
    snapshot::{GamesDirState, MirrorView, SharingState},
    transfer::TransferPorts,
    views::{ComponentsView, OperationsView, PlayView, ShelfView, UploadsView, Watched},
};

/// What all actors share.
pub(super) struct Shared {
    pub(super) config: Config,
    /// Downloads, installs and looking at games.
    pub(super) work: Tasks,
    /// Everything else.
    pub(super) tasks: Tasks,
    pub(super) parts: Parts,
    pub(super) clock: Clock,
    pub(super) foundation: Foundation,
    pub(super) peers: PeersHandle,
    pub(super) library: LibraryHandle,
    pub(super) doors: Doors,
}

/// The sending ends.
pub(super) struct Doors {
    exchange: Mailbox<exchange::Msg>,
    shelf: Mailbox<shelf::Msg>,
    games: Mailbox<games::Msg>,
    play: Mailbox<play::Msg>,
    round_trips: mpsc::Sender<RoundTrip>,
    shelf_view: watch::Sender<Arc<ShelfView>>,
    operations_view: watch::Sender<Arc<OperationsView>>,
    uploads_view: watch::Sender<Arc<UploadsView>>,
    play_view: watch::Sender<Arc<PlayView>>,
    mirror_view: watch::Sender<Arc<MirrorView>>,
    settings: watch::Sender<Settings>,
    /// What actors announce; `publish` passes it on when the snapshot shows it.
    pub(super) notices: broadcast::Sender<Notice>,
    disk: Arc<dyn Disk>,
    numbers: LaneNumbers,
}

/// The receiving ends.
pub(super) struct Inboxes {
    exchange: mpsc::Receiver<exchange::Msg>,
    shelf: mpsc::Receiver<shelf::Msg>,
    games: mpsc::Receiver<games::Msg>,
    play: mpsc::Receiver<play::Msg>,
    round_trips: mpsc::Receiver<RoundTrip>,
}

impl Doors {
    /// Makes them.
    pub(super) fn new(config: &Config) -> (Self, Inboxes) {
        let (exchange, exchange_inbox) = mailbox();
        let (shelf, shelf_inbox) = mailbox();
        let (games, games_inbox) = mailbox();
        let (play, play_inbox) = mailbox();
        let (round_trips, timed) = mpsc::channel(limits::ROUND_TRIPS);
        let shelf_view = ShelfView {
            games: BTreeMap::new(),
            games_dir: config.games_dir.clone(),
            games_dir_state: GamesDirState::Available,
            is_listed: false,
            sharing: SharingState::On,
            hashing: None,
            problems: Vec::new(),
        };
        let operations_view = OperationsView {
            settings: config.settings.clone(),
            ..OperationsView::default()
        };
        let doors = Self {
            exchange,
            shelf,
            games,
            play,
            round_trips,
            shelf_view: watch::Sender::new(Arc::new(shelf_view)),
            operations_view: watch::Sender::new(Arc::new(operations_view)),
            uploads_view: watch::Sender::new(Arc::default()),
            play_view: watch::Sender::new(Arc::default()),
            mirror_view: watch::Sender::new(Arc::default()),
            settings: watch::Sender::new(config.settings.clone()),
            notices: broadcast::Sender::new(limits::NOTICES),
            disk: Arc::new(RealDisk::new()),
            numbers: LaneNumbers::default(),
        };
        let inboxes = Inboxes {
            exchange: exchange_inbox,
            shelf: shelf_inbox,
            games: games_inbox,
            play: play_inbox,
            round_trips: timed,
        };
        (doors, inboxes)
    }
}

impl Shared {
    /// Starts the task that puts the views together.
    pub(super) fn publish(&self, components: Watched<ComponentsView>) -> Views {
        let doors = &self.doors;
        let mut sources = Sources {
            peers: self.peers.view(),
            library: self.library.view(),
            shelf: doors.shelf_view.subscribe(),
            operations: doors.operations_view.subscribe(),
            uploads: doors.uploads_view.subscribe(),
            play: doors.play_view.subscribe(),
            mirror: doors.mirror_view.subscribe(),
            components,
        };
        let snapshots = watch::Sender::new(sources.first());
        let told = broadcast::Sender::new(limits::NOTICES);
        let (shown, waiting) = mpsc::channel(limits::NOTICES);
        let views = Views {
            snapshot: snapshots.subscribe(),
            shown,
            notices: told.clone(),
        };
        let outlets = Outlets {
            snapshots,
            heard: doors.notices.subscribe(),
            told,
            waiting,
        };
        self.parts.keep(&self.tasks, sources.publisher(outlets));
        views
    }

    /// Starts the actors that move and keep games.
    pub(super) fn start_actors(&self, inboxes: Inboxes, games_lock: Option<GamesLock>) {
        let doors = &self.doors;
        let (liars, known_liars) = watch::channel(Liars::default());
        let (peers, uploads) = (self.peers.clone(), self.upload_ports());
        Exchange::start(&self.parts, peers, uploads, liars, inboxes.exchange);
        let begin = shelf::Begin {
            games_dir: self.config.games_dir.clone(),
            lock: games_lock,
            unshared: self.foundation.unshared.clone(),
            index_is_whole: self.foundation.index_is_whole,
        };
        Shelf::start(&self.parts, self.shelf_ports(), begin, inboxes.shelf);
        let jobs = self.job_ports(self.transfer_ports(known_liars, inboxes.round_trips));
        let (view, settings) = (doors.operations_view.clone(), doors.settings.clone());
        Games::start(&self.parts, jobs, inboxes.games, view, settings);
        let (ports, view) = (self.play_ports(), doors.play_view.clone());
        Play::start(&self.parts, ports, inboxes.play, view);
        let view = doors.mirror_view.clone();
        Mirror::start(&self.parts, self.mirror_ports(), view);
    }

    /// What the owner of the links needs.
    pub(super) fn peers_ports(&self) -> PeersPorts {
        PeersPorts {
            tasks: self.tasks.clone(),
            clock: self.clock,
            exchange: self.doors.exchange.clone(),
            library: self.library.clone(),
            notices: self.doors.notices.clone(),
            round_trips: self.doors.round_trips.clone(),
        }
    }

    /// The door for everybody outside.
    pub(super) fn handle(&self, views: Views) -> NodeHandle {
        NodeHandle {
            games: GamesHandle {
                mailbox: self.doors.games.clone(),
            },
            peers: self.peers.clone(),
            shelf: self.shelf(),
            play: PlayHandle {
                mailbox: self.doors.play.clone(),
            },
            views,
        }
    }

    fn mirror_ports(&self) -> MirrorPorts {
        let doors = &self.doors;
        MirrorPorts {
            tasks: self.work.clone(),
            clock: self.clock,
            disk: Arc::clone(&doors.disk),
            state: self.foundation.state.clone(),
            games: GamesHandle {
                mailbox: doors.games.clone(),
            },
            library: self.library.view(),
            shelf: doors.shelf_view.subscribe(),
            operations: doors.operations_view.subscribe(),
            settings: doors.settings.subscribe(),
        }
    }

    fn play_ports(&self) -> PlayPorts {
        let doors = &self.doors;
        PlayPorts {
            tasks: self.work.clone(),
            disk: Arc::clone(&doors.disk),
            state: self.foundation.state.clone(),
            mailbox: doors.play.clone(),
            shelf: doors.shelf_view.subscribe(),
            operations: doors.operations_view.subscribe(),
            peers: self.peers.view(),
            settings: doors.settings.subscribe(),
        }
    }

    fn shelf(&self) -> ShelfHandle {
        ShelfHandle {
            mailbox: self.doors.shelf.clone(),
        }
    }

    fn upload_ports(&self) -> UploadPorts {
        let doors = &self.doors;
        UploadPorts {
            clock: self.clock,
            tasks: self.tasks.clone(),
            pieces: self.foundation.pieces.clone(),
            buffers: Buffers::new(limits::SEND_BUFFER_BYTES_MAX),
            pace: Pace::new(Way::Up, doors.settings.subscribe()),
            numbers: doors.numbers.clone(),
            mailbox: doors.exchange.clone(),
            changed: doors.shelf.clone(),
            view: doors.uploads_view.clone(),
            library: self.library.view(),
        }
    }

    fn transfer_ports(
        &self,
        liars: watch::Receiver<Liars>,
        round_trips: mpsc::Receiver<RoundTrip>,
    ) -> TransferPorts {
        let doors = &self.doors;
        TransferPorts {
            tasks: self.work.clone(),
            clock: self.clock,
            pieces: self.foundation.pieces.clone(),
            buffers: Buffers::new(limits::RECEIVE_BUFFER_BYTES_MAX),
            credit: CreditHandle::start(
                (&self.tasks, &self.parts),
                self.clock,
                self.peers.clone(),
                round_trips,
            ),
            pace: Pace::new(Way::Down, doors.settings.subscribe()),
            numbers: doors.numbers.clone(),
            peers: self.peers.clone(),
            exchange: doors.exchange.clone(),
            library: self.library.view(),
            peers_view: self.peers.view(),
            liars,
            notices: doors.notices.clone(),
        }
    }

    fn job_ports(&self, transfer: TransferPorts) -> JobPorts {
        let doors = &self.doors;
        JobPorts {
            tasks: self.work.clone(),
            disk: Arc::clone(&doors.disk),
            room: lanspread_disk::space::Ledger::default(),
            state: self.foundation.state.clone(),
            worker: self.config.worker.clone(),
            shelf: self.shelf(),
            shelf_view: doors.shelf_view.subscribe(),
            play: doors.play_view.subscribe(),
            transfer,
            games: doors.games.clone(),
            library: self.library.clone(),
        }
    }

    fn shelf_ports(&self) -> ShelfPorts {
        let doors = &self.doors;
        ShelfPorts {
            tasks: self.work.clone(),
            disk: Arc::clone(&doors.disk),
            state: self.foundation.state.clone(),
            index: Arc::clone(&self.foundation.index),
            pool: Arc::clone(&self.foundation.hashing),
            worker: self.config.worker.clone(),
            mailbox: doors.shelf.clone(),
            exchange: ExchangeHandle {
                mailbox: doors.exchange.clone(),
            },
            library: self.library.clone(),
            peers: self.peers.clone(),
            settings: doors.settings.subscribe(),
            play: doors.play_view.subscribe(),
            notices: doors.notices.clone(),
            view: doors.shelf_view.clone(),
        }
    }
}
