//! What may run, decided at once: each command is refused here or becomes an operation.

use std::path::PathBuf;

use lanspread_install::game_state::{GameState, Installed, Operation as Asked, Refusal};
use lanspread_proto::{ContentId, GameId, VersionLabel, library::Availability};
use lanspread_swarm::merged::{Choice, ChooseError};

use super::{
    Games,
    operation::{JobControl, Operation},
};
use crate::{
    actor::Reply,
    config::Settings,
    download::{self, DownloadSpec},
    error::OperationError,
    handle::{
        AfterDownload, ChangedFiles, FileView, GamesMove, GetRequest, Partials, PublishRequest,
        UserFiles, WhileInstalled,
    },
    installing::{self, low_disk},
    jobs::Job,
    notice::Notice,
    publishing, removing,
    snapshot::{InstalledView, LocalView, OperationId, OperationKind, Phase},
    verifying,
};

/// So many may want a game again while its operation is being cancelled.
const AFTERWARDS_MAX: usize = 64;

type Begun = Result<OperationId, OperationError>;

impl Games {
    pub(super) fn get(&mut self, request: GetRequest) -> Begun {
        let game = request.game.clone();
        if self.open(&game).is_some() {
            return self.get_again(&request);
        }
        self.check_games_dir()?;
        self.check_blocked(&game)?;
        self.check_known(&game)?;
        let choice = match self.choose(&request) {
            Err(OperationError::UpToDate(game)) if self.awaits_install(&request) => {
                return self.install(game);
            }
            choice => choice?,
        };
        self.allow_get(&request, choice.content)?;
        Ok(self.enqueue(
            OperationKind::Download,
            request,
            choice.content,
            choice.version,
        ))
    }

    pub(super) fn is_being_cancelled(&self, game: &GameId) -> bool {
        let control = self.open(game).and_then(|open| open.control.as_ref());
        control.is_some_and(|control| control.cancel.is_cancelled())
    }

    /// A `get` after a `cancel` begins when what was cancelled has ended.
    pub(super) fn get_afterwards(&mut self, request: GetRequest, reply: Reply<OperationId>) {
        if self.afterwards.len() < AFTERWARDS_MAX {
            return self.afterwards.push((request, reply));
        }
        let running = OperationKind::Download;
        let game = request.game;
        super::answer(reply, Err(OperationError::Busy { game, running }));
    }

    /// What was cancelled has ended: who wanted the game again gets it.
    pub(super) fn begin_afterwards(&mut self, game: &GameId) {
        let wanted = self
            .afterwards
            .extract_if(.., |(wanted, _)| wanted.game == *game);
        let wanted: Vec<(GetRequest, Reply<OperationId>)> = wanted.collect();
        for (request, reply) in wanted {
            let begun = self.get(request);
            super::answer(reply, begun);
        }
    }

    pub(super) fn update(&mut self, game: GameId) -> Begun {
        self.check_games_dir()?;
        self.check_blocked(&game)?;
        self.check_known(&game)?;
        let library = self.ports.transfer.library.borrow().clone();
        let merged = library.merged.game(&game);
        let merged = merged.ok_or_else(|| OperationError::UnknownGame(game.clone()))?;
        let local = self.local(&game);
        // Of what nothing is known, nobody can say that it is the newest.
        let is_unknown = local.installed == Some(InstalledView::Unknown);
        match (merged.update_available, is_unknown, local.content) {
            (true, _, _) | (false, true, None) => {}
            (false, true, Some(_)) => return self.install(game),
            (false, false, _) if local.install_is_behind() => return self.install(game),
            (false, false, _) => return Err(OperationError::UpToDate(game)),
        }
        let then = match (local.installed, local.availability) {
            // Its payload was not wanted here before.
            (Some(_), Some(Availability::LocalOnly)) => AfterDownload::InstallLowDisk,
            (Some(_), _) => AfterDownload::Install,
            (None, _) => AfterDownload::Keep,
        };
        let request = GetRequest {
            game,
            content: None,
            then,
            from: None,
        };
        let choice = self.choose(&request)?;
        self.allow(&request.game, Asked::Download)?;
        Ok(self.enqueue(
            OperationKind::Update,
            request,
            choice.content,
            choice.version,
        ))
    }

