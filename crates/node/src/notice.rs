//! [`Notice`]: what just happened, for toasts and logs. Garnish: the snapshot is the truth, and it
//! is settled before the notice of an end is sent.

use std::net::SocketAddr;

use lanspread_proto::{ContentId, GameId, PeerId, RelPath, VersionLabel, text::PeerName};

use crate::{
    error::OperationError,
    snapshot::{Component, OperationId, OperationKind},
};

/// What just happened.
#[derive(Debug, Clone)]
pub enum Notice {
    /// This node listens.
    Ready {
        /// Who we are.
        peer: PeerId,
        /// The port for UDP and TCP.
        port: u16,
    },
    /// Our own library changed.
    LocalLibraryChanged,
    /// Another peer's library changed.
    RemoteLibraryChanged {
        /// Whose.
        peer: PeerId,
    },
    /// An operation began or was queued.
    OperationBegun {
        /// Which operation.
        operation: OperationId,
        /// What it does.
        kind: OperationKind,
        /// On which game.
        game: GameId,
        /// To which bytes, where that is decided.
        content: Option<ContentId>,
        /// The label of those bytes.
        version: Option<VersionLabel>,
    },
    /// A chunk arrived, was verified and written.
    ChunkFinished {
        /// Of which game.
        game: GameId,
        /// From whom; `None` when it was found on this machine.
        peer: Option<PeerId>,
        /// In which file.
        file: RelPath,
        /// At which offset in it, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        bytes: u32,
    },
    /// A download goes on, at most ten times a second.
    Progress {
        /// Of which game.
        game: GameId,
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
        /// Which operation.
        operation: OperationId,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: GameId,
    },
    /// An operation was cancelled by the person. Not a failure.
    OperationCancelled {
        /// Which operation.
        operation: OperationId,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: GameId,
    },
    /// An operation failed.
    OperationFailed {
        /// Which operation.
        operation: OperationId,
        /// What it did.
        kind: OperationKind,
        /// On which game.
        game: GameId,
        /// Why.
        error: OperationError,
    },
    /// The last peer that has a running download's content left; the download waits.
    AllPeersGone {
        /// Of which game.
        game: GameId,
    },
    /// No peer has what was asked for.
    NoPeerHasIt {
        /// Of which game.
        game: GameId,
    },
    /// A peer was seen for the first time.
    PeerDiscovered {
        /// Who, when that is known before a connection.
        peer: Option<PeerId>,
        /// Where.
        address: SocketAddr,
    },
    /// A link to a peer is up.
    PeerConnected {
        /// Who.
        peer: PeerId,
        /// Its name.
        name: PeerName,
    },
    /// A peer said goodbye.
    PeerDisconnected {
        /// Who.
        peer: PeerId,
    },
    /// A peer is gone without a goodbye.
    PeerLost {
        /// Who.
        peer: PeerId,
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
        peer: PeerId,
        /// For which content.
        content: ContentId,
    },
    /// Something in an archive was left out on purpose.
    EntrySkipped {
        /// Of which game.
        game: GameId,
        /// Its name, as the archive has it, cleaned for display.
        entry: String,
    },
    /// A low-disk install begins.
    LowDiskBegun {
        /// Of which game.
        game: GameId,
        /// Bytes that must come.
        bytes: u64,
        /// The most that may come: some archives are looked through before they are unpacked.
        bytes_max: u64,
    },
    /// Another live peer had our key; this one got a new one.
    IdentityReplaced {
        /// Who we are now.
        peer: PeerId,
    },
}
