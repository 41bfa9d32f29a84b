//! [`Snapshot`]: all that a reader may know of a node, at one moment.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::play::{About, Host, Play};
use crate::error::Report;

mod mirror;
mod parts;
mod phase;
mod settings;

pub use mirror::{LeftGame, LeftWhy, Mirror};
pub use parts::{Component, ComponentState, Problem};
pub use settings::Settings;

/// A node at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not exclude each other"
)]
pub struct Snapshot {
    /// Grows with each snapshot of one run.
    pub revision: u64,
    /// This node.
    pub me: Me,
    /// Every known game, ours and others', sorted by id.
    pub games: Vec<Game>,
    /// Every peer we have a link to, or had within the last minute, sorted by name.
    pub peers: Vec<Peer>,
    /// Ids of the downloads that wait, in their order.
    pub queue: Vec<String>,
    /// What we send now.
    pub uploads: Vec<Upload>,
    /// What may change while the node runs.
    pub settings: Settings,
    /// What is kept of others' games.
    #[serde(default)]
    pub mirror: Mirror,
    /// What needs a person's eye, worst first.
    pub problems: Vec<Problem>,
    /// The parts of this node and whether they run.
    pub components: Vec<ComponentState>,
    /// What is still to be confirmed at the first start; nothing listens until then, and nothing
    /// else is known.
    pub first_run: Option<FirstRun>,
    /// The program ends when nobody downloads from us any more.
    pub quitting: bool,
    /// It is shown to somebody who only looks: paths, addresses, settings and reasons are left out,
    /// and no command would be carried out.
    #[serde(default)]
    pub guest: bool,
}

/// What is to be confirmed at the first start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FirstRun {
    /// The games directory that is proposed.
    pub games_dir: String,
    /// The name that is proposed.
    pub name: String,
}

/// This node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Me {
    /// Our public key.
    pub peer: String,
    /// The same key as words, to compare aloud.
    pub words: String,
    /// The name other people see.
    pub name: String,
    /// Where we listen, best first.
    pub addresses: Vec<SocketAddr>,
    /// The games directory.
    pub games_dir: String,
    /// Whether the games directory can be read now.
    pub games_dir_available: bool,
    /// The volume of the games directory, where the system tells.
    pub disk: Option<Volume>,
    /// The version of this program.
    pub version: String,
    /// Whether we send pieces.
    pub sharing: Sharing,
    /// How long a pause of sharing still lasts, if it ends by itself.
    pub sharing_pause_left_ms: Option<u64>,
    /// Whether others reached us by a connection that they opened.
    pub reachable: Option<bool>,
    /// Bytes per second received, smoothed.
    pub down_rate: u64,
    /// Bytes per second sent, smoothed.
    pub up_rate: u64,
    /// How much of the hashing of our own games is done.
    pub hashing: Option<Hashing>,
}

/// A volume and what is free on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Volume {
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Whether we send pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// We do.
    On,
    /// Switched off in the settings.
    Off,
    /// Paused by the person.
    Paused,
}

/// Hashing of our own games.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Hashing {
    /// Bytes hashed.
    pub done_bytes: u64,
    /// Bytes to hash.
    pub total_bytes: u64,
    /// Time left at the present rate, once that is known.
    pub left_ms: Option<u64>,
}

/// One game, merged over everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not exclude each other"
)]
pub struct Game {
    /// Its id: the name of its directory, in lower case.
    pub game: String,
    /// The name for people.
    pub title: String,
    /// Its directory on the node's machine, if it has one.
    pub folder: Option<String>,
    /// What we have of it.
    pub local: Local,
    /// Every content of it that somebody has, newest label first.
    pub contents: Vec<Content>,
    /// The content that `get` would take, if that is clear.
    pub newest: Option<String>,
    /// A greater label than ours exists.
    pub update_available: bool,
    /// Two contents carry the newest label.
    pub conflict: bool,
    /// The operation on it, running, waiting or ended last.
    pub operation: Option<Operation>,
    /// How it is played here, if it is installed and somebody says how it is started.
    #[serde(default)]
    pub play: Option<Play>,
    /// Who runs a server of it, ourselves not among them.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// What is known of it besides its bytes.
    #[serde(default)]
    pub about: Option<About>,
}

/// What we have of a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Local {
    /// The directory is there.
    pub present: bool,
    /// The downloaded version.
    pub downloaded: Option<String>,
    /// The content of the download, once it is hashed.
    pub content: Option<String>,
    /// What is installed.
    pub installed: Option<Installed>,
    /// What we tell others.
    pub availability: Option<Availability>,
    /// Why it is not shared, if it is not.
    pub not_shared: Option<NotShared>,
    /// Verified bytes of an unfinished download that lie on disk.
    pub partial_bytes: u64,
    /// Bytes of the user's files put aside.
    pub kept_bytes: u64,
}

/// What is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Installed {
    /// Its label; null when another program, or a state directory that is lost, put it there.
    pub version: Option<String>,
    /// Its content; null with the label.
    pub content: Option<String>,
}

