//! What a peer says it has: [`LibraryEntry`], and the digest by which two peers see whether they
//! agree.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{
    hash::Hash,
    id::{ContentId, GameId},
    text::Title,
    version::VersionLabel,
    wire::bounded::Extensions,
};

/// What a peer can do with a content for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Availability {
    /// It has every byte and serves it.
    Ready,
    /// It is downloading and serves what it has.
    Partial,
    /// It has it installed without the payload: never a source.
    LocalOnly,
}

/// One content in one peer's library. The key is game and content: during an update a peer has two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryEntry {
    /// Which game.
    pub game: GameId,
    /// Which bytes.
    pub content: ContentId,
    /// What its `version.ini` calls it.
    pub version: VersionLabel,
    /// The name for people.
    pub title: Title,
    /// What the peer can do with it.
    pub availability: Availability,
    /// Bytes and files of the payload.
    pub payload: Size,
    /// Bytes and entries after unpacking, as the publisher's listing said; a hint.
    pub unpacked: Option<Size>,
    /// Room to grow.
    pub extensions: Extensions,
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u32,
}

/// The state of one peer's library in a few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryDigest {
    /// Drawn at random at each start: revisions of different epochs do not compare.
    pub epoch: u64,
    /// Grows with each change.
    pub revision: u64,
    /// Number of entries.
    pub count: u32,
    /// [`hash_entries`] of all of them.
    pub hash: Hash,
}

/// The hash of a library: over its entries' encodings, sorted by game and content.
#[must_use]
pub fn hash_entries<'a>(entries: impl IntoIterator<Item = &'a LibraryEntry>) -> Hash {
    let mut sorted: Vec<&LibraryEntry> = entries.into_iter().collect();
    sorted.sort_by(|a, b| (&a.game, a.content).cmp(&(&b.game, b.content)));
    // Encoding into memory cannot fail.
    Hash::of(&postcard::to_allocvec(&sorted).unwrap_or_default())
}
