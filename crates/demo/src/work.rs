//! [`Work`]: what blocks, on a thread of its own, that can be told to stop and is waited for.
//!
//! Invariant: when [`Work::end`] returns, no thread touches the demo's files any more.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::oneshot, task::JoinHandle};

use crate::error::DemoError;

/// Whether the work is to stop; asked at every step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Has been told to stop already.
    #[cfg(test)]
    pub(crate) fn stopped() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Fails once the work is to stop.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            Err(io::Error::other("stopped"))
        } else {
            Ok(())
        }
    }

    /// The same bytes, until the work is to stop.
    pub(crate) fn guard<R: Read>(&self, bytes: R) -> Stoppable<'_, R> {
        Stoppable { stop: self, bytes }
    }
}

/// A reader that fails once the work is to stop.
pub(crate) struct Stoppable<'a, R> {
    stop: &'a Stop,
    bytes: R,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.bytes.read(out)
    }
}

/// The one blocking work that runs at a time.
#[derive(Debug, Default)]
pub(crate) struct Work {
    stop: Stop,
    running: Option<JoinHandle<()>>,
}

impl Work {
    /// Runs a job on a thread for blocking work.
    pub(crate) async fn run<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&Stop) -> Result<T, DemoError> + Send + 'static,
    ) -> Result<T, DemoError> {
        let (tell, told) = oneshot::channel();
        let stop = self.stop.clone();
        let running = tokio::task::spawn_blocking(move || {
            // Whoever asked may be gone.
            drop(tell.send(job(&stop)));
        });
        self.running = Some(running);
        told.await.unwrap_or(Err(DemoError::Stopped))
    }

    /// Stops what runs and waits for it.
    pub(crate) async fn end(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        if let Some(running) = self.running.take()
            && let Err(error) = running.await
        {
            tracing::error!(%error, "work of the demo failed");
        }
    }
}
