//! The views of the actors: immutable, plain data, put together into one snapshot by `publish`.
//!
//! Invariant: each view has one writer, the actor that owns what it shows.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use lanspread_disk::{
    Place,
    catalog::{Catalog, CoverAt},
};
use lanspread_install::launch::Profile;
use lanspread_proto::{
    ContentId, GameId, Manifest, PeerId,
    library::{Availability, LibraryDigest, Size},
    text::{PeerName, Title},
    wire::link::Sharing,
};
use lanspread_swarm::merged::Merged;

use crate::{
    config::Settings,
    doctor::InterfaceKind,
    error::OperationError,
    play::Role,
    snapshot::{
        ComponentView, GamesDirState, HashingView, LocalView, OperationView, PeerState, Problem,
        SharingState, UploadView,
    },
};

/// Who is there. Written by `peers`.
#[derive(Debug, Clone)]
pub(crate) struct PeersView {
    /// Who we are; changes when a clone of ours makes us take a new key.
    pub(crate) me: PeerId,
    /// Our own name.
    pub(crate) name: PeerName,
    /// Where we listen, best first.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether others reached us by a connection that they opened.
    pub(crate) reachable: Option<bool>,
    /// Peers with a known key: linked, dialled, blocked, or gone within the last minute.
    pub(crate) peers: BTreeMap<PeerId, PeerInfo>,
    /// Addresses without a known key: typed ones that do not answer yet, old programs.
    pub(crate) strangers: BTreeMap<SocketAddr, PeerState>,
    /// What needs a person's eye.
    pub(crate) problems: Vec<Problem>,
}

/// One peer.
#[derive(Debug, Clone)]
pub(crate) struct PeerInfo {
    /// Its name.
    pub(crate) name: PeerName,
    /// The address of the link, or the one we try.
    pub(crate) address: Option<SocketAddr>,
    /// Where it is with us.
    pub(crate) state: PeerState,
    /// Whether it sends pieces now.
    pub(crate) sharing: Sharing,
    /// Whether it accepts connections, if known.
    pub(crate) reachable: Option<bool>,
    /// How the way to it looks from here.
    pub(crate) path: PathInfo,
    /// Round-trip time of the link.
    pub(crate) rtt: Option<Duration>,
}

/// How the way to a peer looks from here: the interface of ours that it goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PathInfo {
    /// What kind of interface.
    pub(crate) medium: Medium,
    /// Its speed in bits per second, if the system says.
    pub(crate) bits_per_second: Option<u64>,
    /// The peer is in the network of that interface: most likely behind the same switch.
    pub(crate) near: bool,
}

/// What kind of interface; better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Medium {
    /// This machine.
    Loopback,
    /// A cable.
    Wired,
    /// Not known: taken as a cable.
    #[default]
    Unknown,
    /// Radio.
    Wifi,
    /// A VPN, a bridge, a virtual machine.
    Virtual,
}

impl Medium {
    /// For readers outside; `None` while it is not known.
    pub(crate) const fn kind(self) -> Option<InterfaceKind> {
        match self {
            Self::Loopback => Some(InterfaceKind::Loopback),
            Self::Wired => Some(InterfaceKind::Wired),
            Self::Unknown => None,
            Self::Wifi => Some(InterfaceKind::Wifi),
            Self::Virtual => Some(InterfaceKind::Virtual),
        }
    }
}

