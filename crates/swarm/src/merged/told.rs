//! [`Told`]: what the holders of one content say of it. None of it is proved, so what most say
//! counts, whoever says it.

use alloc::vec::Vec;

use lanspread_proto::{
    library::{Availability, LibraryEntry, Size},
    text::Title,
};

/// A hint that not all sources give says at most this many times the payload: more would let a
/// single peer that lies declare every disk too small.
const DISPUTED_FACTOR_MAX: u64 = 4;

/// What is said of one content, by whom how often.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    own: Option<&'a LibraryEntry>,
    source_count: u32,
    titles: Tally<&'a Title>,
    payloads: Tally<Size>,
    unpacked: Tally<Size>,
}

impl<'a> Told<'a> {
    /// What we say ourselves comes from a verified manifest and our own listing.
    pub(super) fn hear_own(&mut self, entry: &'a LibraryEntry) {
        self.own = Some(entry);
    }

    pub(super) fn hear(&mut self, entry: &'a LibraryEntry) {
        self.titles.count(&entry.title);
        // Who has it installed only does not know how large the payload was.
        if entry.availability != Availability::LocalOnly {
            self.source_count += 1;
            self.payloads.count(entry.payload);
        }
        if let Some(unpacked) = entry.unpacked {
            self.unpacked.count(unpacked);
        }
    }

    pub(super) fn title(&self) -> Option<&'a Title> {
        let own = self.own.map(|own| &own.title);
        own.or_else(|| self.titles.most(|a, b| a < b))
    }

    pub(super) fn payload(&self) -> Size {
        let own = self.own.map(|own| own.payload);
        let own = own.filter(|payload| *payload != Size::default());
        let told = || self.payloads.most(|a, b| a.bytes < b.bytes);
        own.or_else(told).unwrap_or_default()
    }

    /// Of figures that are told equally often the one nearest to the payload.
    pub(super) fn unpacked(&self) -> Option<Size> {
        if let Some(own) = self.own.and_then(|own| own.unpacked) {
            return Some(own);
        }
        let payload = self.payload().bytes;
        let told = self.unpacked.most(|a, b| is_nearer(payload, *a, *b))?;
        let is_agreed = self.unpacked.times(told) >= self.source_count;
        let most = payload.saturating_mul(DISPUTED_FACTOR_MAX);
        Some(match is_agreed {
            true => told,
            false => Size {
                bytes: told.bytes.min(most),
                ..told
            },
        })
    }
}

/// Whether `a` is fewer times larger or smaller than the payload.
fn is_nearer(payload: u64, a: Size, b: Size) -> bool {
    let ends = |size: Size| (payload.min(size.bytes), payload.max(size.bytes));
    let ((a_low, a_high), (b_low, b_high)) = (ends(a), ends(b));
    u128::from(a_high) * u128::from(b_low) < u128::from(b_high) * u128::from(a_low)
}

#[derive(Debug)]
struct Tally<T>(Vec<(T, u32)>);

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + PartialEq> Tally<T> {
    fn count(&mut self, said: T) {
        match self.0.iter_mut().find(|(known, _)| *known == said) {
            Some((_, times)) => *times += 1,
            None => self.0.push((said, 1)),
        }
    }

    fn times(&self, said: T) -> u32 {
        let known = self.0.iter().find(|(known, _)| *known == said);
        known.map_or(0, |(_, times)| *times)
    }

    /// What is said most often; `goes_first` decides between equals.
    fn most(&self, goes_first: impl Fn(&T, &T) -> bool) -> Option<T> {
        let better = |best: (T, u32), next: (T, u32)| {
            let wins = next.1 > best.1 || (next.1 == best.1 && goes_first(&next.0, &best.0));
            if wins { next } else { best }
        };
        let most = self.0.iter().copied().reduce(better);
        most.map(|(said, _)| said)
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{ContentId, GameId, VersionLabel, wire::Extensions};

    use super::*;

    const LOCAL: Availability = Availability::LocalOnly;
    const READY: Availability = Availability::Ready;

    fn entry(availability: Availability, payload: u64, unpacked: Option<u64>) -> LibraryEntry {
        let size = |bytes| Size { bytes, files: 1 };
        LibraryEntry {
            game: GameId::parse("quake").unwrap(),
            content: ContentId::from_bytes([1; 32]),
            version: VersionLabel::parse("1.0").unwrap(),
            title: Title::clean("Quake"),
            availability,
            payload: if availability == LOCAL {
                Size::default()
            } else {
                size(payload)
            },
            unpacked: unpacked.map(size),
            extensions: Extensions::default(),
        }
    }

    type Said = (u64, Option<u64>);

    /// Whoever comes first has the lowest key.
    #[track_caller]
    fn check(own: Option<&LibraryEntry>, said: &[Said], expected: Said) {
        let entries: Vec<_> = said.iter().map(|(p, u)| entry(READY, *p, *u)).collect();
        let forward: Vec<_> = entries.iter().collect();
        let backward: Vec<_> = entries.iter().rev().collect();
        for order in [forward, backward] {
            let mut told = Told::default();
            if let Some(own) = own {
                told.hear_own(own);
            }
            for entry in order {
                told.hear(entry);
            }
            let found = (told.payload().bytes, told.unpacked().map(|size| size.bytes));
            assert_eq!(found, expected, "{said:?}");
        }
    }

    #[test]
    fn one_peer_that_lies_decides_nothing() {
        const TERA: Option<u64> = Some(4_000_000_000_000);
        // All who have it agree: whatever they say is believed.
        check(None, &[(10, Some(900))], (10, Some(900)));
        check(None, &[(10, Some(900)), (10, Some(900))], (10, Some(900)));
        check(None, &[(10, None)], (10, None));
        // Most say so.
        let most = [(10, Some(25)), (10, TERA), (10, Some(25))];
        check(None, &most, (10, Some(25)));
        // One against one: the likelier figure.
        check(None, &[(10, Some(25)), (10, TERA)], (10, Some(25)));
        check(None, &[(10, Some(25)), (10, Some(0))], (10, Some(25)));
        check(None, &[(10, Some(10)), (99, Some(10))], (10, Some(10)));
        // The others do not know, or there are more that lie: it is bounded.
        check(None, &[(10, None), (10, TERA)], (10, Some(40)));
        let outvoted = [(10, Some(25)), (10, TERA), (10, TERA)];
        check(None, &outvoted, (10, Some(40)));
    }

    #[test]
    fn what_we_know_ourselves_counts_more() {
        let whole = entry(READY, 10, Some(25));
        let lies = [(99, Some(9999)), (99, Some(9999))];
        check(Some(&whole), &lies, (10, Some(25)));
        // Only installed here: neither is known.
        let installed = entry(LOCAL, 0, None);
        check(Some(&installed), &[(10, Some(25))], (10, Some(25)));
    }

    #[test]
    fn who_has_it_installed_only_is_no_voice_on_the_payload() {
        let (ready, installed) = (entry(READY, 10, None), entry(LOCAL, 0, None));
        let mut told = Told::default();
        for entry in [&installed, &installed, &ready] {
            told.hear(entry);
        }
        assert_eq!(told.payload().bytes, 10);
    }
}
