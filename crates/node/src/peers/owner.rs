//! The part that owns the sockets and everybody linked. What outlives a failure lies here; what a
//! failure may leave half done is a [`Session`], made anew each time.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use lanspread_disk::state::StateDir;
use lanspread_net::{
    AddressFilter, BindConfig, BindError, Endpoint, Identity, Incoming, interfaces::OwnAddress,
};
use lanspread_proto::{
    PeerId, limits,
    text::PeerName,
    wire::{
        Bounded,
        link::{PeerHint, Sharing},
    },
};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    time::sleep_until,
};

use super::{
    Msg, PeersHandle, Routes,
    addresses::Addresses,
    probes::RoundTrip,
    remembered,
    session::{End, Session},
};
use crate::{
    actor::{Mailbox, Tasks, mailbox},
    clock::Clock,
    error::OperationError,
    exchange,
    library::LibraryHandle,
    notice::Notice,
    restart::{Failure, Part, Parts},
    snapshot::Component,
    views::PeersView,
};

/// After a change of key the port is free again in a moment; it is tried this often ...
const REBIND_TRIES: u32 = 20;
/// ... with this between.
const REBIND_PAUSE: Duration = Duration::from_millis(50);

/// Other actors and what all share.
#[derive(Debug, Clone)]
pub(crate) struct PeersPorts {
    pub(crate) tasks: Tasks,
    pub(crate) clock: Clock,
    pub(crate) exchange: Mailbox<exchange::Msg>,
    pub(crate) library: LibraryHandle,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// Told how long probes took.
    pub(crate) round_trips: mpsc::Sender<RoundTrip>,
}

/// What a node knows about itself before it meets anybody.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) identity: Arc<Identity>,
    pub(crate) boot: u64,
    pub(crate) name: PeerName,
    pub(crate) state: StateDir,
    /// Typed addresses.
    pub(crate) connect: Vec<SocketAddr>,
    pub(crate) interfaces: Vec<OwnAddress>,
    /// Bound already, so that a port that is taken is an error of the start.
    pub(crate) socket: Socket,
}

/// The open sockets, and what others open on them.
pub(crate) type Socket = (Endpoint, mpsc::Receiver<Incoming>);

/// What multicast DNS says of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) peer: PeerId,
    pub(crate) boot: u64,
    pub(crate) port: u16,
    /// Grows when it must be said again: the machine slept, or its addresses changed.
    pub(crate) round: u64,
}

/// A door whose owner has not started yet, because the owner needs doors itself.
#[derive(Debug)]
pub(crate) struct Unstarted {
    inbox: mpsc::Receiver<Msg>,
    mailbox: Mailbox<Msg>,
    view: watch::Sender<Arc<PeersView>>,
    routes: watch::Sender<Arc<Routes>>,
    announcement: watch::Sender<Announcement>,
    start: Start,
    addresses: Addresses,
}

/// Makes the door.
pub(crate) fn prepare(start: Start) -> (PeersHandle, Unstarted) {
    let bound = start.socket.0.local_addr();
    let addresses = Addresses::new(bound, start.interfaces.clone());
    let me = start.identity.peer_id();
    let first = PeersView::new(me, start.name.clone(), addresses.announced());
    let (view, watched) = watch::channel(Arc::new(first));
    let (routes, known_routes) = watch::channel(Arc::default());
    let (announcement, _) = watch::channel(Announcement {
        peer: me,
        boot: start.boot,
        port: bound.port(),
        round: 0,
    });
    let (mailbox, inbox) = mailbox();
    let handle = PeersHandle {
        mailbox: mailbox.clone(),
        view: watched,
        routes: known_routes,
    };
    let unstarted = Unstarted {
        inbox,
        mailbox,
        view,
        routes,
        announcement,
        start,
        addresses,
    };
    (handle, unstarted)
}

impl Unstarted {
    /// What multicast DNS shall say.
    pub(crate) fn announcement(&self) -> watch::Receiver<Announcement> {
        self.announcement.subscribe()
    }

