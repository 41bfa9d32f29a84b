//! What a payload should be, for whoever verifies it.

use std::sync::Arc;

use lanspread_disk::content::OpenContent;
use lanspread_proto::{ContentId, GameId};

use super::{Shelf, look::Known};
use crate::error::OperationError;

/// What a payload should be.
#[derive(Debug)]
pub(crate) struct Reference {
    /// The content that was downloaded; else the one that was hashed here.
    pub(crate) content: ContentId,
    /// Its files as they were when they were last known to be it.
    pub(crate) open: Option<Arc<OpenContent>>,
    /// What lies there, whatever content that is, as it was last seen.
    pub(crate) there: Option<Arc<OpenContent>>,
}

impl Shelf {
    pub(super) fn reference(&self, game: &GameId) -> Result<Reference, OperationError> {
        let entry = self
            .entries
            .get(game)
            .filter(|entry| entry.seen.downloaded.is_some())
            .ok_or_else(|| OperationError::NotDownloaded(game.clone()))?;
        let known = entry.known.as_ref().or(entry.rotten.as_ref());
        let fetched = entry.fetched;
        let content = fetched
            .or(known.map(Known::content))
            .ok_or_else(|| OperationError::Checking(game.clone()))?;
        let open = known.filter(|known| known.content() == content);
        Ok(Reference {
            content,
            open: open.map(|known| Arc::clone(&known.open)),
            there: known.map(|known| Arc::clone(&known.open)),
        })
    }
}