    fn choose(&self, request: &GetRequest) -> Result<Choice, OperationError> {
        let library = self.ports.transfer.library.borrow().clone();
        let game = request.game.clone();
        match library.merged.choose(&game, request.content) {
            Ok(choice) => Ok(choice),
            Err(ChooseError::UnknownGame | ChooseError::UnknownContent) => {
                Err(OperationError::UnknownGame(game))
            }
            Err(ChooseError::AlreadyHere | ChooseError::OwnIsNewer) => {
                Err(OperationError::UpToDate(game))
            }
            // Peers that are not complete may together have all of it; the download waits if not.
            Err(ChooseError::NoReadyPeer(choices)) => {
                let mut partial = choices.into_iter().filter(|c| c.holders.source_count() > 0);
                match (partial.next(), partial.next()) {
                    (Some(only), None) => Ok(only),
                    _ => {
                        self.notify(Notice::NoPeerHasIt { game: game.clone() });
                        Err(OperationError::NobodyHasIt(game))
                    }
                }
            }
            Err(ChooseError::Ambiguous(choices)) => match choices.first() {
                Some(first) => Err(OperationError::Ambiguous {
                    version: first.version.clone(),
                    choices: choices
                        .iter()
                        .map(|c| (c.content, c.holders.ready))
                        .collect(),
                    game,
                }),
                None => Err(OperationError::NobodyHasIt(game)),
            },
        }
    }

    /// Registers a download; it starts when it is its turn.
    fn enqueue(
        &mut self,
        kind: OperationKind,
        request: GetRequest,
        content: ContentId,
        version: VersionLabel,
    ) -> OperationId {
        let game = request.game.clone();
        let mut operation = Operation::new(kind, Phase::Queued);
        operation.content = Some((content, version));
        operation.request = Some(request);
        let id = self.begin(game.clone(), operation);
        self.queue.push_back(game);
        self.save();
        id
    }

    /// Starts waiting downloads while there are places for them.
    pub(super) fn start_queued(&mut self) {
        if self.moving > 0 {
            return;
        }
        while self.running_downloads() < self.settings.downloads_max {
            let waiting = self.queue.iter().position(|game| {
                let operation = self.operations.get(game);
                operation.is_some_and(|o| matches!(o.phase, Phase::Queued))
            });
            let Some(game) = waiting.and_then(|index| self.queue.remove(index)) else {
                return;
            };
            match self.operations.get_mut(&game) {
                Some(held) if held.control.is_some() => held.go_on(),
                Some(_) | None => self.start_download(game),
            }
        }
    }

    fn start_download(&mut self, game: GameId) {
        let Some(operation) = self.operations.get_mut(&game) else {
            return;
        };
        let (Some(request), Some((content, version))) =
            (operation.request.clone(), operation.content.clone())
        else {
            return;
        };
        operation.enter(Phase::Preparing);
        operation.raised = false;
        let control = JobControl::new(self.ports.tasks.stop());
        operation.control = Some(control.clone());
        let id = operation.id;
        let job = self.job(id, game, control);
        let spec = DownloadSpec {
            content,
            version,
            then: request.then,
            from: request.from,
        };
        match spec.then {
            AfterDownload::InstallLowDisk => low_disk::start(&self.ports, job, spec),
            AfterDownload::Install | AfterDownload::Keep => {
                download::start(&self.ports, job, spec);
            }
        }
    }

    pub(super) fn install(&mut self, game: GameId) -> Begun {
        // A newer payload over an older installation is an update.
        let local = self.local(&game);
        let newer = matches!((&local.installed, local.content),
            (Some(installed), Some(content)) if installed.content() != Some(content));
        self.allow(&game, if newer { Asked::Update } else { Asked::Install })?;
        let job = self.start_job(game, OperationKind::Install, Phase::Installing);
        let id = job.operation;
        installing::start(&self.ports, job);
        Ok(id)
    }

    pub(super) fn uninstall(&mut self, game: GameId, files: UserFiles) -> Begun {
        self.allow(&game, Asked::Uninstall)?;
        let job = self.start_job(game, OperationKind::Uninstall, Phase::Removing);
        let id = job.operation;
        removing::start_uninstall(&self.ports, job, files);
        Ok(id)
    }

