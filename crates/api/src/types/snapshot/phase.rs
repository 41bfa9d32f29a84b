//! What a phase says of its operation.

use super::Phase;

impl Phase {
    /// Nothing more will happen.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }

    /// It waits, and nothing moves until then.
    #[must_use]
    pub const fn is_still(self) -> bool {
        matches!(
            self,
            Self::Queued
                | Self::Paused
                | Self::WaitingForSource
                | Self::WaitingForGamesDir
                | Self::CloseTheGame
        )
    }
}
