//! What is kept of others' games.

use serde::{Deserialize, Serialize};

/// What is kept of others' games.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Mirror {
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
    /// Games that are not fetched, sorted by id; a hundred at most.
    pub left: Vec<LeftGame>,
    /// How many those are in all.
    pub left_games: u32,
}

/// A game that is not fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LeftGame {
    /// Which.
    pub game: String,
    /// Why not.
    pub why: LeftWhy,
}

/// Why a game is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LeftWhy {
    /// It would not fit into the quota.
    OverQuota,
    /// Too little would stay free.
    NoRoom,
    /// It failed, and is tried again later.
    Resting,
    /// A person must choose a content, or a peer with all of it must come.
    Unclear,
}
