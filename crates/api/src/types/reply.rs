//! [`Reply`]: the answer to a command that was accepted.

use serde::{Deserialize, Serialize};

use super::snapshot::{Game, Peer, Snapshot};

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
        /// The games, sorted by id.
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
    /// A link is up.
    Connected {
        /// To whom.
        peer: String,
        /// The same key as words.
        words: String,
    },
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
    /// Bytes in the folder.
    pub bytes: u64,
    /// Files in the folder.
    pub files: u32,
    /// Free bytes where the games directory is.
    pub free_bytes: u64,
    /// The folder is in the games directory already: nothing is packed or moved.
    pub in_place: bool,
}
