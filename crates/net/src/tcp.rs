//! Lanes over TCP: connecting, socket options, TLS.

use std::{io, net::SocketAddr, sync::Arc};

use lanspread_proto::{PeerId, wire::ALPN};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::BufReader,
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::{
    error::{HandshakeError, LinkError},
    lane::Stream,
    limits,
    tls::{SERVER_NAME, SeenKey, Tls, peer_of},
};

type Encrypted = TlsStream<BufReader<TcpStream>>;

/// Connects from the address that this peer listens on, if it is a certain one.
pub(crate) async fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if !from.ip().is_unspecified() {
        let mut any_port = from;
        any_port.set_port(0);
        socket.bind(any_port)?;
    }
    socket.connect(to).await
}

/// TLS on a connection that this side opened, to exactly this peer.
pub(crate) async fn dial_tls(
    stream: TcpStream,
    address: SocketAddr,
    expected: PeerId,
    tls: &Tls,
) -> Result<Stream, LinkError> {
    let failed = |source| LinkError::Handshake { address, source };
    let (config, seen) = tls
        .client(Some(expected))
        .map_err(|error| failed(HandshakeError::OwnKey(error)))?;
    let name = ServerName::try_from(SERVER_NAME).map_err(|_name| failed(HandshakeError::NoKey))?;
    prepare(&stream).map_err(|error| failed(HandshakeError::Tls(error)))?;
    let connected = TlsConnector::from(config).connect_with(name, buffered(stream), |session| {
        session.set_buffer_limit(Some(limits::TLS_BUFFER_BYTES));
    });
    let encrypted = connected
        .await
        .map_err(|error| wrong_key(address, expected, &seen, HandshakeError::Tls(error)))?;
    let (stream, found) = finish(encrypted.into()).map_err(failed)?;
    if found == expected {
        Ok(stream)
    } else {
        Err(LinkError::WrongKey {
            address,
            expected,
            found,
        })
    }
}

/// TLS on a connection that the other side opened, and who it is.
pub(crate) async fn accept_tls(
    stream: TcpStream,
    config: Arc<rustls::ServerConfig>,
) -> Result<(Stream, PeerId), HandshakeError> {
    prepare(&stream).map_err(HandshakeError::Tls)?;
    let accepted = TlsAcceptor::from(config).accept_with(buffered(stream), |session| {
        session.set_buffer_limit(Some(limits::TLS_BUFFER_BYTES));
    });
    finish(accepted.await.map_err(HandshakeError::Tls)?.into())
}

/// The reason of a failed dial: the key, if it was not the expected one.
pub(crate) fn wrong_key(
    address: SocketAddr,
    expected: PeerId,
    seen: &SeenKey,
    source: HandshakeError,
) -> LinkError {
    match seen.get() {
        Some(found) if *found != expected => LinkError::WrongKey {
            address,
            expected,
            found: *found,
        },
        Some(_) | None => LinkError::Handshake { address, source },
    }
}

fn finish(encrypted: Encrypted) -> Result<(Stream, PeerId), HandshakeError> {
    let (_, session) = encrypted.get_ref();
    if session.alpn_protocol() != Some(ALPN) {
        return Err(HandshakeError::Protocol);
    }
    let peer = peer_of(session.peer_certificates()).ok_or(HandshakeError::NoKey)?;
    let (source, sink) = tokio::io::split(encrypted);
    let stream = Stream {
        source: Box::new(source),
        sink: Box::new(sink),
        permit: None,
    };
    Ok((stream, peer))
}

fn buffered(stream: TcpStream) -> BufReader<TcpStream> {
    BufReader::with_capacity(limits::LANE_READ_BUFFER_BYTES, stream)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (first, distance, count) = limits::TCP_KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(first).with_interval(distance);
    #[cfg(unix)]
    let keepalive = keepalive.with_retries(count);
    #[cfg(not(unix))]
    let _not_settable = count;
    let socket = SockRef::from(stream);
    // Without keepalive a dead peer is noticed late, by the owner's own time limits.
    let _best_effort = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    {
        let _best_effort = socket.set_tcp_user_timeout(Some(limits::TCP_SILENCE_MAX));
        let _best_effort = socket.set_tcp_notsent_lowat(limits::TCP_UNSENT_BYTES);
    }
    Ok(())
}
