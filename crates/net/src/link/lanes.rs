//! Lanes on a link: for peers that cannot reach each other by TCP.

use std::{future::Future, net::SocketAddr, time::Duration};

use lanspread_proto::PeerId;
use quinn::{RecvStream, SendStream};
use tokio::task::JoinSet;

use crate::lane::{Carrier, Lane, LanePath, Stream};

/// Hands the lanes that the peer opens to `deliver`, until the connection ends.
pub(crate) async fn accept_lanes<D, F>(
    connection: quinn::Connection,
    peer: PeerId,
    limit: Duration,
    deliver: D,
) where
    D: Fn(Lane) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let mut tasks = JoinSet::new();
    let path = lane_path(peer, canonical(connection.remote_address()));
    // Their number is bounded by the streams that the peer may have open.
    while let Ok((send, recv)) = connection.accept_bi().await {
        while tasks.try_join_next().is_some() {}
        let deliver = deliver.clone();
        tasks.spawn(async move {
            match Lane::accept(lane_stream(send, recv), path, limit).await {
                Ok(lane) => deliver(lane).await,
                Err(error) => tracing::debug!(%error, "a lane was not accepted"),
            }
        });
    }
}

/// The address as people know it: IPv4 without IPv6 clothes.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

pub(super) fn lane_stream(send: SendStream, recv: RecvStream) -> Stream {
    Stream {
        source: Box::new(recv),
        sink: Box::new(send),
        permit: None,
    }
}

pub(super) const fn lane_path(peer: PeerId, remote: SocketAddr) -> LanePath {
    LanePath {
        peer,
        remote,
        local: None,
        carrier: Carrier::Quic,
    }
}
