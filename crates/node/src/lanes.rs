//! [`LaneNumbers`]: names for lanes, never reused.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lanspread_swarm::credit::LaneId;

/// Counts the lanes of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneNumbers(Arc<AtomicU64>);

impl LaneNumbers {
    /// The next number.
    pub(crate) fn next(&self) -> LaneId {
        LaneId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
