//! The five games: their files, sizes and formats.

use lanspread_proto::{RelPath, rel_path::PathError};

use super::{Format, stream::Kind};

/// One game to make.
#[derive(Debug)]
pub(super) struct GameSpec {
    /// Its id, also the name of its archive.
    pub(super) id: &'static str,
    /// How it is packed.
    pub(super) format: Format,
    /// Its files.
    pub(super) files: Vec<FileSpec>,
    /// Directories without files.
    pub(super) empty_dirs: Vec<RelPath>,
    /// Files that the archive holds as copies of earlier ones: the copy and its original.
    pub(super) copies: Vec<(RelPath, RelPath)>,
}

/// One file to make.
#[derive(Debug)]
pub(super) struct FileSpec {
    /// Where it is after an install.
    pub(super) path: RelPath,
    /// Its size.
    pub(super) bytes: u64,
    /// What it is like.
    pub(super) kind: Kind,
}

/// All games, about `megabytes` of unpacked files together.
pub(super) fn games(megabytes: u32) -> Result<Vec<GameSpec>, PathError> {
    let share = Share(u64::from(megabytes) * 1_000_000);
    Ok(vec![
        castle_siege(&share)?,
        night_racer(&share)?,
        word_duel(&share)?,
        star_lanes(&share)?,
        garden_maze(&share)?,
    ])
}

/// One game can be started, and hosted, where a script is a program.
const MAZE_PROFILE: &str = "title = \"Garden Maze\"\n\n\
    [play]\nlinux = \"garden-maze.sh\"\nmacos = \"garden-maze.sh\"\n\
    arguments = [\"--player\", \"{player_name}\", \"--language\", \"{language}\"]\n\
    join = [\"--join\", \"{host_ip}\"]\n\n\
    [play.server]\nlinux = \"garden-maze.sh\"\nmacos = \"garden-maze.sh\"\n\
    arguments = [\"--server\"]\nport = 47999\n";
/// Stands for a game: it runs for a while.
const MAZE: &str = "#!/bin/sh\nexec sleep 4\n";

/// Bytes to share out among games.
struct Share(u64);

impl Share {
    /// So many thousandths of all.
    const fn of(&self, thousandths: u64) -> u64 {
        self.0 / 1_000 * thousandths
    }
}

/// Two large files, one of them twice: RAR stores the second as a copy.
fn castle_siege(share: &Share) -> Result<GameSpec, PathError> {
    let mut game = GameSpec::new("castle-siege", Format::Rar);
    game.file("castle-siege.exe", share.of(20), Kind::Noise)?;
    game.file("maps/world.pak", share.of(430), Kind::Noise)?;
    game.copies.push((
        RelPath::parse("server/castle-siege-dedicated.exe")?,
        RelPath::parse("castle-siege.exe")?,
    ));
    Ok(game)
}

/// Sounds and scripts.
fn night_racer(share: &Share) -> Result<GameSpec, PathError> {
    let mut game = GameSpec::new("night-racer", Format::Zip);
    game.file("racer.exe", share.of(12), Kind::Noise)?;
    for number in 1..=24 {
        let track = format!("tracks/{number:02}/terrain.bin");
        game.file(&track, share.of(5), Kind::Noise)?;
        game.file(
            &format!("tracks/{number:02}/script.lua"),
            share.of(2),
            Kind::Text,
        )?;
    }
    Ok(game)
}

/// Text, nearly all of it.
fn word_duel(share: &Share) -> Result<GameSpec, PathError> {
    let mut game = GameSpec::new("word-duel", Format::SevenZ);
    game.file("duel.exe", share.of(5), Kind::Noise)?;
    for language in ["de", "en", "es", "fr", "it", "nl", "pl", "sv"] {
        let words = format!("words/{language}.txt");
        game.file(&words, share.of(9), Kind::Text)?;
    }
    Ok(game)
}

/// Middle-sized files of both kinds, and a directory for saves.
fn star_lanes(share: &Share) -> Result<GameSpec, PathError> {
    let mut game = GameSpec::new("star-lanes", Format::TarZstd);
    game.file("bin/lanes.exe", share.of(10), Kind::Noise)?;
    for number in 1..=30 {
        let (kind, name) = match number % 2 {
            0 => (Kind::Noise, "mesh"),
            _ => (Kind::Text, "json"),
        };
        let sector = format!("sectors/{number:03}.{name}");
        game.file(&sector, share.of(4), kind)?;
    }
    game.empty_dirs.push(RelPath::parse("saves")?);
    Ok(game)
}

/// Plain files: many small ones, an empty one, names beyond ASCII, an empty directory.
fn garden_maze(share: &Share) -> Result<GameSpec, PathError> {
    let mut game = GameSpec::new("garden-maze", Format::Tree);
    game.file("maze.exe", share.of(10), Kind::Noise)?;
    game.file("music/Frühlingsmorgen.ogg", share.of(40), Kind::Noise)?;
    game.file("music/森の道.ogg", share.of(30), Kind::Noise)?;
    game.file("texts/Läs mig först.txt", 4_321, Kind::Text)?;
    game.file("first-start.flag", 0, Kind::Text)?;
    for number in 0..200 {
        let (block, piece) = (number / 20, number % 20);
        let tile = format!("tiles/{block:02}/{piece:02}.png");
        // Sizes that are no multiple of anything.
        let bytes = share.0 / 10_000 + number * 37;
        game.file(&tile, bytes, Kind::Noise)?;
    }
    game.empty_dirs.push(RelPath::parse("screenshots")?);
    game.exact("lanspread.toml", MAZE_PROFILE)?;
    game.exact("garden-maze.sh", MAZE)?;
    Ok(game)
}

impl GameSpec {
    const fn new(id: &'static str, format: Format) -> Self {
        Self {
            id,
            format,
            files: Vec::new(),
            empty_dirs: Vec::new(),
            copies: Vec::new(),
        }
    }

    fn exact(&mut self, path: &str, text: &'static str) -> Result<(), PathError> {
        let bytes = u64::try_from(text.len()).unwrap_or(0);
        self.file(path, bytes, Kind::Exact(text))
    }

    fn file(&mut self, path: &str, bytes: u64, kind: Kind) -> Result<(), PathError> {
        self.files.push(FileSpec {
            path: RelPath::parse(path)?,
            bytes,
            kind,
        });
        Ok(())
    }
}
