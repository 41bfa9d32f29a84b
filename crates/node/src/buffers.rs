//! Piece buffers: a fixed budget of memory for the whole machine, used again and again.
//!
//! Invariant: the bytes of all buffers that are out never exceed the budget; whoever wants one more
//! waits, and with it the lane it reads. What we send has a budget of its own: two peers that send
//! to
//! each other must not wait for each other's buffers, nor a download for a receiver that is stuck.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
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
    free: Receiver<Vec<u8>>,
    back: Sender<Vec<u8>>,
}

/// Memory for one piece. Goes back by itself.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    back: Sender<Vec<u8>>,
    _permit: OwnedSemaphorePermit,
}

impl Buffers {
    /// A budget of so many bytes, unused.
    pub(crate) fn new(bytes: u64) -> Self {
        let units = bytes / UNIT_BYTES;
        let (back, free) = crossbeam_channel::bounded(KEPT);
        let budget = Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX)));
        Self { budget, free, back }
    }

    /// A buffer of a length; waits while the budget is spent. `None` when the node stops.
    pub(crate) async fn take(&self, len: u32) -> Option<Buffer> {
        let units = u64::from(len).div_ceil(UNIT_BYTES).max(1);
        let permit = Arc::clone(&self.budget)
            .acquire_many_owned(u32::try_from(units).ok()?)
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
            _permit: permit,
        })
    }
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
}