/// What a peer can do with a content for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It has every byte and serves it.
    Ready,
    /// It is downloading and serves what it has.
    Partial,
    /// It has it installed without the payload: never a source.
    LocalOnly,
}

/// Why a game on our disk is not shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum NotShared {
    /// No `version.ini`: publish it.
    NoVersion,
    /// Switched off for this game.
    SwitchedOff,
    /// Being looked at or hashed.
    Checking,
    /// It changed within the last seconds.
    Settling,
    /// It cannot be published.
    Refused {
        /// Which entry, or the directory itself.
        entry: String,
        /// The stable code of the reason.
        code: String,
        /// The reason for people.
        reason: String,
    },
}

/// One content of a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Content {
    /// Its id.
    pub content: String,
    /// What it is called.
    pub version: String,
    /// Of the payload.
    pub payload: Size,
    /// After unpacking, if known.
    pub unpacked: Option<Size>,
    /// Peers, ourselves among them, that have every byte.
    pub ready: u32,
    /// Peers that download it.
    pub partial: u32,
    /// Peers that have it installed only.
    pub local_only: u32,
    /// The peers that have it, ourselves not among them.
    pub holders: Vec<Holder>,
}

/// Bytes and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u32,
}

/// A peer that has a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Holder {
    /// Who.
    pub peer: String,
    /// How far it has it.
    pub availability: Availability,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Operation {
    /// Its number in this run of the node.
    pub operation: u64,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub phase: Phase,
    /// Why it failed, in the phase `failed`.
    pub error: Option<Report>,
    /// To which content, where that is decided.
    pub content: Option<String>,
    /// Bytes done in this phase.
    pub done_bytes: u64,
    /// Bytes of this phase; 0 while unknown.
    pub total_bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
    /// Time left, once that can be told.
    pub left_ms: Option<u64>,
    /// Who delivered how much to this download.
    pub sources: Vec<Source>,
    /// A download's payload in at most 150 cells: 0 is missing, 1 was found on this machine, 2 + n
    /// came mostly from the n-th source. Empty while nothing is downloaded.
    pub map: Vec<u16>,
    /// What a verify found, once it has read everything; what is damaged is mended when the
    /// operation is done.
    #[serde(default)]
    pub verified: Option<Verified>,
}

/// What a verify found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Verified {
    /// Files of the payload that were read.
    pub payload_files: u32,
    /// Files of the installed game that were read.
    pub local_files: u32,
    /// Files of the payload that were missing or held other bytes.
    pub payload_damaged: Listed,
    /// Files of the installed game that were missing, or rotted on the disk.
    pub local_damaged: Listed,
    /// Files of the installed game that the user or the game changed.
    pub local_changed: Listed,
    /// Files in the installed game that are not of it.
    pub local_unknown: Listed,
    /// The changed files are put back too; what they were goes to `kept/`.
    pub forced: bool,
}

/// Some paths of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Listed {
    /// How many there are.
    pub count: u32,
    /// The first of them, at most a hundred.
    pub first: Vec<String>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Fetch a payload; install it afterwards if asked.
    Download,
    /// Unpack or clone the payload.
    Install,
    /// Fetch and install a newer version.
    Update,
    /// Take the installed game away.
    Uninstall,
    /// Take the payload away.
    Remove,
    /// Make a folder a shared game.
    Publish,
    /// Read everything again and mend what is damaged.
    Verify,
}

/// Where an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// In the queue.
    Queued,
    /// Paused by the person.
    Paused,
    /// Asking peers what there is, and checking space.
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
    Failed,
}

/// One source of a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Source {
    /// Who.
    pub peer: String,
    /// Verified payload bytes it delivered.
    pub bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Peer {
    /// Its public key; `null` for a typed address that has not answered and for old programs.
    pub peer: Option<String>,
    /// The same key as words.
    pub words: Option<String>,
    /// Its name.
    pub name: String,
    /// The address the link uses, or the one we try.
    pub address: Option<SocketAddr>,
    /// Where it is with us.
    pub state: PeerState,
    /// Whether it sends pieces now.
    pub sharing: bool,
    /// Whether it accepts connections, if known.
    pub reachable: Option<bool>,
    /// How many games it offers.
    pub games: u32,
    /// Round-trip time of the link in microseconds: a LAN's are below a millisecond.
    pub rtt_us: Option<u64>,
    /// The speed of the interface that leads to it, in Mbit/s, where the system tells.
    pub link_mbps: Option<u64>,
    /// Whether a Wi-Fi of ours leads to it, if known.
    pub wifi: Option<bool>,
    /// Bytes received from it in this run.
    pub received_bytes: u64,
    /// Bytes sent to it in this run.
    pub sent_bytes: u64,
}

/// Where a peer is with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
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
    OldLanspread,
}

/// What we send to one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Upload {
    /// To whom.
    pub peer: String,
    /// Of which game.
    pub game: String,
    /// Payload bytes sent in this run.
    pub bytes: u64,
    /// Bytes per second, smoothed.
    pub rate: u64,
}
