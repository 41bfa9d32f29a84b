//! [`Truths`]: what verified manifests say of contents, against what libraries say.
//!
//! A content's id is the hash of its manifest, so game, label and size of it are one fact: whoever
//! announces the same content under another label is lying, and would be able to hand out an old
//! version as a new one.

use alloc::collections::{BTreeMap, VecDeque};

use lanspread_proto::{
    ContentId, GameId, VersionLabel,
    library::{Availability, LibraryEntry, Size},
    limits,
};

/// Contents that are remembered: a full library of our own, and as many that we only looked at.
const TRUTHS_MAX: usize = 2 * limits::LIBRARY_ENTRIES_MAX;

/// What a verified manifest says of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Which game it is.
    pub game: GameId,
    /// What its `version.ini` calls it.
    pub version: VersionLabel,
    /// Bytes and files; `None` where the manifest is not at hand any more.
    pub payload: Option<Size>,
}

/// The games, labels and sizes of contents whose manifest was verified, the latest ones.
#[derive(Debug, Clone, Default)]
pub struct Truths {
    known: BTreeMap<ContentId, Truth>,
    order: VecDeque<ContentId>,
}

impl Truths {
    /// An entry of our own, which comes from a manifest.
    pub fn learn_own(&mut self, entry: &LibraryEntry) {
        let truth = Truth {
            game: entry.game.clone(),
            version: entry.version.clone(),
            payload: (entry.availability != Availability::LocalOnly).then_some(entry.payload),
        };
        self.learn(entry.content, truth);
    }

    /// A verified manifest. `true` when something of it is new.
    pub fn learn(&mut self, content: ContentId, truth: Truth) -> bool {
        if let Some(known) = self.known.get_mut(&content) {
            let is_new = known.payload.is_none() && truth.payload.is_some();
            known.payload = known.payload.or(truth.payload);
            return is_new;
        }
        if self.order.len() == TRUTHS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(content, truth);
        self.order.push_back(content);
        true
    }

    /// Whether an entry says something else than the manifest of its content. Who has a game
    /// installed only says no size.
    #[must_use]
    pub fn is_false(&self, entry: &LibraryEntry) -> bool {
        let Some(known) = self.known.get(&entry.content) else {
            return false;
        };
        let says_size = entry.availability != Availability::LocalOnly;
        let payload = known.payload.filter(|_| says_size);
        known.game != entry.game
            || known.version != entry.version
            || payload.is_some_and(|payload| payload != entry.payload)
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{text::Title, wire::Extensions};

    use super::*;

    fn entry(content: u32, game: &str, version: &str) -> LibraryEntry {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&content.to_be_bytes());
        LibraryEntry {
            game: GameId::parse(game).unwrap(),
            content: ContentId::from_bytes(id),
            version: VersionLabel::parse(version).unwrap(),
            title: Title::clean(game),
            availability: Availability::Ready,
            payload: Size { bytes: 1, files: 1 },
            unpacked: None,
            extensions: Extensions::default(),
        }
    }

    fn truth(entry: &LibraryEntry) -> Truth {
        Truth {
            game: entry.game.clone(),
            version: entry.version.clone(),
            payload: Some(entry.payload),
        }
    }

    #[test]
    fn another_label_or_game_for_the_same_bytes_is_a_lie() {
        let mut truths = Truths::default();
        let old = entry(1, "quake", "1.0");
        assert!(
            !truths.is_false(&entry(1, "quake", "99")),
            "nothing is known yet"
        );
        assert!(truths.learn(old.content, truth(&old)));
        assert!(!truths.learn(old.content, truth(&entry(1, "quake", "99"))));
        assert!(!truths.is_false(&old));
        assert!(truths.is_false(&entry(1, "quake", "99")));
        assert!(truths.is_false(&entry(1, "doom", "1.0")));
        assert!(!truths.is_false(&entry(2, "quake", "99")));
    }

    #[test]
    fn another_size_for_the_same_bytes_is_a_lie_once_it_is_known() {
        let mut truths = Truths::default();
        let installed = LibraryEntry {
            availability: Availability::LocalOnly,
            payload: Size::default(),
            ..entry(1, "quake", "1.0")
        };
        let right = entry(1, "quake", "1.0");
        let mut wrong = right.clone();
        wrong.payload.bytes += 1;
        truths.learn_own(&installed);
        assert!(!truths.is_false(&right) && !truths.is_false(&wrong));
        assert!(
            truths.learn(right.content, truth(&right)),
            "its size is new"
        );
        assert!(!truths.is_false(&right) && truths.is_false(&wrong));
        assert!(!truths.is_false(&installed));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut truths = Truths::default();
        let most = u32::try_from(TRUTHS_MAX).unwrap();
        for content in 0..=most {
            let entry = entry(content, "quake", "1.0");
            truths.learn(entry.content, truth(&entry));
        }
        assert_eq!(truths.known.len(), TRUTHS_MAX);
        assert!(!truths.is_false(&entry(0, "quake", "99")));
        assert!(truths.is_false(&entry(most, "quake", "99")));
    }
}
