//! [`PlayError`]: why a game is not started.

use std::path::PathBuf;

use lanspread_proto::GameId;

use crate::error::OperationError;

/// Why a game is not started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PlayError {
    /// As for any other operation on the game.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// Neither a catalog nor the game says how it is started.
    #[error("nobody says how {0} is started")]
    NoProfile(GameId),
    /// It has no program for this system.
    #[error("{0} has no program for this system")]
    NoProgram(GameId),
    /// Its program is one for Windows, and neither Wine nor Proton is configured.
    #[error("{0} is a program for Windows, and no Wine or Proton is set")]
    NeedsWine(GameId),
    /// It has no server.
    #[error("{0} has no server that could be started")]
    NoServer(GameId),
    /// It cannot join anybody.
    #[error("{0} cannot be told whom to join")]
    NoJoin(GameId),
    /// There is no link to the peer that is to be joined.
    #[error("the peer that is to be joined is not connected")]
    NoHost,
    /// The profile is another one by now.
    #[error("how {0} is started is not what was shown")]
    OtherProfile(GameId),
    /// Nobody agreed to this profile.
    #[error("nobody agreed to how {0} is started")]
    ConsentNeeded(GameId),
    /// It runs.
    #[error("{0} is running already")]
    Running(GameId),
    /// The program is not where the profile says.
    #[error("{} is not there", .0.display())]
    ProgramMissing(PathBuf),
    /// The system did not start the program.
    #[error("cannot start {}: {reason}", program.display())]
    Start {
        /// Which program.
        program: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The set-up ended without success.
    #[error("the set-up of {game} failed: {reason}")]
    SetupFailed {
        /// Of which game.
        game: GameId,
        /// How it ended.
        reason: String,
    },
    /// The set-up needs an administrator, and none agreed.
    #[error("the set-up of {game} needs an administrator: {reason}")]
    SetupRefused {
        /// Of which game.
        game: GameId,
        /// What was said.
        reason: String,
    },
}

impl PlayError {
    /// A stable code for programs, translations and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation(error) => error.code(),
            Self::NoProfile(_) => "no-profile",
            Self::NoProgram(_) => "no-program",
            Self::NeedsWine(_) => "needs-wine",
            Self::NoServer(_) => "no-server",
            Self::NoJoin(_) => "no-join",
            Self::NoHost => "no-host",
            Self::OtherProfile(_) => "other-profile",
            Self::ConsentNeeded(_) => "consent-needed",
            Self::Running(_) => "game-running",
            Self::ProgramMissing(_) => "program-missing",
            Self::Start { .. } => "program-start",
            Self::SetupFailed { .. } => "setup-failed",
            Self::SetupRefused { .. } => "setup-refused",
        }
    }
}
