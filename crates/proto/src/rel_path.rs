//! [`RelPath`]: a relative path that every operating system can hold, parsed once.
//!
//! The rules are the Windows rules on every OS, so that a game installs everywhere or nowhere.
//! Nothing is cleaned: a path is accepted as it is, or refused with the reason.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
};
use core::fmt;

use serde::{Deserialize, Serialize, Serializer};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits;

/// A relative path: `/`-separated, NFC, no `.` or `..`, no name that Windows reserves.
///
/// Only this type may be joined to a root directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RelPath(String);

/// Why a text is not a path we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Empty path or component, also from a leading, trailing or double slash.
    #[error("it has an empty component")]
    Empty,
    /// A `.` or `..` component.
    #[error("it has a `.` or `..` component")]
    Dots,
    /// A character that some OS cannot hold or that hides what the name says.
    #[error("it holds the character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// Windows drops a trailing dot or space.
    #[error("a component ends in a dot or a space")]
    TrailingDotOrSpace,
    /// A name that Windows reserves (`CON`, `NUL`, `COM1`, ...) or that LanSpread uses itself.
    #[error("a component is a reserved name")]
    Reserved,
    /// Not in Unicode normalisation form C.
    #[error("it is not in Unicode NFC")]
    NotNfc,
    /// Longer than the limits of [`limits`].
    #[error("it is too long or too deep")]
    TooLong,
    /// An id that is not in its case-folded form.
    #[error("it is not case-folded")]
    NotFolded,
}

impl RelPath {
    /// Parses a `/`-separated path.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.encode_utf16().take(limits::PATH_UNITS_MAX + 1).count() > limits::PATH_UNITS_MAX {
            return Err(PathError::TooLong);
        }
        if text.split('/').count() > limits::PATH_DEPTH_MAX {
            return Err(PathError::TooLong);
        }
        text.split('/').try_for_each(check_component)?;
        Ok(Self(text.to_string()))
    }

    /// Parses a name from an archive, which may have been packed on a system that stores names
    /// decomposed: it is composed first, then the same rules hold.
    ///
    /// # Errors
    /// As [`RelPath::parse`].
    pub fn parse_composed(text: &str) -> Result<Self, PathError> {
        if is_nfc(text) {
            Self::parse(text)
        } else {
            Self::parse(
                &text
                    .nfc()
                    .take(4 * limits::PATH_UNITS_MAX)
                    .collect::<String>(),
            )
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The first component.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.split('/').next().unwrap_or(&self.0)
    }

    /// The directory that holds it, if it is not at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_string()))
    }

    /// This path below `prefix`.
    ///
    /// # Errors
    /// The result is too long or too deep.
    pub fn below(&self, prefix: &Self) -> Result<Self, PathError> {
        Self::parse(&alloc::format!("{}/{}", prefix.0, self.0))
    }

    /// The same path in its folded form: two paths with equal keys cannot lie side by side.
    #[must_use]
    pub fn fold_key(&self) -> String {
        fold(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

/// A list of them is written without a copy of each.
impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({:?})", self.0)
    }
}

/// Compatibility form plus full case folding: what a case-insensitive, composing file system
/// might treat as one name.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // Nothing in it has another form; most paths are such.
        return text.to_ascii_lowercase();
    }
    fold_any(text)
}

fn fold_any(text: &str) -> String {
    let compatible: String = text.nfkc().collect();
    let folded = unicase::UniCase::unicode(compatible).to_folded_case();
    folded.nfkc().collect()
}

/// Checks one component of a path.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_component(component: &str) -> Result<(), PathError> {
    if component.is_empty() {
        return Err(PathError::Empty);
    }
    if component == "." || component == ".." {
        return Err(PathError::Dots);
    }
    if component
        .encode_utf16()
        .take(limits::COMPONENT_UNITS_MAX + 1)
        .count()
        > limits::COMPONENT_UNITS_MAX
    {
        return Err(PathError::TooLong);
    }
    if let Some(character) = component.chars().find(|c| is_refused(*c)) {
        return Err(PathError::Character(character));
    }
    if component.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDotOrSpace);
    }
    if !is_nfc(component) {
        return Err(PathError::NotNfc);
    }
    if is_device(component) || is_own(component) {
        return Err(PathError::Reserved);
    }
    Ok(())
}

/// Characters that Windows cannot hold, controls, and everything that makes a name read other
/// than it is (bidi overrides, zero-width characters, the replacement character).
fn is_refused(c: char) -> bool {
    matches!(
        c,
        '/' | '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*' | '\u{FFFD}'
    ) || crate::text::is_hidden(c)
}

/// Windows device names, with any extension, trailing spaces before it, and the superscript digits.
fn is_device(component: &str) -> bool {
    let base = component
        .split('.')
        .next()
        .unwrap_or(component)
        .trim_end_matches(' ');
    let upper = base.to_uppercase();
    if matches!(
        upper.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$"
    ) {
        return true;
    }
    let Some(number) = upper
        .strip_prefix("COM")
        .or_else(|| upper.strip_prefix("LPT"))
    else {
        return false;
    };
    let mut digits = number.chars();
    let one = digits
        .next()
        .is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
    one && digits.next().is_none()
}

/// Names that LanSpread gives to its own files, and the short names Windows might give to them.
fn is_own(component: &str) -> bool {
    let lower = component.to_lowercase();
    lower.starts_with(".lanspread")
        || lower.starts_with("lanspr~")
        || lower == ".local.installing"
        || lower == ".local.backup"
}

