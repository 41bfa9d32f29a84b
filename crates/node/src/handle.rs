//! [`NodeHandle`]: the door to a running node. Cheap to clone; every command has a typed reply.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use lanspread_proto::{ContentId, GameId, PeerId, VersionLabel, text::PeerName};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::{
    config::Settings,
    error::OperationError,
    games::GamesHandle,
    notice::Notice,
    peers::PeersHandle,
    play::{Cover, PlayError, PlayHandle, PlayPlan, PlayRequest, StartRequest, Started},
    shelf::ShelfHandle,
    snapshot::{OperationId, PeerState, Snapshot},
};

/// What `get` is asked for.
#[derive(Debug, Clone)]
pub struct GetRequest {
    /// Which game.
    pub game: GameId,
    /// Which bytes, when the person chose; else the newest.
    pub content: Option<ContentId>,
    /// What follows the download.
    pub then: AfterDownload,
    /// A directory whose files may hold equal chunks.
    pub from: Option<PathBuf>,
}

/// What follows a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterDownload {
    /// Install it.
    Install,
    /// It is installed straight from the swarm, and never stored: the game is no source of it.
    InstallLowDisk,
    /// Leave it at that.
    Keep,
}

/// What happens to the user's own files on an uninstall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFiles {
    /// They are put aside under `kept/`.
    Keep,
    /// They are lost, as asked.
    Purge,
}

/// Whether a payload may go while the game is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhileInstalled {
    /// Refuse.
    Refuse,
    /// The installed game stays, and is no source.
    KeepInstalled,
}

/// What happens to verified chunks on a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partials {
    /// They stay for the next try.
    Keep,
    /// They go.
    Discard,
}

/// What a verify does with files of an installed game that the user or the game changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedFiles {
    /// They are named and stay.
    Leave,
    /// They are as they were installed again; what they were goes to `kept/`.
    PutBack,
}

/// What `publish` is asked for.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    /// The folder: a game root in the games directory, or any folder elsewhere.
    pub source: PathBuf,
    /// The version, if none is in a `version.ini`; else today's date.
    pub version: VersionLabel,
    /// How a folder from elsewhere gets into the games directory.
    pub how: PublishHow,
}

/// How a folder from elsewhere gets into the games directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishHow {
    /// Packed into a tar.zst; the folder stays.
    Pack,
    /// Moved.
    Move,
}

/// What a publish would do.
#[derive(Debug, Clone)]
pub struct PublishPlan {
    /// The id it would get.
    pub game: GameId,
    /// The version that its own `version.ini` names.
    pub version: Option<VersionLabel>,
    /// Bytes in the folder.
    pub bytes: u64,
    /// Files in the folder.
    pub files: u32,
    /// Free bytes where the games directory is.
    pub free_bytes: u64,
    /// The folder is a game root of the games directory already: nothing is packed or moved.
    pub in_place: bool,
}

/// A change of what is shared.
#[derive(Debug, Clone)]
pub enum ShareChange {
    /// One game.
    Game(GameId, bool),
    /// Sending stops, for a time or until it is resumed.
    Pause(Option<Duration>),
    /// Sending goes on.
    Resume,
}

/// What happens to the games when the games directory changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GamesMove {
    /// They move along.
    Move,
    /// The new directory is used as it is.
    UseAsItIs,
}

/// One file of a content.
#[derive(Debug, Clone)]
pub struct FileView {
    /// Path below the game root.
    pub path: lanspread_proto::RelPath,
    /// Size in bytes.
    pub bytes: u64,
}

/// The door to a running node.
#[derive(Clone)]
pub struct NodeHandle {
    pub(crate) games: GamesHandle,
    pub(crate) peers: PeersHandle,
    pub(crate) shelf: ShelfHandle,
    pub(crate) play: PlayHandle,
    pub(crate) views: Views,
}

/// What readers may know.
#[derive(Clone)]
pub(crate) struct Views {
    pub(crate) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// Asks to be told when everything that is so now can be seen.
    pub(crate) shown: mpsc::Sender<oneshot::Sender<()>>,
}