    /// Starts the owner.
    pub(crate) fn start(self, parts: &Parts, ports: PeersPorts) {
        let Start {
            identity,
            boot,
            name,
            state,
            connect,
            interfaces: _,
            socket,
        } = self.start;
        let tasks = ports.tasks.clone();
        let saved = state.load_peers().unwrap_or_else(|error| {
            tracing::warn!(%error, "the peers of the last party are not known");
            None
        });
        let blocked = state.load_blocked().unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known who is blocked");
            None
        });
        let blocked = remembered::decode(&blocked.unwrap_or_default());
        let keep = Keep {
            session: tasks.child(),
            identity,
            boot,
            name,
            sharing: Sharing::On,
            state,
            typed: connect,
            remembered: remembered::decode(&saved.unwrap_or_default()),
            blocked: blocked.into_iter().map(|hint| hint.peer).collect(),
            addresses: self.addresses,
            next_link: 0,
            mailbox: self.mailbox,
            view: self.view,
            routes: self.routes,
            announcement: self.announcement,
            ports,
        };
        let owner = Owner {
            listen: socket.0.local_addr(),
            inbox: self.inbox,
            socket: Some(socket),
            keep,
        };
        parts.keep(&tasks, owner);
    }
}

/// The part.
struct Owner {
    listen: SocketAddr,
    inbox: mpsc::Receiver<Msg>,
    socket: Option<Socket>,
    keep: Keep,
}

/// What outlives a session.
#[derive(Debug)]
pub(super) struct Keep {
    /// The tasks of the present session.
    pub(super) session: Tasks,
    pub(super) identity: Arc<Identity>,
    pub(super) boot: u64,
    pub(super) name: PeerName,
    pub(super) sharing: Sharing,
    pub(super) state: StateDir,
    pub(super) typed: Vec<SocketAddr>,
    pub(super) remembered: Vec<PeerHint>,
    pub(super) blocked: BTreeSet<PeerId>,
    pub(super) addresses: Addresses,
    pub(super) next_link: u64,
    pub(super) mailbox: Mailbox<Msg>,
    pub(super) view: watch::Sender<Arc<PeersView>>,
    pub(super) routes: watch::Sender<Arc<Routes>>,
    pub(super) announcement: watch::Sender<Announcement>,
    pub(super) ports: PeersPorts,
}

impl Keep {
    /// Puts the newest in front of what was known, and forgets the oldest.
    pub(super) fn remember(&mut self, newest: Vec<PeerHint>) {
        let known: BTreeSet<PeerId> = newest.iter().map(|hint| hint.peer).collect();
        let old = std::mem::replace(&mut self.remembered, newest);
        let old = old.into_iter().filter(|hint| !known.contains(&hint.peer));
        self.remembered.extend(old);
        self.remembered.truncate(limits::PEERS_MAX);
    }

    /// Writes down who was here; blocks.
    pub(super) fn saving(&self) -> impl FnOnce() + Send + 'static {
        let (state, bytes) = (self.state.clone(), remembered::encode(&self.remembered));
        move || {
            if let Err(error) = state.save_peers(&bytes) {
                tracing::warn!(%error, "the peers of this party are not saved");
            }
        }
    }

    /// Writes down who is blocked; blocks.
    pub(super) fn saving_blocked(&self) -> impl FnOnce() + Send + 'static {
        let hint = |peer: &PeerId| PeerHint {
            peer: *peer,
            addresses: Bounded::default(),
        };
        let hints: Vec<PeerHint> = self.blocked.iter().map(hint).collect();
        let (state, bytes) = (self.state.clone(), remembered::encode(&hints));
        move || {
            if let Err(error) = state.save_blocked(&bytes) {
                tracing::warn!(%error, "who is blocked is not saved");
            }
        }
    }

    /// Has multicast DNS say it again.
    pub(super) fn announce_again(&self) {
        self.announcement.send_modify(|said| said.round += 1);
    }
}

impl Part for Owner {
    const COMPONENT: Component = Component::Server;

    async fn run(&mut self) -> Failure {
        loop {
            match self.live().await {
                Ok(End::Left) => self.be_silent().await,
                Ok(End::Cloned) => {
                    if let Err(failure) = self.change_key().await {
                        return failure;
                    }
                }
                Err(failure) => return failure,
            }
        }
    }
}

