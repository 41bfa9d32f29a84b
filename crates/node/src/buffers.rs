//! Piece buffers: a fixed budget of memory for the whole machine, used again and again.
//!
//! Invariant: the bytes of all buffers that are out never exceed the budget; whoever wants one more
//! waits, and with it the lane it reads. What we send has a budget of its own: two peers that send
//! to
//! each other must not wait for each other's buffers, nor a download for a receiver that is stuck.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget is counted in these, so that it fits a semaphore.
const UNIT_BYTES: u64 = 4_096;
/// Buffers that are kept for use again; more are given back to the allocator.
const KEPT: usize = 64;

/// The budget.
#[derive(Debug, Clone)]
pub(crate) struct Buffers {
    budget: Arc<Semaphore>,
    /// The half of it that those may have who are not known to fill a buffer soon.
    slow: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    free: Receiver<Vec<u8>>,
    back: Sender<Vec<u8>>,
}

/// Memory for one piece. Goes back by itself.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    back: Sender<Vec<u8>>,
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

/// Somebody waits for a buffer.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Buffers {
    /// A budget of so many bytes, unused.
    pub(crate) fn new(bytes: u64) -> Self {
        let units = bytes / UNIT_BYTES;
        let (back, free) = crossbeam_channel::bounded(KEPT);
        let semaphore =
            |units| Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX)));
        Self {
            budget: semaphore(units),
            slow: semaphore(units / 2),
            waiting: Arc::default(),
            free,
            back,
        }
    }

    /// Somebody waits for a buffer now.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// A buffer for somebody who may need long to fill it: out of half the budget only, so that any
    /// number of slow ones leaves the other half to the quick.
    pub(crate) async fn take_slow(&self, len: u32) -> Option<Buffer> {
        let _waits = Waits::new(&self.waiting);
        let slow = Arc::clone(&self.slow)
            .acquire_many_owned(units_of(len))
            .await;
        let slow = slow.ok()?;
        let mut buffer = self.take(len).await?;
        buffer._permits.1 = Some(slow);
        Some(buffer)
    }

    /// A buffer of a length; waits while the budget is spent. `None` when the node stops.
    pub(crate) async fn take(&self, len: u32) -> Option<Buffer> {
        let _waits = Waits::new(&self.waiting);
        let permit = Arc::clone(&self.budget)
            .acquire_many_owned(units_of(len))
            .await
            .ok()?;
        let len = len as usize;
        let mut bytes = self.free.try_recv().unwrap_or_default();
        // Grown once to the size of a chunk and then only reused: no zeroing per piece.
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        Some(Buffer {
            bytes,
            len,
            back: self.back.clone(),
            _permits: (permit, None),
        })
    }
}

fn units_of(len: u32) -> u32 {
    let units = u64::from(len).div_ceil(UNIT_BYTES).max(1);
    u32::try_from(units).unwrap_or(u32::MAX)
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // A full shelf means enough are kept: this one is freed.
        drop(self.back.try_send(std::mem::take(&mut self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_budget_is_kept_and_memory_used_again() {
        let buffers = Buffers::new(8 << 20);
        let size = 1 << 20;
        let mut out = Vec::new();
        for _ in 0..8 {
            out.push(buffers.take(size).await.unwrap());
        }
        assert_eq!(buffers.budget.available_permits(), 0);
        let address = out[0].as_ptr();
        out.remove(0);
        let again = buffers.take(5).await.unwrap();
        assert_eq!((again.as_ptr(), again.len()), (address, 5));
    }

    #[tokio::test]
    async fn the_slow_leave_half_to_the_quick() {
        let buffers = Buffers::new(8 << 20);
        let mut slow = Vec::new();
        for _ in 0..4 {
            slow.push(buffers.take_slow(1 << 20).await.unwrap());
        }
        assert!(!buffers.is_short());
        let mut one_more = Box::pin(buffers.take_slow(1));
        tokio::select! {
            biased;
            _ = &mut one_more => panic!("the slow have more than half"),
            () = std::future::ready(()) => {}
        }
        assert!(buffers.is_short());
        let mut quick = Vec::new();
        for _ in 0..4 {
            quick.push(buffers.take(1 << 20).await.unwrap());
        }
        slow.pop();
        drop(one_more.await.unwrap());
        assert!(!buffers.is_short());
    }
}
