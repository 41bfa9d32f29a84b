//! [`Endpoint`]: one port for everything. Listens, dials, and lets in only who may come.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use lanspread_proto::{
    PeerId, limits as agreed,
    wire::{ALPN, lane::LaneRole, link::Goodbye},
};
use quinn::{ConnectionError, VarInt, rustls::pki_types::CertificateDer};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    admission::{Admission, Ticket},
    bind::{self, BindError},
    error::{HandshakeError, LinkError},
    filter::AddressFilter,
    identity::Identity,
    lane::{Carrier, Lane, LanePath},
    limits,
    link::{Link, Shared, accept_lanes, canonical, goodbye_code},
    quic, tcp,
    tls::{SERVER_NAME, SeenKey, Tls, peer_of},
};

mod accept;
#[cfg(test)]
mod tests;

/// How a peer listens.
#[derive(Debug, Clone)]
pub struct BindConfig {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// Where: `::` for everywhere, over IPv4 too.
    pub ip: IpAddr,
    /// 0 for a free one. If [`limits::DEFAULT_PORT`] is taken, the next free one.
    pub port: u16,
    /// Whom it talks to besides private, link-local and loopback addresses.
    pub filter: AddressFilter,
    /// Time for a handshake, at most [`limits::HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// Time for the first message after it, at most the agreed one.
    pub hello_timeout: Duration,
}

/// What others opened.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a few a second, each moved once")]
pub enum Incoming {
    /// A link.
    Link(Link),
    /// A lane, by TCP or on a link.
    Lane {
        /// From whom, proved by its handshake.
        peer: PeerId,
        /// After its hello.
        lane: Lane,
    },
}

/// See the module. Cheap to clone; the sockets close with [`Endpoint::close`] or the last clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    core: Arc<Core>,
    listening: Arc<Listening>,
}

/// What dialling and listening share.
#[derive(Debug)]
struct Core {
    quic: quinn::Endpoint,
    tls: Tls,
    address: SocketAddr,
    filter: RwLock<AddressFilter>,
    handshake_timeout: Duration,
    hello_timeout: Duration,
    incoming: mpsc::Sender<Incoming>,
    udp_admission: Arc<Admission>,
    tcp_admission: Arc<Admission>,
    links: Arc<Admission>,
    tcp_lanes: Arc<Semaphore>,
}

/// What an accepted link holds.
struct Place {
    /// Counts it among the links of its source, as long as it is open.
    ticket: Ticket,
    /// When its hello must be here, all of it.
    hello_by: Instant,
}

#[derive(Debug)]
struct Listening {
    quic: quinn::Endpoint,
    tasks: [JoinHandle<()>; 2],
}

impl BindConfig {
    /// Everywhere, on the default port or the next free one, for local addresses only.
    #[must_use]
    pub fn new(identity: Arc<Identity>) -> Self {
        Self {
            identity,
            ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            port: limits::DEFAULT_PORT,
            filter: AddressFilter::default(),
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            hello_timeout: agreed::HELLO_TIMEOUT,
        }
    }
}

impl Endpoint {
    /// Listens on one port number for UDP and TCP. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The port is taken, the address is not ours, or the identity cannot be used.
    pub fn bind(config: BindConfig) -> Result<(Self, mpsc::Receiver<Incoming>), BindError> {
        let tls = Tls::new(&config.identity).map_err(BindError::Identity)?;
        let server = tls.server().map_err(BindError::Identity)?;
        let sockets = bind::bind(config.ip, config.port)?;
        let address = sockets.address;
        let quic = quic::start(sockets.udp, server.clone())?;
        let listener = TcpListener::from_std(sockets.tcp)
            .map_err(|source| BindError::Socket { address, source })?;
        let (incoming, receiver) = mpsc::channel(limits::INCOMING_QUEUE);
        let core = Arc::new(Core {
            quic: quic.clone(),
            tls,
            address,
            filter: RwLock::new(config.filter),
            handshake_timeout: config.handshake_timeout.min(limits::HANDSHAKE_TIMEOUT),
            hello_timeout: config.hello_timeout.min(agreed::HELLO_TIMEOUT),
            incoming,
            udp_admission: Admission::of_handshakes(),
            tcp_admission: Admission::of_handshakes(),
            links: Admission::of_links(),
            tcp_lanes: Arc::new(Semaphore::new(limits::TCP_LANES_MAX)),
        });
        let tasks = [
            tokio::spawn(accept::accept_links(Arc::clone(&core))),
            tokio::spawn(accept::accept_tcp(
                Arc::clone(&core),
                listener,
                Arc::new(server),
            )),
        ];
        let endpoint = Self {
            core,
            listening: Arc::new(Listening { quic, tasks }),
        };
        Ok((endpoint, receiver))
    }

