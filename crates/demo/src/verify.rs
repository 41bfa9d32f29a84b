//! Compares every installed file with what was generated, byte by byte through its hash.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use lanspread_proto::{Hash, RelPath};
use tokio::sync::watch;

use crate::{
    error::{DemoError, Difference},
    generate::{Expected, Game},
    progress::{Phase, Progress},
    work::Stop,
};

/// Names at the root of an installed game that are LanSpread's own.
const OWN_NAMES: &str = ".lanspread";
/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Compares all games below `games_dir`; returns how many files and bytes were compared.
pub(crate) fn verify(
    games_dir: &Path,
    games: &[Game],
    stop: &Stop,
    progress: &watch::Sender<Progress>,
) -> Result<(usize, u64), DemoError> {
    let files = games.iter().flat_map(|game| &game.files);
    let total_bytes = files.map(|file| file.bytes).sum();
    let (mut count, mut done_bytes) = (0, 0);
    for game in games {
        let local = games_dir.join(game.id.as_str()).join("local");
        for expected in &game.files {
            check_file(&local, game, expected, stop)?;
            count += 1;
            done_bytes += expected.bytes;
            progress.send_replace(Progress {
                phase: Phase::Checking,
                done_bytes,
                total_bytes,
                ..Progress::default()
            });
        }
        check_rest(&local, game)?;
    }
    Ok((count, done_bytes))
}

fn check_file(
    local: &Path,
    game: &Game,
    expected: &Expected,
    stop: &Stop,
) -> Result<(), DemoError> {
    let path = place(local, &expected.path);
    let differs = |wrong| DemoError::Differs {
        game: game.id.clone(),
        path: expected.path.clone(),
        wrong,
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(differs(Difference::Missing));
        }
        Err(error) => return Err(DemoError::file("read", path)(error)),
    };
    let hash = hash(file, stop).map_err(|source| match stop.check() {
        Err(_stopped) => DemoError::Stopped,
        Ok(()) => DemoError::file("read", path)(source),
    })?;
    if hash == (expected.bytes, expected.hash) {
        Ok(())
    } else {
        Err(differs(Difference::Bytes))
    }
}

fn hash(mut file: File, stop: &Stop) -> io::Result<(u64, Hash)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        stop.check()?;
        let count = file.read(&mut buffer)?;
        if count == 0 {
            let hash = Hash::from_bytes(*hasher.finalize().as_bytes());
            return Ok((hasher.count(), hash));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

/// Every empty directory is there, and nothing is that was not generated.
fn check_rest(local: &Path, game: &Game) -> Result<(), DemoError> {
    for dir in &game.empty_dirs {
        let path = place(local, dir);
        let entries = std::fs::read_dir(&path).map_err(DemoError::file("read", path))?;
        if entries.count() > 0 {
            return Err(DemoError::Differs {
                game: game.id.clone(),
                path: dir.clone(),
                wrong: Difference::Bytes,
            });
        }
    }
    let found = count(local, true)?;
    let expected = game.files.len() + game.empty_dirs.len();
    if found == expected {
        Ok(())
    } else {
        Err(DemoError::Count {
            game: game.id.clone(),
            found,
            expected,
        })
    }
}

/// Files and empty directories below a directory, without LanSpread's own at its root.
fn count(dir: &Path, is_root: bool) -> Result<usize, DemoError> {
    let (mut found, mut entries) = (0, 0);
    for entry in std::fs::read_dir(dir).map_err(DemoError::file("read", dir))? {
        let entry = entry.map_err(DemoError::file("read", dir))?;
        let own = entry.file_name().to_string_lossy().starts_with(OWN_NAMES);
        if is_root && own {
            continue;
        }
        entries += 1;
        let kind = entry.file_type();
        if kind.map_err(DemoError::file("read", dir))?.is_dir() {
            found += count(&entry.path(), false)?;
        } else {
            found += 1;
        }
    }
    Ok(if entries == 0 && !is_root { 1 } else { found })
}

fn place(local: &Path, path: &RelPath) -> PathBuf {
    let mut place = local.to_owned();
    place.extend(path.components());
    place
}

#[cfg(test)]
mod tests;
