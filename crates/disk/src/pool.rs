//! [`Pool`]: a few named threads for hashing and writing, behind a bounded queue.
//!
//! **Invariant:** every job that was taken in runs exactly once, and a panic in one job ends that
//! job only.

use std::{
    fmt, io,
    num::NonZeroUsize,
    panic::{self, AssertUnwindSafe},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

/// Work for a thread of the pool.
pub type Job = Box<dyn FnOnce() + Send>;

/// Worker threads. Dropping it waits for all jobs that were taken in.
pub struct Pool {
    /// `None` only while it is dropped.
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads` threads named `name`, with room for `queue_max` waiting jobs.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start(name: &str, threads: NonZeroUsize, queue_max: usize) -> io::Result<Self> {
        let (queue, jobs) = crossbeam_channel::bounded(queue_max);
        let threads = (0..threads.get())
            .map(|index| {
                let jobs = jobs.clone();
                thread::Builder::new()
                    .name(format!("{name}-{index}"))
                    .spawn(move || work(&jobs))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            queue: Some(queue),
            threads,
        })
    }

    /// Takes a job in; waits while the queue is full.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let job: Job = Box::new(job);
        let refused = match &self.queue {
            Some(queue) => queue.send(job).err().map(|refused| refused.0),
            None => Some(job),
        };
        // The threads end only when the queue is dropped; the promise holds even then.
        if let Some(job) = refused {
            job();
        }
    }

    /// Takes a job in if there is room.
    ///
    /// # Errors
    /// The queue is full: here is the job back.
    pub fn try_submit(&self, job: Job) -> Result<(), Job> {
        let Some(queue) = &self.queue else {
            return Err(job);
        };
        queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }

    /// Number of threads.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        self.threads.len()
    }
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        // What there is to say of a panic, the hook has said.
        drop(panic::catch_unwind(AssertUnwindSafe(job)));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        let own = thread::current().id();
        for thread in self.threads.drain(..) {
            // The last owner may be a job: a thread cannot wait for itself.
            if thread.thread().id() != own {
                // Jobs cannot take a thread down, so there is no panic to report.
                drop(thread.join());
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.threads.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    };

    fn pool(threads: usize, queue_max: usize) -> Pool {
        Pool::start("test", NonZeroUsize::new(threads).unwrap(), queue_max).unwrap()
    }

    #[test]
    fn every_job_runs_once_before_drop_returns() {
        let done = Arc::new(AtomicU64::new(0));
        let pool = pool(3, 2);
        for _ in 0..500 {
            let done = Arc::clone(&done);
            pool.submit(move || {
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        drop(pool);
        assert_eq!(done.load(Ordering::SeqCst), 500);
    }

    #[test]
    fn a_panic_ends_one_job_only() {
        let pool = pool(1, 4);
        let (tell, told) = mpsc::sync_channel(4);
        pool.submit(|| panic!("planted"));
        pool.submit(move || {
            tell.send(thread::current().name().map(String::from))
                .unwrap()
        });
        assert_eq!(told.recv().unwrap().as_deref(), Some("test-0"));
    }

    #[test]
    fn a_full_queue_says_so_and_gives_the_job_back() {
        let pool = pool(1, 1);
        let (open, gate) = mpsc::sync_channel::<()>(4);
        let (tell, told) = mpsc::sync_channel(4);
        pool.submit(move || {
            tell.send(()).unwrap();
            gate.recv().unwrap();
        });
        told.recv().unwrap();
        assert!(pool.try_submit(Box::new(|| {})).is_ok());
        let ran = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&ran);
        let job: Job = Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let back = pool.try_submit(job).unwrap_err();
        open.send(()).unwrap();
        pool.submit(back);
        drop(pool);
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_job_may_own_the_last_pool() {
        let shared = Arc::new(pool(1, 1));
        let (tell, told) = mpsc::sync_channel(4);
        let (open, gate) = mpsc::sync_channel::<()>(4);
        let inner = Arc::clone(&shared);
        shared.submit(move || {
            gate.recv().unwrap();
            drop(inner);
            tell.send(()).unwrap();
        });
        drop(shared);
        open.send(()).unwrap();
        told.recv().unwrap();
    }
}
