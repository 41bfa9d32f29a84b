//! Owns which operation runs on which game: the gate, the queue, and what each operation says.
//!
//! Invariant: at most one operation runs on a game. Handlers are synchronous: whatever waits is a
//! job that reports back, so *cancel* is never behind *get*.

mod again;
mod gate;
mod handle;
mod operation;
mod saved;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use lanspread_proto::{ContentId, GameId, VersionLabel};
use tokio::sync::{mpsc, watch};

use self::operation::{Operation, Turn};
pub(crate) use self::{
    gate::refused,
    handle::GamesHandle,
    operation::{JobControl, JobProgress, JobReport, Wishes},
    saved::contents as saved_contents,
};
use crate::{
    actor::Reply,
    config::Settings,
    error::OperationError,
    handle::{
        ChangedFiles, FileView, GamesMove, GetRequest, Partials, PublishRequest, UserFiles,
        WhileInstalled,
    },
    jobs::JobPorts,
    notice::Notice,
    restart::{Failure, Part, Parts},
    saves::{SavedFile, Saves},
    snapshot::{Component, OperationId, OperationKind, Phase, Problem},
    views::OperationsView,
};

/// What the gate is asked.
#[derive(Debug)]
pub(crate) enum Msg {
    Get(GetRequest, Reply<OperationId>),
    Install(GameId, Reply<OperationId>),
    Update(GameId, Reply<OperationId>),
    Uninstall(GameId, UserFiles, Reply<OperationId>),
    Remove(GameId, WhileInstalled, Reply<OperationId>),
    Publish(PublishRequest, Reply<OperationId>),
    Verify(GameId, ChangedFiles, Reply<OperationId>),
    Cancel(GameId, Partials, Reply<()>),
    Pause(GameId, Reply<()>),
    Resume(GameId, Reply<()>),
    Reorder(Vec<GameId>, Reply<()>),
    SetSettings(Settings, Reply<()>),
    SetGamesDir(PathBuf, GamesMove, Reply<()>),
    Files(GameId, Option<ContentId>, Reply<Vec<FileView>>),
    /// The games directory was changed, or could not be.
    GamesDirSet(Result<(), OperationError>, Reply<()>),
    /// From a job.
    Job(OperationId, GameId, JobReport),
    #[cfg(test)]
    Panic,
}

/// The actor.
pub(crate) struct Games {
    ports: JobPorts,
    inbox: mpsc::Receiver<Msg>,
    /// What ran when the node stopped is taken up once.
    is_new: bool,
    settings: Settings,
    /// The operation of each game: running, waiting or ended last.
    operations: BTreeMap<GameId, Operation>,
    queue: VecDeque<GameId>,
    /// Games that are wanted again while the cancel of their operation is under way.
    afterwards: Vec<(GetRequest, Reply<OperationId>)>,
    /// So many wish for another games directory, and wait: no download begins.
    moving: u32,
    next: u64,
    /// What was found at the start that a person should know.
    problems: Vec<Problem>,
    saves: Saves,
    view: watch::Sender<Arc<OperationsView>>,
    settings_out: watch::Sender<Settings>,
}

impl Part for Games {
    const COMPONENT: Component = Component::Commands;

    /// Every job goes on while this is started again; what it says meanwhile waits.
    async fn run(&mut self) -> Failure {
        if std::mem::take(&mut self.is_new) {
            self.take_up_saved().await;
        }
        self.start_queued();
        self.publish();
        while let Some(message) = self.inbox.recv().await {
            self.on_message(message);
            self.start_queued();
            self.publish();
        }
        Failure::Ended
    }
}

impl Games {
    /// Starts the actor, and the downloads that ran when the node stopped.
    pub(crate) fn start(
        parts: &Parts,
        ports: JobPorts,
        inbox: mpsc::Receiver<Msg>,
        view: watch::Sender<Arc<OperationsView>>,
        settings: watch::Sender<Settings>,
    ) {
        let tasks = ports.tasks.clone();
        let now = settings.borrow().clone();
        let file = SavedFile {
            disk: Arc::clone(&ports.disk),
            place: ports.state.place(),
            name: saved::NAME,
        };
        let saves = Saves::start(&tasks, file, |_, _| {});
        let games = Self {
            saves,
            settings: now,
            ports,
            inbox,
            is_new: true,
            operations: BTreeMap::new(),
            queue: VecDeque::new(),
            afterwards: Vec::new(),
            moving: 0,
            next: 1,
            problems: Vec::new(),
            view,
            settings_out: settings,
        };
        parts.keep(&tasks, games);
    }

    fn on_message(&mut self, message: Msg) {
        match message {
            Msg::Get(request, reply) => match self.is_being_cancelled(&request.game) {
                true => self.get_afterwards(request, reply),
                false => answer(reply, self.get(request)),
            },
            Msg::Install(game, reply) => answer(reply, self.install(game)),
            Msg::Update(game, reply) => answer(reply, self.update(game)),
            Msg::Uninstall(game, files, reply) => answer(reply, self.uninstall(game, files)),
            Msg::Remove(game, installed, reply) => answer(reply, self.remove(game, installed)),
            Msg::Publish(request, reply) => answer(reply, self.publish_folder(request)),
            Msg::Verify(game, changed, reply) => answer(reply, self.verify(game, changed)),
            Msg::Cancel(game, partials, reply) => answer(reply, self.cancel(&game, partials)),
            Msg::Pause(game, reply) => answer(reply, self.set_paused(&game, true)),
            Msg::Resume(game, reply) => answer(reply, self.set_paused(&game, false)),
            Msg::Reorder(order, reply) => answer(reply, self.reorder(&order)),
            Msg::SetSettings(settings, reply) => answer(reply, self.set_settings(settings)),
            Msg::SetGamesDir(dir, how, reply) => self.set_games_dir(dir, how, reply),
            Msg::GamesDirSet(result, reply) => {
                self.moving = self.moving.saturating_sub(1);
                answer(reply, result);
            }
            Msg::Files(game, content, reply) => self.files(game, content, reply),
            Msg::Job(operation, game, report) => self.on_report(operation, game, report),
            #[cfg(test)]
            Msg::Panic => panic!("planted"),
        }
    }

