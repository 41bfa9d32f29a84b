//! Owns which programs run, what the catalog knows, and what a person agreed to.
//!
//! ```text
//!   plan ──► Case (views: profile, values) ──► what would be started, and the profile's hash
//!   start ─► Case ─► hash as shown? agreed? ─► reserved ─► job: texts, set-up, program, its end
//! ```
//! Invariants: nothing is started whose profile's hash the asker did not name; a program has a
//! process group of its own and outlives this node; while one runs, no transaction changes the
//! game's `local/`, and the other way round.

mod asked;
mod case;
mod error;
mod launch;
mod reading;

use std::{collections::BTreeMap, sync::Arc};

use lanspread_disk::{Disk, state::StateDir};
use lanspread_install::launch::Consents;
pub use lanspread_install::launch::Language;
use lanspread_proto::GameId;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    asked::{
        Agreed, CommandView, Join, PlayPlan, PlayRequest, ProfileSource, Role, StartRequest,
        Started,
    },
    error::PlayError,
};
pub use lanspread_disk::catalog::{Cover, CoverKind};

pub(crate) use self::case::{SYSTEM, profile_of};
use self::{
    case::{Case, Known},
    launch::Launch,
    reading::Read,
};
use crate::{
    actor::{Mailbox, Reply, Tasks},
    config::Settings,
    error::OperationError,
    restart::{Failure, Part, Parts, caught, caught_in},
    snapshot::{Component, OperationKind, Phase, Problem},
    views::{OperationsView, PeersView, PlayView, ProgramState, ShelfView, Watched},
};

/// Where an answer goes.
pub(crate) type PlayReply<T> = oneshot::Sender<Result<T, PlayError>>;

/// What the owner of the programs is told.
#[derive(Debug)]
pub(crate) enum Msg {
    Plan(PlayRequest, PlayReply<PlayPlan>),
    Start(StartRequest, PlayReply<Started>),
    /// The picture of a game.
    Cover(GameId, Reply<Option<Cover>>),
    /// Read the catalog again.
    Reload(Reply<()>),
    /// From jobs.
    Read(Box<Read>, Reply<()>),
    State(GameId, Role, ProgramState),
    Ended(GameId, Role, Option<Problem>),
}

/// What the owner of the programs needs.
#[derive(Clone)]
pub(crate) struct PlayPorts {
    pub(crate) tasks: Tasks,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: StateDir,
    pub(crate) mailbox: Mailbox<Msg>,
    pub(crate) shelf: Watched<ShelfView>,
    pub(crate) operations: Watched<OperationsView>,
    pub(crate) peers: Watched<PeersView>,
    pub(crate) settings: watch::Receiver<Settings>,
}

/// A cheap door to the owner of the programs.
#[derive(Debug, Clone)]
pub(crate) struct PlayHandle {
    pub(crate) mailbox: Mailbox<Msg>,
}

impl PlayHandle {
    pub(crate) async fn plan(&self, request: PlayRequest) -> Result<PlayPlan, PlayError> {
        self.ask(|reply| Msg::Plan(request, reply)).await
    }

    pub(crate) async fn start(&self, request: StartRequest) -> Result<Started, PlayError> {
        self.ask(|reply| Msg::Start(request, reply)).await
    }

    pub(crate) async fn cover(&self, game: GameId) -> Result<Option<Cover>, OperationError> {
        self.mailbox.ask(|reply| Msg::Cover(game, reply)).await
    }

    pub(crate) async fn reload(&self) -> Result<(), OperationError> {
        self.mailbox.ask(Msg::Reload).await
    }

    async fn ask<T>(&self, message: impl FnOnce(PlayReply<T>) -> Msg) -> Result<T, PlayError> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(message(reply)).await;
        let gone = Err(OperationError::Stopping.into());
        answer.await.unwrap_or(gone)
    }
}

/// The actor.
pub(crate) struct Play {
    ports: PlayPorts,
    inbox: mpsc::Receiver<Msg>,
    consents: Consents,
    programs: BTreeMap<(GameId, Role), ProgramState>,
    /// What went wrong with the last start of a game.
    failed: BTreeMap<GameId, Problem>,
    known: Read,
    view: watch::Sender<Arc<PlayView>>,
}