impl std::fmt::Debug for NodeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeHandle").finish_non_exhaustive()
    }
}

impl NodeHandle {
    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.views.snapshot.borrow())
    }

    /// Waits until what is true now is in the snapshot, or the node has stopped.
    pub async fn shown(&self) {
        let (waiter, told) = oneshot::channel();
        if self.views.shown.send(waiter).await.is_ok() {
            let _stopped = told.await;
        }
    }

    /// Waits until the games directory was listed for the first time since the start, a little
    /// while at most: a volume that does not answer must not keep anybody waiting.
    pub async fn until_listed(&self) {
        let mut snapshots = self.watch();
        let listed = snapshots.wait_for(|snapshot| snapshot.me.is_listed);
        // Not in time, or stopped: then the question is answered with what is known.
        drop(tokio::time::timeout(crate::limits::FIRST_LISTING, listed).await);
    }

    /// Waits until the library of a connected peer can be seen, or the peer is gone; a little while
    /// at most.
    pub async fn until_heard_of(&self, peer: PeerId) {
        let mut snapshots = self.watch();
        let heard = snapshots.wait_for(|snapshot| {
            let peers = snapshot.peers.iter();
            let mut met = peers.filter(|view| view.peer == Some(peer));
            met.all(|view| view.games.is_some() || view.state == PeerState::Gone)
        });
        drop(tokio::time::timeout(crate::limits::FIRST_LISTING, heard).await);
    }

    /// Follows the snapshots, at most ten a second.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.views.snapshot.clone()
    }

    /// Follows the notices. A reader that is too slow misses some; the snapshot is the truth.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.views.notices.subscribe()
    }

    /// Downloads a game, and installs it if asked. A second `get` of a running game is the same
    /// operation.
    ///
    /// # Errors
    /// Refused before anything is touched: unknown, ambiguous, busy, no space.
    pub async fn get(&self, request: GetRequest) -> Result<OperationId, OperationError> {
        self.games.get(request).await
    }

    /// Installs a downloaded game.
    ///
    /// # Errors
    /// Not downloaded, busy, no space.
    pub async fn install(&self, game: GameId) -> Result<OperationId, OperationError> {
        self.games.install(game).await
    }

    /// Downloads and installs the newest version, if it is greater than ours.
    ///
    /// # Errors
    /// Up to date, nobody has it, busy, no space.
    pub async fn update(&self, game: GameId) -> Result<OperationId, OperationError> {
        self.games.update(game).await
    }

    /// Takes an installed game away; the user's files are put aside unless purged.
    ///
    /// # Errors
    /// Not installed, busy.
    pub async fn uninstall(
        &self,
        game: GameId,
        files: UserFiles,
    ) -> Result<OperationId, OperationError> {
        self.games.uninstall(game, files).await
    }

    /// Takes a payload away.
    ///
    /// # Errors
    /// Not downloaded, still installed, busy.
    pub async fn remove(
        &self,
        game: GameId,
        installed: WhileInstalled,
    ) -> Result<OperationId, OperationError> {
        self.games.remove(game, installed).await
    }

    /// Cancels the operation of a game, queued or running.
    ///
    /// # Errors
    /// Nothing runs, or it is past the point where it can be undone.
    pub async fn cancel(&self, game: GameId, partials: Partials) -> Result<(), OperationError> {
        self.games.cancel(game, partials).await
    }

    /// Pauses a download.
    ///
    /// # Errors
    /// Nothing runs.
    pub async fn pause(&self, game: GameId) -> Result<(), OperationError> {
        self.games.pause(game).await
    }

    /// Lets a paused download go on.
    ///
    /// # Errors
    /// Nothing is paused.
    pub async fn resume(&self, game: GameId) -> Result<(), OperationError> {
        self.games.resume(game).await
    }

    /// Puts waiting downloads into this order; the ones not named keep theirs behind.
    ///
    /// # Errors
    /// The node is stopping.
    pub async fn reorder(&self, order: Vec<GameId>) -> Result<(), OperationError> {
        self.games.reorder(order).await
    }

    /// Says what publishing a folder would do, without doing it.
    ///
    /// # Errors
    /// The folder cannot be read or holds something that cannot be published.
    pub async fn plan_publish(&self, source: PathBuf) -> Result<PublishPlan, OperationError> {
        self.shelf.plan_publish(source).await
    }

    /// Makes a folder a shared game.
    ///
    /// # Errors
    /// Refused before anything is touched.
    pub async fn publish(&self, request: PublishRequest) -> Result<OperationId, OperationError> {
        self.games.publish(request).await
    }

    /// Reads payload and installed game again, and mends what is damaged: bad chunks come from
    /// peers, damaged files of the installed game out of the payload. Files that the user or the
    /// game changed are named, and put back only if asked.
    ///
    /// # Errors
    /// Neither downloaded nor installed, still being checked, or busy.
    pub async fn verify(
        &self,
        game: GameId,
        changed: ChangedFiles,
    ) -> Result<OperationId, OperationError> {
        self.games.verify(game, changed).await
    }

    /// Says what starting a game would do, without doing it.
    ///
    /// # Errors
    /// Not installed, nobody says how it is started, or not on this system.
    pub async fn plan_play(&self, request: PlayRequest) -> Result<PlayPlan, PlayError> {
        self.play.plan(request).await
    }

    /// Starts a game or its server; its set-up first, if that has not run.
    ///
    /// # Errors
    /// As [`NodeHandle::plan_play`]; the profile is not the one that was shown, nobody agreed to
    /// it, it runs already, or the system refused.
    pub async fn play(&self, request: StartRequest) -> Result<Started, PlayError> {
        self.play.start(request).await
    }

    /// The picture of a game, if it has one.
    ///
    /// # Errors
    /// The disk.
    pub async fn cover(&self, game: GameId) -> Result<Option<Cover>, OperationError> {
        self.play.cover(game).await
    }

    /// Looks at the games directory and the catalog now.
    ///
    /// # Errors
    /// The games directory is not available.
    pub async fn rescan(&self) -> Result<(), OperationError> {
        self.play.reload().await?;
        self.shelf.rescan().await
    }

    /// Changes what is shared; what is said of one game outlives the node.
    ///
    /// # Errors
    /// No such game, or it cannot be written down.
    pub async fn share(&self, change: ShareChange) -> Result<(), OperationError> {
        self.shelf.share(change).await
    }

    /// Changes what may change while the node runs.
    ///
    /// # Errors
    /// The node is stopping.
    pub async fn set_settings(&self, settings: Settings) -> Result<(), OperationError> {
        self.games.set_settings(settings).await
    }

    /// Changes the name other people see.
    ///
    /// # Errors
    /// The node is stopping.
    pub async fn set_name(&self, name: PeerName) -> Result<(), OperationError> {
        self.peers.set_name(name).await
    }

    /// Uses another games directory; running operations pause for it.
    ///
    /// # Errors
    /// It cannot be used, or moving did not work; then the old one stays.
    pub async fn set_games_dir(&self, dir: PathBuf, how: GamesMove) -> Result<(), OperationError> {
        self.games.set_games_dir(dir, how).await
    }

    /// Connects to an address and waits until a link is up.
    ///
    /// # Errors
    /// Nobody answers there, or who answers is refused.
    pub async fn connect(&self, address: SocketAddr) -> Result<PeerId, OperationError> {
        self.peers.connect(address).await
    }

    /// Blocks a peer, or lets it in again.
    ///
    /// # Errors
    /// No such peer.
    pub async fn block(&self, peer: PeerId, blocked: bool) -> Result<(), OperationError> {
        self.peers.block(peer, blocked).await
    }

    /// The files of a content: from our disk, or from a peer that has it.
    ///
    /// # Errors
    /// Nobody has it.
    pub async fn files(
        &self,
        game: GameId,
        content: Option<ContentId>,
    ) -> Result<Vec<FileView>, OperationError> {
        self.games.files(game, content).await
    }
}
