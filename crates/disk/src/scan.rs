//! What lies in the games directory, and which files of a game are its payload.
//!
//! **Invariant:** a [`Payload`] holds only names that every OS can hold, side by side, within the
//! limits of a manifest. Anything else is refused with the entry's name; nothing is left out
//! silently but what LanSpread and operating systems put there themselves.

use lanspread_install::{Slot, slot::KEPT};
use lanspread_proto::{
    Hash, RelPath, VersionLabel,
    id::{GameId, IdError},
    limits,
    manifest::{self, VERSION_INI},
    rel_path::{PathError, PathTable, TwinError, fold},
    version::VersionError,
};

use crate::{
    error::DiskError,
    games_lock::GamesTaken,
    vfs::{DirEntry, Disk, EntryKind, FileIdentity, OpenMode, Place, Stat},
};

pub mod settings;

/// A directory in the games directory.
#[derive(Debug)]
pub struct FoundGame {
    /// Its name on disk.
    pub directory: String,
    /// Where it is.
    pub place: Place,
    /// Which game it is, or why it is none.
    pub game: Result<GameId, NotAGame>,
    /// What its `version.ini` says.
    pub sentinel: Sentinel,
    /// Which of our directories it has.
    pub slots: Vec<Slot>,
}

impl FoundGame {
    /// It has a `local/`: the game is installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.slots.contains(&Slot::Live)
    }

    /// It has a `.incoming/`: a download was begun.
    #[must_use]
    pub fn has_incoming(&self) -> bool {
        self.slots.contains(&Slot::Incoming)
    }
}

/// Why an entry of the games directory is not a game.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAGame {
    /// Its name cannot be a game id.
    #[error(transparent)]
    Name(#[from] IdError),
    /// The state directory lies in it: keys and tokens are nobody's game.
    #[error("LanSpread keeps its state in it")]
    State,
    /// Another directory has the same name in other letters.
    #[error("the directory {0} is the same game")]
    Twin(String),
    /// A link, a special file, or a name that is not Unicode.
    #[error("it is a link, a special file, or its name is not Unicode")]
    Special,
}

/// What a game's `version.ini` says.
#[derive(Debug)]
pub enum Sentinel {
    /// There is none: not downloaded, not shared.
    Missing,
    /// The game is complete, in this version.
    Label(VersionLabel),
    /// There is one, but it names no version.
    Malformed(VersionError),
    /// There is one that cannot be read.
    Unreadable(DiskError),
}

/// The games directory cannot be looked at. It is *unavailable*; its games are not removed.
#[derive(Debug, thiserror::Error)]
pub enum GamesUnavailable {
    /// It is not there: moved, renamed, or its volume is not mounted.
    #[error("the games directory {0} is not there")]
    Missing(Place),
    /// It is there, but not a directory.
    #[error("{0} is not a directory")]
    NotADirectory(Place),
    /// It is empty, and not the directory that held games before: a volume is not mounted.
    #[error("{0} is empty now, and another directory than the one that held games")]
    Another(Place),
    /// Another node works in it.
    #[error(transparent)]
    Taken(#[from] GamesTaken),
    /// It cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The payload of a game: what a manifest is made of, before it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payload {
    /// Its files, sorted by path.
    pub files: Vec<ScannedFile>,
    /// Directories with nothing of the payload in them, sorted.
    pub empty_dirs: Vec<RelPath>,
    /// Bytes of all files.
    pub bytes: u64,
    /// The latest change of any file or directory in it, nanoseconds since 1970.
    pub newest_change_nanos: i128,
}

/// One file of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFile {
    /// Where it lies below the game root.
    pub path: RelPath,
    /// Its size.
    pub bytes: u64,
    /// Which bytes it holds, as far as can be told without reading them.
    pub identity: FileIdentity,
}

/// Why a directory cannot be published as it is. Each names the entry to mend.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A name that not every OS can hold.
    #[error("{path}: other systems cannot hold this name: {reason}")]
    Name {
        /// The entry, as it is spelled on disk.
        path: String,
        /// Why.
        reason: PathError,
    },
    /// Two names that are one on other systems.
    #[error("{path}: {reason}")]
    Twin {
        /// The second of the two.
        path: RelPath,
        /// Why.
        reason: TwinError,
    },
    /// A link, pipe, device or anything else that is neither file nor directory, or a name that
    /// is not Unicode.
    #[error("{path}: links, special files and names that are not Unicode cannot be shared")]
    Special {
        /// The entry.
        path: String,
    },
    /// At the root of a game, a name that LanSpread needs for itself, however it is spelled.
    #[error("{path}: LanSpread needs this name for itself")]
    Reserved {
        /// The entry.
        path: String,
    },
    /// More than the limits of a manifest.
    #[error("the folder is over a limit: {0}")]
    Limit(&'static str),
    /// The disk failed, or an entry vanished meanwhile.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Payload {
    /// A short name of this state of the files: equal as long as no file or directory changed.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        let mut bytes = Vec::new();
        for file in &self.files {
            bytes.extend_from_slice(file.path.as_str().as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(&file.bytes.to_le_bytes());
            bytes.extend_from_slice(&file.identity.modified_nanos.to_le_bytes());
            bytes.extend_from_slice(&file.identity.file_id.to_le_bytes());
        }
        bytes.push(0);
        for directory in &self.empty_dirs {
            bytes.extend_from_slice(directory.as_str().as_bytes());
            bytes.push(0);
        }
        Hash::of(&bytes)
    }
}

