//! The parts of a node, whether they run, and what is wrong.

use serde::{Deserialize, Serialize};

/// A part of the node that is started again when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// The loop that takes commands.
    Commands,
    /// Listening and links.
    Server,
    /// Multicast DNS.
    Discovery,
    /// The node's own addresses, by which links are noticed to be dead.
    Liveness,
    /// The watch on the games directory.
    LibraryMonitor,
    /// What is sent to others.
    Uploads,
    /// What all peers have.
    Library,
    /// Who may send how much to this node.
    Credit,
    /// Programs that were started, and the catalog.
    Programs,
    /// Keeping others' games.
    Mirror,
    /// What is shown.
    Views,
}

impl Component {
    /// Its name for people.
    #[must_use]
    pub const fn for_people(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Server => "listening and links",
            Self::Discovery => "multicast discovery",
            Self::Liveness => "liveness of links",
            Self::LibraryMonitor => "the watch on the games directory",
            Self::Uploads => "uploads",
            Self::Library => "the library of all peers",
            Self::Credit => "the budget of transfers",
            Self::Programs => "programs that were started",
            Self::Mirror => "the mirror",
            Self::Views => "what is shown",
        }
    }
}

/// Whether a part runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ComponentState {
    /// Which.
    pub component: Component,
    /// It runs.
    pub running: bool,
    /// How often it was started again.
    pub restarts: u32,
}

/// What needs a person's eye.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// A stable code.
    pub code: String,
    /// About what: a path, an interface, a game.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
}
