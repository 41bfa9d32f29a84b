//! [`Node`]: one running peer, from its start to its stop.
//!
//! ```text
//! start: lock ─► key ─► index ─► threads ─► sockets ─► actors ─► snapshot ─► discovery
//! stop:  downloads and installs ─► goodbye to peers ─► the rest ─► lock
//! ```
//! Invariant: there is no node without a bound address, and discovery speaks only of one that
//! listens.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use lanspread_disk::{Disk, RealDisk, state::StateLock};
use lanspread_net::{
    AddressFilter, BindError,
    interfaces::{self, OwnAddress},
};
use lanspread_swarm::Liars;
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    buffers::Buffers,
    clock::Clock,
    config::{Config, Listen, Settings},
    credit::CreditHandle,
    discovery,
    error::StartError,
    exchange::{self, Exchange, ExchangeHandle, UploadPorts},
    foundation::Foundation,
    games::{self, Games, GamesHandle},
    handle::{NodeHandle, Views},
    jobs::JobPorts,
    lanes::LaneNumbers,
    library::{self, LibraryHandle},
    limits,
    notice::Notice,
    pace::{Pace, Way},
    peers::{self, PeersHandle, PeersPorts},
    publish::{Outlets, Sources},
    random,
    restart::Parts,
    shelf::{self, Shelf, ShelfHandle, ShelfPorts},
    snapshot::GamesDirState,
    transfer::TransferPorts,
    views::{OperationsView, ShelfView, UploadsView},
};

/// How long goodbyes may take before the sockets are just closed.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(2_500);

/// One running peer. Call [`Node::stop`]; a node that is only dropped leaves without a goodbye.
#[derive(Debug)]
pub struct Node {
    handle: NodeHandle,
    peers: PeersHandle,
    /// Downloads, installs and looking at games: stopped first.
    work: Tasks,
    /// Everything else.
    tasks: Tasks,
    _lock: StateLock,
}

/// The two ends of each mailbox and view that actors need before they exist.
struct Wiring {
    exchange: (Mailbox<exchange::Msg>, mpsc::Receiver<exchange::Msg>),
    shelf: (Mailbox<shelf::Msg>, mpsc::Receiver<shelf::Msg>),
    games: (Mailbox<games::Msg>, mpsc::Receiver<games::Msg>),
    shelf_view: watch::Sender<Arc<ShelfView>>,
    operations_view: watch::Sender<Arc<OperationsView>>,
    uploads_view: watch::Sender<Arc<UploadsView>>,
    settings: watch::Sender<Settings>,
    /// What actors announce; `publish` passes it on when the snapshot shows it.
    notices: broadcast::Sender<Notice>,
}

/// What all actors share.
struct Shared {
    config: Config,
    work: Tasks,
    tasks: Tasks,
    clock: Clock,
    disk: Arc<dyn Disk>,
    foundation: Foundation,
    buffers: Buffers,
    numbers: LaneNumbers,
}

