//! [`RemoteLibrary`]: our replica of one peer's library.

use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;

use lanspread_proto::{
    library::{LibraryDigest, LibraryEntry, hash_entries},
    limits,
    wire::link::{LibraryDelta, LibraryPage, LibraryWant},
};

use super::{EntryKey, key_of};
use crate::time::Instant;

/// An answer that makes no progress for this long is asked for again.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// After misfits the wait doubles up to this.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(300);

/// A replica. It shows the last state that matched its announced hash, and asks until it matches
/// the newest digest it heard of.
#[derive(Debug, Clone)]
pub struct RemoteLibrary {
    /// What the entries are; `None` before the first state.
    known: Option<LibraryDigest>,
    entries: BTreeMap<EntryKey, LibraryEntry>,
    /// The newest state heard of.
    target: LibraryDigest,
    incoming: Option<Incoming>,
    /// Until when an answer is waited for; asking is due when this is past.
    ask_at: Instant,
    wait: Duration,
}

/// A snapshot of which pages are still missing.
#[derive(Debug, Clone)]
struct Incoming {
    digest: LibraryDigest,
    pages: BTreeMap<u32, Vec<LibraryEntry>>,
    entry_count: usize,
    last_page: Option<u32>,
}

/// What a peer did wrong about its library. A replica asks again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// More entries than anybody may have: the protocol is broken.
    #[error("the library has more than {} entries", limits::LIBRARY_ENTRIES_MAX)]
    TooLarge,
    /// The entries do not have the hash that was announced with them.
    #[error("the library is not what was announced")]
    Misfit,
}

impl LibraryError {
    /// Whether the link should end.
    #[must_use]
    pub const fn is_violation(self) -> bool {
        matches!(self, Self::TooLarge)
    }
}

impl RemoteLibrary {
    /// Starts with the digest of the peer's hello.
    ///
    /// # Errors
    /// More entries than allowed.
    pub fn new(now: Instant, digest: LibraryDigest) -> Result<Self, LibraryError> {
        check_size(digest.count as usize)?;
        Ok(Self {
            known: None,
            entries: BTreeMap::new(),
            target: digest,
            incoming: None,
            ask_at: now,
            wait: ANSWER_WAIT,
        })
    }

    /// A new link to the same peer: what is known stays, and is compared.
    ///
    /// # Errors
    /// More entries than allowed.
    pub fn on_hello(&mut self, now: Instant, digest: LibraryDigest) -> Result<(), LibraryError> {
        check_size(digest.count as usize)?;
        self.target = digest;
        self.incoming = None;
        self.ask_at = now;
        self.wait = ANSWER_WAIT;
        Ok(())
    }

    /// The peer says that its library changed.
    ///
    /// # Errors
    /// More entries than allowed.
    pub fn on_changed(&mut self, now: Instant, digest: LibraryDigest) -> Result<(), LibraryError> {
        check_size(digest.count as usize)?;
        if self.is_news(&digest) {
            if self.is_current() {
                self.ask_at = now;
            }
            self.target = digest;
        }
        Ok(())
    }

    /// A page of a snapshot. `true` when the entries changed.
    ///
    /// # Errors
    /// Too many entries, or not those that were announced.
    pub fn on_page(&mut self, now: Instant, page: LibraryPage) -> Result<bool, LibraryError> {
        self.on_changed(now, page.digest)?;
        if page.digest.epoch != self.target.epoch || self.has_reached(&page.digest) {
            return Ok(false);
        }
        // Of two snapshots the newer one is collected.
        match &self.incoming {
            Some(incoming) if incoming.digest.revision > page.digest.revision => return Ok(false),
            Some(incoming) if incoming.digest == page.digest => {}
            Some(_) | None => self.incoming = Some(Incoming::new(page.digest)),
        }
        let Some(incoming) = &mut self.incoming else {
            return Ok(false);
        };
        if let Err(error) = incoming.add(page) {
            self.misfit(now);
            return Err(error);
        }
        self.ask_at = now + self.wait;
        if !incoming.is_complete() {
            return Ok(false);
        }
        let complete = self.incoming.take().map(|snapshot| {
            let digest = snapshot.digest;
            (digest, snapshot.into_entries())
        });
        complete.map_or(Ok(false), |(digest, entries)| {
            self.replace(now, digest, entries)
        })
    }

    /// What changed. `true` when the entries changed.
    ///
    /// # Errors
    /// Too many entries, or not those that were announced.
    pub fn on_delta(&mut self, now: Instant, delta: LibraryDelta) -> Result<bool, LibraryError> {
        self.on_changed(now, delta.digest)?;
        let Some(known) = self.known.filter(|known| {
            known.epoch == delta.digest.epoch
                && (delta.from..delta.digest.revision).contains(&known.revision)
        }) else {
            // Old news, or a gap: then the target is ahead and asking is due.
            return Ok(false);
        };
        debug_assert_eq!(known.epoch, self.target.epoch);
        let digest = delta.digest;
        let before = self.apply(delta);
        if self.fits(&digest, &self.entries) {
            return Ok(self.reach(now, digest));
        }
        for (key, old) in before.into_iter().rev() {
            match old {
                Some(old) => self.entries.insert(key, old),
                None => self.entries.remove(&key),
            };
        }
        self.misfit(now);
        Err(LibraryError::Misfit)
    }