/// Lists the directories of the games directory; files and names with a leading dot are none of
/// ours.
///
/// # Errors
/// The games directory is unavailable. A single unreadable game is reported in its entry.
pub fn list_games(disk: &dyn Disk, games: &Place) -> Result<Vec<FoundGame>, GamesUnavailable> {
    match disk.stat(games)? {
        None => return Err(GamesUnavailable::Missing(games.clone())),
        Some(stat) if stat.kind != EntryKind::Directory => {
            return Err(GamesUnavailable::NotADirectory(games.clone()));
        }
        Some(_) => {}
    }
    let mut found: Vec<FoundGame> = Vec::new();
    for entry in disk.list(games)? {
        if entry.name.starts_with('.') || entry.kind == EntryKind::File {
            continue;
        }
        let game = if entry.kind == EntryKind::Directory {
            name_game(&entry.name, &found)
        } else {
            Err(NotAGame::Special)
        };
        let place = games.listed(&entry.name);
        found.push(look_at(disk, place, entry.name, game));
    }
    Ok(found)
}

fn name_game(name: &str, known: &[FoundGame]) -> Result<GameId, NotAGame> {
    let id = GameId::parse(name)?;
    match known.iter().find(|other| other.game.as_ref() == Ok(&id)) {
        Some(twin) => Err(NotAGame::Twin(twin.directory.clone())),
        None => Ok(id),
    }
}

fn look_at(
    disk: &dyn Disk,
    place: Place,
    directory: String,
    game: Result<GameId, NotAGame>,
) -> FoundGame {
    let is_there = |slot: &Slot| {
        let stat = disk.stat(&place.own(slot.name())).ok().flatten();
        stat.is_some_and(|stat| stat.kind == EntryKind::Directory)
    };
    let (sentinel, slots) = if game.is_ok() {
        let all = [Slot::Live, Slot::Staging, Slot::Backup, Slot::Incoming];
        let there = all.into_iter().filter(is_there).collect();
        (read_sentinel(disk, &place), there)
    } else {
        (Sentinel::Missing, Vec::new())
    };
    FoundGame {
        directory,
        place,
        game,
        sentinel,
        slots,
    }
}

/// Reads the version label of a game root.
#[must_use]
pub fn read_sentinel(disk: &dyn Disk, game_root: &Place) -> Sentinel {
    match read_small(
        disk,
        &game_root.own(VERSION_INI),
        limits::VERSION_INI_BYTES_MAX,
    ) {
        Ok(Small::Missing) => Sentinel::Missing,
        Ok(Small::TooLarge) => Sentinel::Malformed(VersionError::TooLarge),
        Ok(Small::Bytes(bytes)) => match VersionLabel::from_ini(&bytes) {
            Ok(label) => Sentinel::Label(label),
            Err(error) => Sentinel::Malformed(error),
        },
        Err(error) => Sentinel::Unreadable(error),
    }
}

/// A file that is read whole, up to a limit.
pub(crate) enum Small {
    Missing,
    TooLarge,
    Bytes(Vec<u8>),
}

pub(crate) fn read_small(
    disk: &dyn Disk,
    place: &Place,
    bytes_max: u64,
) -> Result<Small, DiskError> {
    let file = match disk.open(place, OpenMode::Read) {
        Err(error) if error.is_not_found() => return Ok(Small::Missing),
        opened => opened?,
    };
    let bytes = file.stat()?.bytes;
    match usize::try_from(bytes) {
        Ok(len) if bytes <= bytes_max => {
            let mut buffer = vec![0; len];
            file.read_exact_at(&mut buffer, 0)?;
            Ok(Small::Bytes(buffer))
        }
        Ok(_) | Err(_) => Ok(Small::TooLarge),
    }
}

/// Lists the payload of a game root without reading a byte of it.
///
/// # Errors
/// The first entry that cannot be part of a manifest, or a failure of the disk.
pub fn scan_payload(disk: &dyn Disk, game_root: &Place) -> Result<Payload, ScanError> {
    scan(disk, game_root, Scope::GameRoot)
}

/// Lists a folder that is no game root, where no name is ours: as [`scan_payload`] otherwise.
///
/// # Errors
/// As [`scan_payload`].
pub fn scan_folder(disk: &dyn Disk, folder: &Place) -> Result<Payload, ScanError> {
    scan(disk, folder, Scope::Folder)
}