impl Part for Play {
    const COMPONENT: Component = Component::Programs;

    async fn run(&mut self) -> Failure {
        let (disk, state) = (Arc::clone(&self.ports.disk), self.ports.state.place());
        let read = self.ports.blocking(move || {
            let consents = lanspread_disk::launch::load_consents(disk.as_ref(), &state);
            (reading::read(disk.as_ref(), &state), consents)
        });
        if let Ok((known, consents)) = read.await {
            (self.known, self.consents) = (known, consents);
        }
        self.publish();
        while let Some(message) = self.inbox.recv().await {
            self.on_message(message);
            self.publish();
        }
        Failure::Ended
    }
}

impl Play {
    /// Starts the actor.
    pub(crate) fn start(
        parts: &Parts,
        ports: PlayPorts,
        inbox: mpsc::Receiver<Msg>,
        view: watch::Sender<Arc<PlayView>>,
    ) {
        let tasks = ports.tasks.clone();
        let play = Self {
            ports,
            inbox,
            consents: Consents::default(),
            programs: BTreeMap::new(),
            failed: BTreeMap::new(),
            known: Read::default(),
            view,
        };
        parts.keep(&tasks, play);
    }

    fn on_message(&mut self, message: Msg) {
        match message {
            Msg::Plan(request, reply) => self.on_plan(&request, reply),
            Msg::Start(request, reply) => self.on_start(&request, reply),
            Msg::Cover(game, reply) => self.on_cover(&game, reply),
            Msg::Reload(reply) => self.on_reload(reply),
            Msg::Read(read, reply) => {
                self.known = *read;
                answer(reply, Ok(()));
            }
            Msg::State(game, role, state) => {
                self.programs.insert((game, role), state);
            }
            Msg::Ended(game, role, problem) => {
                self.programs.remove(&(game.clone(), role));
                self.failed.extend(problem.map(|problem| (game, problem)));
            }
        }
    }

    fn on_plan(&self, request: &PlayRequest, reply: PlayReply<PlayPlan>) {
        let case = match self.case(request) {
            Ok(case) => case,
            Err(error) => return answer(reply, Err(error)),
        };
        let trusted = case.is_trusted() || self.consents.holds(&case.hash);
        let ports = self.ports.clone();
        let span = tracing::info_span!("plan", game = %case.game);
        self.ports.tasks.spawn_until_stop(span, async move {
            let disk = Arc::clone(&ports.disk);
            let planned = ports.blocking(move || launch::plan(disk.as_ref(), &case, trusted));
            answer(
                reply,
                planned.await.unwrap_or_else(|error| Err(error.into())),
            );
        });
    }

    /// A start is reserved first, so that no operation begins on the game meanwhile.
    fn on_start(&mut self, request: &StartRequest, reply: PlayReply<Started>) {
        let case = match self.case(&request.play) {
            Ok(case) => case,
            Err(error) => return answer(reply, Err(error)),
        };
        if let Err(error) = self.check(&case, request) {
            return answer(reply, Err(error));
        }
        let key = (case.game.clone(), case.role);
        self.programs.insert(key.clone(), ProgramState::Starting);
        self.publish();
        if let Some(running) = self.changing(&case.game) {
            self.programs.remove(&key);
            let game = case.game;
            return answer(reply, Err(OperationError::Busy { game, running }.into()));
        }
        self.failed.remove(&case.game);
        let agreed = (!case.is_trusted() && !self.consents.holds(&case.hash)).then(|| {
            self.consents.add(case.hash);
            self.consents.clone()
        });
        let span = tracing::info_span!("play", game = %case.game, role = ?case.role);
        let mailbox = self.ports.mailbox.clone();
        let launch = Launch::new(self.ports.clone(), case, agreed, reply);
        self.ports.tasks.spawn_until_stop(span, async move {
            let problem = match caught(launch.carry_out()).await {
                Ok(problem) => problem,
                Err(panic) => Some(Problem {
                    code: "defect",
                    subject: key.0.to_string(),
                    message: OperationError::Defect(panic).to_string(),
                }),
            };
            mailbox.send(Msg::Ended(key.0, key.1, problem)).await;
        });
    }

