//! What the jobs behind operations share: their ports, and the way they report.

use std::sync::Arc;

use lanspread_disk::{
    Disk, Place,
    space::{Claim, Ledger},
    state::StateDir,
};
use lanspread_proto::{ContentId, GameId, VersionLabel};
use lanspread_unpack::WorkerCommand;
use tokio::sync::watch;

use crate::{
    actor::{Mailbox, Tasks},
    error::OperationError,
    games::{self, JobControl, JobProgress, JobReport},
    library::LibraryHandle,
    restart::{caught, caught_in},
    shelf::ShelfHandle,
    snapshot::{OperationId, Phase, VerifyView},
    transfer::TransferPorts,
    views::{PlayView, ShelfView, Watched},
};

/// What a job may use.
#[derive(Clone)]
pub(crate) struct JobPorts {
    pub(crate) tasks: Tasks,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) room: Ledger,
    pub(crate) state: StateDir,
    pub(crate) worker: WorkerCommand,
    pub(crate) shelf: ShelfHandle,
    pub(crate) shelf_view: watch::Receiver<Arc<ShelfView>>,
    /// Which games run.
    pub(crate) play: Watched<PlayView>,
    pub(crate) transfer: TransferPorts,
    pub(crate) games: Mailbox<games::Msg>,
    pub(crate) library: LibraryHandle,
}

/// One running job: whose it is, and how it is led.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) operation: OperationId,
    pub(crate) game: GameId,
    pub(crate) control: JobControl,
    /// What it may still write.
    pub(crate) room: Arc<Claim>,
    games: Mailbox<games::Msg>,
}

impl Job {
    pub(crate) fn new(
        operation: OperationId,
        game: GameId,
        control: JobControl,
        games: Mailbox<games::Msg>,
        room: Claim,
    ) -> Self {
        Self {
            operation,
            game,
            control,
            room: Arc::new(room),
            games,
        }
    }

    /// The job is somewhere else now.
    pub(crate) async fn enter(&self, phase: Phase) {
        self.report(JobReport::Phase(phase)).await;
    }

    /// The bytes are decided.
    pub(crate) async fn decide(&self, content: ContentId, version: VersionLabel) {
        self.report(JobReport::Content(content, version)).await;
    }

    /// How far the phase is.
    pub(crate) async fn progress(&self, progress: JobProgress) {
        self.report(JobReport::Progress(progress)).await;
    }

    /// Carries the work out and says how it ended, also when that was a defect.
    pub(crate) async fn carry_out(&self, work: impl Future<Output = Result<(), OperationError>>) {
        let result = caught(work).await.unwrap_or_else(defect);
        self.end(result).await;
    }

    /// Everything was read.
    pub(crate) async fn verified(&self, found: VerifyView) {
        self.report(JobReport::Verified(Arc::new(found))).await;
    }

    /// Nothing more will come.
    async fn end(&self, result: Result<(), OperationError>) {
        self.room.release();
        self.report(JobReport::Ended(result)).await;
    }

    async fn report(&self, report: JobReport) {
        self.games
            .send(games::Msg::Job(self.operation, self.game.clone(), report))
            .await;
    }
}

impl JobPorts {
    /// The games directory.
    pub(crate) fn games_dir(&self) -> Place {
        Place::root(&self.shelf_view.borrow().games_dir)
    }

    /// Where a game lies, or will: a directory that differs at most in case is the same game.
    pub(crate) fn game_root(&self, game: &GameId) -> Place {
        let view = self.shelf_view.borrow();
        match view.games.get(game) {
            Some(on_shelf) => on_shelf.root.clone(),
            None => Place::root(&view.games_dir).listed(game.as_str()),
        }
    }

    /// Carries out work on a game while the shelf keeps its hands off it. The state is settled when
    /// this returns.
    pub(crate) async fn holding(
        &self,
        job: &Job,
        work: impl Future<Output = Result<(), OperationError>>,
    ) -> Result<(), OperationError> {
        let (shelf, game) = (self.shelf.clone(), job.game.clone());
        let mut hold = Box::pin(async move { shelf.hold(game).await });
        let granted = tokio::select! {
            biased;
            held = &mut hold => Some(held),
            () = job.control.cancel.cancelled() => None,
        };
        match granted {
            Some(held) => held?,
            // What lies there can only be discarded by who holds it.
            None if job.control.discards() => hold.await?,
            None => {
                // It may be granted all the same.
                let (shelf, game) = (self.shelf.clone(), job.game.clone());
                self.tasks
                    .spawn_until_stop(tracing::Span::current(), async move {
                        if hold.await.is_ok() {
                            shelf.release(game).await;
                        }
                    });
                return Err(OperationError::Cancelled);
            }
        }
        let result = caught(work).await.unwrap_or_else(defect);
        self.shelf.release(job.game.clone()).await;
        result
    }

    /// Waits while a program of the game runs: its files are not changed under it.
    pub(crate) async fn until_closed(&self, job: &Job) -> Result<(), OperationError> {
        let mut play = self.play.clone();
        while play.borrow_and_update().runs(&job.game) {
            job.enter(Phase::CloseTheGame).await;
            tokio::select! {
                biased;
                () = job.control.cancel.cancelled() => return Err(OperationError::Cancelled),
                changed = play.changed() => changed.map_err(|_stopped| OperationError::Stopping)?,
            }
        }
        Ok(())
    }

    /// Waits while the payload is still hashed; who asks makes it the next to be. Nothing is hashed
    /// while the game is held.
    pub(crate) async fn until_checked(&self, job: &Job) -> Result<(), OperationError> {
        let mut shelf = self.shelf_view.clone();
        loop {
            shelf.borrow_and_update();
            match self.shelf.content(job.game.clone()).await {
                Err(OperationError::Checking(_)) => job.enter(Phase::Preparing).await,
                Ok(_) => return Ok(()),
                Err(error) => return Err(error),
            }
            tokio::select! {
                biased;
                error = job.control.interrupted() => return Err(error),
                changed = shelf.changed() => changed.map_err(|_stopped| OperationError::Stopping)?,
            }
        }
    }

    /// Runs something that reads or writes files, off the threads of the runtime.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OperationError> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.tasks
            .spawn_blocking(tracing::Span::current(), move || {
                // Who asked may be gone; the work is done all the same.
                drop(reply.send(caught_in(job)));
            });
        match answer.await {
            Ok(done) => done.or_else(defect),
            Err(_gone) => Err(OperationError::Stopping),
        }
    }
}

fn defect<T>(panic: String) -> Result<T, OperationError> {
    Err(OperationError::Defect(panic))
}
