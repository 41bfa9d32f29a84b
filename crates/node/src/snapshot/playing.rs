//! What is shown of playing a game: what is known of it, what runs, who can be joined.

pub use lanspread_disk::catalog::Genre;
use lanspread_proto::PeerId;

/// How a game is played here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not exclude each other"
)]
pub struct PlayInfo {
    /// It has a program for this system.
    pub can_play: bool,
    /// It has a server for this system.
    pub can_serve: bool,
    /// It can be told whom to join.
    pub can_join: bool,
    /// Whether the game runs.
    pub state: PlayState,
    /// Whether its server runs.
    pub serving: bool,
}

/// Whether a game runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayState {
    /// It does not.
    Idle,
    /// Its set-up runs.
    SettingUp,
    /// It does.
    Running,
}

/// Somebody who runs a server of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostView {
    /// Who.
    pub peer: PeerId,
    /// Where it listens, if they say so.
    pub port: Option<u16>,
}

/// What a catalog knows of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutView {
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
}