impl PeersView {
    /// Nobody there yet.
    pub(crate) const fn new(me: PeerId, name: PeerName, addresses: Vec<SocketAddr>) -> Self {
        Self {
            me,
            name,
            addresses,
            reachable: None,
            peers: BTreeMap::new(),
            strangers: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Peers with a link.
    pub(crate) fn connected(&self) -> impl Iterator<Item = (PeerId, &PeerInfo)> {
        let peers = self.peers.iter().map(|(peer, info)| (*peer, info));
        peers.filter(|(_, info)| info.state == PeerState::Connected)
    }
}

/// Who has what. Written by `library`.
#[derive(Debug, Clone)]
pub(crate) struct LibraryView {
    /// What we tell others of our own library.
    pub(crate) digest: LibraryDigest,
    /// All libraries as one.
    pub(crate) merged: Merged,
    /// Who has which content, ourselves not among them.
    pub(crate) holders: BTreeMap<ContentId, Vec<(PeerId, Availability)>>,
    /// How many games each peer has whose library has arrived.
    pub(crate) game_counts: BTreeMap<PeerId, u32>,
    /// Who runs a server of which game, and where that listens.
    pub(crate) hosts: BTreeMap<GameId, BTreeMap<PeerId, Option<u16>>>,
}

impl LibraryView {
    /// Nobody has anything yet.
    pub(crate) fn new(digest: LibraryDigest) -> Self {
        Self {
            digest,
            merged: Merged::default(),
            holders: BTreeMap::new(),
            game_counts: BTreeMap::new(),
            hosts: BTreeMap::new(),
        }
    }

    /// The peers that have a content, ourselves not among them.
    pub(crate) fn holders(&self, content: ContentId) -> &[(PeerId, Availability)] {
        self.holders.get(&content).map_or(&[], Vec::as_slice)
    }
}

/// Our own games on disk. Written by `shelf`.
#[derive(Debug, Clone)]
pub(crate) struct ShelfView {
    /// Every game that has a directory here.
    pub(crate) games: BTreeMap<GameId, ShelfGame>,
    /// The games directory.
    pub(crate) games_dir: PathBuf,
    /// Whether it can be read now.
    pub(crate) games_dir_state: GamesDirState,
    /// It was listed, or found unavailable, since the start.
    pub(crate) is_listed: bool,
    /// Whether anything is sent.
    pub(crate) sharing: SharingState,
    /// How much is hashed.
    pub(crate) hashing: Option<HashingView>,
    /// What needs a person's eye.
    pub(crate) problems: Vec<Problem>,
}

/// One game on disk.
#[derive(Debug, Clone)]
pub(crate) struct ShelfGame {
    /// The name for people.
    pub(crate) title: Title,
    /// What we have of it.
    pub(crate) local: LocalView,
    /// Its directory.
    pub(crate) root: Place,
    /// Its payload, once that is known.
    pub(crate) manifest: Option<Arc<Manifest>>,
    /// Why no operation may touch it.
    pub(crate) blocked: Option<OperationError>,
    /// What our own listing of its archives said.
    pub(crate) unpacked: Option<Size>,
    /// How it is started, as it says itself.
    pub(crate) profile: Option<Arc<Profile>>,
    /// Its own picture.
    pub(crate) cover: Option<CoverAt>,
    /// The title, if the game says it itself and it is no guess from its directory.
    pub(crate) own_title: Option<Title>,
}

/// What runs. Written by `games`.
#[derive(Debug, Clone, Default)]
pub(crate) struct OperationsView {
    /// The operation of each game, running, waiting or ended last.
    pub(crate) operations: BTreeMap<GameId, OperationView>,
    /// Downloads that wait, in their order.
    pub(crate) queue: Vec<GameId>,
    /// What may change while the node runs.
    pub(crate) settings: Settings,
    /// What needs a person's eye.
    pub(crate) problems: Vec<Problem>,
}

/// What we send and receive. Written by `exchange`.
#[derive(Debug, Clone, Default)]
pub(crate) struct UploadsView {
    /// What we send now.
    pub(crate) uploads: Vec<UploadView>,
    /// Bytes per second sent, smoothed.
    pub(crate) up_rate: u64,
    /// Bytes per second received, smoothed.
    pub(crate) down_rate: u64,
    /// What went to and from each peer in this run.
    pub(crate) traffic: BTreeMap<PeerId, Traffic>,
}

/// Payload bytes exchanged with one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traffic {
    /// From it.
    pub(crate) received_bytes: u64,
    /// To it.
    pub(crate) sent_bytes: u64,
}

/// Programs, and what is known of games. Written by `play`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PlayView {
    /// What is known of games.
    pub(crate) catalog: Arc<Catalog>,
    /// Pictures that the catalog of this machine names.
    pub(crate) covers: Arc<BTreeMap<GameId, CoverAt>>,
    /// What runs.
    pub(crate) programs: BTreeMap<(GameId, Role), ProgramState>,
    /// What needs a person's eye.
    pub(crate) problems: Vec<Problem>,
}

/// Where a program is that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgramState {
    /// Texts are set, rights are given.
    Starting,
    /// The set-up runs.
    SettingUp,
    /// The game runs.
    Running,
    /// The server runs; where it listens, if that is known.
    Serving(Option<u16>),
}

impl PlayView {
    /// A program of this game runs, or is about to.
    pub(crate) fn runs(&self, game: &GameId) -> bool {
        let mut running = self.programs.keys();
        running.any(|(running, _)| running == game)
    }

    /// Where a program of a game is.
    pub(crate) fn program(&self, game: &GameId, role: Role) -> Option<ProgramState> {
        self.programs.get(&(game.clone(), role)).copied()
    }

    /// The games whose servers run, and where those listen.
    pub(crate) fn serving(&self) -> impl Iterator<Item = (&GameId, Option<u16>)> {
        let programs = self.programs.iter();
        programs.filter_map(|((game, _), state)| match state {
            ProgramState::Serving(port) => Some((game, *port)),
            ProgramState::Starting | ProgramState::SettingUp | ProgramState::Running => None,
        })
    }
}

/// The parts of the node. Written by `supervisor`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ComponentsView {
    /// The parts and whether they run.
    pub(crate) components: Vec<ComponentView>,
    /// What needs a person's eye.
    pub(crate) problems: Vec<Problem>,
}

/// How a view travels.
pub(crate) type Watched<T> = tokio::sync::watch::Receiver<Arc<T>>;
