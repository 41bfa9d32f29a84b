//! Before the first piece: manifest and chunk map, from our own store or from whoever has them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lanspread_disk::index::ManifestStore;
use lanspread_proto::{
    ChunkMap, ContentId, GameId, Hash, Manifest, PeerId, VersionLabel, library::Availability,
    wire::lane::BlobKind,
};

use super::{
    Agreed,
    asking::ask_in_turn,
    blob::{BlobError, BlobLane},
};
use crate::{
    error::OperationError,
    exchange,
    handle::FileView,
    jobs::{Job, JobPorts},
    notice::Notice,
    snapshot::Phase,
};

/// A game whose directory is not where it should be may have one that is spelled otherwise.
pub(super) async fn find_directory(ports: &JobPorts, job: &Job) -> Result<(), OperationError> {
    let (disk, root) = (Arc::clone(&ports.disk), ports.game_root(&job.game));
    let is_there = ports
        .blocking(move || disk.stat(&root).is_ok_and(|stat| stat.is_some()))
        .await?;
    if !is_there {
        // A games directory that is away is waited for later.
        drop(ports.shelf.rescan().await);
    }
    Ok(())
}

/// What lies there may be what is wanted: the node was killed right after a commit. Nothing is
/// hashed any more once the game is held.
pub(super) async fn until_looked_at(ports: &JobPorts, job: &Job) {
    // There may be no payload, or one that nobody can share. Who cancels may want it discarded,
    // which takes the same way.
    drop(ports.until_checked(job).await);
}

/// How long until holders that did not deliver are asked again.
const RETRY: Duration = Duration::from_secs(3);

/// Gets manifest and chunk map, and sees that they are of the version that was chosen. While nobody
/// who has them is here, the job waits.
pub(crate) async fn agree(
    ports: &JobPorts,
    job: &Job,
    content: ContentId,
    version: Option<&VersionLabel>,
) -> Result<Agreed, OperationError> {
    let agreed = match stored(ports, content).await? {
        Some(agreed) => agreed,
        None => fetched(ports, job, content).await?,
    };
    check_label(ports, (&job.game, version), &agreed.manifest).await?;
    Ok(agreed)
}

