//! Starting a game: what would be started, and what runs.

use serde::{Deserialize, Serialize};

/// What starting a game would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PlayPlan {
    /// What a person agrees to: it changes with any part of the profile. `play` and `start_server`
    /// name it.
    pub hash: String,
    /// Nobody need be asked: the profile is from this program or this machine's own catalog, or a
    /// person agreed to it earlier.
    pub trusted: bool,
    /// Who says how the game is started.
    pub source: ProfileSource,
    /// What was asked for, exactly as it is started.
    pub program: Program,
    /// The set-up that runs before it, if it has not run.
    pub setup: Option<Program>,
    /// The server, if the profile has one for this system.
    pub server: Option<Program>,
    /// Text files of the installed game that the profile sets once.
    pub settings: Vec<String>,
}

/// Who says how a game is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ProfileSource {
    /// This program.
    Bundled,
    /// The catalog file of this machine.
    OwnCatalog,
    /// The game itself, so whoever published it.
    Game,
}

/// A program exactly as it is started: no shell reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Program {
    /// Its path.
    pub path: String,
    /// Its arguments, one by one.
    pub arguments: Vec<String>,
    /// The directory that it starts in.
    pub folder: String,
}

/// How a game is played here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not exclude each other"
)]
pub struct Play {
    /// It has a program for this system.
    pub can_play: bool,
    /// It has a server for this system.
    pub can_serve: bool,
    /// It can be told whom to join.
    pub can_join: bool,
    /// Whether the game runs.
    pub state: PlayState,
    /// Its server runs.
    pub serving: bool,
}

/// Whether a game runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PlayState {
    /// It does not.
    Idle,
    /// Its set-up runs.
    SettingUp,
    /// It does.
    Running,
}

/// A peer that runs a server of a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Host {
    /// Its public key.
    pub peer: String,
    /// Where the server listens, if it says so.
    pub port: Option<u16>,
}

/// What is known of a game besides its bytes. What nobody is sure of is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct About {
    /// What it is, in English.
    pub description: Option<String>,
    /// The same in German.
    pub description_de: Option<String>,
    /// What kind of game.
    pub genre: Option<Genre>,
    /// Most players in one game.
    pub players_max: Option<u16>,
    /// The year in which it came out.
    pub year: Option<u16>,
    /// Under which terms it may be passed on.
    pub licence: Option<String>,
    /// Where its picture is on the control server; it changes with the picture.
    pub cover: Option<String>,
}

/// A kind of game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Genre {
    /// Aiming and shooting.
    Shooter,
    /// Plans and armies.
    Strategy,
    /// Who is first.
    Racing,
    /// A sport.
    Sport,
    /// Quick hands.
    Arcade,
    /// Thinking.
    Puzzle,
    /// A character that grows.
    RolePlaying,
    /// A thing as it is in the world.
    Simulation,
    /// Building in a world without an aim of its own.
    Sandbox,
    /// On a board or with cards.
    Board,
}
