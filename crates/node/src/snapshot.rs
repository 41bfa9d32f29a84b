//! [`Snapshot`]: all that a reader may know of a node, at one moment. Immutable, cheap to share.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use lanspread_proto::{
    ContentId, GameId, PeerId, VersionLabel,
    library::{Availability, Size},
    text::{PeerName, Title},
};

mod local;
mod mirror;
mod playing;

pub use local::{InstalledView, LocalView, NotShared};
pub use mirror::{MirrorView, Verdict};
pub use playing::{AboutView, Genre, HostView, PlayInfo, PlayState};

use crate::{config::Settings, doctor::InterfaceKind, error::OperationError};

/// A node at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Grows with each snapshot of this run.
    pub revision: u64,
    /// This node.
    pub me: MeView,
    /// Every known game, ours and others', sorted by id.
    pub games: Vec<GameView>,
    /// Every peer we have a link to, or had within the last minute, sorted by name.
    pub peers: Vec<PeerView>,
    /// Downloads that wait, in their order.
    pub queue: Vec<GameId>,
    /// What we send now.
    pub uploads: Vec<UploadView>,
    /// What may change while the node runs.
    pub settings: Settings,
    /// What is kept of others' games.
    pub mirror: Arc<MirrorView>,
    /// What needs a person's eye, worst first.
    pub problems: Vec<Problem>,
    /// The parts of this node and whether they run.
    pub components: Vec<ComponentView>,
}

/// This node.
#[derive(Debug, Clone)]
pub struct MeView {
    /// Who we are.
    pub peer: PeerId,
    /// The name other people see.
    pub name: PeerName,
    /// Where we listen, best first.
    pub addresses: Vec<SocketAddr>,
    /// The games directory.
    pub games_dir: PathBuf,
    /// Whether it can be read now.
    pub games_dir_state: GamesDirState,
    /// It was listed, or found unavailable, since the start.
    pub is_listed: bool,
    /// Sending is paused; for how long yet, if it ends by itself.
    pub sharing: SharingState,
    /// Whether others reached us by a connection that they opened.
    pub reachable: Option<bool>,
    /// Bytes per second received and sent, smoothed.
    pub down_rate: u64,
    /// See `down_rate`.
    pub up_rate: u64,
    /// How much of the hashing of our own games is done.
    pub hashing: Option<HashingView>,
}

/// Whether the games directory can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GamesDirState {
    /// It can.
    Available,
    /// It is missing or cannot be read. Nothing is forgotten: a disk may be unplugged.
    Unavailable,
}

/// Whether we send pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharingState {
    /// We do.
    On,
    /// Switched off in the settings.
    Off,
    /// Paused by the person; for how long yet, if it ends by itself.
    Paused(Option<Duration>),
}

/// Hashing of our own games.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingView {
    /// Bytes hashed.
    pub done_bytes: u64,
    /// Bytes to hash.
    pub total_bytes: u64,
    /// Time left at the present rate, once that is known.
    pub left: Option<Duration>,
}

/// One game, merged over everybody.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not exclude each other"
)]
pub struct GameView {
    /// Which game.
    pub game: GameId,
    /// The name for people.
    pub title: Title,
    /// Its directory here, if it has one.
    pub folder: Option<PathBuf>,
    /// What we have of it.
    pub local: LocalView,
    /// Every content of it that somebody has, newest label first.
    pub contents: Vec<ContentView>,
    /// What `get` would take, if that is clear.
    pub newest: Option<ContentId>,
    /// A greater label than ours exists, or than that of what is installed.
    pub update_available: bool,
    /// Two contents carry the newest label.
    pub conflict: bool,
    /// The operation on it, running, waiting or ended last.
    pub operation: Option<OperationView>,
    /// How it is played here, if it is installed and somebody says how it is started.
    pub play: Option<PlayInfo>,
    /// Who runs a server of it, ourselves not among them.
    pub hosts: Vec<HostView>,
    /// What a catalog knows of it.
    pub about: Option<AboutView>,
    /// Changes with its picture, if it has one.
    pub cover: Option<u64>,
}

/// One content of a game.
#[derive(Debug, Clone)]
pub struct ContentView {
    /// Which bytes.
    pub content: ContentId,
    /// What it is called.
    pub version: VersionLabel,
    /// Bytes and files of the payload.
    pub payload: Size,
    /// After unpacking, if known.
    pub unpacked: Option<Size>,
    /// Peers, ourselves among them, that have every byte.
    pub ready: u32,
    /// That download it.
    pub partial: u32,
    /// That have it installed only.
    pub local_only: u32,
    /// The peers that have it, ourselves not among them.
    pub holders: Vec<(PeerId, Availability)>,
}

/// Numbers an operation of one run of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Fetch a payload; install it afterwards if asked.
    Download,
    /// Unpack or clone the payload into `local/`.
    Install,
    /// Fetch and install a newer version.
    Update,
    /// Take `local/` away.
    Uninstall,
    /// Take the payload away.
    Remove,
    /// Make a folder a shared game.
    Publish,
    /// Read payload and installed game again, and mend what is damaged.
    Verify,
}

/// One operation.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// Which.
    pub operation: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub phase: Phase,
    /// To which bytes, where that is decided.
    pub content: Option<ContentId>,
    /// Bytes done in this phase.
    pub done_bytes: u64,
    /// Bytes of this phase; 0 while unknown.
    pub total_bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
    /// Time left, once that can be told.
    pub left: Option<Duration>,
    /// Who delivered how much to this download.
    pub sources: Vec<SourceView>,
    /// A download's payload in at most 150 cells: 0 is missing, 1 was found on this machine, 2 + n
    /// came mostly from the n-th source. Empty while nothing is downloaded.
    pub map: Arc<[u16]>,
    /// What a verify found, once it has read everything.
    pub verified: Option<Arc<VerifyView>>,
}

