//! What is remembered over restarts: which texts were set, which set-up ran, what a person agreed
//! to.

use alloc::{string::String, vec::Vec};

use lanspread_proto::{ContentId, Hash, RelPath};
use serde::{Deserialize, Serialize};

use super::{CONSENTS_BYTES_MAX, CONSENTS_MAX, RECORD_BYTES_MAX, SETTINGS_MAX, setting::Setting};
use crate::sealed::{Seal, SealError};

const SETTINGS: Seal = Seal {
    magic: *b"LSSA",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};
const SETUP: Seal = Seal {
    magic: *b"LSSD",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};
const CONSENTS: Seal = Seal {
    magic: *b"LSPC",
    version: 1,
    bytes_max: CONSENTS_BYTES_MAX,
};

/// What was set in a game's text files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsApplied {
    /// The content that was installed then.
    pub content: ContentId,
    /// The settings.
    pub settings: Vec<Applied>,
}

/// One setting that was applied, or left because of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// In which file.
    pub file: RelPath,
    /// How the line begins; empty for the whole file.
    pub begins: String,
    /// Which setting it was.
    pub definition: Hash,
    /// What stood there when we had written; `None` when we left what the user had.
    pub wrote: Option<Hash>,
}

impl SettingsApplied {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        SETTINGS.close(self)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let applied: Self = SETTINGS.open(bytes)?;
        if applied.settings.len() > SETTINGS_MAX {
            return Err(SealError::Invalid);
        }
        Ok(applied)
    }

    /// What is known of a setting.
    #[must_use]
    pub fn of(&self, setting: &Setting) -> Option<&Applied> {
        let (file, begins) = setting.key();
        let mut all = self.settings.iter();
        all.find(|applied| applied.file == file && applied.begins == begins)
    }
}

/// Which set-up of a game ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupDone {
    /// The hash of the profile that it belonged to.
    pub profile: Hash,
    /// The hash of the set-up itself: the rest of a profile may change without it.
    pub setup: Hash,
}

impl SetupDone {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Never in practice: it is small.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        SETUP.close(self)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        SETUP.open(bytes)
    }
}

/// The profiles that a person agreed to, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consents(Vec<Hash>);

impl Consents {
    /// Whether the person agreed to this profile.
    #[must_use]
    pub fn holds(&self, profile: &Hash) -> bool {
        self.0.contains(profile)
    }

    /// The person agrees; the oldest consent goes when there are too many.
    pub fn add(&mut self, profile: Hash) {
        self.0.retain(|known| *known != profile);
        if self.0.len() >= CONSENTS_MAX {
            self.0.remove(0);
        }
        self.0.push(profile);
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        CONSENTS.close(self)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let consents: Self = CONSENTS.open(bytes)?;
        if consents.0.len() > CONSENTS_MAX {
            return Err(SealError::Invalid);
        }
        Ok(consents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::setting::Change;

    #[test]
    fn round_trips_and_other_kinds() {
        let setting = Setting {
            file: RelPath::parse("a/b.cfg").unwrap(),
            change: Change::line("x", "y").unwrap(),
        };
        let applied = SettingsApplied {
            content: ContentId::from_bytes([3; 32]),
            settings: alloc::vec![setting.record(Some("x=1\ny"))],
        };
        let bytes = applied.encode().unwrap();
        assert_eq!(SettingsApplied::parse(&bytes), Ok(applied.clone()));
        assert!(
            applied
                .of(&setting)
                .is_some_and(|known| known.wrote.is_some())
        );
        let whole = Setting {
            change: Change::whole("y").unwrap(),
            ..setting
        };
        assert_eq!(applied.of(&whole), None);
        assert_eq!(SetupDone::parse(&bytes), Err(SealError::OtherKind));
        let done = SetupDone {
            profile: Hash::of(b"p"),
            setup: Hash::of(b"s"),
        };
        assert_eq!(SetupDone::parse(&done.encode().unwrap()), Ok(done));
        for cut in 0..bytes.len() {
            assert!(SettingsApplied::parse(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn consents_are_bounded_and_the_oldest_go() {
        let mut consents = Consents::default();
        let hash = |n: usize| Hash::of(&n.to_le_bytes());
        for n in 0..=CONSENTS_MAX {
            consents.add(hash(n));
        }
        consents.add(hash(CONSENTS_MAX));
        assert!(!consents.holds(&hash(0)));
        assert!(consents.holds(&hash(1)) && consents.holds(&hash(CONSENTS_MAX)));
        let bytes = consents.encode().unwrap();
        assert_eq!(Consents::parse(&bytes), Ok(consents));
        let too_many = Consents(alloc::vec![hash(0); CONSENTS_MAX + 1]);
        let bytes = too_many.encode().unwrap();
        assert_eq!(Consents::parse(&bytes), Err(SealError::Invalid));
    }
}
