//! Placeholders: `{player_name}`, `{language}` and `{host_ip}` in arguments and texts.

use alloc::string::{String, ToString};
use core::{fmt, net::IpAddr};

use lanspread_proto::text::is_hidden;
use serde::{Deserialize, Serialize};

const PLAYER_NAME: &str = "player_name";
const LANGUAGE: &str = "language";
const HOST_IP: &str = "host_ip";

/// A text with placeholders. It is kept as written: what it becomes is decided when it is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template(String);

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is longer than it may be.
    #[error("it is longer than {0} characters")]
    TooLong(usize),
    /// A character that hides what is shown, or ends an argument for some programs.
    #[error("it holds the character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// A word in braces that means nothing here.
    #[error("`{{{0}}}` is no placeholder")]
    Unknown(String),
    /// `{host_ip}` where nobody need be joined.
    #[error("`{{host_ip}}` is known in `join` only")]
    NoHost,
}

/// What a template may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// One argument.
    Argument,
    /// One argument, used when somebody is joined.
    Join,
    /// Lines of a text file.
    Text,
}

impl Template {
    pub(crate) fn parse(text: &str, place: Place) -> Result<Self, TemplateError> {
        let chars_max = match place {
            Place::Argument | Place::Join => super::ARGUMENT_CHARS_MAX,
            Place::Text => super::SETTING_CHARS_MAX,
        };
        if text.chars().take(chars_max + 1).count() > chars_max {
            return Err(TemplateError::TooLong(chars_max));
        }
        let is_line = |c: char| place == Place::Text && matches!(c, '\n' | '\r' | '\t');
        if let Some(hidden) = text.chars().find(|c| is_hidden(*c) && !is_line(*c)) {
            return Err(TemplateError::Character(hidden));
        }
        for name in names(text) {
            match name {
                PLAYER_NAME | LANGUAGE => {}
                HOST_IP if place == Place::Join => {}
                HOST_IP => return Err(TemplateError::NoHost),
                unknown => return Err(TemplateError::Unknown(unknown.to_string())),
            }
        }
        Ok(Self(text.to_string()))
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with its placeholders filled. What is filled in is not looked at again.
    #[must_use]
    pub fn fill(&self, values: &Values) -> String {
        let (mut filled, mut rest) = (String::new(), self.0.as_str());
        while let Some((before, name, after)) = next_name(rest) {
            filled.push_str(before);
            match (name, values.host) {
                (PLAYER_NAME, _) => filled.push_str(&values.player.0),
                (LANGUAGE, _) => filled.push_str(&values.language.0),
                (_, Some(host)) => filled.push_str(&host.to_string()),
                (_, None) => {}
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let (_, name, after) = next_name(rest)?;
        rest = after;
        Some(name)
    })
}

/// The next word in braces. Other braces are text: a game's own formats may need them.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let opens = text.match_indices('{');
    opens
        .filter_map(|(at, _)| {
            let (before, rest) = text.split_at_checked(at)?;
            let (name, after) = rest.strip_prefix('{')?.split_once('}')?;
            let is_word = !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_'));
            is_word.then_some((before, name, after))
        })
        .next()
}

/// What placeholders become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// `{player_name}`.
    pub player: PlayerName,
    /// `{language}`.
    pub language: Language,
    /// `{host_ip}`, when somebody is joined.
    pub host: Option<IpAddr>,
}

/// A name that no game takes for anything else: letters, digits, spaces, `_`, `-` and `.`,
/// beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerName(String);

impl PlayerName {
    /// Makes one of any name: the rest is left out, and nothing at all becomes `Player`.
    #[must_use]
    pub fn clean(name: &str) -> Self {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
        let kept: String = name.chars().filter(|c| plain(*c)).take(32).collect();
        let kept = kept.trim_start_matches(|c: char| !c.is_alphanumeric());
        match kept.trim_end() {
            "" => Self("Player".to_string()),
            kept => Self(kept.to_string()),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A language as two small letters: `de`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// Parses two small letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase());
        fits.then(|| Self(text.to_string()))
    }
}

impl Default for Language {
    fn default() -> Self {
        Self("en".to_string())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str) -> Values {
        Values {
            player: PlayerName::clean(name),
            language: Language::parse("de").unwrap(),
            host: Some([10, 0, 0, 7].into()),
        }
    }

    #[test]
    fn filled() {
        let check = |text: &str, expected: &str| {
            let template = Template::parse(text, Place::Join).unwrap();
            assert_eq!(template.fill(&values("Ann")), expected, "{text}");
            assert_eq!(template.as_str(), text);
        };
        check("", "");
        check("-connect", "-connect");
        check("--name={player_name}", "--name=Ann");
        check("{host_ip}:27960", "10.0.0.7:27960");
        check("{language}{player_name}{language}", "deAnnde");
        check("{ {} {A} {host_ip", "{ {} {A} {host_ip");
        check("{{language}}", "{de}");
    }

    #[test]
    fn a_value_is_not_filled_again() {
        let template = Template::parse("{player_name}", Place::Argument).unwrap();
        // A cleaned name cannot hold braces; were it so, they would stay.
        let values = Values {
            player: PlayerName("{language}".to_string()),
            ..values("")
        };
        assert_eq!(template.fill(&values), "{language}");
    }

    #[test]
    fn refused() {
        let check = |text: &str, place, expected| {
            assert_eq!(Template::parse(text, place), Err(expected), "{text}");
        };
        let unknown = TemplateError::Unknown("palyer".to_string());
        check("x{palyer}", Place::Argument, unknown);
        check("{host_ip}", Place::Argument, TemplateError::NoHost);
        check("{host_ip}", Place::Text, TemplateError::NoHost);
        check("a\nb", Place::Argument, TemplateError::Character('\n'));
        check("a\0b", Place::Text, TemplateError::Character('\0'));
        check(
            "a\u{202e}b",
            Place::Join,
            TemplateError::Character('\u{202e}'),
        );
        let long = "x".repeat(1_025);
        check(&long, Place::Argument, TemplateError::TooLong(1_024));
        assert!(Template::parse(&long, Place::Text).is_ok());
        assert!(Template::parse("a\r\n\tb", Place::Text).is_ok());
    }

    #[test]
    fn names_of_players() {
        let check = |name: &str, expected: &str| {
            assert_eq!(PlayerName::clean(name).as_str(), expected, "{name:?}");
        };
        check("Jörg 2", "Jörg 2");
        check("a\"; quit; \"b", "a quit b");
        check("-connect evil", "connect evil");
        check("+exec x", "exec x");
        check("..", "Player");
        check("\u{202e}", "Player");
        check("%PATH%$HOME`x`", "PATHHOMEx");
        check(&"ab ".repeat(20), "ab ab ab ab ab ab ab ab ab ab ab");
    }

    #[test]
    fn languages() {
        for (text, fits) in [
            ("de", true),
            ("DE", false),
            ("deu", false),
            ("d", false),
            ("", false),
        ] {
            assert_eq!(Language::parse(text).is_some(), fits, "{text}");
        }
        assert_eq!(Language::default().to_string(), "en");
    }
}
