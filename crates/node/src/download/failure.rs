//! What went wrong with storing, for people.

use std::sync::Arc;

use lanspread_disk::partial::StoreError;
use lanspread_proto::GameId;

use crate::error::OperationError;

pub(crate) fn store_error(game: &GameId, error: StoreError) -> OperationError {
    match error {
        StoreError::Disk(error) | StoreError::SyncFailed(error) => error.into(),
        error @ (StoreError::BadChunk(_)
        | StoreError::NotOurs(_)
        | StoreError::OtherContent(_)
        | StoreError::Broken
        | StoreError::Incomplete(_)
        | StoreError::Cancelled) => shared_store_error(game, &Arc::new(error)),
    }
}

pub(super) fn shared_store_error(game: &GameId, error: &Arc<StoreError>) -> OperationError {
    match error.as_ref() {
        StoreError::Cancelled => OperationError::Cancelled,
        StoreError::NotOurs(place) | StoreError::OtherContent(place) => OperationError::Record {
            path: place.path(),
            reason: error.to_string(),
        },
        StoreError::Disk(_)
        | StoreError::SyncFailed(_)
        | StoreError::BadChunk(_)
        | StoreError::Broken
        | StoreError::Incomplete(_) => OperationError::Store {
            game: game.clone(),
            full: error.is_full(),
            reason: error.to_string(),
        },
    }
}
