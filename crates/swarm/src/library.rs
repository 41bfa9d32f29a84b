//! Libraries: ours, that answers and announces, and the replica of a peer's.
//!
//! A library is a set of entries under a revision that grows by one per change. A peer that is
//! behind asks; it gets one delta if that is small, else a paged snapshot. Both are idempotent.
//! Invariant: a replica shows only states whose hash its owner announced.

mod local;
mod remote;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use lanspread_proto::{ContentId, GameId, library::LibraryEntry, limits};

pub use local::{LibraryFull, LocalLibrary};
pub use remote::{LibraryError, RemoteLibrary};

/// What names an entry: during an update a peer has two contents of a game.
pub type EntryKey = (GameId, ContentId);

/// Bytes of a page or delta that are not entries: digest, numbers, lengths; rounded up.
const ENVELOPE_BYTES: usize = 256;
/// The longest integer on the wire.
const VARINT_BYTES: usize = 10;

fn key_of(entry: &LibraryEntry) -> EntryKey {
    (entry.game.clone(), entry.content)
}

/// At least what the entry takes on the wire.
fn wire_bytes_max(entry: &LibraryEntry) -> usize {
    let texts =
        entry.game.as_str().len() + entry.version.as_str().len() + entry.title.as_str().len();
    let extensions: usize = entry.extensions.iter().map(|e| e.bytes.len() + 8).sum();
    // Two ids and a tag, and room for every number at its longest.
    texts + extensions + 32 + 12 * VARINT_BYTES
}

/// At least what the key takes on the wire.
fn key_bytes_max(key: &EntryKey) -> usize {
    key.0.as_str().len() + 32 + VARINT_BYTES
}

/// How much one message may hold.
#[derive(Debug, Default)]
struct Fill {
    entries: usize,
    bytes: usize,
}

impl Fill {
    /// Adds an entry of so many bytes if it still fits.
    fn add(&mut self, bytes: usize) -> bool {
        let room = limits::CONTROL_FRAME_BYTES_MAX as usize - ENVELOPE_BYTES;
        if self.entries == limits::LIBRARY_PAGE_ENTRIES_MAX || self.bytes + bytes > room {
            return false;
        }
        self.entries += 1;
        self.bytes += bytes;
        true
    }
}

/// Cuts entries into pages that fit their frame; at least one page.
fn cut_pages<'a>(entries: impl Iterator<Item = &'a LibraryEntry>) -> Vec<Vec<LibraryEntry>> {
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let mut fill = Fill::default();
    for entry in entries {
        let bytes = wire_bytes_max(entry);
        if !fill.add(bytes) {
            pages.push(core::mem::take(&mut page));
            fill = Fill::default();
            fill.add(bytes);
        }
        page.push(entry.clone());
    }
    pages.push(page);
    pages
}
