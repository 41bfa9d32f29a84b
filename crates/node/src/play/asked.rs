//! What is asked when a game is to be started, and what is answered.

use std::{net::IpAddr, path::PathBuf};

use lanspread_install::launch::Language;
use lanspread_proto::{GameId, Hash, PeerId};

/// Which program of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The game.
    Game,
    /// Its server.
    Server,
}

/// Whose game is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// A linked peer's.
    Peer(PeerId),
    /// Somebody's at this address.
    Address(IpAddr),
}

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayRequest {
    /// Of which game.
    pub game: GameId,
    /// The game or its server.
    pub role: Role,
    /// Whose game is joined.
    pub join: Option<Join>,
    /// What the person reads.
    pub language: Language,
}

/// A start, as a person wants it after a look at the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRequest {
    /// What is to be started.
    pub play: PlayRequest,
    /// The hash of the profile that was shown.
    pub hash: Hash,
    /// The person was asked and agrees to that profile.
    pub agreed: Agreed,
}

/// Whether a person was asked about a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// And agrees.
    Yes,
    /// Not now; they may have agreed earlier.
    NotAsked,
}

/// What a start would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayPlan {
    /// What the person agrees to: it changes with any part of the profile.
    pub hash: Hash,
    /// Nobody need be asked: the profile is from this program or this machine's own catalog, or the
    /// person agreed to it.
    pub trusted: bool,
    /// Who says how the game is started.
    pub source: ProfileSource,
    /// The program that was asked for.
    pub command: CommandView,
    /// The set-up that runs before it, if it has not run.
    pub setup: Option<CommandView>,
    /// The server, if the profile has one for this system.
    pub server: Option<CommandView>,
    /// Text files that the profile sets once.
    pub settings: Vec<String>,
}

/// Who says how a game is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileSource {
    /// This program.
    Bundled,
    /// The catalog file of this machine.
    OwnCatalog,
    /// The game itself, so whoever published it.
    Game,
}

/// A command exactly as it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandView {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The directory that it starts in.
    pub folder: PathBuf,
}

/// What a start has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The program runs.
    Running,
    /// The set-up runs, and the program comes after it. What fails is in the snapshot's problems.
    SettingUp,
}