    /// The port, the same for UDP and TCP.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.core.address.port()
    }

    /// The address as bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.core.address
    }

    /// Connections from others are accepted; `false` after a defect or [`Endpoint::close`].
    #[must_use]
    pub fn is_listening(&self) -> bool {
        !self.listening.tasks.iter().any(JoinHandle::is_finished)
    }

    /// Replaces the address filter; open connections stay.
    pub fn set_filter(&self, filter: AddressFilter) {
        let mut current = self
            .core
            .filter
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = filter;
    }

    /// Opens a link, from the port that this peer listens on: two peers that dial each other at
    /// once open the way through each other's firewall. `None` accepts any key: look at
    /// [`Link::peer`] before anything is said.
    ///
    /// # Errors
    /// The address is refused or does not answer; another key answers; the endpoint is closed.
    pub async fn dial_link(
        &self,
        address: SocketAddr,
        expected: Option<PeerId>,
    ) -> Result<Link, LinkError> {
        self.core.check_dial(address)?;
        let limit = self.core.handshake_timeout;
        timeout(limit, self.core.dial_link(address, expected))
            .await
            .map_err(|_elapsed| LinkError::HandshakeTimeout(address))?
    }

    /// Opens a lane over TCP and TLS, to exactly this peer. When it fails with
    /// [`Blame::Network`](crate::Blame::Network), a lane on a link may still work.
    ///
    /// # Errors
    /// The address is refused or does not answer; another key answers.
    pub async fn dial_lane(
        &self,
        address: SocketAddr,
        expected: PeerId,
        role: LaneRole,
    ) -> Result<Lane, LinkError> {
        self.core.check_dial(address)?;
        let limit = self.core.handshake_timeout;
        timeout(limit, self.core.dial_lane(address, expected, role))
            .await
            .map_err(|_elapsed| LinkError::HandshakeTimeout(address))?
    }

    /// Stops listening and closes every link; lanes over TCP end with their owners. Links should
    /// have said goodbye before.
    pub async fn close(&self) {
        self.core.shut(&self.listening);
        let _cut = timeout(limits::GOODBYE_TIMEOUT, self.core.quic.wait_idle()).await;
    }
}

impl Core {
    fn allows(&self, ip: IpAddr) -> bool {
        let filter = self.filter.read().unwrap_or_else(PoisonError::into_inner);
        filter.allows(ip)
    }

    fn check_dial(&self, address: SocketAddr) -> Result<(), LinkError> {
        if !self.allows(address.ip()) {
            return Err(LinkError::AddressRefused(address));
        }
        if self.address.is_ipv4() && address.ip().to_canonical().is_ipv6() {
            return Err(unreachable(address, io::ErrorKind::Unsupported.into()));
        }
        Ok(())
    }

    async fn dial_link(
        self: &Arc<Self>,
        address: SocketAddr,
        expected: Option<PeerId>,
    ) -> Result<Link, LinkError> {
        let failed = |source| LinkError::Handshake { address, source };
        let (tls, seen) = self
            .tls
            .client(expected)
            .map_err(|error| failed(HandshakeError::OwnKey(error)))?;
        let config = quic::client_config(tls).map_err(|_suite| failed(HandshakeError::NoKey))?;
        let connecting = self
            .quic
            .connect_with(config, address, SERVER_NAME)
            .map_err(|error| {
                if error == quinn::ConnectError::EndpointStopping {
                    LinkError::EndpointClosed
                } else {
                    unreachable(address, io::Error::other(error))
                }
            })?;
        let connection = connecting
            .await
            .map_err(|error| dial_error(address, expected, &seen, error))?;
        let peer = identify(&connection).map_err(failed)?;
        if let Some(expected) = expected.filter(|expected| *expected != peer) {
            return Err(LinkError::WrongKey {
                address,
                expected,
                found: peer,
            });
        }
        let opened = connection.open_bi().await;
        let (send, recv) = opened.map_err(|error| failed(HandshakeError::Quic(error)))?;
        Ok(self.start_link(connection, peer, None, (send, recv)))
    }

