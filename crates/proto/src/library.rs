//! What a peer says it has: [`LibraryEntry`], and the digest by which two peers see whether they
//! agree.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{
    hash::Hash,
    id::{ContentId, GameId},
    text::Title,
    version::VersionLabel,
    wire::bounded::{Bounded, Extension, Extensions},
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

/// The extension of an entry whose peer runs a server of the game: nothing, or the port as two
/// bytes, lowest first.
pub const HOSTS: u16 = 1;

impl LibraryEntry {
    /// Whether the peer runs a server of the game; where that listens, if it says so.
    #[must_use]
    pub fn hosts(&self) -> Option<Option<u16>> {
        let mut extensions = self.extensions.iter();
        let said = extensions.find(|extension| extension.tag == HOSTS)?;
        let port = <[u8; 2]>::try_from(&*said.bytes).map(u16::from_le_bytes);
        Some(port.ok().filter(|port| *port != 0))
    }

    /// Says that a server of the game runs, and where it listens.
    pub fn set_hosts(&mut self, port: Option<u16>) {
        let bytes = port.map(u16::to_le_bytes).into_iter().flatten();
        let said = Extension {
            tag: HOSTS,
            bytes: Bounded::cut(bytes),
        };
        let others = core::mem::take(&mut self.extensions).into_vec().into_iter();
        let others = others.filter(|extension| extension.tag != HOSTS);
        self.extensions = Bounded::cut(core::iter::once(said).chain(others));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn entry() -> LibraryEntry {
        LibraryEntry {
            game: GameId::parse("quake").unwrap(),
            content: ContentId::from_bytes([1; 32]),
            version: VersionLabel::parse("1").unwrap(),
            title: Title::default(),
            availability: Availability::Ready,
            payload: Size::default(),
            unpacked: None,
            extensions: Extensions::default(),
        }
    }

    #[test]
    fn who_hosts_says_so() {
        let mut entry = entry();
        assert_eq!(entry.hosts(), None);
        for port in [None, Some(27_960), Some(1)] {
            entry.set_hosts(port);
            assert_eq!(entry.hosts(), Some(port));
            assert_eq!(entry.extensions.len(), 1);
        }
    }

    #[test]
    fn what_a_peer_says_is_bounded_and_may_be_anything() {
        let other = |tag, bytes: &[u8]| Extension {
            tag,
            bytes: Bounded::cut(bytes.iter().copied()),
        };
        for bytes in [&[0_u8, 0][..], &[1], &[1, 2, 3]] {
            let mut said = entry();
            said.extensions = Bounded::cut([other(HOSTS, bytes)]);
            assert_eq!(said.hosts(), Some(None), "{bytes:?}");
        }
        let mut full = entry();
        full.extensions = Bounded::cut((10..99).map(|tag| other(tag, &[])));
        full.set_hosts(Some(7));
        assert_eq!(full.extensions.len(), limits::EXTENSIONS_MAX);
        assert_eq!(full.hosts(), Some(Some(7)));
    }
}