async fn fetched(
    ports: &JobPorts,
    job: &Job,
    content: ContentId,
) -> Result<Agreed, OperationError> {
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
    check_label(ports, (game, None), &manifest).await?;
    let view = |file: &lanspread_proto::manifest::FileEntry| FileView {
        path: file.path.clone(),
        bytes: file.bytes,
    };
    Ok(manifest.files().iter().map(view).collect())
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

/// Who holds the game relies on its manifest from now on: what nobody held may have been cleared
/// away since it was stored.
pub(super) async fn keep(ports: &JobPorts, agreed: &Agreed) -> Result<(), OperationError> {
    let (disk, place) = (Arc::clone(&ports.disk), ports.state.manifests());
    let content = agreed.manifest.content();
    let holds = move || ManifestStore::new(disk.as_ref(), &place).holds(content);
    match ports.blocking(holds).await?? {
        true => Ok(()),
        false => store(ports, agreed).await,
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

/// Asks the holders, complete ones first. One that lies is remembered, and asked no more.
async fn ask_all(
    ports: &JobPorts,
    game: &GameId,
    content: ContentId,
) -> Result<Agreed, OperationError> {
    let mut told = BTreeSet::new();
    let next = || holders(ports, content).find(|peer| told.insert(*peer));
    let asked = ask_in_turn(next, |peer| ask(ports.clone(), peer, content)).await;
    let mut liar_count = 0;
    for (peer, error) in asked.failed {
        match error {
            AskError::Lied => {
                liar_count += 1;
                strike(ports, peer, content).await;
            }
            AskError::Unreadable => return Err(OperationError::BadManifest(game.clone())),
            AskError::Failed(error) => return Err(error),
            AskError::Lane(_) | AskError::Blob(_) => {
                tracing::debug!(peer = %peer.short(), %error, "no manifest from a peer");
            }
        }
    }
    match asked.found {
        Some(agreed) => Ok(agreed),
        // Whoever could not be reached may have it all the same.
        None if liar_count > 0 && liar_count == told.len() => {
            Err(OperationError::BadManifest(game.clone()))
        }
        None => Err(OperationError::NobodyHasIt(game.clone())),
    }
}

fn holders(ports: &JobPorts, content: ContentId) -> impl Iterator<Item = PeerId> {
    let library = ports.transfer.library.borrow();
    let liars = ports.transfer.liars.borrow();
    let mut holders: Vec<_> = library.holders(content).to_vec();
    holders.retain(|(peer, availability)| {
        *availability != Availability::LocalOnly && !liars.is_refused(*peer, content)
    });
    holders.sort_by_key(|(_, availability)| *availability);
    holders.into_iter().map(|(peer, _)| peer)
}

/// A peer lied about a content: nothing more of it is taken from there, and after a second content
/// nothing at all.
async fn strike(ports: &JobPorts, peer: PeerId, content: ContentId) {
    tracing::warn!(peer = %peer.short(), content = %content.short(), "a peer lied about a content");
    let transfer = &ports.transfer;
    let lied = exchange::Msg::Lied { peer, content };
    transfer.exchange.send(lied).await;
    // Nobody may be listening.
    drop(transfer.notices.send(Notice::PeerRefused { peer, content }));
    if transfer.liars.borrow().has_lied_besides(peer, content) {
        transfer.peers.refuse(peer);
    }
}

/// Holds what was chosen against what the manifest says: a label that somebody made up must not
/// bring an old version as a new one.
async fn check_label(
    ports: &JobPorts,
    (game, version): (&GameId, Option<&VersionLabel>),
    manifest: &Manifest,
) -> Result<(), OperationError> {
    for liar in ports.library.verified(manifest).await {
        strike(ports, liar, manifest.content()).await;
    }
    let is_it = manifest.game() == game && version.is_none_or(|v| v == manifest.version());
    match is_it {
        true => Ok(()),
        false => Err(OperationError::BadManifest(game.clone())),
    }
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Lane(#[from] crate::peers::LaneError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It is not what its id says.
    #[error("what the peer sent is not what was asked for")]
    Lied,
    /// It is what its id says, and nothing that could be fetched: nobody has anything better.
    #[error("this content has no valid manifest")]
    Unreadable,
    /// It could not be looked at.
    #[error(transparent)]
    Failed(OperationError),
}

/// The largest lists take a second to check, which is nothing for the thread that runs the links.
async fn ask(ports: JobPorts, peer: PeerId, content: ContentId) -> Result<Agreed, AskError> {
    let mut lane = BlobLane::new(ports.transfer.peers.open_lane(peer).await?);
    let bytes = lane.fetch(content, BlobKind::Manifest).await?;
    let checked = ports.blocking(move || check_manifest(peer, content, &bytes));
    let manifest = checked.await.map_err(AskError::Failed)??;
    let bytes = lane.fetch(content, BlobKind::ChunkMap).await?;
    let checked = ports.blocking(move || check_chunk_map(peer, manifest, &bytes));
    checked.await.map_err(AskError::Failed)?
}

fn check_manifest(peer: PeerId, content: ContentId, bytes: &[u8]) -> Result<Manifest, AskError> {
    if Hash::of(bytes).as_bytes() != content.as_bytes() {
        return Err(AskError::Lied);
    }
    Manifest::parse(bytes).map_err(|error| {
        tracing::warn!(peer = %peer.short(), %error, "a manifest is not valid");
        AskError::Unreadable
    })
}

fn check_chunk_map(peer: PeerId, manifest: Manifest, bytes: &[u8]) -> Result<Agreed, AskError> {
    let chunk_map = ChunkMap::parse(bytes, &manifest).map_err(|error| {
        tracing::warn!(peer = %peer.short(), %error, "a chunk map is not valid");
        AskError::Lied
    })?;
    Ok(Agreed {
        manifest: Arc::new(manifest),
        chunk_map: Arc::new(chunk_map),
    })
}