impl Node {
    /// Starts a peer. When this returns, it listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The state directory is in use or cannot be used, the key cannot be read, the address cannot be
    /// bound.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tasks = Tasks::new();
        let (foundation, own) = open(&tasks, &config).await?;
        let socket = bind(&foundation, config.listen, &own)?;
        let boot = draw_boot();
        let (library, unstarted_library) = library::prepare(random::seed());
        let (peers, unstarted_peers) = peers::prepare(peers::Start {
            identity: Arc::clone(&foundation.identity),
            boot,
            name: config.name.clone(),
            state: foundation.state.clone(),
            connect: config.connect.clone(),
            interfaces: own,
            socket,
        });
        let wiring = Wiring::new(&config);
        let notices = wiring.notices.clone();
        let (parts, components) = Parts::start(&tasks, notices.clone());
        let exchange = wiring.exchange.0.clone();
        let shared = Shared {
            config,
            work: Tasks::new(),
            tasks,
            clock: Clock::start(),
            disk: Arc::new(RealDisk::new()),
            foundation,
            buffers: Buffers::new(),
            numbers: LaneNumbers::default(),
        };
        let said = unstarted_peers.announcement();
        let port = said.borrow().port;
        let me = said.borrow().peer;
        let sources = Sources {
            peers: peers.view(),
            library: library.view(),
            shelf: wiring.shelf_view.subscribe(),
            operations: wiring.operations_view.subscribe(),
            uploads: wiring.uploads_view.subscribe(),
            components,
        };
        let views = shared.publish(sources, &wiring);
        let (tasks, clock) = (shared.tasks.clone(), shared.clock);
        unstarted_library.start(&tasks, clock, peers.clone(), notices.clone());
        let ports = PeersPorts {
            tasks: tasks.clone(),
            clock,
            exchange,
            library: library.clone(),
            notices: notices.clone(),
        };
        unstarted_peers.start(&parts, ports);
        let how = shared.config.discovery.clone();
        let node = shared.start_actors(wiring, views, &peers, &library);
        tracing::info!(peer = %me.short(), port, "this node listens");
        // Nobody can be listening yet who was not told by the return of this function.
        drop(notices.send(Notice::Ready { peer: me, port }));
        discovery::start(&tasks, &parts, how, said, &peers);
        Ok(node)
    }

    /// A door to this node, cheap to clone.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// Stops: downloads and installs are cancelled or parked at a step boundary, peers are told
    /// goodbye, and what does not end within seconds is given up on, loudly.
    pub async fn stop(self) {
        tracing::info!("this node stops");
        let mut whole = self.work.stop_all().await;
        if timeout(LEAVE_TIMEOUT, self.peers.leave()).await.is_err() {
            tracing::warn!("not every peer could be told goodbye");
        }
        whole &= self.tasks.stop_all().await;
        if !whole {
            tracing::error!("some tasks did not end in time and are given up on");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.work.stop().cancel();
        self.tasks.stop().cancel();
    }
}

impl Wiring {
    fn new(config: &Config) -> Self {
        let shelf = ShelfView {
            games: std::collections::BTreeMap::new(),
            games_dir: config.games_dir.clone(),
            games_dir_state: GamesDirState::Available,
            hashing: None,
            problems: Vec::new(),
        };
        let operations = OperationsView {
            settings: config.settings.clone(),
            ..OperationsView::default()
        };
        Self {
            exchange: mailbox(),
            shelf: mailbox(),
            games: mailbox(),
            shelf_view: watch::Sender::new(Arc::new(shelf)),
            operations_view: watch::Sender::new(Arc::new(operations)),
            uploads_view: watch::Sender::new(Arc::default()),
            settings: watch::Sender::new(config.settings.clone()),
            notices: broadcast::Sender::new(limits::NOTICES),
        }
    }
}

impl Shared {
    fn publish(&self, mut sources: Sources, wiring: &Wiring) -> Views {
        let snapshots = watch::Sender::new(sources.first());
        let told = broadcast::Sender::new(limits::NOTICES);
        let views = Views {
            snapshot: snapshots.subscribe(),
            notices: told.clone(),
        };
        let outlets = Outlets {
            snapshots,
            heard: wiring.notices.subscribe(),
            told,
        };
        let publishing = sources.publish(outlets);
        self.tasks
            .spawn_until_stop(tracing::info_span!("publish"), publishing);
        views
    }