    /// Takes in what a job says, unless its game has another operation by now.
    fn on_report(&mut self, id: OperationId, game: GameId, report: JobReport) {
        let Some(operation) = self.operations.get_mut(&game).filter(|o| o.id == id) else {
            return;
        };
        match report {
            JobReport::Phase(phase) => self.on_phase(game, phase),
            JobReport::Content(content, version) => operation.content = Some((content, version)),
            JobReport::Progress(progress) => operation.progress = progress,
            JobReport::Verified(found) => operation.verified = Some(found),
            JobReport::Ended(result) => self.on_ended(game, result),
        }
    }

    /// A download whose sources are back needs a place again, like any other that begins.
    fn on_phase(&mut self, game: GameId, phase: Phase) {
        let full = self.running_downloads() >= self.settings.downloads_max;
        let Some(operation) = self.operations.get_mut(&game) else {
            return;
        };
        if let (Some(control), Some(_)) = (&operation.control, &operation.request) {
            if matches!(phase, Phase::Committing) {
                // It had all that it needed before it heard that it should wait.
                control.set_turn(Turn::Has);
                self.queue.retain(|waiting| *waiting != game);
            } else if phase.is_fetching() && control.awaits_turn() {
                return;
            } else if phase.is_fetching() && full && !operation.phase.is_fetching() {
                control.set_turn(Turn::Awaits);
                operation.enter(Phase::Queued);
                self.queue.push_back(game);
                return self.save();
            }
        }
        operation.enter(phase);
    }

    /// The state is settled first; the notice of the end comes after.
    fn on_ended(&mut self, game: GameId, result: Result<(), OperationError>) {
        let Some(operation) = self.operations.get_mut(&game) else {
            return;
        };
        let suspended = (operation.control.as_ref()).is_some_and(JobControl::is_suspended);
        if suspended && matches!(result, Err(OperationError::Stopping)) {
            return self.requeue(game);
        }
        let (id, kind) = (operation.id, operation.kind);
        if result.is_ok() && self.install_raised(&game) {
            return;
        }
        let Some(operation) = self.operations.get_mut(&game) else {
            return;
        };
        let notice = match result {
            Ok(()) => {
                operation.enter(Phase::Done);
                Notice::OperationFinished {
                    operation: id,
                    kind,
                    game: game.clone(),
                }
            }
            Err(OperationError::Cancelled) => {
                operation.enter(Phase::Cancelled);
                Notice::OperationCancelled {
                    operation: id,
                    kind,
                    game: game.clone(),
                }
            }
            Err(error) => {
                operation.enter(Phase::Failed(error.clone()));
                tracing::warn!(%game, ?kind, code = error.code(), %error, "operation failed");
                Notice::OperationFailed {
                    operation: id,
                    kind,
                    game: game.clone(),
                    error,
                }
            }
        };
        operation.control = None;
        self.queue.retain(|waiting| *waiting != game);
        if !self.ports.tasks.stop().is_cancelled() {
            self.save();
        }
        self.start_queued();
        self.publish();
        self.notify(notice);
        self.notify(Notice::OperationsChanged);
        self.begin_afterwards(&game);
    }

    /// Registers an operation; it is running or waits from here on.
    fn begin(&mut self, game: GameId, mut operation: Operation) -> OperationId {
        operation.id = OperationId(self.next);
        self.next += 1;
        let (id, kind) = (operation.id, operation.kind);
        tracing::info!(%game, ?kind, "operation begun");
        self.notify(Notice::OperationBegun {
            operation: id,
            kind,
            game: game.clone(),
            content: operation.content.as_ref().map(|(content, _)| *content),
            version: operation
                .content
                .as_ref()
                .map(|(_, version): &(_, VersionLabel)| version.clone()),
        });
        self.operations.insert(game, operation);
        self.notify(Notice::OperationsChanged);
        id
    }

    fn publish(&self) {
        let operations = self
            .operations
            .iter()
            .map(|(game, o)| (game.clone(), o.view()));
        self.view.send_replace(Arc::new(OperationsView {
            operations: operations.collect(),
            queue: self.queue.iter().cloned().collect(),
            settings: self.settings.clone(),
            problems: self.problems.clone(),
        }));
    }

    fn notify(&self, notice: Notice) {
        // Nobody may be listening.
        drop(self.ports.transfer.notices.send(notice));
    }

    fn running_downloads(&self) -> usize {
        let running = |o: &&Operation| {
            matches!(o.kind, OperationKind::Download | OperationKind::Update)
                && o.control.is_some()
                && o.phase.is_fetching()
        };
        self.operations.values().filter(running).count()
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, OperationError>) {
    // Who asked may have gone away.
    drop(reply.send(result));
}

#[cfg(test)]
mod tests;
