//! [`Catalog`]: what is known of games besides their bytes: title, description, how they are
//! started.
//!
//! Two sources, which are trusted alike: the one inside this program, and `catalog.toml` in the
//! state directory, which the organiser of a party writes. An entry of the second replaces one of
//! the first.

use std::collections::BTreeMap;

use lanspread_install::launch::Profile;
use lanspread_proto::{GameId, RelPath, Text, rel_path::PathError, text::Title};
use serde::Deserialize;

use crate::{
    atomic_file,
    error::DiskError,
    launch::{LaunchError, WrittenProfile},
    vfs::{Disk, Place},
};

/// The organiser's file in the state directory; covers are named relative to it.
pub const CATALOG_TOML: &str = "catalog.toml";
/// Longest such file.
pub const CATALOG_BYTES_MAX: u64 = 1 << 20;
/// Games in one file.
pub const CATALOG_GAMES_MAX: usize = 4_096;
/// Other names of one game.
pub const NAMES_MAX: usize = 16;
/// Bytes of a cover.
pub const COVER_BYTES_MAX: u64 = 512 * 1_024;

const BUNDLED: &str = include_str!("catalog/bundled.toml");

/// What is known of games.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    games: BTreeMap<GameId, CatalogEntry>,
    /// Other names, and whose they are.
    names: BTreeMap<GameId, GameId>,
}

/// A sentence or two about a game.
pub type Description = Text<600>;

/// What is known of one game. What nobody is sure of is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Where it is from.
    pub source: CatalogSource,
    /// The name for people.
    pub title: Option<Title>,
    /// What it is, in English.
    pub description: Option<Description>,
    /// The same in German.
    pub description_de: Option<Description>,
    /// What kind of game.
    pub genre: Option<Genre>,
    /// Most players in one game.
    pub players_max: Option<u16>,
    /// The year in which it came out first.
    pub year: Option<u16>,
    /// Under which terms it may be passed on.
    pub licence: Option<Text<80>>,
    /// A picture beside the catalog file.
    pub cover: Option<RelPath>,
    /// How it is started.
    pub play: Option<Profile>,
}

/// Where an entry is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogSource {
    /// This program.
    Bundled,
    /// The file of this machine.
    Own,
}

/// A kind of game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Genre {
    /// Aiming and shooting.
    Shooter,
    /// Plans and armies.
    Strategy,
    /// Who is first.
    Racing,
    /// A sport.
    Sport,
    /// Quick hands.
    Arcade,
    /// Thinking.
    Puzzle,
    /// A character that grows.
    RolePlaying,
    /// A thing as it is in the world.
    Simulation,
    /// Building in a world without an aim of its own.
    Sandbox,
    /// On a board or with cards.
    Board,
}

/// Why a catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not TOML, or a value of the wrong kind; the message says where.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// More games than [`CATALOG_GAMES_MAX`], or more names than [`NAMES_MAX`].
    #[error("it has too many games, or a game too many names")]
    TooMany,
    /// A name cannot be that of a game's directory.
    #[error("{0:?} cannot be the name of a game's directory")]
    Name(String),
    /// A game's `[play]` means nothing.
    #[error("{game}: {reason}")]
    Play {
        /// Which game.
        game: String,
        /// What is wrong.
        reason: LaunchError,
    },
    /// A game's cover is no path.
    #[error("{game}: the cover: {reason}")]
    Cover {
        /// Which game.
        game: String,
        /// What is wrong.
        reason: PathError,
    },
    /// The disk failed, or the file is too large.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    games: BTreeMap<String, WrittenEntry>,
}

#[derive(Deserialize)]
struct WrittenEntry {
    title: Option<String>,
    description: Option<String>,
    description_de: Option<String>,
    genre: Option<Genre>,
    players_max: Option<u16>,
    year: Option<u16>,
    licence: Option<String>,
    cover: Option<String>,
    play: Option<WrittenProfile>,
    #[serde(default)]
    names: Vec<String>,
}

impl Catalog {
    /// The catalog inside this program.
    ///
    /// # Errors
    /// Never: a test reads it.
    pub fn bundled() -> Result<Self, CatalogError> {
        Self::parse(BUNDLED, CatalogSource::Bundled)
    }

