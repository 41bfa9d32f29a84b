//! [`LocalLibrary`]: what this machine has, as its peers hear it.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec,
    vec::Vec,
};
use core::cell::OnceCell;

use lanspread_proto::{
    ContentId, GameId, Hash,
    library::{LibraryDigest, LibraryEntry, hash_entries},
    limits,
    wire::{
        Bounded, LinkMessage,
        link::{LibraryDelta, LibraryPage, LibraryWant},
    },
};

use super::{EntryKey, Fill, cut_pages, key_bytes_max, key_of, wire_bytes_max};

/// Our own library. Invariant: the log holds the keys of the last changes, one per revision.
#[derive(Debug, Clone)]
pub struct LocalLibrary {
    epoch: u64,
    revision: u64,
    entries: BTreeMap<EntryKey, LibraryEntry>,
    /// The key that each of the newest revisions changed, oldest first.
    log: VecDeque<EntryKey>,
    /// Up to here every linked peer was told.
    announced: u64,
    hash: OnceCell<Hash>,
}

/// The library has as many entries as peers accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the library is full: {} entries", limits::LIBRARY_ENTRIES_MAX)]
pub struct LibraryFull;

impl LocalLibrary {
    /// An empty library. The epoch is drawn at random at each start and is not 0.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch: epoch.max(1),
            revision: 0,
            entries: BTreeMap::new(),
            log: VecDeque::new(),
            announced: 0,
            hash: OnceCell::new(),
        }
    }

    /// Adds or changes an entry; `false` when it is so already.
    ///
    /// # Errors
    /// The library has as many entries as peers accept.
    pub fn upsert(&mut self, entry: LibraryEntry) -> Result<bool, LibraryFull> {
        let key = key_of(&entry);
        match self.entries.get(&key) {
            Some(old) if *old == entry => return Ok(false),
            Some(_) => {}
            None if self.entries.len() >= limits::LIBRARY_ENTRIES_MAX => return Err(LibraryFull),
            None => {}
        }
        self.entries.insert(key.clone(), entry);
        self.log_change(key);
        Ok(true)
    }

    /// Takes an entry out; `false` when it is not there.
    pub fn remove(&mut self, game: &GameId, content: ContentId) -> bool {
        let key = (game.clone(), content);
        if self.entries.remove(&key).is_none() {
            return false;
        }
        self.log_change(key);
        true
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, game: &GameId, content: ContentId) -> Option<&LibraryEntry> {
        self.entries.get(&(game.clone(), content))
    }

    /// All entries, by game and content.
    pub fn entries(&self) -> impl Iterator<Item = &LibraryEntry> {
        self.entries.values()
    }

    /// What `Hello` carries.
    #[must_use]
    pub fn digest(&self) -> LibraryDigest {
        LibraryDigest {
            epoch: self.epoch,
            revision: self.revision,
            count: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
            hash: *self
                .hash
                .get_or_init(|| hash_entries(self.entries.values())),
        }
    }

    /// Answers a peer: nothing if it is up to date, one delta if that fits, else all pages. The
    /// caller paces them ([`crate::Bucket::control`]).
    #[must_use]
    pub fn answer(&self, want: &LibraryWant) -> Vec<LinkMessage> {
        if want.epoch == self.epoch && want.revision == self.revision {
            return Vec::new();
        }
        let known = want.epoch == self.epoch;
        match known.then(|| self.delta_from(want.revision)).flatten() {
            Some(delta) => vec![LinkMessage::LibraryDelta(delta)],
            None => self.snapshot(),
        }
    }

    /// What to tell every linked peer since the last call: one delta, or the digest if there is
    /// too much for one. The caller limits how often it asks.
    pub fn take_announcement(&mut self) -> Option<LinkMessage> {
        if self.announced == self.revision {
            return None;
        }
        let delta = self.delta_from(self.announced);
        self.announced = self.revision;
        Some(delta.map_or_else(
            || LinkMessage::LibraryChanged(self.digest()),
            LinkMessage::LibraryDelta,
        ))
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        assert!(self.entries.len() <= limits::LIBRARY_ENTRIES_MAX);
        assert!(self.log.len() <= limits::DELTA_LOG_MAX);
        assert!(self.log.len() as u64 <= self.revision);
        assert!(self.announced <= self.revision);
    }

    fn log_change(&mut self, key: EntryKey) {
        self.revision += 1;
        self.hash.take();
        if self.log.len() == limits::DELTA_LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(key);
    }

    /// All changes after a revision, each key once in its present state.
    fn delta_from(&self, revision: u64) -> Option<LibraryDelta> {
        let behind = usize::try_from(self.revision.checked_sub(revision)?).ok()?;
        let first = self.log.len().checked_sub(behind)?;
        let keys: BTreeSet<&EntryKey> = self.log.range(first..).collect();
        let mut fill = Fill::default();
        let (mut upserts, mut removals) = (Vec::new(), Vec::new());
        for key in keys {
            let entry = self.entries.get(key);
            if !fill.add(entry.map_or_else(|| key_bytes_max(key), wire_bytes_max)) {
                return None;
            }
            match entry {
                Some(entry) => upserts.push(entry.clone()),
                None => removals.push(key.clone()),
            }
        }
        Some(LibraryDelta {
            from: revision,
            digest: self.digest(),
            upserts: Bounded::cut(upserts),
            removals: Bounded::cut(removals),
        })
    }

    fn snapshot(&self) -> Vec<LinkMessage> {
        let digest = self.digest();
        let pages = cut_pages(self.entries.values());
        let count = pages.len();
        let page = |(number, entries): (usize, Vec<LibraryEntry>)| {
            LinkMessage::LibraryPage(LibraryPage {
                digest,
                page: u32::try_from(number).unwrap_or(u32::MAX),
                last: number + 1 == count,
                entries: Bounded::cut(entries),
            })
        };
        pages.into_iter().enumerate().map(page).collect()
    }
}
