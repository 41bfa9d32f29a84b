//! The node's [`Notice`] as the public one.

use lanspread_node::{Notice, snapshot::OperationId};
use lanspread_proto::text::visible;

use crate::types;

impl From<&Notice> for types::Notice {
    #[expect(clippy::too_many_lines, reason = "one arm per notice, none with logic")]
    fn from(notice: &Notice) -> Self {
        match notice {
            Notice::Ready { peer, port } => Self::Ready {
                peer: peer.to_string(),
                port: *port,
            },
            Notice::LocalLibraryChanged => Self::LocalLibraryChanged,
            Notice::RemoteLibraryChanged { peer } => Self::RemoteLibraryChanged {
                peer: peer.to_string(),
            },
            Notice::OperationBegun {
                operation: OperationId(operation),
                kind,
                game,
                content,
                version,
            } => Self::OperationBegun {
                operation: *operation,
                kind: (*kind).into(),
                game: game.to_string(),
                content: content.map(|content| content.to_string()),
                version: version.as_ref().map(ToString::to_string),
            },
            Notice::ChunkFinished {
                game,
                peer,
                file,
                offset,
                bytes,
            } => Self::ChunkFinished {
                game: game.to_string(),
                peer: peer.map(|peer| peer.to_string()),
                file: file.as_str().to_owned(),
                offset: *offset,
                bytes: *bytes,
            },
            Notice::Progress {
                game,
                done_bytes,
                total_bytes,
                rate,
                active_peers,
            } => Self::Progress {
                game: game.to_string(),
                done_bytes: *done_bytes,
                total_bytes: *total_bytes,
                rate: *rate,
                active_peers: *active_peers,
            },
            Notice::OperationFinished {
                operation: OperationId(operation),
                kind,
                game,
            } => Self::OperationFinished {
                operation: *operation,
                kind: (*kind).into(),
                game: game.to_string(),
            },
            Notice::OperationCancelled {
                operation: OperationId(operation),
                kind,
                game,
            } => Self::OperationCancelled {
                operation: *operation,
                kind: (*kind).into(),
                game: game.to_string(),
            },
            Notice::OperationFailed {
                operation: OperationId(operation),
                kind,
                game,
                error,
            } => Self::OperationFailed {
                operation: *operation,
                kind: (*kind).into(),
                game: game.to_string(),
                error: error.into(),
            },
            Notice::AllPeersGone { game } => Self::AllPeersGone {
                game: game.to_string(),
            },
            Notice::NoPeerHasIt { game } => Self::NoPeerHasIt {
                game: game.to_string(),
            },
            Notice::PeerDiscovered { peer, address } => Self::PeerDiscovered {
                peer: peer.map(|peer| peer.to_string()),
                address: *address,
            },
            Notice::PeerConnected { peer, name } => Self::PeerConnected {
                peer: peer.to_string(),
                name: name.to_string(),
            },
            Notice::PeerDisconnected { peer } => Self::PeerDisconnected {
                peer: peer.to_string(),
            },
            Notice::PeerLost { peer } => Self::PeerLost {
                peer: peer.to_string(),
            },
            Notice::PeerCount { count } => Self::PeerCount { count: *count },
            Notice::UploadsChanged => Self::UploadsChanged,
            Notice::OperationsChanged => Self::OperationsChanged,
            Notice::ComponentFailed { component, reason } => Self::ComponentFailed {
                component: (*component).into(),
                reason: visible(reason),
            },
            Notice::PeerRefused { peer, content } => Self::PeerRefused {
                peer: peer.to_string(),
                content: content.to_string(),
            },
            Notice::EntrySkipped { game, entry } => Self::EntrySkipped {
                game: game.to_string(),
                entry: visible(entry),
            },
            Notice::LowDiskBegun {
                game,
                bytes,
                bytes_max,
            } => Self::LowDiskBegun {
                game: game.to_string(),
                bytes: *bytes,
                bytes_max: *bytes_max,
            },
            Notice::IdentityReplaced { peer } => Self::IdentityReplaced {
                peer: peer.to_string(),
            },
        }
    }
}