/// A set of paths that must be able to lie side by side on every file system.
#[derive(Debug, Default)]
pub struct PathTable {
    names: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
enum Entry {
    File,
    Directory(String),
}

/// Why a path cannot join the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// Another path differs only in case or in the way it is composed, or is the same.
    #[error("another entry has the same name, upper and lower case aside")]
    Twin,
    /// The path is used as a file and as a directory.
    #[error("it is used as a file and as a directory")]
    FileAndDirectory,
}

impl PathTable {
    /// Adds a file.
    ///
    /// # Errors
    /// The file cannot lie beside the paths added before.
    pub fn add_file(&mut self, path: &RelPath) -> Result<(), TwinError> {
        self.add_parents(path)?;
        match self.names.insert(path.fold_key(), Entry::File) {
            None => Ok(()),
            Some(Entry::File) => Err(TwinError::Twin),
            Some(Entry::Directory(_)) => Err(TwinError::FileAndDirectory),
        }
    }

    /// Adds a directory; adding the same one again is fine.
    ///
    /// # Errors
    /// The directory cannot lie beside the paths added before.
    pub fn add_directory(&mut self, path: &RelPath) -> Result<(), TwinError> {
        self.add_parents(path)?;
        self.add_one_directory(path.as_str())
    }

    fn add_parents(&mut self, path: &RelPath) -> Result<(), TwinError> {
        let text = path.as_str();
        let parents = || {
            text.match_indices('/')
                .filter_map(|(end, _)| text.get(..end))
        };
        // With a directory come all above it: most paths lie where one before them does.
        let known = parents()
            .rev()
            .position(|parent| self.has_directory(parent));
        let count = parents().count();
        let new = known.unwrap_or(count);
        parents()
            .skip(count - new)
            .try_for_each(|parent| self.add_one_directory(parent))
    }

    /// It was added, spelled like this.
    fn has_directory(&self, path: &str) -> bool {
        let known = self.names.get(&fold(path));
        matches!(known, Some(Entry::Directory(spelled)) if spelled == path)
    }

    fn add_one_directory(&mut self, path: &str) -> Result<(), TwinError> {
        let spelled = Entry::Directory(path.to_string());
        match self.names.insert(fold(path), spelled.clone()) {
            None => Ok(()),
            Some(Entry::File) => Err(TwinError::FileAndDirectory),
            Some(known) if known == spelled => Ok(()),
            Some(Entry::Directory(_)) => Err(TwinError::Twin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), PathError>) {
        assert_eq!(RelPath::parse(text).map(|_| ()), expected, "{text:?}");
    }

    #[test]
    fn accepted() {
        for text in [
            "a",
            "maps/q3dm17.bsp",
            "Ünïcode/名前.txt",
            "a b/c.d.e",
            "common",
            "com",
            "lpt10",
        ] {
            check(text, Ok(()));
        }
    }

    #[test]
    fn refused() {
        use PathError::*;
        check("", Err(Empty));
        check("/etc/passwd", Err(Empty));
        check("a//b", Err(Empty));
        check("a/", Err(Empty));
        check("../x", Err(Dots));
        check("a/./b", Err(Dots));
        check("C:x", Err(Character(':')));
        check("a\\b", Err(Character('\\')));
        check("a:stream", Err(Character(':')));
        check("a\0b", Err(Character('\0')));
        check("a\u{202e}b", Err(Character('\u{202e}')));
        check("a\u{200b}b", Err(Character('\u{200b}')));
        check("what?", Err(Character('?')));
        check("x.", Err(TrailingDotOrSpace));
        check("x /y", Err(TrailingDotOrSpace));
        check("cafe\u{301}", Err(NotNfc));
        for name in [
            "con", "NUL.txt", "aux .txt", "COM1", "lpt9.log", "com¹", "CONOUT$", "clock$",
        ] {
            check(name, Err(Reserved));
        }
        check("local/.lanspread_owned", Err(Reserved));
        check(".LOCAL.BACKUP/x", Err(Reserved));
        check(&"d/".repeat(24), Err(TooLong));
        check(&"x".repeat(121), Err(TooLong));
        check(&["y".repeat(100), "z".repeat(100)].join("/"), Err(TooLong));
    }

    #[test]
    fn composed_from_archives() {
        let path = RelPath::parse_composed("cafe\u{301}/x").map(String::from);
        assert_eq!(path.as_deref(), Ok("caf\u{e9}/x"));
    }

    #[test]
    fn twins() {
        let mut table = PathTable::default();
        let mut add = |text: &str| table.add_file(&RelPath::parse(text).unwrap());
        assert_eq!(add("Data/a.txt"), Ok(()));
        assert_eq!(add("Data/b.txt"), Ok(()));
        assert_eq!(add("Data/A.TXT"), Err(TwinError::Twin));
        assert_eq!(add("data/c.txt"), Err(TwinError::Twin));
        assert_eq!(add("Data"), Err(TwinError::FileAndDirectory));
        assert_eq!(add("Data/b.txt/c"), Err(TwinError::FileAndDirectory));
        assert_eq!(add("Data/new/deep/a"), Ok(()));
        assert_eq!(add("Data/new/b"), Ok(()));
        assert_eq!(add("Data/NEW/deep/c"), Err(TwinError::Twin));
        assert_eq!(add("Data/a.txt/deep/c"), Err(TwinError::FileAndDirectory));
        assert_eq!(add("straße"), Ok(()));
        assert_eq!(add("STRASSE"), Err(TwinError::Twin));
    }

    #[test]
    fn the_short_way_folds_like_the_long_one() {
        for byte in 0..128_u8 {
            for text in [
                alloc::format!("{}", char::from(byte)),
                alloc::format!("aB{}Z", char::from(byte)),
            ] {
                assert_eq!(fold(&text), fold_any(&text), "{text:?}");
            }
        }
    }
}
