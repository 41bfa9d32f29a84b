//! [`VersionLabel`]: what `version.ini` calls a version, and the one owner of the rule which of two
//! labels is newer.

use alloc::string::{String, ToString};
use core::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

use crate::{limits, rel_path, text};

/// A version label: 1–64 visible characters, trimmed.
///
/// Labels are deliberately not `Ord`: two labels that differ as text may name the same version
/// (`1.0`, `1.00`). Use [`VersionLabel::order`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionLabel(String);

/// Why there is no version label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// No label at all.
    #[error("it names no version")]
    Empty,
    /// More than 64 characters.
    #[error("the version is longer than 64 characters")]
    TooLong,
    /// Control or other hidden characters.
    #[error("the version holds hidden characters")]
    Hidden,
    /// It says `version=`: a `version.ini` that holds it would be read as another label.
    #[error("the version begins with `version=`")]
    Keyed,
    /// The file is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The file is too large to be a `version.ini`.
    #[error("it is larger than 64 KiB")]
    TooLarge,
}

impl VersionLabel {
    /// Parses a label.
    ///
    /// # Errors
    /// Empty, too long, with hidden characters, or not what a `version.ini` would give back.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let label = text.trim();
        if label.is_empty() {
            return Err(VersionError::Empty);
        }
        if label.chars().take(65).count() > 64 {
            return Err(VersionError::TooLong);
        }
        if label.chars().any(text::is_hidden) {
            return Err(VersionError::Hidden);
        }
        if keyed_value(label).is_some() {
            return Err(VersionError::Keyed);
        }
        Ok(Self(label.to_string()))
    }

    /// Reads the label out of a `version.ini`: the value of a key `version` if there is one, else
    /// the first non-empty line.
    ///
    /// # Errors
    /// The file is not text, too large, or holds no usable label.
    pub fn from_ini(bytes: &[u8]) -> Result<Self, VersionError> {
        if bytes.len() as u64 > limits::VERSION_INI_BYTES_MAX {
            return Err(VersionError::TooLarge);
        }
        let ini = core::str::from_utf8(bytes).map_err(|_not_utf8| VersionError::NotText)?;
        let lines = || ini.trim_start_matches('\u{FEFF}').lines().map(str::trim);
        match lines()
            .find_map(keyed_value)
            .or_else(|| lines().find(|line| !line.is_empty()))
        {
            Some(label) => Self::parse(label),
            None => Err(VersionError::Empty),
        }
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which label is newer: runs of digits compare as numbers of any length, the rest
    /// case-folded. `Equal` means that both name the same version.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let (left, right) = (rel_path::fold(&self.0), rel_path::fold(&other.0));
        let (mut left, mut right) = (left.as_str(), right.as_str());
        loop {
            match (next_run(&mut left), next_run(&mut right)) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(a), Some(b)) => match order_runs(a, b) {
                    Ordering::Equal => {}
                    decided @ (Ordering::Less | Ordering::Greater) => return decided,
                },
            }
        }
    }
}

/// Takes the next run of digits, or of anything else, off the front.
fn next_run<'a>(text: &mut &'a str) -> Option<&'a str> {
    let digits = text.chars().next()?.is_ascii_digit();
    let end = text
        .find(|c: char| c.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    Some(run)
}

fn order_runs(a: &str, b: &str) -> Ordering {
    let number = |run: &str| run.starts_with(|c: char| c.is_ascii_digit());
    if number(a) && number(b) {
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    } else {
        a.cmp(b)
    }
}

impl TryFrom<String> for VersionLabel {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        Self::parse(&text)
    }
}

impl From<VersionLabel> for String {
    fn from(label: VersionLabel) -> Self {
        label.0
    }
}

impl fmt::Display for VersionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VersionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionLabel({})", self.0)
    }
}

/// The value in a line `version = value`.
fn keyed_value(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let is_version = key.trim().eq_ignore_ascii_case("version");
    is_version.then(|| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> VersionLabel {
        VersionLabel::parse(text).unwrap()
    }

    #[test]
    fn order() {
        let check = |a: &str, b: &str, expected| {
            assert_eq!(label(a).order(&label(b)), expected, "{a} {b}");
            assert_eq!(label(b).order(&label(a)), expected.reverse(), "{b} {a}");
        };
        check("1.10", "1.9", Ordering::Greater);
        check("20250101", "20241231", Ordering::Greater);
        check("1.0", "1.00", Ordering::Equal);
        check("V2", "v2", Ordering::Equal);
        check("1.0", "1.0b", Ordering::Less);
        check(
            "99999999999999999999999",
            "100000000000000000000000",
            Ordering::Less,
        );
    }

    #[test]
    fn ini() {
        let read = |text: &str| VersionLabel::from_ini(text.as_bytes()).map(String::from);
        assert_eq!(read("20240101\r\n").as_deref(), Ok("20240101"));
        assert_eq!(read("\u{feff}\n  \n 1.2 \n").as_deref(), Ok("1.2"));
        assert_eq!(
            read("[game]\nname=x\nVersion = \"2.0\"\n").as_deref(),
            Ok("2.0")
        );
        assert_eq!(read("  \n"), Err(VersionError::Empty));
        assert_eq!(
            VersionLabel::from_ini(&[0xff, 0xfe]),
            Err(VersionError::NotText)
        );
        assert_eq!(
            VersionLabel::from_ini(&[b'x'; 70_000]),
            Err(VersionError::TooLarge)
        );
        assert_eq!(read(&"x".repeat(65)), Err(VersionError::TooLong));
    }
}
