//! Who and what: [`PeerId`], [`GameId`], [`ContentId`].

use alloc::string::String;
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::rel_path::{self, PathError};

macro_rules! key_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps the raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The first eight hex digits, for people and logs.
            #[must_use]
            pub fn short(&self) -> String {
                let mut text = alloc::format!("{self}");
                text.truncate(8);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self)
            }
        }
    };
}

key_type! {
    /// A peer: the Ed25519 public key of one installation. An address is only a hint.
    PeerId
}
key_type! {
    /// The exact bytes of one version of a game: BLAKE3 of the canonical manifest bytes.
    ContentId
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 64 hexadecimal digits.
    #[error("an id is 64 hexadecimal digits")]
    NotHex,
    /// A game id is one path component.
    #[error("a game id is one directory name: {0}")]
    GameName(PathError),
}

fn parse_hex(text: &str) -> Result<[u8; 32], IdError> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(IdError::NotHex);
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = core::str::from_utf8(pair).map_err(|_not_ascii| IdError::NotHex)?;
        if digits.starts_with('+') {
            return Err(IdError::NotHex);
        }
        *byte = u8::from_str_radix(digits, 16).map_err(|_not_hex| IdError::NotHex)?;
    }
    Ok(bytes)
}

impl PeerId {
    /// The key as four pronounceable five-letter words, for two people who compare them aloud.
    ///
    /// The first 64 bits as proquints (D. S. Wilkerson, arXiv:0901.4016). A label, not a proof: the
    /// whole key is compared by the program.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = String::new();
        for pair in self.0.chunks_exact(2).take(4) {
            let bits = pair
                .iter()
                .fold(0_u16, |bits, byte| bits << 8 | u16::from(*byte));
            if !text.is_empty() {
                text.push('-');
            }
            push_proquint(&mut text, bits);
        }
        text
    }
}

fn push_proquint(text: &mut String, bits: u16) {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 4] = b"aiou";
    let letter = |table: &[u8], shift: u16| {
        let index = usize::from(bits >> shift) % table.len();
        table.get(index).map_or('?', |byte| char::from(*byte))
    };
    text.push(letter(CONSONANTS, 12));
    text.push(letter(VOWELS, 10));
    text.push(letter(CONSONANTS, 6));
    text.push(letter(VOWELS, 4));
    text.push(letter(CONSONANTS, 0));
}

/// A game: its directory name, one NFC path component, compared case-folded, published lower-case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GameId(String);

impl GameId {
    /// Parses a directory name. The id is the case-folded form; the name on disk may differ in
    /// case.
    ///
    /// # Errors
    /// The name is not one path component that every OS can hold, or it is one of our own names.
    pub fn parse(name: &str) -> Result<Self, IdError> {
        rel_path::check_component(name).map_err(IdError::GameName)?;
        let folded = rel_path::fold(name);
        rel_path::check_component(&folded).map_err(IdError::GameName)?;
        if folded.starts_with('.') {
            return Err(IdError::GameName(PathError::Reserved));
        }
        Ok(Self(folded))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GameId {
    type Error = IdError;

    /// From the wire: only the folded form is accepted, so that one game has one id.
    fn try_from(text: String) -> Result<Self, IdError> {
        let id = Self::parse(&text)?;
        if id.0 == text {
            Ok(id)
        } else {
            Err(IdError::GameName(PathError::NotFolded))
        }
    }
}

impl From<GameId> for String {
    fn from(id: GameId) -> Self {
        id.0
    }
}

impl FromStr for GameId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GameId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn hex_round_trip() {
        let id = PeerId::from_bytes([0xa7; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("+1".repeat(32).parse::<PeerId>(), Err(IdError::NotHex));
        assert_eq!("a".parse::<ContentId>(), Err(IdError::NotHex));
    }

    #[test]
    fn proquint_of_the_paper() {
        // 127.0.0.1 is lusab-babad in the paper.
        let mut bytes = [0; 32];
        bytes[0] = 127;
        bytes[3] = 1;
        assert_eq!(PeerId::from_bytes(bytes).words(), "lusab-babad-babab-babab");
    }

    #[test]
    fn game_ids_are_folded() {
        assert_eq!(
            GameId::parse("Quake III").map(String::from),
            Ok("quake iii".to_string())
        );
        assert!(GameId::try_from("Quake".to_string()).is_err());
        for bad in ["", "..", "a/b", "a\\b", "con", ".hidden", "a:b", "x."] {
            assert!(GameId::parse(bad).is_err(), "{bad}");
        }
    }
}
