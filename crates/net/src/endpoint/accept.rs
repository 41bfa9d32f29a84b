//! The door: who may begin a handshake, how many at once, and what becomes of it.

use std::{future::Future, net::SocketAddr, sync::Arc};

use lanspread_proto::wire::link::Goodbye;
use quinn::VarInt;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{Core, Incoming, Place, identify};
use crate::{
    admission::Ticket,
    error::{HandshakeError, LinkError},
    lane::{Carrier, Lane, LanePath},
    limits,
    link::{Link, canonical, goodbye_code},
    tcp,
};

/// Pause after a failed `accept`: the machine is out of file descriptors, and trying at once again
/// would only burn a core.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Takes QUIC connections until the endpoint closes.
pub(super) async fn accept_links(core: Arc<Core>) {
    let mut tasks = JoinSet::new();
    while let Some(incoming) = core.quic.accept().await {
        while tasks.try_join_next().is_some() {}
        if let Some((incoming, ticket)) = admit_link(&core, incoming) {
            let address = canonical(incoming.remote_address());
            let link = accept_link(Arc::clone(&core), incoming);
            tasks.spawn(welcome(Arc::clone(&core), address, ticket, async {
                link.await.map(Incoming::Link)
            }));
        }
    }
}

/// Takes TCP connections until the endpoint closes or nobody wants what comes in.
pub(super) async fn accept_tcp(
    core: Arc<Core>,
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
) {
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = core.incoming.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a TCP connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let address = canonical(address);
        if !core.allows(address.ip()) {
            continue;
        }
        let Some(ticket) = core.tcp_admission.admit(address.ip()) else {
            tracing::debug!(%address, "too many handshakes at once");
            continue;
        };
        let lane = accept_lane(Arc::clone(&core), stream, address, Arc::clone(&config));
        tasks.spawn(welcome(Arc::clone(&core), address, ticket, lane));
    }
}

/// Carries one stranger through the door. The ticket is held until the owner has taken what comes
/// of it, so a slow owner means fewer strangers, not more memory.
async fn welcome(
    core: Arc<Core>,
    address: SocketAddr,
    ticket: Ticket,
    stranger: impl Future<Output = Result<Incoming, LinkError>>,
) {
    match stranger.await {
        Ok(incoming) => {
            let _closing = core.incoming.send(incoming).await;
        }
        Err(error) => tracing::debug!(%address, %error, "nobody came in"),
    }
    drop(ticket);
}

fn admit_link(core: &Core, incoming: quinn::Incoming) -> Option<(quinn::Incoming, Ticket)> {
    let source = incoming.remote_address().ip();
    if !core.allows(source) {
        incoming.ignore();
        return None;
    }
    if core.quic.open_connections() >= limits::LINKS_MAX {
        incoming.refuse();
        return None;
    }
    if let Some(ticket) = core.udp_admission.admit(source) {
        return Some((incoming, ticket));
    }
    // Under pressure a source must first prove that it is where it says.
    if let Err(error) = incoming.retry() {
        error.into_incoming().refuse();
    }
    None
}

async fn accept_link(core: Arc<Core>, incoming: quinn::Incoming) -> Result<Link, LinkError> {
    let address = canonical(incoming.remote_address());
    let failed = |source| LinkError::Handshake { address, source };
    let connection = timeout(core.handshake_timeout, incoming)
        .await
        .map_err(|_elapsed| LinkError::HandshakeTimeout(address))?
        .map_err(|error| failed(HandshakeError::Quic(error)))?;
    let peer = identify(&connection).map_err(failed)?;
    let Some(ticket) = core.links.admit(address.ip()) else {
        tracing::debug!(%address, "this address has its links already");
        connection.close(VarInt::from_u32(goodbye_code(Goodbye::Full)), &[]);
        return Err(LinkError::EndpointClosed);
    };
    let hello_by = Instant::now() + core.hello_timeout;
    // The dialler opens the control stream; it exists once its hello is on the way.
    let control = timeout_at(hello_by, connection.accept_bi())
        .await
        .map_err(|_elapsed| LinkError::HelloTimeout(peer))?
        .map_err(|error| failed(HandshakeError::Quic(error)))?;
    let place = Place { ticket, hello_by };
    Ok(core.start_link(connection, peer, Some(place), control))
}

async fn accept_lane(
    core: Arc<Core>,
    stream: TcpStream,
    address: SocketAddr,
    config: Arc<rustls::ServerConfig>,
) -> Result<Incoming, LinkError> {
    let permit = Arc::clone(&core.tcp_lanes).try_acquire_owned().ok();
    let Some(permit) = permit else {
        return Err(LinkError::EndpointClosed);
    };
    let local = stream.local_addr().ok();
    let (mut stream, peer) = timeout(core.handshake_timeout, tcp::accept_tls(stream, config))
        .await
        .map_err(|_elapsed| LinkError::HandshakeTimeout(address))?
        .map_err(|source| LinkError::Handshake { address, source })?;
    stream.permit = Some(permit);
    let path = LanePath {
        peer,
        remote: address,
        local,
        carrier: Carrier::Tcp,
    };
    let lane = Lane::accept(stream, path, core.hello_timeout).await?;
    Ok(Incoming::Lane { peer, lane })
}
