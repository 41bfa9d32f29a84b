//! [`ShelfHandle`]: the door to the shelf.

use std::{path::PathBuf, sync::Arc};

use lanspread_disk::content::OpenContent;
use lanspread_proto::{ContentId, GameId, Manifest};

use super::{Msg, Reference};
use crate::{
    actor::Mailbox,
    download::Agreed,
    error::OperationError,
    handle::{GamesMove, PublishPlan, ShareChange},
};

/// A cheap door to the shelf.
#[derive(Debug, Clone)]
pub(crate) struct ShelfHandle {
    pub(crate) mailbox: Mailbox<Msg>,
}

impl ShelfHandle {
    pub(crate) async fn plan_publish(
        &self,
        source: PathBuf,
    ) -> Result<PublishPlan, OperationError> {
        self.mailbox
            .ask(|reply| Msg::PlanPublish(source, reply))
            .await
    }

    pub(crate) async fn rescan(&self) -> Result<(), OperationError> {
        self.mailbox.ask(Msg::Rescan).await
    }

    pub(crate) async fn share(&self, change: ShareChange) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Share(change, reply)).await
    }

    pub(crate) async fn set_games_dir(
        &self,
        dir: PathBuf,
        how: GamesMove,
    ) -> Result<(), OperationError> {
        self.mailbox
            .ask(|reply| Msg::SetGamesDir(dir, how, reply))
            .await
    }

    /// The game is not looked at until [`Self::release`].
    pub(crate) async fn hold(&self, game: GameId) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Hold(game, reply)).await
    }

    /// Ends a hold. Returns when the game was looked at and everybody sees what it became.
    pub(crate) async fn release(&self, game: GameId) {
        let seen = self.mailbox.ask(|reply| Msg::Release(game, reply)).await;
        // A shelf that stops, or forgot the game, has nothing more to show.
        drop(seen);
    }

    /// The payload of a downloaded game, as it can be read.
    pub(crate) async fn content(&self, game: GameId) -> Result<Arc<OpenContent>, OperationError> {
        self.mailbox.ask(|reply| Msg::Content(game, reply)).await
    }

    /// What a downloaded game's payload should be.
    pub(crate) async fn reference(&self, game: GameId) -> Result<Reference, OperationError> {
        self.mailbox.ask(|reply| Msg::Reference(game, reply)).await
    }

    /// The bytes of a content are not what they should be: it is not served any more.
    pub(crate) async fn rotten(&self, game: GameId, content: ContentId) {
        self.mailbox.send(Msg::Rotten { game, content }).await;
    }

    /// The payload of a game was taken away, though files may lie there still.
    pub(crate) async fn removed(&self, game: GameId) {
        self.mailbox.send(Msg::Removed(game)).await;
    }

    pub(crate) async fn partial_bytes(&self, game: GameId, bytes: u64) {
        self.mailbox.send(Msg::PartialBytes(game, bytes)).await;
    }

    pub(crate) async fn committed(&self, game: GameId, agreed: Agreed) {
        self.mailbox.send(Msg::Committed(game, agreed)).await;
    }

    pub(crate) async fn published(&self, game: GameId) {
        self.mailbox.send(Msg::Published(game)).await;
    }

    pub(crate) async fn downloading(&self, game: GameId, manifest: Option<Arc<Manifest>>) {
        self.mailbox.send(Msg::Downloading(game, manifest)).await;
    }
}
