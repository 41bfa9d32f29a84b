//! How QUIC is set up: every limit that a peer could otherwise run into memory.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use quinn::{
    EndpointConfig, ServerConfig, TransportConfig, VarInt,
    crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig},
};
use tokio::runtime::Handle;

use crate::{bind::BindError, limits, udp_socket::UdpSocket};

/// Starts QUIC on a bound socket.
pub(crate) fn start(
    socket: std::net::UdpSocket,
    tls: rustls::ServerConfig,
) -> Result<quinn::Endpoint, BindError> {
    let server = server_config(tls).map_err(BindError::Quic)?;
    let address = socket.local_addr();
    let attempt = || -> io::Result<quinn::Endpoint> {
        let _inside = Handle::try_current().map_err(io::Error::other)?;
        quinn::Endpoint::new_with_abstract_socket(
            EndpointConfig::default(),
            Some(server),
            Arc::new(UdpSocket::new(socket)?),
            Arc::new(quinn::TokioRuntime),
        )
    };
    attempt().map_err(|source| BindError::Socket {
        address: address.unwrap_or_else(|_gone| ([0; 4], 0).into()),
        source,
    })
}

/// For one dial.
pub(crate) fn client_config(
    tls: Arc<rustls::ClientConfig>,
) -> Result<quinn::ClientConfig, NoInitialCipherSuite> {
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(transport());
    Ok(config)
}

fn server_config(tls: rustls::ServerConfig) -> Result<ServerConfig, NoInitialCipherSuite> {
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config
        .transport_config(transport())
        .max_incoming(limits::QUIC_INCOMING_MAX)
        .incoming_buffer_size(limits::QUIC_INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(limits::QUIC_INCOMING_BUFFER_TOTAL_BYTES);
    Ok(config)
}

fn transport() -> Arc<TransportConfig> {
    static SHARED: OnceLock<Arc<TransportConfig>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(|| {
        let mut config = TransportConfig::default();
        config
            .max_concurrent_bidi_streams(VarInt::from_u32(limits::BIDI_STREAMS_MAX))
            .max_concurrent_uni_streams(VarInt::from_u32(limits::UNI_STREAMS_MAX))
            .stream_receive_window(VarInt::from_u32(limits::STREAM_WINDOW_BYTES))
            .receive_window(VarInt::from_u32(limits::CONNECTION_WINDOW_BYTES))
            .send_window(u64::from(limits::CONNECTION_WINDOW_BYTES))
            .datagram_receive_buffer_size(Some(limits::DATAGRAM_BUFFER_BYTES))
            .datagram_send_buffer_size(limits::DATAGRAM_BUFFER_BYTES)
            .max_idle_timeout(Some(VarInt::from_u32(limits::IDLE_TIMEOUT_MS).into()))
            .keep_alive_interval(Some(limits::KEEP_ALIVE))
            .initial_rtt(limits::INITIAL_ROUND_TRIP);
        Arc::new(config)
    }))
}
