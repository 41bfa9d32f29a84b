//! mDNS: says on every interface that we are here, and hears who else is.
//!
//! What is heard are [`Sighting`]s: hints that are proved by a dial or not at all. The mDNS engine
//! runs on its own thread; one task turns its events into ours.

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    time::Duration,
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use lanspread_proto::PeerId;
use mdns_sd::{
    DaemonEvent, IfKind, Receiver as Events, ResolvedService, ScopedIp, ServiceDaemon,
    ServiceEvent, ServiceInfo,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use self::{
    table::{Entry, Table},
    txt::Announcement,
};

mod table;
pub mod txt;

/// The service name, shared with the earlier program.
pub const SERVICE: &str = "_lanspread._udp.local.";
/// Sightings waiting for the owner. While it is full the engine drops us, and starts over later.
const EVENTS_QUEUE: usize = 256;
/// Names after which the engine must forget: somebody floods the network.
const NAMES_HEARD_MAX: usize = 4 * table::INSTANCES_MAX;
/// How long goodbyes to the network may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What is said.
#[derive(Debug, Clone)]
pub struct MdnsConfig {
    /// Who we are.
    pub peer: PeerId,
    /// Drawn at random at this start.
    pub boot: u64,
    /// Where we listen.
    pub port: u16,
    /// Only on this interface, if one is named.
    pub interface: Option<String>,
}

/// Something heard.
#[derive(Debug)]
pub enum MdnsEvent {
    /// A peer may be there, or is elsewhere now.
    Seen(Sighting),
    /// An entry was taken back or expired. The peer itself may be well.
    Gone(Gone),
    /// Something does not work, perhaps on one interface only; the rest goes on.
    Warning(MdnsError),
}

/// A hint that a peer may be at some addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The name of the entry: random, and new at each start.
    pub instance: String,
    /// Who it says it is.
    pub peer: Option<PeerId>,
    /// Tells two starts of one peer apart.
    pub boot: Option<u64>,
    /// Where; link-local IPv6 addresses with their scope.
    pub addresses: Vec<SocketAddr>,
    /// The names of our interfaces on which it was heard.
    pub seen_via: Vec<String>,
    /// Ours, or of the earlier program.
    pub kind: SightingKind,
}

/// See [`Sighting::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SightingKind {
    /// This program.
    LanSpread,
    /// The earlier one: shown, never dialled.
    OldLanSpread,
}

/// See [`MdnsEvent::Gone`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The name of the entry.
    pub instance: String,
    /// Who it said it was.
    pub peer: Option<PeerId>,
}

