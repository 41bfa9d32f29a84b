//! What happens to each file of an old `local/`: a pure merge of the user's files into the new one.
//!
//! | found in the old `local/`            | new version at that path      | fate     |
//! |--------------------------------------|-------------------------------|----------|
//! | as we wrote it                       | anything                      | drop     |
//! | the user's (new or changed by them)  | nothing                       | keep     |
//! | changed by the user                  | the file we wrote then        | replace  |
//! | the user's                           | the very same bytes           | drop     |
//! | the user's                           | anything else                 | beside   |
//!
//! Invariant: only bytes that stand in a record are ever dropped.

use alloc::{format, string::String};

use crate::{
    proof::{Expected, FoundFile, Proof, prove},
    record::RecordedFile,
};

/// What to do with one file of the old `local/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is ours and unchanged: delete it.
    Drop,
    /// It is the user's and nothing is in its way: same path.
    Keep,
    /// It is the user's change of a file that the new version did not change: it replaces ours.
    Replace,
    /// It is the user's, and the new version has its own file there: `NAME.old`.
    Beside,
}

/// The fate of a file, or what is needed to decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Decided.
    Fate(Fate),
    /// Hash the file and ask again.
    HashIt,
}

impl RecordedFile {
    /// What this file must be to be still ours.
    #[must_use]
    pub const fn expected(&self) -> Expected {
        Expected {
            bytes: self.bytes,
            root: self.root,
            stamp: Some(self.stamp),
        }
    }
}

/// The fate at an update: `old` and `new` are the entries of the two records at the file's path.
#[must_use]
pub fn fate(found: &FoundFile, old: Option<&RecordedFile>, new: Option<&RecordedFile>) -> Verdict {
    if let Some(old) = old {
        match prove(&old.expected(), found) {
            Proof::Same => return Verdict::Fate(Fate::Drop),
            Proof::HashIt => return Verdict::HashIt,
            Proof::Different => {}
        }
    }
    let Some(new) = new else {
        return Verdict::Fate(Fate::Keep);
    };
    if old.is_some_and(|old| old.bytes == new.bytes && old.root == new.root) {
        return Verdict::Fate(Fate::Replace);
    }
    // The new file's stamp says nothing about the user's.
    let published = Expected {
        stamp: None,
        ..new.expected()
    };
    match prove(&published, found) {
        Proof::Same => Verdict::Fate(Fate::Drop),
        Proof::Different => Verdict::Fate(Fate::Beside),
        Proof::HashIt => Verdict::HashIt,
    }
}

/// The name of the user's copy beside the new file; later attempts when earlier names are taken.
#[must_use]
pub fn beside_name(name: &str, attempt: u32) -> String {
    match attempt {
        0 => format!("{name}.old"),
        _ => format!("{name}.old.{}", attempt.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Stamp;
    use lanspread_proto::{Hash, RelPath};

    const WRITTEN: Stamp = Stamp {
        modified_nanos: 1,
        file_id: 1,
    };
    const TOUCHED: Stamp = Stamp {
        modified_nanos: 2,
        file_id: 1,
    };

    fn recorded(bytes: &[u8]) -> RecordedFile {
        RecordedFile {
            path: RelPath::parse("a").unwrap(),
            bytes: bytes.len() as u64,
            root: Hash::of(bytes),
            stamp: WRITTEN,
        }
    }

    fn check(found: (&[u8], Stamp), old: Option<&[u8]>, new: Option<&[u8]>, expected: Fate) {
        let (old, new) = (old.map(recorded), new.map(recorded));
        let (bytes, stamp) = found;
        let mut file = FoundFile {
            bytes: bytes.len() as u64,
            stamp,
            root: None,
        };
        let first = fate(&file, old.as_ref(), new.as_ref());
        file.root = Some(Hash::of(bytes));
        let hashed = fate(&file, old.as_ref(), new.as_ref());
        assert_eq!(hashed, Verdict::Fate(expected));
        assert!(first == hashed || first == Verdict::HashIt, "{first:?}");
    }

    #[test]
    fn every_row_of_the_table() {
        let (ours, user, next) = (&b"ours"[..], &b"user"[..], &b"next"[..]);
        check((ours, WRITTEN), Some(ours), None, Fate::Drop);
        check((ours, TOUCHED), Some(ours), Some(next), Fate::Drop);
        check((user, TOUCHED), None, None, Fate::Keep);
        check((user, TOUCHED), Some(ours), None, Fate::Keep);
        check((user, TOUCHED), Some(ours), Some(ours), Fate::Replace);
        check((user, TOUCHED), Some(ours), Some(next), Fate::Beside);
        check((user, TOUCHED), None, Some(next), Fate::Beside);
        check((next, TOUCHED), None, Some(next), Fate::Drop);
        check((b"longer", TOUCHED), Some(ours), Some(next), Fate::Beside);
        // The stamp of a file in the new `local/` proves nothing about one in the old.
        check((user, WRITTEN), None, Some(next), Fate::Beside);
    }

    #[test]
    fn an_untouched_file_is_not_hashed() {
        let found = FoundFile {
            bytes: 4,
            stamp: WRITTEN,
            root: None,
        };
        let verdict = fate(&found, Some(&recorded(b"ours")), None);
        assert_eq!(verdict, Verdict::Fate(Fate::Drop));
        let touched = FoundFile {
            stamp: TOUCHED,
            ..found
        };
        let verdict = fate(&touched, Some(&recorded(b"ours")), None);
        assert_eq!(verdict, Verdict::HashIt);
    }

    #[test]
    fn names_beside() {
        assert_eq!(beside_name("a.cfg", 0), "a.cfg.old");
        assert_eq!(beside_name("a.cfg", 1), "a.cfg.old.2");
    }
}
