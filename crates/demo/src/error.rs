//! [`DemoError`]: why a demo did not come to its end.

use std::{io, path::PathBuf, time::Duration};

use lanspread_node::{OperationError, StartError};
use lanspread_proto::{GameId, RelPath, id::IdError, rel_path::PathError};

/// Why a demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The volume is too small for the demo.
    #[error("{} has {free_bytes} bytes free, the demo needs {needed_bytes}", path.display())]
    NoSpace {
        /// Where the demo wants to be.
        path: PathBuf,
        /// Bytes that the whole demo needs.
        needed_bytes: u64,
        /// Bytes that are free there.
        free_bytes: u64,
    },
    /// A file or directory of the demo could not be made, read or removed.
    #[error("cannot {operation} {}: {source}", path.display())]
    File {
        /// Which verb: make, read, remove.
        operation: &'static str,
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path of a generated file breaks a rule: the list is wrong.
    #[error("a generated name is not valid: {0}")]
    Name(#[from] PathError),
    /// A name of a generated game breaks a rule: the list is wrong.
    #[error("a generated game has no valid id: {0}")]
    Id(#[from] IdError),
    /// A peer did not start.
    #[error("the peer {name} does not start: {source}")]
    Start {
        /// Which of the three.
        name: &'static str,
        /// Why.
        source: Box<StartError>,
    },
    /// A peer refuses to share what was generated.
    #[error("{peer} does not share {game}: {reason}")]
    NotShared {
        /// Which of the three.
        peer: &'static str,
        /// Which game.
        game: GameId,
        /// Why, for people.
        reason: String,
    },
    /// Nothing went on for a long time.
    #[error("nothing went on for {} s while {doing}; open: {}", after.as_secs(), open.join(", "))]
    Stalled {
        /// What was waited for.
        doing: &'static str,
        /// What was not there yet.
        open: Vec<String>,
        /// How long nothing changed.
        after: Duration,
    },
    /// A download or install was refused or failed.
    #[error("{game}: {source}")]
    Operation {
        /// Of which game.
        game: GameId,
        /// Why.
        source: Box<OperationError>,
    },
    /// A peer stopped by itself.
    #[error("a peer of the demo stopped by itself")]
    PeerStopped,
    /// An installed file is missing, is another one than was generated, or should not be there.
    #[error("{game}: the installed file {path} {wrong}")]
    Differs {
        /// Of which game.
        game: GameId,
        /// Which file, below `local/`.
        path: RelPath,
        /// What is wrong with it.
        wrong: Difference,
    },
    /// An installed directory holds another number of files than was generated.
    #[error("{game}: {found} files and directories are installed, {expected} were generated")]
    Count {
        /// Of which game.
        game: GameId,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// One of the two sources delivered nothing.
    #[error("nothing of {what} came from {peer}")]
    IdleSource {
        /// Which of the two.
        peer: &'static str,
        /// Of what: a game, or all games.
        what: String,
    },
    /// The demo was told to stop.
    #[error("the demo was stopped")]
    Stopped,
}

/// What is wrong with an installed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has other bytes.
    #[error("has other bytes than were generated")]
    Bytes,
}

impl DemoError {
    /// A stable code for programs and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSpace { .. } => "disk-full",
            Self::File { .. } => "disk",
            Self::Start { source, .. } => source.code(),
            Self::Operation { source, .. } => source.code(),
            Self::Differs { .. } | Self::Count { .. } => "demo-differs",
            Self::Stopped => "demo-stopped",
            Self::Name(_)
            | Self::Id(_)
            | Self::NotShared { .. }
            | Self::Stalled { .. }
            | Self::PeerStopped
            | Self::IdleSource { .. } => "demo-failed",
        }
    }

    /// For `map_err`: an operation on a path and what the system said.
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            operation,
            path,
            source,
        }
    }
}