/// What a verify found. What is damaged is mended until the operation is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyView {
    /// Files of the payload that were read.
    pub payload_files: u32,
    /// Files of the installed game that were read.
    pub local_files: u32,
    /// Files of the payload that are missing or hold other bytes.
    pub payload_damaged: Listed,
    /// Files of the installed game that are missing, or rotted on the disk.
    pub local_damaged: Listed,
    /// Files of the installed game that the user or the game changed.
    pub local_changed: Listed,
    /// Files in the installed game that are not of it.
    pub local_unknown: Listed,
    /// The changed files are put back too; what they were goes to `kept/`.
    pub forced: bool,
}

/// Some paths of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// How many there are.
    pub count: u32,
    /// The first of them.
    pub first: Vec<String>,
}

impl Listed {
    /// Lists paths, at most [`limits::LISTED_FILES_MAX`](crate::limits::LISTED_FILES_MAX) by name.
    pub fn of<T: ToString>(paths: &[T]) -> Self {
        let first = paths.iter().take(crate::limits::LISTED_FILES_MAX);
        Self {
            count: u32::try_from(paths.len()).unwrap_or(u32::MAX),
            first: first.map(ToString::to_string).collect(),
        }
    }
}

/// Where an operation is.
#[derive(Debug, Clone)]
pub enum Phase {
    /// In the queue.
    Queued,
    /// Paused by the person.
    Paused,
    /// Asking peers for manifest and chunk map, and checking space.
    Preparing,
    /// Taking equal chunks from local files.
    Adopting,
    /// Pieces arrive.
    Downloading,
    /// Nobody who is here has what is missing; goes on by itself.
    WaitingForSource,
    /// The games directory is not available; goes on by itself when it is back.
    WaitingForGamesDir,
    /// Making it durable and visible.
    Committing,
    /// Unpacking or cloning.
    Installing,
    /// Reading everything again.
    Verifying,
    /// Files are in use: close the game to finish.
    CloseTheGame,
    /// Unpacking the archives of a folder without writing anything, to see that they are whole.
    Testing,
    /// Packing, moving or hashing a folder.
    Publishing,
    /// Taking away.
    Removing,
    /// Ended well.
    Done,
    /// Cancelled by the person.
    Cancelled,
    /// Failed.
    Failed(OperationError),
}

impl Phase {
    /// Nothing more will happen.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed(_))
    }

    /// It takes one of the places for running downloads.
    #[must_use]
    pub const fn is_fetching(&self) -> bool {
        matches!(
            self,
            Self::Preparing | Self::Adopting | Self::Downloading | Self::Committing
        )
    }
}

/// One source of a download.
#[derive(Debug, Clone)]
pub struct SourceView {
    /// Who.
    pub peer: PeerId,
    /// Verified payload bytes it delivered.
    pub bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
}

/// One peer.
#[derive(Debug, Clone)]
pub struct PeerView {
    /// Who; `None` for a typed address that has not answered and for old programs.
    pub peer: Option<PeerId>,
    /// Its name.
    pub name: PeerName,
    /// The address the link uses, or the one we try.
    pub address: Option<SocketAddr>,
    /// Where it is with us.
    pub state: PeerState,
    /// Whether it sends pieces now.
    pub sharing: bool,
    /// Whether it accepts connections, if known.
    pub reachable: Option<bool>,
    /// How many games it offers; `None` until its library has arrived.
    pub games: Option<u32>,
    /// Round-trip time of the link.
    pub rtt: Option<Duration>,
    /// The kind of our interface that the way to it begins with, if known.
    pub medium: Option<InterfaceKind>,
    /// The speed of that interface in bits per second, where the system tells.
    pub bits_per_second: Option<u64>,
    /// Bytes received from and sent to it in this run.
    pub received_bytes: u64,
    /// See `received_bytes`.
    pub sent_bytes: u64,
}

/// Where a peer is with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// A dial is under way.
    Dialling,
    /// A link is up.
    Connected,
    /// It left, or does not answer.
    Gone,
    /// Blocked by the person.
    Blocked,
    /// The earlier LanSpread, which speaks another protocol.
    OldLanSpread,
}

/// What we send to one peer.
#[derive(Debug, Clone)]
pub struct UploadView {
    /// To whom.
    pub peer: PeerId,
    /// Of which game.
    pub game: GameId,
    /// Payload bytes sent in this run.
    pub bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
}

/// What needs a person's eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code for programs and translations.
    pub code: &'static str,
    /// About what: a path, an interface, a game.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
}

/// A part of the node that is started again when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// The loop that takes commands.
    Commands,
    /// Listening and links.
    Server,
    /// Multicast DNS.
    Discovery,
    /// Our own addresses, by which links are noticed to be dead.
    Liveness,
    /// The watch on the games directory.
    LibraryMonitor,
    /// What is sent to others.
    Uploads,
    /// What all peers have.
    Library,
    /// Who may send us how much.
    Credit,
    /// Programs that were started, and the catalog.
    Programs,
    /// Keeping others' games.
    Mirror,
    /// What is shown.
    Views,
}

/// Whether a part runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentView {
    /// Which.
    pub component: Component,
    /// It runs.
    pub running: bool,
    /// How often it was started again.
    pub restarts: u32,
}