    /// The catalog of this machine; without a file it is empty.
    ///
    /// # Errors
    /// The file is there, but cannot be used.
    pub fn read(disk: &dyn Disk, state: &Place) -> Result<Self, CatalogError> {
        match atomic_file::read(disk, &state.own(CATALOG_TOML), CATALOG_BYTES_MAX)? {
            None => Ok(Self::default()),
            Some(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_not_utf8| CatalogError::NotText)?;
                Self::parse(&text, CatalogSource::Own)
            }
        }
    }

    /// Parses the text of a catalog.
    ///
    /// # Errors
    /// The first part that means nothing.
    pub fn parse(text: &str, source: CatalogSource) -> Result<Self, CatalogError> {
        let written: Written = toml::from_str(text)?;
        if written.games.len() > CATALOG_GAMES_MAX {
            return Err(CatalogError::TooMany);
        }
        let mut catalog = Self::default();
        for (name, written) in written.games {
            let game = parse_name(&name)?;
            if written.names.len() > NAMES_MAX {
                return Err(CatalogError::TooMany);
            }
            for other in &written.names {
                catalog.names.insert(parse_name(other)?, game.clone());
            }
            catalog.games.insert(game, written.parse(&name, source)?);
        }
        Ok(catalog)
    }

    /// What `over` knows goes first; entries are replaced whole.
    pub fn overlay(&mut self, over: Self) {
        self.games.extend(over.games);
        self.names.extend(over.names);
    }

    /// What is known of a game.
    #[must_use]
    pub fn game(&self, game: &GameId) -> Option<&CatalogEntry> {
        let named = || self.games.get(self.names.get(game)?);
        self.games.get(game).or_else(named)
    }

    /// Every entry, sorted by its id.
    pub fn games(&self) -> impl ExactSizeIterator<Item = (&GameId, &CatalogEntry)> {
        self.games.iter()
    }
}

impl WrittenEntry {
    fn parse(self, name: &str, source: CatalogSource) -> Result<CatalogEntry, CatalogError> {
        let game = || name.to_owned();
        let play = self.play.map(WrittenProfile::parse).transpose();
        let play = play.map_err(|reason| CatalogError::Play {
            game: game(),
            reason,
        })?;
        let cover = self.cover.map(|path| RelPath::parse(&path)).transpose();
        let cover = cover.map_err(|reason| CatalogError::Cover {
            game: game(),
            reason,
        })?;
        Ok(CatalogEntry {
            source,
            title: self.title.and_then(|text| clean(&text)),
            description: self.description.and_then(|text| clean(&text)),
            description_de: self.description_de.and_then(|text| clean(&text)),
            genre: self.genre,
            players_max: self.players_max,
            year: self.year,
            licence: self.licence.and_then(|text| clean(&text)),
            cover,
            play,
        })
    }
}

fn clean<const MAX: usize>(text: &str) -> Option<Text<MAX>> {
    Some(Text::clean(text)).filter(|text| !text.as_str().is_empty())
}

/// As a game's directory: in any case.
fn parse_name(name: &str) -> Result<GameId, CatalogError> {
    let folded = lanspread_proto::rel_path::fold(name);
    GameId::parse(&folded).map_err(|_reason| CatalogError::Name(name.to_owned()))
}

/// A picture of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Its kind, as its first bytes say.
    pub kind: CoverKind,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A kind of picture that every browser shows and nothing runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoverKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
}

impl CoverKind {
    /// By the first bytes; a name proves nothing.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            _ => None,
        }
    }
}

/// Names of a cover in a game's directory, the first that is there counts.
pub const COVER_NAMES: [&str; 4] = ["cover.png", "cover.jpg", "cover.jpeg", "cover.webp"];

/// Where a game's own cover is, and a number that changes with it.
///
/// # Errors
/// The disk.
pub fn find_cover(disk: &dyn Disk, game_root: &Place) -> Result<Option<CoverAt>, DiskError> {
    for name in COVER_NAMES {
        let place = game_root.own(name);
        if let Some(found) = cover_at(disk, place)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A picture that may be a cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverAt {
    /// Where it is.
    pub place: Place,
    /// Changes whenever the file does.
    pub tag: u64,
}

/// The file as a cover, if it is there and small enough.
///
/// # Errors
/// The disk.
pub fn cover_at(disk: &dyn Disk, place: Place) -> Result<Option<CoverAt>, DiskError> {
    use crate::vfs::EntryKind;
    let stat = disk.stat(&place)?;
    let stat = stat.filter(|s| s.kind == EntryKind::File && s.bytes <= COVER_BYTES_MAX);
    Ok(stat.map(|stat| {
        let nanos = stat.identity.modified_nanos.unsigned_abs();
        let tag = u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or(0);
        CoverAt {
            place,
            tag: tag.rotate_left(17) ^ stat.bytes,
        }
    }))
}

/// Reads a cover; `None` when it is no picture, too large or gone.
///
/// # Errors
/// The disk.
pub fn read_cover(disk: &dyn Disk, place: &Place) -> Result<Option<Cover>, DiskError> {
    if cover_at(disk, place.clone())?.is_none() {
        return Ok(None);
    }
    let bytes = atomic_file::read(disk, place, COVER_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| {
        let kind = CoverKind::of(&bytes)?;
        Some(Cover { kind, bytes })
    }))
}

#[cfg(test)]
mod tests;