    /// Does what a delta says; returns what was there before, in that order.
    fn apply(&mut self, delta: LibraryDelta) -> Vec<(EntryKey, Option<LibraryEntry>)> {
        let mut before = Vec::new();
        for key in delta.removals.iter() {
            before.push((key.clone(), self.entries.remove(key)));
        }
        for entry in delta.upserts.into_vec() {
            let key = key_of(&entry);
            before.push((key.clone(), self.entries.insert(key, entry)));
        }
        before
    }

    /// The next question, when one is due. The caller sends it.
    pub fn poll_want(&mut self, now: Instant) -> Option<LibraryWant> {
        if self.is_current() || now < self.ask_at {
            return None;
        }
        self.ask_at = now + self.wait;
        self.wait = (self.wait * 2).min(ANSWER_WAIT_MAX);
        let known = self.known.filter(|known| known.epoch == self.target.epoch);
        Some(LibraryWant {
            epoch: known.map_or(0, |known| known.epoch),
            revision: known.map_or(0, |known| known.revision),
        })
    }

    /// When [`Self::poll_want`] is worth a call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_current()).then_some(self.ask_at)
    }

    /// Whether a whole state of the peer's library has arrived, be it the newest or not.
    #[must_use]
    pub const fn has_arrived(&self) -> bool {
        self.known.is_some()
    }

    /// Whether this is the newest state that the peer told of.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.known == Some(self.target)
    }

    /// The entries, by game and content.
    pub fn entries(&self) -> impl Iterator<Item = &LibraryEntry> {
        self.entries.values()
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        assert!(self.entries.len() <= limits::LIBRARY_ENTRIES_MAX);
        let hash = self.known.map(|known| known.hash);
        assert!(hash.is_none_or(|hash| hash == hash_entries(self.entries.values())));
        let waiting = self.incoming.as_ref().map_or(0, |i| i.entry_count);
        assert!(waiting <= limits::LIBRARY_ENTRIES_MAX);
    }

    fn is_news(&self, digest: &LibraryDigest) -> bool {
        digest.epoch == self.target.epoch && digest.revision > self.target.revision
    }

    fn has_reached(&self, digest: &LibraryDigest) -> bool {
        self.known
            .is_some_and(|known| known.epoch == digest.epoch && known.revision >= digest.revision)
    }

    fn replace(
        &mut self,
        now: Instant,
        digest: LibraryDigest,
        entries: BTreeMap<EntryKey, LibraryEntry>,
    ) -> Result<bool, LibraryError> {
        if !self.fits(&digest, &entries) {
            self.misfit(now);
            return Err(LibraryError::Misfit);
        }
        self.entries = entries;
        Ok(self.reach(now, digest))
    }

    fn fits(&self, digest: &LibraryDigest, entries: &BTreeMap<EntryKey, LibraryEntry>) -> bool {
        entries.len() == digest.count as usize
            && hash_entries(entries.values()) == digest.hash
            && (digest.revision != self.target.revision || *digest == self.target)
    }

    /// The entries are those of this digest; `true`, for they changed.
    const fn reach(&mut self, now: Instant, digest: LibraryDigest) -> bool {
        self.known = Some(digest);
        self.wait = ANSWER_WAIT;
        self.ask_at = now;
        true
    }

    /// Forgets where the replica stands, not what it shows: the next question is for everything.
    fn misfit(&mut self, now: Instant) {
        self.known = None;
        self.incoming = None;
        self.ask_at = self.ask_at.max(now);
    }
}

impl Incoming {
    const fn new(digest: LibraryDigest) -> Self {
        Self {
            digest,
            pages: BTreeMap::new(),
            entry_count: 0,
            last_page: None,
        }
    }

    fn add(&mut self, page: LibraryPage) -> Result<(), LibraryError> {
        // Only the last page may be empty, so that pages are bounded by entries.
        let number = page.page as usize;
        if number > limits::LIBRARY_ENTRIES_MAX || (page.entries.is_empty() && !page.last) {
            return Err(LibraryError::TooLarge);
        }
        if page.last {
            self.last_page = Some(page.page);
        }
        if self.pages.contains_key(&page.page) {
            return Ok(());
        }
        check_size(self.entry_count + page.entries.len())?;
        self.entry_count += page.entries.len();
        self.pages.insert(page.page, page.entries.into_vec());
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.last_page
            .is_some_and(|last| self.pages.keys().copied().eq(0..=last))
    }

    fn into_entries(self) -> BTreeMap<EntryKey, LibraryEntry> {
        let all = self.pages.into_values().flatten();
        all.map(|entry| (key_of(&entry), entry)).collect()
    }
}

const fn check_size(entry_count: usize) -> Result<(), LibraryError> {
    if entry_count > limits::LIBRARY_ENTRIES_MAX {
        return Err(LibraryError::TooLarge);
    }
    Ok(())
}
