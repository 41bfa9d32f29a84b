//! Finds peers: multicast DNS on every interface, and a look at our own interfaces every few
//! seconds.
//!
//! Invariant: what is heard is only a hint; who it is, a dial proves.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use lanspread_net::{
    Mdns, MdnsConfig, MdnsEvent, SightingKind,
    interfaces::{self, OwnAddress},
    mdns::MdnsError,
};
use lanspread_swarm::peers::{Sighting, Source};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    actor::Tasks,
    config::Discovery,
    peers::{Announcement, PeersHandle},
    restart::{Failure, Part, Parts},
    snapshot::Component,
};

/// How often our own interfaces are looked at. There is no portable notice of changes.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Starts what the configuration asks for. The interfaces are watched in any case.
pub(crate) fn start(
    tasks: &Tasks,
    parts: &Parts,
    how: Discovery,
    said: watch::Receiver<Announcement>,
    peers: &PeersHandle,
) {
    let looking = Looking {
        tasks: tasks.clone(),
        peers: peers.clone(),
    };
    parts.keep(tasks, looking);
    let interface = match how {
        Discovery::Off => return,
        Discovery::Mdns => None,
        Discovery::MdnsOn(interface) => Some(interface),
    };
    let discovering = Discovering {
        interface,
        said,
        peers: peers.clone(),
    };
    parts.keep(tasks, discovering);
}

/// The look at our own addresses as a part of the node.
struct Looking {
    tasks: Tasks,
    peers: PeersHandle,
}

impl Part for Looking {
    const COMPONENT: Component = Component::Liveness;

    async fn run(&mut self) -> Failure {
        let mut known = None;
        loop {
            match observe(&self.tasks).await {
                None => return Failure::Ended,
                Some(Ok(seen)) if known.as_ref() == Some(&seen) => {}
                Some(Ok(seen)) => {
                    self.peers.set_interfaces(seen.clone()).await;
                    known = Some(seen);
                }
                Some(Err(error)) => tracing::warn!(%error, "our own addresses are not known"),
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// Asks the system, which may take its time; `None` when the asking itself failed.
async fn observe(tasks: &Tasks) -> Option<Result<Vec<OwnAddress>, interfaces::InterfacesError>> {
    let (tell, told) = oneshot::channel();
    tasks.spawn_blocking(tracing::debug_span!("observe"), move || {
        // Nobody waits when the node stops.
        drop(tell.send(interfaces::observe()));
    });
    told.await.ok()
}

/// Multicast DNS as a part of the node.
struct Discovering {
    interface: Option<String>,
    said: watch::Receiver<Announcement>,
    peers: PeersHandle,
}

/// Why one start of multicast DNS ended.
enum End {
    /// Something else is to be said.
    Renew,
    Failed(Failure),
}

impl Part for Discovering {
    const COMPONENT: Component = Component::Discovery;

    async fn run(&mut self) -> Failure {
        loop {
            match self.announce().await {
                Ok(End::Renew) => {}
                Ok(End::Failed(failure)) => return failure,
                Err(error) => return error.into(),
            }
        }
    }
}

impl Discovering {
    /// Speaks and listens until something else is to be said.
    async fn announce(&mut self) -> Result<End, MdnsError> {
        let said = *self.said.borrow_and_update();
        let config = MdnsConfig {
            peer: said.peer,
            boot: said.boot,
            port: said.port,
            interface: self.interface.clone(),
        };
        let (mdns, mut events) = Mdns::start(&config)?;
        let end = self.listen(&mut events).await;
        if let Err(error) = mdns.shutdown().await {
            tracing::debug!(%error, "multicast DNS did not say goodbye");
        }
        Ok(end)
    }

    async fn listen(&mut self, events: &mut mpsc::Receiver<MdnsEvent>) -> End {
        loop {
            tokio::select! {
                biased;
                changed = self.said.changed() => {
                    if changed.is_err() {
                        // The node stops.
                        std::future::pending::<()>().await;
                    }
                    return End::Renew;
                }
                event = events.recv() => match event {
                    Some(event) => self.on_event(event).await,
                    None => return End::Failed(Failure::Ended),
                },
            }
        }
    }

    async fn on_event(&self, event: MdnsEvent) {
        match event {
            MdnsEvent::Seen(seen) => self.on_seen(seen).await,
            // A link tells better than an entry that expired whether somebody is gone.
            MdnsEvent::Gone(gone) => {
                tracing::debug!(instance = gone.instance, "an entry was taken back");
            }
            MdnsEvent::Warning(error) => {
                tracing::warn!(%error, "multicast DNS has a difficulty");
                self.peers.warn_of_discovery(error.to_string()).await;
            }
        }
    }

    async fn on_seen(&self, seen: lanspread_net::Sighting) {
        let first = seen.addresses.first().copied();
        match (seen.kind, seen.peer, first) {
            (SightingKind::OldLanSpread, _, Some(first)) => {
                self.peers.saw_old_lanspread(first).await;
            }
            (SightingKind::OldLanSpread | SightingKind::LanSpread, _, _) => {
                for sighting in sightings(&seen) {
                    self.peers.sighted(sighting).await;
                }
            }
        }
    }
}

/// One for each host that an entry names. Nothing says who really announced it, so what is counted
/// is how often a host is named: an entry that names us first and somebody else second must not
/// have us knock there as often as it likes.
fn sightings(seen: &lanspread_net::Sighting) -> Vec<Sighting> {
    if seen.kind != SightingKind::LanSpread || seen.peer.is_none() {
        return Vec::new();
    }
    let mut hosts: BTreeMap<IpAddr, Vec<SocketAddr>> = BTreeMap::new();
    for address in &seen.addresses {
        let host = address.ip().to_canonical();
        hosts.entry(host).or_default().push(*address);
    }
    let of_host = |(host, addresses)| Sighting {
        peer: seen.peer,
        boot: seen.boot,
        source: Source::Mdns(host),
        addresses,
    };
    hosts.into_iter().map(of_host).collect()
}

#[cfg(test)]
mod tests {
    use lanspread_proto::PeerId;
    use lanspread_swarm::{Instant, Peers, PeersAction, peers::DialBlame};

    use super::*;

    #[test]
    fn a_victim_is_not_named_more_often_than_others_because_of_who_is_named_beside_it() {
        let victim = SocketAddr::from(([192, 168, 1, 200], 80));
        let mut peers = Peers::new(PeerId::from_bytes([1; 32]), 1, 0);
        for n in 2..=201_u8 {
            let fresh = SocketAddr::from(([192, 168, 2, n], 80));
            let entry = lanspread_net::Sighting {
                instance: n.to_string(),
                peer: Some(PeerId::from_bytes([n; 32])),
                boot: Some(1),
                addresses: vec![fresh, victim],
                seen_via: Vec::new(),
                kind: SightingKind::LanSpread,
            };
            for sighting in sightings(&entry) {
                peers.on_sighting(Instant::ZERO, sighting);
            }
        }
        let mut named = 0;
        while let Some(action) = peers.poll_action() {
            if let PeersAction::Dial {
                addresses, dial, ..
            } = action
            {
                named += addresses.iter().filter(|a| **a == victim).count();
                // The next one is dialled when this one has failed.
                peers.on_dial_failed(Instant::ZERO, dial, DialBlame::Network);
            }
        }
        assert!(named > 0 && named <= 3, "{named}");
    }
}