    pub(super) fn remove(&mut self, game: GameId, installed: WhileInstalled) -> Begun {
        if self.local(&game).downloaded.is_none() && self.has_partial(&game) {
            return self.discard(game);
        }
        let keep_installed = installed == WhileInstalled::KeepInstalled;
        self.allow(&game, Asked::Remove { keep_installed })?;
        let job = self.start_job(game, OperationKind::Remove, Phase::Removing);
        let id = job.operation;
        removing::start_remove(&self.ports, job, keep_installed);
        Ok(id)
    }

    fn has_partial(&self, game: &GameId) -> bool {
        self.local(game).partial_bytes > 0
    }

    /// Nothing runs, but an earlier download left something.
    fn discard(&mut self, game: GameId) -> Begun {
        self.allow(&game, Asked::Download)?;
        let job = self.start_job(game, OperationKind::Remove, Phase::Removing);
        let id = job.operation;
        removing::start_discard(&self.ports, job);
        Ok(id)
    }

    pub(super) fn verify(&mut self, game: GameId, changed: ChangedFiles) -> Begun {
        self.allow(&game, Asked::Verify)?;
        let job = self.start_job(game, OperationKind::Verify, Phase::Verifying);
        let id = job.operation;
        verifying::start(&self.ports, job, changed);
        Ok(id)
    }

    pub(super) fn publish_folder(&mut self, request: PublishRequest) -> Begun {
        let game = publishing::game_of(&request.source)?;
        if let Some(open) = self.open(&game) {
            return Err(OperationError::Busy {
                game,
                running: open.kind,
            });
        }
        self.check_blocked(&game)?;
        let job = self.start_job(game, OperationKind::Publish, Phase::Publishing);
        let id = job.operation;
        publishing::start(&self.ports, job, request);
        Ok(id)
    }

    pub(super) fn job(&self, id: OperationId, game: GameId, control: JobControl) -> Job {
        let (games, room) = (self.ports.games.clone(), self.ports.room.claim());
        Job::new(id, game, control, games, room)
    }

    fn start_job(&mut self, game: GameId, kind: OperationKind, phase: Phase) -> Job {
        let mut operation = Operation::new(kind, phase);
        let control = JobControl::new(self.ports.tasks.stop());
        operation.control = Some(control.clone());
        let id = self.begin(game.clone(), operation);
        self.job(id, game, control)
    }

    pub(super) fn cancel(
        &mut self,
        game: &GameId,
        partials: Partials,
    ) -> Result<(), OperationError> {
        let nothing = || OperationError::NothingRuns(game.clone());
        if self.open(game).is_none() && partials == Partials::Discard && self.has_partial(game) {
            self.discard(game.clone())?;
            return Ok(());
        }
        let operation = self.operations.get_mut(game).ok_or_else(nothing)?;
        if !operation.is_open() {
            return Err(nothing());
        }
        // What was to follow is not wanted either.
        for (request, reply) in self
            .afterwards
            .extract_if(.., |(wanted, _)| wanted.game == *game)
        {
            super::answer(reply, Err(OperationError::Cancelled));
            drop(request);
        }
        match &operation.control {
            Some(control) => control.cancel(partials),
            // It only waits, but something may lie there from before.
            None if partials == Partials::Discard => {
                self.queue.retain(|waiting| waiting != game);
                self.start_download(game.clone());
                let started = self.operations.get(game).and_then(|o| o.control.as_ref());
                if let Some(control) = started {
                    control.cancel(partials);
                }
            }
            None => {
                self.queue.retain(|waiting| waiting != game);
                self.on_ended(game.clone(), Err(OperationError::Cancelled));
            }
        }
        Ok(())
    }

    pub(super) fn set_paused(&mut self, game: &GameId, paused: bool) -> Result<(), OperationError> {
        let nothing = || OperationError::NothingRuns(game.clone());
        let operation = self.operations.get_mut(game).ok_or_else(nothing)?;
        let fetches = operation.request.is_some() && operation.is_open();
        match (&operation.control, &operation.phase) {
            (Some(control), _) if fetches => control.set_paused(paused),
            (None, Phase::Queued) if paused => operation.enter(Phase::Paused),
            (None, Phase::Paused) if !paused => operation.enter(Phase::Queued),
            _ => return Err(nothing()),
        }
        self.save();
        Ok(())
    }

    pub(super) fn reorder(&mut self, order: &[GameId]) -> Result<(), OperationError> {
        let place = |game: &GameId| order.iter().position(|named| named == game);
        let mut queue: Vec<GameId> = self.queue.drain(..).collect();
        queue.sort_by_key(|game| place(game).unwrap_or(usize::MAX));
        self.queue = queue.into();
        self.save();
        Ok(())
    }

