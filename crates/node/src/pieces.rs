//! [`Pieces`]: the threads that check, write and read pieces, for those who must not wait for them
//! on the thread that runs everything else.

use std::sync::Arc;

use lanspread_disk::pool::Pool;
use tokio::sync::Semaphore;

use crate::limits;

/// A door to the threads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    pool: Arc<Pool>,
    /// Places in the queue of the pool: whoever has one is never kept waiting by it.
    places: Arc<Semaphore>,
}

impl Pieces {
    /// A pool whose queue has [`limits::POOL_QUEUE`] places, used by nobody else.
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            places: Arc::new(Semaphore::new(limits::POOL_QUEUE)),
        }
    }

    /// Takes a job in as soon as there is a place in the queue; who waits lets others run.
    pub(crate) async fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        self.pool.submit(move || {
            // A place is free when its job begins. Nobody closes the semaphore.
            drop(place);
            job();
        });
    }

    /// Takes a job in if there is a place in the queue now.
    pub(crate) fn try_submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return false;
        };
        self.pool.submit(move || {
            drop(place);
            job();
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn a_full_queue_keeps_nobody_else_waiting() {
        let pool = Pool::start("test", NonZeroUsize::MIN, limits::POOL_QUEUE).unwrap();
        let pieces = Pieces::new(Arc::new(pool));
        let (open, gate) = mpsc::sync_channel::<()>(1);
        let (begun, begins) = mpsc::sync_channel(1);
        pieces
            .submit(move || {
                begun.send(()).unwrap();
                gate.recv().unwrap();
            })
            .await;
        begins.recv().unwrap();
        let mut taken = 0;
        while pieces.try_submit(|| {}) {
            taken += 1;
        }
        assert_eq!(taken, limits::POOL_QUEUE);
        // One more waits, and this thread goes on: it is the one that opens the gate.
        let (tell, told) = tokio::sync::oneshot::channel();
        let waiting = pieces.submit(move || tell.send(()).unwrap());
        let other = async { open.send(()).unwrap() };
        tokio::join!(waiting, other);
        told.await.unwrap();
    }
}
