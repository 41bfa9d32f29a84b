//! [`Notice`]: what just happened. Garnish: the snapshot is the truth.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::snapshot::{Component, OperationKind};
use crate::error::Report;

/// What just happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The node listens.
    Ready {
        /// Our public key.
        peer: String,
        /// The port for UDP and TCP.
        port: u16,
    },
    /// Our own library changed.
    LocalLibraryChanged,
    /// Another peer's library changed.
    RemoteLibraryChanged {
        /// Whose.
        peer: String,
    },
    /// An operation began or was queued.
    OperationBegun {
        /// Its number.
        operation: u64,
        /// What it does.
        kind: OperationKind,
        /// On which game.
        game: String,
        /// To which content, where that is decided.
        content: Option<String>,
        /// The label of that content.
        version: Option<String>,
    },
    /// A chunk arrived, was verified and written.
    ChunkFinished {
        /// Of which game.
        game: String,
        /// From whom; `null` when it was found on this machine.
        peer: Option<String>,
        /// In which file.
        file: String,
        /// At which offset in it, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        bytes: u32,
    },
    /// A download goes on.
    Progress {
        /// Of which game.
        game: String,
        /// Verified bytes of the payload.
        done_bytes: u64,
        /// Bytes of the payload.
        total_bytes: u64,
        /// Bytes per second, smoothed.
        rate: u64,
        /// Peers that deliver.
        active_peers: u32,
    },
    /// An operation ended well.
    OperationFinished {
        /// Its number.
        operation: u64,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: String,
    },
    /// An operation was cancelled by the person. Not a failure.
    OperationCancelled {
        /// Its number.
        operation: u64,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: String,
    },
    /// An operation failed.
    OperationFailed {
        /// Its number.
        operation: u64,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: String,
        /// Why.
        error: Report,
    },
    /// The last peer that has a running download's content left; the download waits.
    AllPeersGone {
        /// Of which game.
        game: String,
    },
    /// No peer has what was asked for.
    NoPeerHasIt {
        /// Of which game.
        game: String,
    },
    /// A peer was seen for the first time.
    PeerDiscovered {
        /// Who, when that is known before a connection.
        peer: Option<String>,
        /// Where.
        address: SocketAddr,
    },
    /// A link to a peer is up.
    PeerConnected {
        /// Who.
        peer: String,
        /// Its name.
        name: String,
    },
    /// A peer said goodbye.
    PeerDisconnected {
        /// Who.
        peer: String,
    },
    /// A peer is gone without a goodbye.
    PeerLost {
        /// Who.
        peer: String,
    },
    /// The number of connected peers changed.
    PeerCount {
        /// How many there are now.
        count: u32,
    },
    /// What we send, and to whom, changed.
    UploadsChanged,
    /// The set of running operations changed.
    OperationsChanged,
    /// A component failed and is started again.
    ComponentFailed {
        /// Which.
        component: Component,
        /// Why, for people.
        reason: String,
    },
    /// A peer sent bytes that do not match and is refused from now.
    PeerRefused {
        /// Who.
        peer: String,
        /// For which content.
        content: String,
    },
    /// Something in an archive was left out on purpose.
    EntrySkipped {
        /// Of which game.
        game: String,
        /// Its name, cleaned for display.
        entry: String,
    },
    /// A low-disk install begins.
    LowDiskBegun {
        /// Of which game.
        game: String,
        /// Bytes that must come.
        bytes: u64,
        /// The most that may come: some archives are looked through before they are unpacked.
        bytes_max: u64,
    },
    /// Another live peer had our key; we got a new one.
    IdentityReplaced {
        /// Who we are now.
        peer: String,
    },
    /// The reader was too slow and missed some notices; the snapshot has the state.
    Missed {
        /// How many.
        count: u64,
    },
}