/// Why mDNS does not work.
#[derive(Debug, thiserror::Error)]
pub enum MdnsError {
    /// The engine cannot be started or used.
    #[error("mDNS does not work: {0}")]
    Engine(#[source] mdns_sd::Error),
    /// The system gives no random numbers for a name.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The engine stopped answering.
    #[error("mDNS did not stop in time")]
    Stuck(#[source] io::Error),
}

impl From<mdns_sd::Error> for MdnsError {
    fn from(error: mdns_sd::Error) -> Self {
        Self::Engine(error)
    }
}

/// Runs until it is shut down or dropped.
#[derive(Debug)]
pub struct Mdns {
    engine: Engine,
    task: JoinHandle<()>,
}

impl Mdns {
    /// Starts to advertise and to browse. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The engine cannot be started. What goes wrong later, or on single interfaces, comes as
    /// [`MdnsEvent::Warning`].
    pub fn start(config: &MdnsConfig) -> Result<(Self, mpsc::Receiver<MdnsEvent>), MdnsError> {
        Self::start_on(mdns_sd::MDNS_PORT, config)
    }

    fn start_on(
        mdns_port: u16,
        config: &MdnsConfig,
    ) -> Result<(Self, mpsc::Receiver<MdnsEvent>), MdnsError> {
        let engine = Engine(ServiceDaemon::new_with_port(mdns_port)?);
        if let Some(name) = &config.interface {
            engine.restrict_to(Some(name))?;
        }
        let warnings = engine.0.monitor()?;
        let info = service_info(config)?;
        let table = Table::new(info.get_fullname().to_string());
        engine.0.register(info)?;
        let services = engine.0.browse(SERVICE)?;
        let (events, receiver) = mpsc::channel(EVENTS_QUEUE);
        let listener = Listener {
            engine: engine.0.clone(),
            services,
            warnings,
            table,
            names_heard: 0,
            events,
        };
        let task = tokio::spawn(listener.run());
        Ok((Self { engine, task }, receiver))
    }

    /// Speaks and listens on one interface only, or on all.
    ///
    /// # Errors
    /// The engine does not take the command.
    pub fn restrict_to(&self, interface: Option<&str>) -> Result<(), MdnsError> {
        self.engine.restrict_to(interface)
    }

    /// Tells the network that we leave, and stops.
    ///
    /// # Errors
    /// The engine does not stop in time.
    pub async fn shutdown(self) -> Result<(), MdnsError> {
        self.task.abort();
        let done = self.engine.0.shutdown()?;
        match timeout(SHUTDOWN_TIMEOUT, done.recv_async()).await {
            Ok(_stopped) => Ok(()),
            Err(elapsed) => Err(MdnsError::Stuck(io::Error::from(elapsed))),
        }
    }
}

impl Drop for Mdns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The engine's handle; when it is dropped, the engine stops.
struct Engine(ServiceDaemon);

impl Engine {
    fn restrict_to(&self, interface: Option<&str>) -> Result<(), MdnsError> {
        match interface {
            None => self.0.enable_interface(IfKind::All)?,
            Some(name) => {
                self.0.disable_interface(IfKind::All)?;
                self.0.enable_interface(name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // An engine that is gone already, or too busy to hear it, is not waited for.
        if let Err(error) = self.0.shutdown() {
            tracing::debug!(%error, "mDNS was not shut down");
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

fn service_info(config: &MdnsConfig) -> Result<ServiceInfo, MdnsError> {
    let mut random = [0; 8];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_opaque| MdnsError::NoRandomness)?;
    let instance = format!("{:016x}", u64::from_le_bytes(random));
    let host = format!("lanspread-{instance}.local.");
    let pairs = Announcement::own(config.peer, config.boot).pairs();
    let info = ServiceInfo::new(SERVICE, &instance, &host, "", config.port, &pairs[..])?;
    Ok(info.enable_addr_auto())
}

/// Turns the engine's events into ours.
struct Listener {
    engine: ServiceDaemon,
    services: Events<ServiceEvent>,
    warnings: Events<DaemonEvent>,
    table: Table,
    /// Names heard since the engine's memory was empty.
    names_heard: usize,
    events: mpsc::Sender<MdnsEvent>,
}

impl Listener {
    /// Until the owner or the engine is gone.
    async fn run(mut self) {
        while let Ok(event) = self.next().await {
            if let Some(event) = event
                && self.events.send(event).await.is_err()
            {
                return;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<MdnsEvent>, mdns_sd::Error> {
        let gone = mdns_sd::Error::DaemonShutdown;
        let heard = tokio::select! {
            biased;
            () = self.events.closed() => return Err(gone),
            warning = self.warnings.recv_async() => match warning {
                Ok(DaemonEvent::Error(error)) => return Ok(Some(MdnsEvent::Warning(error.into()))),
                Ok(_) => return Ok(None),
                Err(_stopped) => return Err(gone),
            },
            heard = self.services.recv_async() => heard,
        };
        match heard {
            Ok(event) => self.on_service(event),
            // The engine drops listeners that fall behind: start over, from its memory.
            Err(_dropped) => {
                self.services = self.engine.browse(SERVICE)?;
                Ok(None)
            }
        }
    }

    fn on_service(&mut self, event: ServiceEvent) -> Result<Option<MdnsEvent>, mdns_sd::Error> {
        if let ServiceEvent::ServiceResolved(service) = event {
            let sighting = self.table.on_resolved(entry(&service));
            return Ok(sighting.map(MdnsEvent::Seen));
        }
        if let ServiceEvent::ServiceRemoved(_, instance) = event {
            return Ok(self.table.on_removed(&instance).map(MdnsEvent::Gone));
        }
        if matches!(event, ServiceEvent::ServiceFound(..)) {
            self.names_heard += 1;
        }
        if self.names_heard > NAMES_HEARD_MAX {
            self.forget()?;
        }
        Ok(None)
    }

    /// Empties the engine's memory, which has no limit of its own, and listens anew.
    fn forget(&mut self) -> Result<(), mdns_sd::Error> {
        self.engine.stop_browse(SERVICE)?;
        self.services = self.engine.browse(SERVICE)?;
        self.table.clear();
        self.names_heard = 0;
        Ok(())
    }
}

fn entry(service: &ResolvedService) -> Entry {
    let pairs = service.txt_properties.iter();
    let mut seen_via = Vec::new();
    let addresses = service.addresses.iter().filter_map(|scoped| {
        let (address, interfaces) = address(scoped, service.port)?;
        seen_via.extend(interfaces);
        Some(address)
    });
    let addresses = addresses.collect();
    seen_via.sort();
    seen_via.dedup();
    Entry {
        instance: service.fullname.clone(),
        txt: txt::parse(pairs.map(|pair| (pair.key(), pair.val()))),
        addresses,
        seen_via,
    }
}

/// The address and our interfaces on which it was heard; `None` for one that cannot be dialled.
fn address(scoped: &ScopedIp, port: u16) -> Option<(SocketAddr, Vec<String>)> {
    let (address, interfaces): (SocketAddr, Vec<String>) = match scoped {
        ScopedIp::V4(v4) => {
            let interfaces = v4.interface_ids().iter().map(|id| id.name.clone());
            ((*v4.addr(), port).into(), interfaces.collect())
        }
        ScopedIp::V6(v6) => {
            let id = v6.scope_id();
            let scope = if v6.addr().is_unicast_link_local() {
                id.index
            } else {
                0
            };
            let address = SocketAddrV6::new(*v6.addr(), port, 0, scope);
            (address.into(), vec![id.name.clone()])
        }
        _ => return None,
    };
    is_dialable(address.ip(), &interfaces).then_some((address, interfaces))
}

/// Somebody else's loopback is not ours.
fn is_dialable(ip: IpAddr, interfaces: &[String]) -> bool {
    let on_loopback = interfaces.iter().all(|name| name.starts_with("lo"));
    !ip.is_unspecified() && !ip.is_multicast() && (!ip.is_loopback() || on_loopback)
}

#[cfg(test)]
mod tests;
