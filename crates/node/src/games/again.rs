//! A second `get`, and one for what is here already.

use lanspread_install::game_state::Operation as Asked;
use lanspread_proto::{ContentId, GameId};

use super::{Games, operation::JobControl};
use crate::{
    error::OperationError,
    handle::{AfterDownload, GetRequest},
    installing,
    snapshot::{GamesDirState, InstalledView, NotShared, OperationId, OperationKind, Phase},
};

impl Games {
    /// A second `get` is the same operation, unless it is for other bytes; it may want more. Who
    /// asks for a game wants it, paused or not.
    pub(super) fn get_again(
        &mut self,
        request: &GetRequest,
    ) -> Result<OperationId, OperationError> {
        let game = request.game.clone();
        let Some(open) = self.operations.get_mut(&game) else {
            return Err(OperationError::NothingRuns(game));
        };
        let fetching = matches!(open.kind, OperationKind::Download | OperationKind::Update);
        let same = open.content.as_ref().map(|(content, _)| *content);
        let is_other = request.content.is_some() && request.content != same;
        let stores = |then: AfterDownload| then != AfterDownload::InstallLowDisk;
        let runs = open.request.as_ref().map(|request| stores(request.then));
        if !fetching || is_other || runs.is_some_and(|runs| runs != stores(request.then)) {
            let running = open.kind;
            return Err(OperationError::Busy { game, running });
        }
        let (id, is_paused) = (open.id, open.is_paused());
        if request.then == AfterDownload::Install && open.want_install() {
            self.save();
        }
        if is_paused {
            self.set_paused(&game, false)?;
        }
        Ok(id)
    }

    /// The newest is here, but was only downloaded.
    pub(super) fn awaits_install(&self, request: &GetRequest) -> bool {
        let local = self.local(&request.game);
        let installed = local.installed.as_ref().and_then(InstalledView::content);
        request.then != AfterDownload::Keep && local.content.is_some() && installed != local.content
    }

    /// A low-disk install makes a game that has no payload here; one of another version in its
    /// place would be two games in one.
    pub(super) fn allow_get(
        &self,
        request: &GetRequest,
        chosen: ContentId,
    ) -> Result<(), OperationError> {
        let game = &request.game;
        let local = self.local(game);
        match (request.then, &local.installed) {
            (AfterDownload::Install | AfterDownload::Keep, _) => self.allow(game, Asked::Download),
            (AfterDownload::InstallLowDisk, _) if local.downloaded.is_some() => {
                Err(OperationError::PayloadHere(game.clone()))
            }
            (AfterDownload::InstallLowDisk, Some(installed))
                if installed.content() != Some(chosen) =>
            {
                self.allow(game, Asked::Update)
            }
            (AfterDownload::InstallLowDisk, _) => self.allow(game, Asked::InstallLowDisk),
        }
    }

    /// Nothing new begins while the games directory is away; what had begun waits.
    pub(super) fn check_games_dir(&self) -> Result<(), OperationError> {
        let shelf = self.ports.shelf_view.borrow();
        match shelf.games_dir_state {
            GamesDirState::Available => Ok(()),
            GamesDirState::Unavailable => {
                Err(OperationError::GamesDirUnavailable(shelf.games_dir.clone()))
            }
        }
    }

    /// What may lie there must be known before something is fetched over it.
    pub(super) fn check_known(&self, game: &GameId) -> Result<(), OperationError> {
        match self.local(game).not_shared {
            Some(NotShared::Checking | NotShared::Settling) => {
                Err(OperationError::Checking(game.clone()))
            }
            Some(NotShared::NoVersion | NotShared::SwitchedOff | NotShared::Refused { .. })
            | None => Ok(()),
        }
    }

    /// A download that was raised to an install while it ran goes on as one.
    pub(super) fn install_raised(&mut self, game: &GameId) -> bool {
        let Some(operation) = self.operations.get_mut(game).filter(|o| o.raised) else {
            return false;
        };
        operation.raised = false;
        let control = JobControl::new(self.ports.tasks.stop());
        operation.control = Some(control.clone());
        operation.enter(Phase::Installing);
        let id = operation.id;
        let job = self.job(id, game.clone(), control);
        installing::start(&self.ports, job);
        true
    }
}
