//! What is kept of others' games.

use lanspread_proto::GameId;
pub use lanspread_swarm::mirror::Verdict;

/// What is kept of others' games.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MirrorView {
    /// Whether it is done.
    pub on: bool,
    /// Games that were fetched and are kept.
    pub kept_games: u32,
    /// Bytes of their payloads.
    pub kept_bytes: u64,
    /// Games that are being fetched.
    pub fetching_games: u32,
    /// Games that come next.
    pub waiting_games: u32,
    /// Games that are here by another hand, and are left alone.
    pub foreign_games: u32,
    /// Games that are not fetched, and why; sorted by id.
    pub left: Vec<(GameId, Verdict)>,
}
