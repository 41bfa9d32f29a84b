//! [`Node`]: one running peer, from its start to its stop.
//!
//! ```text
//! start: lock ─► key ─► index ─► threads ─► sockets ─► actors ─► snapshot ─► discovery
//! stop:  downloads and installs ─► goodbye to peers ─► the rest ─► lock
//! ```
//! Invariant: there is no node without a bound address, and discovery speaks only of one that
//! listens.

mod wiring;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use lanspread_disk::state::StateLock;
use lanspread_net::{
    AddressFilter, BindError,
    interfaces::{self, OwnAddress},
};
use lanspread_proto::PeerId;
use tokio::{
    sync::{broadcast, oneshot},
    time::timeout,
};

use self::wiring::{Doors, Shared};
use crate::{
    actor::Tasks,
    clock::Clock,
    config::{Config, Listen},
    discovery,
    error::StartError,
    foundation::Foundation,
    handle::NodeHandle,
    library,
    notice::Notice,
    peers::{self, Announcement, PeersHandle},
    random,
    restart::Parts,
};

/// How long goodbyes may take before the sockets are just closed.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(2_500);

/// How often, and with which pauses, somebody is looked for who hears that this node is ready.
const READY_TRIES: u32 = 100;
/// See [`READY_TRIES`].
const READY_PAUSE: Duration = Duration::from_millis(50);

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

impl Node {
    /// Starts a peer. When this returns, it listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The state directory or the games directory is in use, the state directory cannot be used,
    /// the key cannot be read, the address cannot be bound.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tasks = Tasks::new();
        let (mut foundation, own) = open(&tasks, &config).await?;
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
        let games_lock = foundation.games.take();
        let (doors, inboxes) = Doors::new(&config);
        let notices = doors.notices.clone();
        let (parts, components) = Parts::start(&tasks, notices.clone());
        let shared = Shared {
            config,
            work: Tasks::new(),
            tasks: tasks.clone(),
            parts: parts.clone(),
            clock: Clock::start(),
            foundation,
            peers,
            library,
            doors,
        };
        let views = shared.publish(components);
        let told = views.notices.clone();
        let said = unstarted_peers.announcement();
        unstarted_library.start(
            (&tasks, &parts),
            shared.clock,
            shared.peers.clone(),
            notices,
        );
        unstarted_peers.start(&parts, shared.peers_ports());
        shared.start_actors(inboxes, games_lock);
        let Announcement { peer, port, .. } = *said.borrow();
        tracing::info!(peer = %peer.short(), port, "this node listens");
        tasks.spawn_until_stop(tracing::Span::none(), tell_ready(told, peer, port));
        let how = shared.config.discovery.clone();
        discovery::start(&tasks, &parts, how, said, &shared.peers);
        Ok(Self {
            handle: shared.handle(views),
            peers: shared.peers,
            work: shared.work,
            tasks,
            _lock: shared.foundation.lock,
        })
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
        if !self.end().await {
            tracing::error!("some tasks did not end in time and are given up on");
        }
    }

    /// Stops; `false` when something did not end in time.
    async fn end(self) -> bool {
        let whole = self.work.stop_all().await;
        if timeout(LEAVE_TIMEOUT, self.peers.leave()).await.is_err() {
            tracing::warn!("not every peer could be told goodbye");
        }
        whole & self.tasks.stop_all().await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.work.stop().cancel();
        self.tasks.stop().cancel();
    }
}

/// Nobody can follow the notices before the start has returned, so the first one waits for somebody
/// who does, for a while.
async fn tell_ready(told: broadcast::Sender<Notice>, peer: PeerId, port: u16) {
    for _ in 0..READY_TRIES {
        if told.send(Notice::Ready { peer, port }).is_ok() {
            return;
        }
        tokio::time::sleep(READY_PAUSE).await;
    }
}

/// Opens what blocks, off the threads of the runtime; our own addresses are looked up beside it.
async fn open(tasks: &Tasks, config: &Config) -> Result<(Foundation, Vec<OwnAddress>), StartError> {
    let (state_dir, games_dir) = (config.state_dir.clone(), config.games_dir.clone());
    let (tell, told) = oneshot::channel();
    tasks.spawn_blocking(tracing::info_span!("open"), move || {
        let own = interfaces::observe().unwrap_or_else(|error| {
            tracing::warn!(%error, "our own addresses are not known yet");
            Vec::new()
        });
        let opened = Foundation::open(&state_dir, &games_dir).map(|foundation| (foundation, own));
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