    pub(super) fn set_settings(&mut self, settings: Settings) -> Result<(), OperationError> {
        self.settings = settings.clone();
        self.settings_out.send_replace(settings);
        Ok(())
    }

    /// Running downloads pause while the directory changes; it waits for everything else that runs.
    pub(super) fn set_games_dir(&mut self, dir: PathBuf, how: GamesMove, reply: Reply<()>) {
        self.moving += 1;
        let running = self.operations.values().filter(|o| o.is_suspendable());
        for control in running.filter_map(|o| o.control.as_ref()) {
            control.suspend();
        }
        let (shelf, games) = (self.ports.shelf.clone(), self.ports.games.clone());
        self.ports
            .tasks
            .spawn_until_stop(tracing::info_span!("games_dir"), async move {
                let result = shelf.set_games_dir(dir, how).await;
                games.send(super::Msg::GamesDirSet(result, reply)).await;
            });
    }

    /// A download that was put away is the next to begin, unless the person paused it.
    pub(super) fn requeue(&mut self, game: GameId) {
        if let Some(operation) = self.operations.get_mut(&game) {
            let paused = operation.is_paused();
            operation.control = None;
            operation.enter(if paused { Phase::Paused } else { Phase::Queued });
            self.queue.retain(|waiting| *waiting != game);
            self.queue.push_front(game);
            self.save();
        }
    }

    pub(super) fn files(
        &self,
        game: GameId,
        content: Option<ContentId>,
        reply: Reply<Vec<FileView>>,
    ) {
        let request = GetRequest {
            game,
            content,
            then: AfterDownload::Keep,
            from: None,
        };
        let content = match self.local(&request.game).content {
            Some(own) if content.is_none_or(|content| content == own) => Ok(own),
            _ => self.choose(&request).map(|choice| choice.content),
        };
        let ports = self.ports.clone();
        self.ports
            .tasks
            .spawn_until_stop(tracing::info_span!("files"), async move {
                let files = match content {
                    Ok(content) => download::files(&ports, &request.game, content).await,
                    Err(error) => Err(error),
                };
                super::answer(reply, files);
            });
    }

    fn open(&self, game: &GameId) -> Option<&Operation> {
        self.operations
            .get(game)
            .filter(|operation| operation.is_open())
    }

    pub(super) fn local(&self, game: &GameId) -> LocalView {
        let shelf = self.ports.shelf_view.borrow();
        shelf
            .games
            .get(game)
            .map(|on_shelf| on_shelf.local.clone())
            .unwrap_or_default()
    }

    /// Nothing is touched while a record of ours cannot be read.
    fn check_blocked(&self, game: &GameId) -> Result<(), OperationError> {
        let shelf = self.ports.shelf_view.borrow();
        let blocked = shelf.games.get(game).and_then(|game| game.blocked.clone());
        blocked.map_or(Ok(()), Err)
    }

    /// The rule of what may follow what is `install`'s; this only tells it how things are.
    pub(super) fn allow(&self, game: &GameId, asked: Asked) -> Result<(), OperationError> {
        if let Some(open) = self.open(game) {
            return Err(OperationError::Busy {
                game: game.clone(),
                running: open.kind,
            });
        }
        self.check_blocked(game)?;
        let local = self.local(game);
        let state = GameState {
            downloaded: local.downloaded,
            installed: local.installed.map(|installed| match installed {
                InstalledView::Version(version, _) => Installed::Version(version),
                InstalledView::Unknown => Installed::Unknown,
            }),
            running: None,
        };
        state
            .allow(asked)
            .map_err(|refusal| refused(game.clone(), refusal))
    }
}

/// What a refusal of `install` means for people.
pub(crate) fn refused(game: GameId, refusal: Refusal) -> OperationError {
    match refusal {
        Refusal::Busy(_) => OperationError::Busy {
            game,
            running: OperationKind::Install,
        },
        Refusal::NotDownloaded => OperationError::NotDownloaded(game),
        Refusal::NotInstalled => OperationError::NotInstalled(game),
        Refusal::StillInstalled => OperationError::StillInstalled(game),
        Refusal::AlreadyInstalled => OperationError::UpToDate(game),
        Refusal::Unfinished => OperationError::Unfinished(game),
    }
}
