//! Text from peers: capped, composed, without characters that hide or reorder what is shown.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A text of at most `MAX` characters without control, bidi and zero-width characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

/// A peer's name as people see it.
pub type PeerName = Text<32>;
/// A game's title as people see it.
pub type Title = Text<120>;

/// Why a text from a peer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than {0} characters or holds hidden ones")]
pub struct TextError(usize);

impl<const MAX: usize> Text<MAX> {
    /// Makes a valid text of whatever it is given: hidden characters are dropped, white space is
    /// folded, the rest is cut. For our own configuration, not for peers.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let spaced = text
            .split_whitespace()
            .collect::<alloc::vec::Vec<_>>()
            .join(" ");
        let kept: String = spaced.nfc().filter(|c| !is_hidden(*c)).take(MAX).collect();
        Self(kept.trim().to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let fits = text.chars().take(MAX + 1).count() <= MAX;
        if fits && !text.chars().any(is_hidden) {
            Ok(Self(text))
        } else {
            Err(TextError(MAX))
        }
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A text of anywhere as one line that can be shown: line breaks and tabs are spaces, and hidden
/// characters, which a terminal would obey, are marks. Paths keep their spaces.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' if line.ends_with(' ') => {}
            '\n' | '\r' | '\t' => line.push(' '),
            c if is_hidden(c) => line.push(char::REPLACEMENT_CHARACTER),
            c => line.push(c),
        }
    }
    line
}

/// Control, bidi, zero-width and other invisible characters.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_marked() {
        for (text, shown) in [
            ("/a  b/Größe", "/a  b/Größe"),
            ("one\r\n\ttwo\n", "one two"),
            ("\u{1b}[31mred\u{7}", "\u{fffd}[31mred\u{fffd}"),
            ("a\u{202e}b\u{9b}c", "a\u{fffd}b\u{fffd}c"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn hostile_names() {
        assert!(Text::<8>::try_from("ok name".to_string()).is_ok());
        assert!(Text::<8>::try_from("123456789".to_string()).is_err());
        assert!(Text::<8>::try_from("a\u{202e}b".to_string()).is_err());
        assert_eq!(
            Text::<8>::clean(" a\n\tb\u{200b}cdefghijk").as_str(),
            "a bcdefg"
        );
    }
}