impl Owner {
    /// One session, from open sockets to their end.
    async fn live(&mut self) -> Result<End, Failure> {
        self.end_session();
        self.open()?;
        let Some((endpoint, incoming)) = &mut self.socket else {
            return Err(Failure::Ended);
        };
        let mut session = Session::begin(&mut self.keep, endpoint.clone());
        loop {
            let wake = session.settle();
            let end = tokio::select! {
                biased;
                message = self.inbox.recv() => match message {
                    Some(message) => session.on_message(message),
                    None => Some(End::Left),
                },
                incoming = incoming.recv() => {
                    let Some(incoming) = incoming else { break };
                    session.on_incoming(incoming);
                    None
                }
                () = sleep_until(wake) => {
                    if !endpoint.is_listening() {
                        break;
                    }
                    session.on_time()
                }
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
        self.socket = None;
        Err(Failure::Ended)
    }

    /// Everybody hears that the links of the session before are down.
    fn end_session(&mut self) {
        self.keep.routes.send_replace(Arc::default());
        self.keep.session.stop().cancel();
        self.keep.session = self.keep.ports.tasks.child();
    }

    fn open(&mut self) -> Result<(), Failure> {
        if self.socket.is_none() {
            let socket = self.bind(self.listen.port());
            let socket = socket.inspect_err(|_not_bound| self.refuse_all())?;
            self.use_socket(socket);
        }
        Ok(())
    }

    fn bind(&self, port: u16) -> Result<Socket, BindError> {
        let identity = Arc::clone(&self.keep.identity);
        let listen = SocketAddr::new(self.listen.ip(), port);
        bind(identity, listen, self.keep.addresses.filter())
    }

    fn use_socket(&mut self, socket: Socket) {
        let bound = socket.0.local_addr();
        self.listen = bound;
        self.keep.addresses.set_bound(bound);
        let (peer, boot) = (self.keep.identity.peer_id(), self.keep.boot);
        self.keep.announcement.send_modify(|said| {
            said.peer = peer;
            said.boot = boot;
            said.port = bound.port();
        });
        self.socket = Some(socket);
    }

    /// While nobody can be reached, nobody waits for it.
    fn refuse_all(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            if let Msg::Connect(_, reply) = message {
                // Who asked may have gone.
                drop(reply.send(Err(OperationError::NotListening)));
            }
        }
    }

    /// After the goodbyes: whoever asks hears that the node stops.
    async fn be_silent(&mut self) {
        while self.inbox.recv().await.is_some() {}
        std::future::pending().await
    }

    /// A copy of this installation is alive: we become somebody else, and keep the old key aside.
    async fn change_key(&mut self) -> Result<(), Failure> {
        let identity = Arc::new(Identity::generate()?);
        self.keep_key(Arc::clone(&identity)).await;
        self.keep.identity = identity;
        if let Some((endpoint, _)) = self.socket.take() {
            endpoint.close().await;
        }
        let socket = self.bind_again().await?;
        self.use_socket(socket);
        let peer = self.keep.identity.peer_id();
        tracing::warn!(peer = %peer.short(), "another live peer had our key: we have a new one");
        // Nobody may be listening.
        drop(
            self.keep
                .ports
                .notices
                .send(Notice::IdentityReplaced { peer }),
        );
        Ok(())
    }

    async fn keep_key(&self, identity: Arc<Identity>) {
        let state = self.keep.state.clone();
        let (done, kept) = oneshot::channel();
        let span = tracing::info_span!("key");
        self.keep.ports.tasks.spawn_blocking(span, move || {
            match state.replace_identity(identity.as_bytes()) {
                Ok(aside) => tracing::info!(aside = %aside.display(), "the old key is put aside"),
                Err(error) => tracing::error!(%error, "the new key is lost at the next start"),
            }
            let _nobody_waits = done.send(());
        });
        // An error means that the job is gone, which is a defect and has been logged.
        drop(kept.await);
    }

    async fn bind_again(&self) -> Result<Socket, BindError> {
        for _ in 0..REBIND_TRIES {
            match self.bind(self.listen.port()) {
                Err(error) if error.is_taken() => tokio::time::sleep(REBIND_PAUSE).await,
                result => return result,
            }
        }
        self.bind(0)
    }
}

/// Opens the sockets.
pub(crate) fn bind(
    identity: Arc<Identity>,
    listen: SocketAddr,
    filter: AddressFilter,
) -> Result<Socket, BindError> {
    let mut config = BindConfig::new(identity);
    config.ip = listen.ip();
    config.port = listen.port();
    config.filter = filter;
    Endpoint::bind(config)
}
