//! [`Truths`]: what verified manifests say of contents, against what libraries say.
//!
//! A content's id is the hash of its manifest, so game and label of it are one fact: whoever
//! announces the same content under another label is lying, and would be able to hand out an old
//! version as a new one.

use alloc::collections::{BTreeMap, VecDeque};

use lanspread_proto::{ContentId, GameId, VersionLabel, library::LibraryEntry, limits};

/// Contents that are remembered: a full library of our own, and as many that we only looked at.
const TRUTHS_MAX: usize = 2 * limits::LIBRARY_ENTRIES_MAX;

/// The games and labels of contents whose manifest was verified, the latest ones.
#[derive(Debug, Clone, Default)]
pub struct Truths {
    known: BTreeMap<ContentId, (GameId, VersionLabel)>,
    order: VecDeque<ContentId>,
}

impl Truths {
    /// A verified manifest, or an entry of our own, which comes from one. `true` when it is new.
    pub fn learn(&mut self, content: ContentId, game: &GameId, version: &VersionLabel) -> bool {
        if self.known.contains_key(&content) {
            return false;
        }
        if self.order.len() == TRUTHS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(content, (game.clone(), version.clone()));
        self.order.push_back(content);
        true
    }

    /// Whether an entry says something else than the manifest of its content.
    #[must_use]
    pub fn is_false(&self, entry: &LibraryEntry) -> bool {
        let known = self.known.get(&entry.content);
        known.is_some_and(|(game, version)| *game != entry.game || *version != entry.version)
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{
        library::{Availability, Size},
        text::Title,
        wire::Extensions,
    };

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

    #[test]
    fn another_label_or_game_for_the_same_bytes_is_a_lie() {
        let mut truths = Truths::default();
        let old = entry(1, "quake", "1.0");
        assert!(
            !truths.is_false(&entry(1, "quake", "99")),
            "nothing is known yet"
        );
        assert!(truths.learn(old.content, &old.game, &old.version));
        assert!(!truths.learn(old.content, &old.game, &entry(1, "quake", "99").version));
        assert!(!truths.is_false(&old));
        assert!(truths.is_false(&entry(1, "quake", "99")));
        assert!(truths.is_false(&entry(1, "doom", "1.0")));
        assert!(!truths.is_false(&entry(2, "quake", "99")));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut truths = Truths::default();
        let most = u32::try_from(TRUTHS_MAX).unwrap();
        for content in 0..=most {
            let entry = entry(content, "quake", "1.0");
            truths.learn(entry.content, &entry.game, &entry.version);
        }
        assert_eq!(truths.known.len(), TRUTHS_MAX);
        assert!(!truths.is_false(&entry(0, "quake", "99")));
        assert!(truths.is_false(&entry(most, "quake", "99")));
    }
}
