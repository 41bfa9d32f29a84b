//! [`Reply`]: the answer to a command that was accepted.

use serde::{Deserialize, Serialize};

use super::{
    play::PlayPlan,
    snapshot::{Game, Peer, Snapshot},
};

/// The answer to a command that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// An operation began, was queued, or ran already; snapshots show it.
    Started {
        /// Its number in this run of the node.
        operation: u64,
    },
    /// The whole state.
    Snapshot(Box<Snapshot>),
    /// Every known game.
    Games {
        /// The games, sorted by title.
        games: Vec<Game>,
    },
    /// One game.
    Game(Box<Game>),
    /// Every peer.
    Peers {
        /// How many are connected.
        connected: u32,
        /// The peers, sorted by name.
        peers: Vec<Peer>,
    },
    /// The files of a content.
    Files {
        /// The files in the order of the manifest.
        files: Vec<FileView>,
    },
    /// What publishing would do.
    PublishPlan(PublishPlan),
    /// What starting a game would do.
    PlayPlan(Box<PlayPlan>),
    /// A program was started.
    Playing {
        /// The set-up runs first; what fails is among the problems of the snapshot.
        setting_up: bool,
    },
    /// A link is up.
    Connected {
        /// To whom.
        peer: String,
        /// The same key as words.
        words: String,
    },
    /// A code that lets a browser in, once.
    Pairing {
        /// The address of the page with the code in it.
        link: String,
        /// The same for other machines, where the server can be reached from them; best first.
        #[serde(default)]
        others: Vec<String>,
        /// The code alone, to type.
        code: String,
        /// How long it can be used.
        valid_ms: u64,
    },
    /// A directory.
    Folder(Box<Folder>),
    /// What a look at network, disk and clock found.
    Findings {
        /// In the order of the look.
        findings: Vec<Finding>,
    },
    /// Lines of the log.
    Logs {
        /// Oldest first.
        lines: Vec<String>,
    },
    /// What came from and went to each peer.
    History {
        /// Time between two samples.
        interval_ms: u64,
        /// Peers that something came from or went to.
        peers: Vec<PeerHistory>,
    },
}

/// A directory of the node's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not exclude each other"
)]
pub struct Folder {
    /// Its path.
    pub folder: String,
    /// The directory that it is in; `null` for a root.
    pub parent: Option<String>,
    /// Places to begin at: the home directory, drives, mounted disks.
    pub roots: Vec<String>,
    /// The directories in it, by name; hidden ones are left out.
    pub entries: Vec<FolderEntry>,
    /// There are more than are listed.
    pub truncated: bool,
    /// Something can be made in it.
    pub writable: bool,
    /// Free bytes of its volume, where the system tells.
    pub free_bytes: Option<u64>,
    /// Bytes of its volume, where the system tells.
    pub total_bytes: Option<u64>,
}

/// A directory in a [`Folder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FolderEntry {
    /// Its name, for people.
    pub name: String,
    /// Its path.
    pub path: String,
}

/// One thing that `doctor` looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Finding {
    /// How it is.
    pub level: Level,
    /// A stable code; what is not good has hints under it.
    pub code: String,
    /// What was looked at: `port`, `interface`, `games`.
    pub subject: String,
    /// What was found, for people.
    pub message: String,
}

/// How a thing is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// It may be in the way.
    Warn,
    /// It is in the way.
    Bad,
}

/// What came from and went to one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PeerHistory {
    /// Its public key.
    pub peer: String,
    /// Bytes per second received from it, oldest first, the last one now.
    pub received: Vec<u64>,
    /// Bytes per second sent to it, as many.
    pub sent: Vec<u64>,
}

/// One file of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FileView {
    /// Path below the game's directory, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// What publishing a folder would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PublishPlan {
    /// The id that the game would get.
    pub game: String,
    /// The version that the folder's own `version.ini` names; it is not changed.
    pub version: Option<String>,
    /// Bytes in the folder.
    pub bytes: u64,
    /// Files in the folder.
    pub files: u32,
    /// Free bytes where the games directory is.
    pub free_bytes: u64,
    /// The folder is in the games directory already: nothing is packed or moved.
    pub in_place: bool,
}
