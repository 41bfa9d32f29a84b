//! [`Records`]: which contents the mirror fetched, so that it touches nothing else. Kept in the
//! state directory.
//!
//! One line each: game, the content that is kept and its bytes, the content that is fetched and its
//! bytes; a dash where there is none.

use std::collections::BTreeMap;

use lanspread_proto::{ContentId, GameId};

use crate::snapshot::{LocalView, NotShared};

/// The file's name.
pub(super) const NAME: &str = "mirror";
/// Far more games than anybody has.
pub(super) const BYTES_MAX: u64 = 4 << 20;

/// A content and the bytes of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) content: ContentId,
    pub(super) bytes: u64,
}

/// What the mirror did to one game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Record {
    /// It fetched this, and this is what lies there.
    pub(super) kept: Option<Owned>,
    /// It began to fetch this.
    pub(super) begun: Option<Owned>,
}

impl Record {
    /// Bytes of what the mirror fetched and keeps.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.kept.map_or(0, |kept| kept.bytes)
    }

    /// Takes in what lies there now; `None` when nothing of it is the mirror's any more.
    fn seen(mut self, local: Option<&LocalView>) -> Option<Self> {
        if local.is_some_and(is_unknown) {
            return Some(self);
        }
        let content = local.and_then(|local| local.content);
        let is_here = local.is_some_and(|local| local.downloaded.is_some());
        let is_owned = |owned: Option<Owned>| owned.is_some_and(|o| Some(o.content) == content);
        match (is_here, content) {
            (true, Some(_)) if is_owned(self.begun) => self.kept = self.begun.take(),
            (true, Some(_)) if is_owned(self.kept) => {}
            // Somebody put other bytes there.
            (true, Some(_)) => return None,
            // It rotted, or somebody put there what cannot be published: nobody can tell.
            (true, None) => {}
            (false, _) => self.kept = None,
        }
        (self.kept.is_some() || self.begun.is_some()).then_some(self)
    }
}

/// It is being looked at, or hashed: nobody knows yet what lies there.
pub(super) fn is_unknown(local: &LocalView) -> bool {
    matches!(
        local.not_shared,
        Some(NotShared::Checking | NotShared::Settling)
    )
}

/// What the mirror did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Records(BTreeMap<GameId, Record>);

impl Records {
    pub(super) fn of(&self, game: &GameId) -> Record {
        self.0.get(game).copied().unwrap_or_default()
    }

    pub(super) fn games(&self) -> impl Iterator<Item = &GameId> {
        self.0.keys()
    }

    /// The mirror is about to fetch this.
    pub(super) fn begin(&mut self, game: &GameId, owned: Owned) {
        self.0.entry(game.clone()).or_default().begun = Some(owned);
    }

    /// Takes in what lies there now; `true` when that changed something.
    pub(super) fn see<'a>(&mut self, local: impl Fn(&GameId) -> Option<&'a LocalView>) -> bool {
        let before = self.0.clone();
        self.0 = std::mem::take(&mut self.0)
            .into_iter()
            .filter_map(|(game, record)| {
                let record = record.seen(local(&game))?;
                Some((game, record))
            })
            .collect();
        self.0 != before
    }

    pub(super) fn text(&self) -> String {
        let field = |owned: Option<Owned>| match owned {
            Some(Owned { content, bytes }) => format!("{content}\t{bytes}"),
            None => "-\t-".to_owned(),
        };
        let line = |(game, record): (&GameId, &Record)| {
            format!("{game}\t{}\t{}\n", field(record.kept), field(record.begun))
        };
        self.0.iter().map(line).collect()
    }

    /// Lines that mean nothing are left out: what they were about is then not the mirror's.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(parse).collect())
    }
}

fn parse(line: &str) -> Option<(GameId, Record)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [game, kept, kept_bytes, begun, begun_bytes] = fields.as_slice() else {
        return None;
    };
    let owned = |content: &str, bytes: &str| match (content, bytes) {
        ("-", "-") => Some(None),
        (content, bytes) => Some(Some(Owned {
            content: content.parse().ok()?,
            bytes: bytes.parse().ok()?,
        })),
    };
    let record = Record {
        kept: owned(kept, kept_bytes)?,
        begun: owned(begun, begun_bytes)?,
    };
    Some((GameId::parse(game).ok()?, record))
}

#[cfg(test)]
mod tests {
    use lanspread_proto::VersionLabel;

    use super::*;

    fn owned(number: u8) -> Owned {
        Owned {
            content: ContentId::from_bytes([number; 32]),
            bytes: number.into(),
        }
    }

    fn record(kept: Option<u8>, begun: Option<u8>) -> Record {
        Record {
            kept: kept.map(owned),
            begun: begun.map(owned),
        }
    }

    #[test]
    fn what_lies_there_says_whose_it_is() {
        // Nothing there, something unknown there, this content there.
        let check = |before: Record, there: Option<Option<u8>>, after: Option<Record>| {
            let local = LocalView {
                present: true,
                downloaded: there.map(|_| VersionLabel::parse("1").unwrap()),
                content: there.flatten().map(|number| owned(number).content),
                not_shared: (there == Some(None)).then_some(NotShared::Checking),
                ..LocalView::default()
            };
            assert_eq!(before.seen(Some(&local)), after, "{before:?} {there:?}");
        };
        let (old, both) = (record(Some(1), None), record(Some(1), Some(2)));
        check(old, Some(Some(1)), Some(old));
        check(old, Some(None), Some(old));
        check(old, Some(Some(9)), None);
        check(old, None, None);
        check(both, Some(Some(1)), Some(both));
        check(both, Some(Some(2)), Some(record(Some(2), None)));
        check(both, Some(Some(9)), None);
        check(both, None, Some(record(None, Some(2))));
        check(
            record(None, Some(2)),
            Some(Some(2)),
            Some(record(Some(2), None)),
        );
        check(record(None, Some(2)), None, Some(record(None, Some(2))));
        assert_eq!(old.seen(None), None);
        // After a start nothing was looked at.
        let unseen = LocalView {
            present: true,
            not_shared: Some(NotShared::Checking),
            ..LocalView::default()
        };
        assert_eq!(old.seen(Some(&unseen)), Some(old));
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let game = |name: &str| GameId::parse(name).unwrap();
        let mut records = Records::default();
        records.begin(&game("quake"), owned(1));
        records.begin(&game("doom"), owned(2));
        let local = LocalView {
            downloaded: Some(VersionLabel::parse("1").unwrap()),
            content: Some(owned(2).content),
            ..LocalView::default()
        };
        let doom = game("doom");
        assert!(records.see(|game| (*game == doom).then_some(&local)));
        assert!(!records.see(|game| (*game == doom).then_some(&local)));
        assert_eq!(records.of(&doom), record(Some(2), None));
        assert_eq!(Records::parse(&records.text()), records);
        let damaged = format!("nonsense\n{}a\tb\tc\td\te\n", records.text());
        assert_eq!(Records::parse(&damaged), records);
    }
}
