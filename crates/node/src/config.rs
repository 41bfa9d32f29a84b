//! [`Config`]: everything a node is told at its start. Data in; nothing is read from elsewhere.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use lanspread_proto::text::PeerName;
pub use lanspread_unpack::WorkerCommand;

/// The port that peers try first; the next free one if it is taken.
pub const PORT_DEFAULT: u16 = 47_100;

/// What a node is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The games directory.
    pub games_dir: PathBuf,
    /// Where identity, index, intents and settings are kept.
    pub state_dir: PathBuf,
    /// The name other people see.
    pub name: PeerName,
    /// Where to listen.
    pub listen: Listen,
    /// How peers are found besides typed and remembered addresses.
    pub discovery: Discovery,
    /// Addresses to connect to from the start.
    pub connect: Vec<SocketAddr>,
    /// How the unpack worker is started: this binary with a hidden argument.
    pub worker: WorkerCommand,
    /// What may change while the node runs.
    pub settings: Settings,
}

/// Where to listen, UDP and TCP alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// One address, or all of them.
    pub ip: Option<IpAddr>,
    /// The port; the default is tried first and gives way, another one is a demand; 0 means any.
    pub port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            ip: None,
            port: PORT_DEFAULT,
        }
    }
}

/// How peers are found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Discovery {
    /// Multicast DNS on every interface.
    #[default]
    Mdns,
    /// Multicast DNS on one interface.
    MdnsOn(String),
    /// Only typed and remembered addresses, and what peers tell.
    Off,
}

/// What may change while the node runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether games are shared at all.
    pub share: bool,
    /// Bytes per second that may be sent; `None` for no limit.
    pub up_rate_max: Option<u64>,
    /// Bytes per second that may be received; `None` for no limit.
    pub down_rate_max: Option<u64>,
    /// Downloads that run at once; the rest wait in the queue.
    pub downloads_max: usize,
    /// What starts Windows programs where this is not Windows: Wine, or Proton's script.
    pub wine: Option<PathBuf>,
    /// Whether games of others are kept here, and how many of them.
    pub mirror: MirrorSettings,
}

/// Keeping the newest version of every game that somebody shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Whether it is done.
    pub on: bool,
    /// Bytes of payload that are kept at most; `None` for no limit.
    pub quota_bytes: Option<u64>,
    /// Bytes that stay free on the volume of the games directory.
    pub free_min_bytes: u64,
}

impl MirrorSettings {
    /// Enough that the system and a game that somebody wants by hand still fit.
    pub const FREE_MIN_BYTES: u64 = 10_000_000_000;
}

impl Default for MirrorSettings {
    fn default() -> Self {
        Self {
            on: false,
            quota_bytes: None,
            free_min_bytes: Self::FREE_MIN_BYTES,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            share: true,
            up_rate_max: None,
            down_rate_max: None,
            downloads_max: 2,
            wine: None,
            mirror: MirrorSettings::default(),
        }
    }
}