    fn check(&self, case: &Case, request: &StartRequest) -> Result<(), PlayError> {
        let game = case.game.clone();
        if request.hash != case.hash {
            return Err(PlayError::OtherProfile(game));
        }
        let trusted = case.is_trusted() || self.consents.holds(&case.hash);
        if !trusted && request.agreed != Agreed::Yes {
            return Err(PlayError::ConsentNeeded(game));
        }
        if self.programs.contains_key(&(game.clone(), case.role)) {
            return Err(PlayError::Running(game));
        }
        Ok(())
    }

    fn case(&self, request: &PlayRequest) -> Result<Case, PlayError> {
        let shelf = self.ports.shelf.borrow();
        let peers = self.ports.peers.borrow();
        Case::of(
            request,
            Known {
                catalog: &self.known.catalog,
                here: shelf.games.get(&request.game),
                peers: &peers,
                wine: self.ports.settings.borrow().wine.clone(),
                game_state: self.ports.state.games().listed(request.game.as_str()),
            },
        )
    }

    /// The operation that may change the game's `local/` at any moment.
    fn changing(&self, game: &GameId) -> Option<OperationKind> {
        let operations = self.ports.operations.borrow();
        let open = operations.operations.get(game)?;
        let is_changing = match open.kind {
            OperationKind::Install | OperationKind::Uninstall => !open.phase.is_end(),
            OperationKind::Download | OperationKind::Update | OperationKind::Verify => matches!(
                open.phase,
                Phase::Committing | Phase::Installing | Phase::Verifying | Phase::CloseTheGame
            ),
            OperationKind::Remove | OperationKind::Publish => false,
        };
        is_changing.then_some(open.kind)
    }

    fn on_cover(&self, game: &GameId, reply: Reply<Option<Cover>>) {
        let own = self.known.covers.get(game).cloned();
        let here = || self.ports.shelf.borrow().games.get(game)?.cover.clone();
        let Some(at) = own.or_else(here) else {
            return answer(reply, Ok(None));
        };
        let ports = self.ports.clone();
        let span = tracing::debug_span!("cover", %game);
        self.ports.tasks.spawn_until_stop(span, async move {
            let disk = Arc::clone(&ports.disk);
            let read = move || lanspread_disk::catalog::read_cover(disk.as_ref(), &at.place);
            let read = ports.blocking(read).await;
            answer(reply, read.and_then(|cover| Ok(cover?)));
        });
    }

    fn on_reload(&self, reply: Reply<()>) {
        let ports = self.ports.clone();
        self.ports
            .tasks
            .spawn_until_stop(tracing::info_span!("catalog"), async move {
                let (disk, state) = (Arc::clone(&ports.disk), ports.state.place());
                let read = ports.blocking(move || reading::read(disk.as_ref(), &state));
                match read.await {
                    Ok(read) => ports.mailbox.send(Msg::Read(Box::new(read), reply)).await,
                    Err(error) => answer(reply, Err(error)),
                }
            });
    }

    fn publish(&self) {
        let failed = self.failed.values().cloned();
        let view = PlayView {
            catalog: Arc::clone(&self.known.catalog),
            covers: Arc::clone(&self.known.covers),
            programs: self.programs.clone(),
            problems: self.known.problem.iter().cloned().chain(failed).collect(),
        };
        self.view.send_if_modified(|old| {
            let changed = **old != view;
            if changed {
                *old = Arc::new(view);
            }
            changed
        });
    }
}

impl PlayPorts {
    /// Runs something that reads or writes files, off the threads of the runtime.
    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OperationError> {
        let (reply, answer) = oneshot::channel();
        self.tasks
            .spawn_blocking(tracing::Span::current(), move || {
                // Who asked may be gone; the work is done all the same.
                drop(reply.send(caught_in(job)));
            });
        let done = answer.await.map_err(|_gone| OperationError::Stopping)?;
        done.map_err(OperationError::Defect)
    }
}

fn answer<T, E>(reply: oneshot::Sender<Result<T, E>>, result: Result<T, E>) {
    // Who asked may have gone away.
    drop(reply.send(result));
}

#[cfg(test)]
mod tests;
