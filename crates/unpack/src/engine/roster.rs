//! [`Roster`]: the files sent so far, so that a later record can say *the same bytes as that one*.

use std::collections::HashMap;

use super::EngineError;
use crate::error::ErrorCode;

/// Files and copies in the order they were sent, which is how the parent counts them.
#[derive(Default)]
pub(super) struct Roster {
    by_name: HashMap<String, Known>,
    next: u32,
}

#[derive(Clone, Copy)]
struct Known {
    index: u32,
    bytes: u64,
}

impl Roster {
    /// Notes a complete file.
    pub(super) fn add(&mut self, name: &str, bytes: u64) {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        self.by_name.insert(name.to_owned(), Known { index, bytes });
    }

    /// The number and size of an earlier file.
    ///
    /// # Errors
    /// There is none of this name: the copy points out of the archive, or forward.
    pub(super) fn find(&self, target: &str, entry: &str) -> Result<(u32, u64), EngineError> {
        match self.by_name.get(target) {
            Some(known) => Ok((known.index, known.bytes)),
            None => {
                let detail = format!("a copy of {target:?}, which is no earlier file");
                Err(EngineError::new(ErrorCode::Damaged, detail).at(entry))
            }
        }
    }
}
