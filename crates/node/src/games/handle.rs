//! [`GamesHandle`]: the door to the gate.

use std::path::PathBuf;

use lanspread_proto::{ContentId, GameId};

use super::Msg;
use crate::{
    actor::Mailbox,
    config::Settings,
    error::OperationError,
    handle::{
        ChangedFiles, FileView, GamesMove, GetRequest, Partials, PublishRequest, UserFiles,
        WhileInstalled,
    },
    snapshot::OperationId,
};

/// A cheap door to the gate.
#[derive(Debug, Clone)]
pub(crate) struct GamesHandle {
    pub(crate) mailbox: Mailbox<Msg>,
}

impl GamesHandle {
    pub(crate) async fn get(&self, request: GetRequest) -> Result<OperationId, OperationError> {
        self.mailbox.ask(|reply| Msg::Get(request, reply)).await
    }

    pub(crate) async fn install(&self, game: GameId) -> Result<OperationId, OperationError> {
        self.mailbox.ask(|reply| Msg::Install(game, reply)).await
    }

    pub(crate) async fn update(&self, game: GameId) -> Result<OperationId, OperationError> {
        self.mailbox.ask(|reply| Msg::Update(game, reply)).await
    }

    pub(crate) async fn uninstall(
        &self,
        game: GameId,
        files: UserFiles,
    ) -> Result<OperationId, OperationError> {
        self.mailbox
            .ask(|reply| Msg::Uninstall(game, files, reply))
            .await
    }

    pub(crate) async fn remove(
        &self,
        game: GameId,
        installed: WhileInstalled,
    ) -> Result<OperationId, OperationError> {
        self.mailbox
            .ask(|reply| Msg::Remove(game, installed, reply))
            .await
    }

    pub(crate) async fn publish(
        &self,
        request: PublishRequest,
    ) -> Result<OperationId, OperationError> {
        self.mailbox.ask(|reply| Msg::Publish(request, reply)).await
    }

    pub(crate) async fn verify(
        &self,
        game: GameId,
        changed: ChangedFiles,
    ) -> Result<OperationId, OperationError> {
        self.mailbox
            .ask(|reply| Msg::Verify(game, changed, reply))
            .await
    }

    pub(crate) async fn cancel(
        &self,
        game: GameId,
        partials: Partials,
    ) -> Result<(), OperationError> {
        self.mailbox
            .ask(|reply| Msg::Cancel(game, partials, reply))
            .await
    }

    pub(crate) async fn pause(&self, game: GameId) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Pause(game, reply)).await
    }

    pub(crate) async fn resume(&self, game: GameId) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Resume(game, reply)).await
    }

    pub(crate) async fn reorder(&self, order: Vec<GameId>) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Reorder(order, reply)).await
    }

    pub(crate) async fn set_settings(&self, settings: Settings) -> Result<(), OperationError> {
        self.mailbox
            .ask(|reply| Msg::SetSettings(settings, reply))
            .await
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

    pub(crate) async fn files(
        &self,
        game: GameId,
        content: Option<ContentId>,
    ) -> Result<Vec<FileView>, OperationError> {
        self.mailbox
            .ask(|reply| Msg::Files(game, content, reply))
            .await
    }
}
