//! `lanspread.toml` in a game root: what its publisher wants.

use lanspread_install::launch::Profile;
use lanspread_proto::{RelPath, rel_path::PathError, text::Title};
use serde::Deserialize;

use super::{Small, read_small};
use crate::{
    error::DiskError,
    launch::{LaunchError, WrittenProfile},
    vfs::{Disk, Place},
};

/// The file's name. It is part of the payload: everybody sees the same wishes.
pub const LANSPREAD_TOML: &str = "lanspread.toml";
/// A page of settings, not a book.
pub const LANSPREAD_TOML_BYTES_MAX: u64 = 64 * 1024;

/// The publisher's wishes; what is not said stays at its default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GameSettings {
    /// Whether the game is offered to others.
    pub share: Option<bool>,
    /// How the payload becomes an installed game.
    pub layout: Option<LayoutWish>,
    /// The name for people.
    pub title: Option<Title>,
    /// How it is started.
    pub play: Option<Profile>,
}

/// How the payload becomes an installed game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutWish {
    /// `layout = "tree"`: the payload is the game.
    Tree,
    /// `layout = "archives"`: every archive at the root is unpacked.
    Archives,
    /// `layout = ["game.rar", "patch.zip"]`: these archives (their first volumes), in this order.
    Named(Vec<RelPath>),
}

/// Why a `lanspread.toml` cannot be obeyed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not TOML, or a value of the wrong kind; the message says where.
    #[error("lanspread.toml: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Not UTF-8.
    #[error("lanspread.toml is not UTF-8 text")]
    NotText,
    /// Larger than [`LANSPREAD_TOML_BYTES_MAX`].
    #[error("lanspread.toml is larger than 64 KiB")]
    TooLarge,
    /// `layout` is neither a known word nor a list of names.
    #[error("lanspread.toml: layout is \"tree\", \"archives\" or a list of archives, not {0:?}")]
    Layout(String),
    /// An archive's name is no path.
    #[error("lanspread.toml: layout names {name:?}: {reason}")]
    Archive {
        /// What it says.
        name: String,
        /// Why that is no name.
        reason: PathError,
    },
    /// `[play]` is no profile.
    #[error("lanspread.toml: {0}")]
    Play(#[from] LaunchError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Reads the wishes of a game root; without a file there are none.
///
/// # Errors
/// The file is there, but cannot be understood.
pub fn read_settings(disk: &dyn Disk, game_root: &Place) -> Result<GameSettings, SettingsError> {
    match read_small(
        disk,
        &game_root.own(LANSPREAD_TOML),
        LANSPREAD_TOML_BYTES_MAX,
    )? {
        Small::Missing => Ok(GameSettings::default()),
        Small::TooLarge => Err(SettingsError::TooLarge),
        Small::Bytes(bytes) => {
            let text = str::from_utf8(&bytes).map_err(|_not_utf8| SettingsError::NotText)?;
            GameSettings::parse(text)
        }
    }
}

/// The file as written; keys that later versions know are skipped.
#[derive(Deserialize)]
struct Written {
    share: Option<bool>,
    layout: Option<WrittenLayout>,
    title: Option<String>,
    play: Option<WrittenProfile>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenLayout {
    Word(String),
    Archives(Vec<String>),
}

impl GameSettings {
    /// Parses the text of a `lanspread.toml`.
    ///
    /// # Errors
    /// Not TOML, or a value that means nothing.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let written: Written = toml::from_str(text)?;
        Ok(Self {
            share: written.share,
            layout: written.layout.map(wish).transpose()?,
            title: written
                .title
                .map(|title| Title::clean(&title))
                .filter(|title| !title.as_str().is_empty()),
            play: written.play.map(WrittenProfile::parse).transpose()?,
        })
    }
}

fn wish(layout: WrittenLayout) -> Result<LayoutWish, SettingsError> {
    let names = match layout {
        WrittenLayout::Word(word) => {
            return match word.as_str() {
                "tree" => Ok(LayoutWish::Tree),
                "archives" => Ok(LayoutWish::Archives),
                _ => Err(SettingsError::Layout(word)),
            };
        }
        WrittenLayout::Archives(names) => names,
    };
    if names.is_empty() {
        return Err(SettingsError::Layout("[]".to_owned()));
    }
    names
        .into_iter()
        .map(|name| RelPath::parse(&name).map_err(|reason| SettingsError::Archive { name, reason }))
        .collect::<Result<_, _>>()
        .map(LayoutWish::Named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> GameSettings {
        GameSettings::parse(text).unwrap()
    }

    #[test]
    fn all_keys_and_unknown_ones() {
        let settings =
            parse("share = false\nlayout = 'tree'\ntitle = ' A\\tB '\nfuture = [1]\n[x]\ny=2");
        assert_eq!(settings.share, Some(false));
        assert_eq!(settings.layout, Some(LayoutWish::Tree));
        assert_eq!(settings.title.unwrap().as_str(), "A\\tB");
        assert_eq!(parse(""), GameSettings::default());
        assert_eq!(parse("title = ' \u{200b} '"), GameSettings::default());
        let play = parse("[play]\nlinux = 'game'\n").play.unwrap();
        assert!(
            !play
                .play
                .needs_wine(lanspread_install::launch::System::Linux)
        );
        assert_eq!(
            parse("layout='archives'").layout,
            Some(LayoutWish::Archives)
        );
        let named = vec![
            RelPath::parse("b.rar").unwrap(),
            RelPath::parse("a.zip").unwrap(),
        ];
        assert_eq!(
            parse("layout=['b.rar', 'a.zip']").layout,
            Some(LayoutWish::Named(named))
        );
    }

    #[test]
    fn refused_with_the_reason() {
        let error = |text| GameSettings::parse(text).unwrap_err().to_string();
        assert!(
            error("share = 'no'").contains("boolean"),
            "{}",
            error("share = 'no'")
        );
        assert!(error("layout = 'zip'").contains("\"zip\""));
        assert!(error("layout = []").contains("[]"));
        assert!(error("layout = ['../x']").contains("../x"));
        assert!(error("layout = 3").contains("layout"));
        assert!(error("= 3").contains("lanspread.toml"));
        assert!(error("[play]\nlinux = '/x'").contains("play: \"/x\""));
    }
}