/// What a directory is that is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Beside the payload lie directories of ours.
    GameRoot,
    /// All of it is somebody's.
    Folder,
}

fn scan(disk: &dyn Disk, root: &Place, scope: Scope) -> Result<Payload, ScanError> {
    let mut scan = Scan {
        payload: Payload::default(),
        names: PathTable::default(),
        waiting: Vec::new(),
    };
    scan.enter(disk, root, (None, scope))?;
    while let Some(path) = scan.waiting.pop() {
        scan.enter(disk, &root.join(&path), (Some(path), Scope::Folder))?;
    }
    let mut payload = scan.payload;
    payload.files.sort_by(|a, b| a.path.cmp(&b.path));
    payload.empty_dirs.sort();
    Ok(payload)
}

/// A walk in progress. Depth is bounded by the rules of [`RelPath`], breadth by the manifest's.
struct Scan {
    payload: Payload,
    names: PathTable,
    waiting: Vec<RelPath>,
}

impl Scan {
    fn enter(
        &mut self,
        disk: &dyn Disk,
        directory: &Place,
        (path, scope): (Option<RelPath>, Scope),
    ) -> Result<(), ScanError> {
        let mut is_empty = true;
        for entry in disk.list(directory)? {
            if manifest::is_litter(&entry.name) {
                continue;
            }
            if scope == Scope::GameRoot && manifest::is_excluded_at_root(&entry.name) {
                check_reserved(entry)?;
                continue;
            }
            is_empty = false;
            let spelled = match &path {
                Some(above) => format!("{above}/{}", entry.name),
                None => entry.name.clone(),
            };
            let place = directory.listed(&entry.name);
            self.add(disk, &place, entry.kind, spelled)?;
        }
        if let Some(path) = path.filter(|_| is_empty) {
            self.payload.empty_dirs.push(path);
        }
        Ok(())
    }

    fn add(
        &mut self,
        disk: &dyn Disk,
        place: &Place,
        kind: EntryKind,
        spelled: String,
    ) -> Result<(), ScanError> {
        if kind == EntryKind::Other {
            return Err(ScanError::Special { path: spelled });
        }
        let path = RelPath::parse(&spelled).map_err(|reason| ScanError::Name {
            path: spelled,
            reason,
        })?;
        let stat = match disk.stat(place)? {
            Some(stat) if stat.kind == kind => stat,
            Some(_) | None => return Err(vanished(disk, place, path)),
        };
        let changed = stat.identity.modified_nanos;
        self.payload.newest_change_nanos = self.payload.newest_change_nanos.max(changed);
        let added = if kind == EntryKind::File {
            self.names.add_file(&path)
        } else {
            self.names.add_directory(&path)
        };
        if let Err(reason) = added {
            return Err(ScanError::Twin { path, reason });
        }
        if kind == EntryKind::File {
            self.add_file(path, stat)?;
        } else {
            self.waiting.push(path);
        }
        self.check_count()
    }

    fn add_file(&mut self, path: RelPath, stat: Stat) -> Result<(), ScanError> {
        if stat.bytes > limits::FILE_BYTES_MAX {
            return Err(ScanError::Limit("1 TiB for one file"));
        }
        self.payload.bytes = self.payload.bytes.saturating_add(stat.bytes);
        if self.payload.bytes > limits::PAYLOAD_BYTES_MAX {
            return Err(ScanError::Limit("4 TiB in all"));
        }
        self.payload.files.push(ScannedFile {
            path,
            bytes: stat.bytes,
            identity: stat.identity,
        });
        Ok(())
    }

    fn check_count(&self) -> Result<(), ScanError> {
        let entries = self.payload.files.len() + self.payload.empty_dirs.len() + self.waiting.len();
        if entries > limits::MANIFEST_FILES_MAX {
            return Err(ScanError::Limit("500,000 files and directories"));
        }
        Ok(())
    }
}

/// What is left out must be what it is left out for: a payload may hold a file `local`, and where
/// letters of both cases differ, a directory `Local` beside ours.
fn check_reserved(entry: DirEntry) -> Result<(), ScanError> {
    let is_slot = [Slot::Live, Slot::Staging, Slot::Backup, Slot::Incoming]
        .iter()
        .any(|slot| slot.name() == entry.name);
    let is_directory = entry.kind == EntryKind::Directory;
    let is_wrong_kind = !is_directory && (is_slot || entry.name == KEPT);
    if is_wrong_kind || entry.name != fold(&entry.name) {
        return Err(ScanError::Reserved { path: entry.name });
    }
    Ok(())
}

/// The entry changed between the listing and the look: somebody is at work in the folder.
fn vanished(disk: &dyn Disk, place: &Place, path: RelPath) -> ScanError {
    match disk.open(place, OpenMode::Read) {
        Err(error) => ScanError::Disk(error),
        Ok(_) => ScanError::Special { path: path.into() },
    }
}

#[cfg(test)]
mod tests;
