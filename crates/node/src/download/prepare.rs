//! Before the first piece: manifest and chunk map, from our own store or from whoever has them.

use std::{sync::Arc, time::Duration};

use lanspread_disk::index::ManifestStore;
use lanspread_proto::{
    ChunkMap, ContentId, GameId, Manifest, PeerId, library::Availability, wire::lane::BlobKind,
};

use super::{
    Agreed,
    blob::{BlobError, BlobLane},
};
use crate::{
    error::OperationError,
    handle::FileView,
    jobs::{Job, JobPorts},
    snapshot::Phase,
};

/// How long until holders that did not deliver are asked again.
const RETRY: Duration = Duration::from_secs(3);

/// Gets manifest and chunk map. While nobody who has them is here, the job waits.
pub(crate) async fn agree(
    ports: &JobPorts,
    job: &Job,
    content: ContentId,
) -> Result<Agreed, OperationError> {
    if let Some(agreed) = stored(ports, content).await? {
        return Ok(agreed);
    }
    let mut library = ports.transfer.library.clone();
    loop {
        library.borrow_and_update();
        let asked = ask_all(ports, &job.game, content);
        let found = tokio::select! {
            found = asked => found,
            error = job.control.interrupted() => return Err(error),
        };
        match found {
            Ok(agreed) => {
                store(ports, &agreed).await?;
                job.enter(Phase::Preparing).await;
                return Ok(agreed);
            }
            Err(OperationError::NobodyHasIt(_)) => job.enter(Phase::WaitingForSource).await,
            Err(error) => return Err(error),
        }
        tokio::select! {
            changed = library.changed() => {
                changed.map_err(|_stopped| OperationError::Stopping)?;
            }
            // Whoever could not be reached, or did not answer, says nothing when that is over.
            () = tokio::time::sleep(RETRY) => {}
            error = job.control.interrupted() => return Err(error),
        }
    }
}

/// The files of a content, for people who look before they fetch.
pub(crate) async fn files(
    ports: &JobPorts,
    game: &GameId,
    content: ContentId,
) -> Result<Vec<FileView>, OperationError> {
    let manifest = match stored(ports, content).await? {
        Some(agreed) => agreed.manifest,
        None => ask_all(ports, game, content).await?.manifest,
    };
    let view = |file: &lanspread_proto::manifest::FileEntry| FileView {
        path: file.path.clone(),
        bytes: file.bytes,
    };
    Ok(manifest.files().iter().map(view).collect())
}

/// What the publisher's listing said about the unpacked size.
pub(super) fn unpacked_bytes(ports: &JobPorts, game: &GameId, content: ContentId) -> Option<u64> {
    let library = ports.transfer.library.borrow();
    let merged = library.merged.game(game)?;
    let found = merged.contents.iter().find(|c| c.content == content)?;
    found.unpacked.map(|size| size.bytes)
}

/// Payloads of other installed games that could be removed to make room.
pub(super) fn droppable_bytes(ports: &JobPorts, game: &GameId) -> u64 {
    let shelf = ports.shelf_view.borrow();
    let others = shelf.games.iter().filter(|(other, _)| *other != game);
    let installed = others.filter(|(_, on_shelf)| on_shelf.local.installed.is_some());
    installed
        .filter_map(|(_, on_shelf)| on_shelf.manifest.as_ref())
        .map(|m| m.total_bytes())
        .sum()
}

async fn stored(ports: &JobPorts, content: ContentId) -> Result<Option<Agreed>, OperationError> {
    let (disk, place) = (Arc::clone(&ports.disk), ports.state.manifests());
    let load = move || ManifestStore::new(disk.as_ref(), &place).load(content);
    let loaded = ports.blocking(load).await?;
    match loaded {
        Ok(found) => Ok(found.map(|(manifest, chunk_map)| Agreed {
            manifest: Arc::new(manifest),
            chunk_map: Arc::new(chunk_map),
        })),
        Err(error) => {
            // A damaged copy is only a copy: it is fetched again.
            tracing::warn!(%error, "a stored manifest cannot be used");
            Ok(None)
        }
    }
}

async fn store(ports: &JobPorts, agreed: &Agreed) -> Result<(), OperationError> {
    let (disk, place, agreed) = (
        Arc::clone(&ports.disk),
        ports.state.manifests(),
        agreed.clone(),
    );
    let save =
        move || ManifestStore::new(disk.as_ref(), &place).save(&agreed.manifest, &agreed.chunk_map);
    Ok(ports.blocking(save).await??)
}

/// Asks one holder after the other, complete ones first.
async fn ask_all(
    ports: &JobPorts,
    game: &GameId,
    content: ContentId,
) -> Result<Agreed, OperationError> {
    let mut lied = false;
    for peer in holders(ports, content) {
        match ask(ports, peer, (game, content)).await {
            Ok(agreed) => return Ok(agreed),
            Err(AskError::Invalid) => lied = true,
            Err(AskError::Lane(error)) => {
                tracing::debug!(peer = %peer.short(), %error, "no lane for a manifest");
            }
            Err(AskError::Blob(error)) => {
                tracing::debug!(peer = %peer.short(), %error, "no manifest from a peer");
            }
        }
    }
    Err(match lied {
        true => OperationError::BadManifest(game.clone()),
        false => OperationError::NobodyHasIt(game.clone()),
    })
}

fn holders(ports: &JobPorts, content: ContentId) -> Vec<PeerId> {
    let library = ports.transfer.library.borrow();
    let mut holders: Vec<_> = library.holders(content).to_vec();
    holders.retain(|(_, availability)| *availability != Availability::LocalOnly);
    holders.sort_by_key(|(_, availability)| *availability);
    holders.into_iter().map(|(peer, _)| peer).collect()
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Lane(#[from] crate::peers::LaneError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It is not what its id says.
    #[error("what the peer sent is not what was asked for")]
    Invalid,
}

async fn ask(
    ports: &JobPorts,
    peer: PeerId,
    (game, content): (&GameId, ContentId),
) -> Result<Agreed, AskError> {
    let mut lane = BlobLane::new(ports.transfer.peers.open_lane(peer).await?);
    let bytes = lane.fetch(content, BlobKind::Manifest).await?;
    let manifest = Manifest::parse(&bytes).map_err(|error| {
        tracing::warn!(peer = %peer.short(), %error, "a manifest is not valid");
        AskError::Invalid
    })?;
    if manifest.content() != content || manifest.game() != game {
        return Err(AskError::Invalid);
    }
    let bytes = lane.fetch(content, BlobKind::ChunkMap).await?;
    let chunk_map = ChunkMap::parse(&bytes, &manifest).map_err(|error| {
        tracing::warn!(peer = %peer.short(), %error, "a chunk map is not valid");
        AskError::Invalid
    })?;
    Ok(Agreed {
        manifest: Arc::new(manifest),
        chunk_map: Arc::new(chunk_map),
    })
}