    fn start_actors(
        self,
        wiring: Wiring,
        views: Views,
        peers: &PeersHandle,
        library: &LibraryHandle,
    ) -> Node {
        let (exchange_mailbox, exchange_inbox) = wiring.exchange;
        let (shelf_mailbox, shelf_inbox) = wiring.shelf;
        let (games_mailbox, games_inbox) = wiring.games;
        let uploads = UploadPorts {
            clock: self.clock,
            tasks: self.tasks.clone(),
            pool: Arc::clone(&self.foundation.pieces),
            buffers: self.buffers.clone(),
            pace: Pace::new(Way::Up, wiring.settings.subscribe()),
            numbers: self.numbers.clone(),
            mailbox: exchange_mailbox.clone(),
            changed: shelf_mailbox.clone(),
            view: wiring.uploads_view,
        };
        let (liars, known_liars) = watch::channel(Liars::default());
        Exchange::start(&self.tasks, peers.clone(), uploads, liars, exchange_inbox);
        let transfer = TransferPorts {
            tasks: self.work.clone(),
            clock: self.clock,
            pool: Arc::clone(&self.foundation.pieces),
            buffers: self.buffers.clone(),
            credit: CreditHandle::start(&self.tasks, self.clock, limits::RECEIVE_WINDOW_BYTES),
            pace: Pace::new(Way::Down, wiring.settings.subscribe()),
            numbers: self.numbers.clone(),
            peers: peers.clone(),
            exchange: exchange_mailbox.clone(),
            library: library.view(),
            peers_view: peers.view(),
            liars: known_liars,
            notices: wiring.notices.clone(),
        };
        let shelf = ShelfHandle {
            mailbox: shelf_mailbox.clone(),
        };
        let jobs = JobPorts {
            tasks: self.work.clone(),
            disk: Arc::clone(&self.disk),
            state: self.foundation.state.clone(),
            worker: self.config.worker.clone(),
            shelf: shelf.clone(),
            shelf_view: wiring.shelf_view.subscribe(),
            transfer,
            games: games_mailbox.clone(),
        };
        let ports = ShelfPorts {
            tasks: self.work.clone(),
            disk: self.disk,
            state: self.foundation.state,
            index: self.foundation.index,
            pool: self.foundation.hashing,
            worker: self.config.worker,
            mailbox: shelf_mailbox,
            exchange: ExchangeHandle {
                mailbox: exchange_mailbox,
            },
            library: library.clone(),
            peers: peers.clone(),
            settings: wiring.settings.subscribe(),
            notices: wiring.notices,
            view: wiring.shelf_view,
        };
        Shelf::start(ports, self.config.games_dir, shelf_inbox);
        Games::start(jobs, games_inbox, wiring.operations_view, wiring.settings);
        let handle = NodeHandle {
            games: GamesHandle {
                mailbox: games_mailbox,
            },
            peers: peers.clone(),
            shelf,
            views,
        };
        Node {
            handle,
            peers: peers.clone(),
            work: self.work,
            tasks: self.tasks,
            _lock: self.foundation.lock,
        }
    }
}

/// Opens what blocks, off the threads of the runtime; our own addresses are looked up beside it.
async fn open(tasks: &Tasks, config: &Config) -> Result<(Foundation, Vec<OwnAddress>), StartError> {
    let state_dir = config.state_dir.clone();
    let (tell, told) = oneshot::channel();
    tasks.spawn_blocking(tracing::info_span!("open"), move || {
        let own = interfaces::observe().unwrap_or_else(|error| {
            tracing::warn!(%error, "our own addresses are not known yet");
            Vec::new()
        });
        let opened = Foundation::open(&state_dir).map(|foundation| (foundation, own));
        // The caller may have given up; then everything is closed again.
        drop(tell.send(opened));
    });
    let gone = || StartError::Threads(std::io::ErrorKind::Interrupted.into());
    told.await.unwrap_or_else(|_panicked| Err(gone()))
}

fn bind(
    foundation: &Foundation,
    listen: Listen,
    own: &[OwnAddress],
) -> Result<peers::Socket, StartError> {
    let ip = listen.ip.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let address = SocketAddr::new(ip, listen.port);
    let filter = AddressFilter {
        on_link: own.iter().map(OwnAddress::net).collect(),
        listed: Vec::new(),
    };
    let bound = peers::bind(Arc::clone(&foundation.identity), address, filter);
    bound.map_err(|error| match error {
        BindError::Socket { address, source } => StartError::Listen {
            address,
            reason: source.to_string(),
        },
        error @ (BindError::Identity(_) | BindError::Quic(_)) => StartError::Identity {
            path: foundation.state.path().join("identity.key"),
            reason: error.to_string(),
        },
    })
}

/// The time of the start, and some randomness: of two clones the older one keeps the key.
fn draw_boot() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map(|since| since.as_secs()).unwrap_or(0);
    seconds << 32 | random::seed() >> 32
}

#[cfg(test)]
mod tests;
