//! What every actor of the household has: a bounded mailbox, a name, a place in the tree of
//! cancellation. The only file that spawns tasks.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, Span};

use crate::{error::OperationError, limits};

/// The tasks of one node, and how they are told to stop.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    pub(crate) fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// A part of the tree that can be stopped on its own.
    pub(crate) fn child(&self) -> Self {
        Self {
            tracker: self.tracker.clone(),
            stop: self.stop.child_token(),
        }
    }

    /// Told when this part stops.
    pub(crate) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task under a span that names it. It runs until it ends or sees the stop.
    pub(crate) fn spawn(&self, span: Span, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task.instrument(span));
    }

    /// Starts a job that is dropped at the stop.
    pub(crate) fn spawn_until_stop(
        &self,
        span: Span,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.spawn(span, async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Runs something that blocks, on the threads made for that.
    pub(crate) fn spawn_blocking(&self, span: Span, job: impl FnOnce() + Send + 'static) {
        self.tracker.spawn_blocking(move || span.in_scope(job));
    }

    /// Tells all to stop and waits; `false` when some did not end in time.
    pub(crate) async fn stop_all(&self) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limits::STOP_TIMEOUT, self.tracker.wait())
            .await
            .is_ok()
    }
}

/// The sending end of a mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox<M>(mpsc::Sender<M>);

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A mailbox and its receiving end.
pub(crate) fn mailbox<M>() -> (Mailbox<M>, mpsc::Receiver<M>) {
    let (tx, rx) = mpsc::channel(limits::MAILBOX);
    (Mailbox(tx), rx)
}

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, OperationError>>;

impl<M> Mailbox<M> {
    /// Both lead to the same actor.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }

    /// Sends a message; waits while the mailbox is full. Lost when the actor has stopped.
    pub(crate) async fn send(&self, message: M) {
        // An actor that is gone takes its state with it: there is nobody to tell.
        drop(self.0.send(message).await);
    }

    /// Sends from an actor's handler, which must not wait; `false` when the mailbox is full.
    pub(crate) fn try_send(&self, message: M) -> bool {
        self.0.try_send(message).is_ok()
    }

    /// Offers a message without waiting; here it is back when the mailbox is full. Lost when the
    /// actor has stopped.
    pub(crate) fn offer(&self, message: M) -> Result<(), M> {
        match self.0.try_send(message) {
            Err(mpsc::error::TrySendError::Full(message)) => Err(message),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Sends from a thread that may block.
    pub(crate) fn blocking_send(&self, message: M) {
        // See `send`.
        drop(self.0.blocking_send(message));
    }

    /// Asks and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<T, OperationError> {
        let (reply, answer) = oneshot::channel();
        self.send(message(reply)).await;
        answer.await.unwrap_or(Err(OperationError::Stopping))
    }
}
