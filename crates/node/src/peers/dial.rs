//! One dial: several addresses, staggered; the first that answers with the key wins and is greeted.

use std::{net::SocketAddr, time::Duration};

use lanspread_net::{Blame, Endpoint, Link, LinkError};
use lanspread_proto::{PeerId, wire::link::Hello};
use lanspread_swarm::peers::DialBlame;
use tokio::{task::JoinSet, time::sleep};

use super::link::{Greeted, greet};

/// The next address is tried when the ones before have not answered for this long.
const STAGGER: Duration = Duration::from_millis(250);

/// A dial that found its peer, and what came of the hellos.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) address: SocketAddr,
    pub(super) peer: PeerId,
    pub(super) greeted: Result<Greeted, LinkError>,
}

/// Dials and greets.
pub(super) async fn dial(
    endpoint: Endpoint,
    addresses: Vec<SocketAddr>,
    expected: Option<PeerId>,
    hello: Hello,
) -> Result<Found, LinkError> {
    let (address, link) = dial_any(&endpoint, addresses, expected).await?;
    let peer = link.peer();
    let greeted = greet(link, hello).await;
    Ok(Found {
        address,
        peer,
        greeted,
    })
}

async fn dial_any(
    endpoint: &Endpoint,
    addresses: Vec<SocketAddr>,
    expected: Option<PeerId>,
) -> Result<(SocketAddr, Link), LinkError> {
    let mut attempts = JoinSet::new();
    let mut delay = Duration::ZERO;
    for address in addresses {
        let endpoint = endpoint.clone();
        attempts.spawn(async move {
            sleep(delay).await;
            let link = endpoint.dial_link(address, expected).await;
            link.map(|link| (address, link))
        });
        delay += STAGGER;
    }
    let mut worst = None;
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => worst = Some(more_telling(worst, error)),
            Err(error) => tracing::error!(%error, "a dial failed"),
        }
    }
    Err(worst.unwrap_or(LinkError::EndpointClosed))
}

/// That somebody answered wrongly says more than that nobody did.
fn more_telling(known: Option<LinkError>, error: LinkError) -> LinkError {
    match known {
        Some(known) if error.blame() != Blame::Peer => known,
        Some(_) | None => error,
    }
}

/// As the decider counts it.
pub(super) fn blame_of(error: &LinkError) -> DialBlame {
    match error.blame() {
        Blame::Peer => DialBlame::Peer,
        Blame::Local => DialBlame::Local,
        Blame::Network => DialBlame::Network,
    }
}

/// A stable code for people and programs.
pub(super) const fn code_of(error: &LinkError) -> &'static str {
    match error {
        LinkError::AddressRefused(_) => "address-refused",
        LinkError::Unreachable { .. } | LinkError::Lost { .. } | LinkError::Ended(_) => {
            "unreachable"
        }
        LinkError::HandshakeTimeout(_) | LinkError::HelloTimeout(_) => "no-answer",
        LinkError::WrongKey { .. } => "wrong-key",
        LinkError::Goodbye { .. } => "refused-by-peer",
        LinkError::Handshake { .. }
        | LinkError::HelloMissing { .. }
        | LinkError::Protocol { .. } => "not-lanspread",
        LinkError::Closed(_)
        | LinkError::EndpointClosed
        | LinkError::Full(_)
        | LinkError::TooLong { .. }
        | LinkError::Torn(_) => "closed",
    }
}