    async fn dial_lane(
        &self,
        address: SocketAddr,
        expected: PeerId,
        role: LaneRole,
    ) -> Result<Lane, LinkError> {
        let stream = tcp::connect(self.address, address)
            .await
            .map_err(|source| unreachable(address, source))?;
        let local = stream.local_addr().ok();
        let stream = tcp::dial_tls(stream, address, expected, &self.tls).await?;
        let path = LanePath {
            peer: expected,
            remote: address,
            local,
            carrier: Carrier::Tcp,
        };
        Lane::open(stream, path, role).await
    }

    /// A link, and the task that takes the lanes which the peer opens on it. An accepted one has a
    /// place, and the rest of the time for its hello.
    fn start_link(
        self: &Arc<Self>,
        connection: quinn::Connection,
        peer: PeerId,
        accepted: Option<Place>,
        (send, recv): (quinn::SendStream, quinn::RecvStream),
    ) -> Link {
        let incoming = self.incoming.clone();
        let deliver = move |lane| {
            let incoming = incoming.clone();
            async move {
                // Nobody listens any more when the endpoint closes.
                let _closing = incoming.send(Incoming::Lane { peer, lane }).await;
            }
        };
        let accepting = accept_lanes(connection.clone(), peer, self.hello_timeout, deliver);
        let dialled = accepted.is_none();
        let (ticket, hello_by) = match accepted {
            Some(Place { ticket, hello_by }) => (Some(ticket), hello_by),
            None => (None, Instant::now() + self.hello_timeout),
        };
        tokio::spawn(async move {
            accepting.await;
            drop(ticket);
        });
        let shared = Shared {
            remote: canonical(connection.remote_address()),
            connection,
            peer,
            dialled,
            hello_by,
        };
        Link::start(shared, send, recv)
    }

    fn shut(&self, listening: &Listening) {
        listening.tasks.iter().for_each(JoinHandle::abort);
        let code = goodbye_code(Goodbye::Leaving);
        self.quic.close(VarInt::from_u32(code), &[]);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let code = goodbye_code(Goodbye::Leaving);
        self.quic.close(VarInt::from_u32(code), &[]);
    }
}

/// Who is at the other end of a finished QUIC handshake.
fn identify(connection: &quinn::Connection) -> Result<PeerId, HandshakeError> {
    let data = connection.handshake_data();
    let data = data.and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
    if data.and_then(|data| data.protocol).as_deref() != Some(ALPN) {
        return Err(HandshakeError::Protocol);
    }
    let identity = connection.peer_identity();
    let keys = identity.and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    peer_of(keys.as_deref().map(Vec::as_slice)).ok_or(HandshakeError::NoKey)
}

fn dial_error(
    address: SocketAddr,
    expected: Option<PeerId>,
    seen: &SeenKey,
    error: ConnectionError,
) -> LinkError {
    match (error, expected) {
        (ConnectionError::TimedOut, _) => LinkError::HandshakeTimeout(address),
        (ConnectionError::LocallyClosed, _) => LinkError::EndpointClosed,
        (ConnectionError::ConnectionClosed(close), _)
            if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
        {
            unreachable(address, io::ErrorKind::ConnectionRefused.into())
        }
        (error, Some(expected)) => {
            tcp::wrong_key(address, expected, seen, HandshakeError::Quic(error))
        }
        (error, None) => LinkError::Handshake {
            address,
            source: HandshakeError::Quic(error),
        },
    }
}

const fn unreachable(address: SocketAddr, source: io::Error) -> LinkError {
    LinkError::Unreachable { address, source }
}
