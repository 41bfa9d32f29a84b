//! The folder that is published: which game it would be, what of it is shared, and why it cannot
//! be. Nothing here changes anything.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lanspread_disk::{
    Disk, Place, folders,
    scan::{self, ScanError, Sentinel},
    vfs::FileIdentity,
};
use lanspread_proto::{
    GameId, RelPath, VersionLabel,
    manifest::{self, VERSION_INI},
    version::VersionError,
};

use crate::{error::OperationError, limits};

/// The code of a folder into which somebody may still be copying.
pub(super) const STILL_CHANGING: &str = "still-changing";

/// The game that a folder would be.
pub(crate) fn game_of(source: &Path) -> Result<GameId, OperationError> {
    let name = source
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    GameId::parse(name).map_err(|error| OperationError::Publish {
        entry: source.display().to_string(),
        code: "name",
        reason: error.to_string(),
    })
}

/// Whether a folder is a game root of the games directory, by whatever name either is called.
pub(crate) fn is_in(games: &Place, source: &Path) -> bool {
    folders::is_child(source, &games.path())
}

/// Keys, tokens and other people's games are nobody's game: our own directories are not published,
/// nor what holds them.
pub(crate) fn check_not_ours(
    source: &Path,
    games: &Place,
    state: &Place,
) -> Result<(), OperationError> {
    let (games, state) = (games.path(), state.path());
    if folders::is_link_in(source, &games) {
        return Err(OperationError::Publish {
            entry: source.display().to_string(),
            code: "payload",
            reason: "it is a link: publish the folder that it leads to, or move that here".into(),
        });
    }
    let is_state = folders::holds(source, &state)
        || (folders::holds(&state, source) && !folders::holds(&games, source));
    let of = match (is_state, folders::holds(source, &games)) {
        (true, _) => "state",
        (false, true) => "games",
        (false, false) => return Ok(()),
    };
    Err(OperationError::Publish {
        entry: source.display().to_string(),
        code: "own-directory",
        reason: format!("the {of} directory of LanSpread is there"),
    })
}

/// Why a folder cannot be published.
pub(crate) fn refused(source: &Path, error: &ScanError) -> OperationError {
    let entry = match error {
        ScanError::Name { path, .. }
        | ScanError::Special { path }
        | ScanError::Reserved { path } => path.clone(),
        ScanError::Twin { path, .. } => path.to_string(),
        ScanError::Limit(_) | ScanError::Disk(_) => source.display().to_string(),
    };
    OperationError::Publish {
        entry,
        code: "payload",
        reason: error.to_string(),
    }
}

/// What a folder has to share. Of a game root that is all but what LanSpread keeps there; of any
/// other folder it is everything.
pub(crate) fn scan_source(
    disk: &dyn Disk,
    source: &Path,
    in_place: bool,
) -> Result<scan::Payload, OperationError> {
    let place = Place::root(source);
    let is_game_root = in_place || own_version(disk, &place)?.is_some();
    let scanned = if is_game_root {
        scan::scan_payload(disk, &place)
    } else {
        scan::scan_folder(disk, &place)
    };
    scanned.map_err(|error| refused(source, &error))
}

/// Somebody may still be copying into a folder that changed a moment ago. In the games directory
/// the shelf looks at it again for as long as it changes.
pub(crate) fn check_still(
    disk: &dyn Disk,
    source: &Path,
    payload: &scan::Payload,
    now: SystemTime,
) -> Result<(), OperationError> {
    let files = payload.files.iter();
    let newest = files.max_by_key(|file| file.identity.modified_nanos);
    let lately = newest.filter(|file| is_lately(file.identity.modified_nanos, now));
    if let Some(file) = lately {
        return Err(changing(file.path.as_str(), "it changed a moment ago"));
    }
    // A copy that keeps the times of files still changes the directory it copies into.
    let root = disk.stat(&Place::root(source))?;
    let root = root.map_or(0, |stat| stat.identity.modified_nanos);
    if is_lately(root.max(payload.newest_change_nanos), now) {
        let path = source.display().to_string();
        return Err(changing(&path, "something in it changed a moment ago"));
    }
    Ok(())
}

/// What is packed or moved must be what was looked at.
pub(super) fn check_unchanged(
    disk: &dyn Disk,
    (source, in_place): (&Path, bool),
    before: &scan::Payload,
) -> Result<(), OperationError> {
    let after = scan_source(disk, source, in_place)?;
    let files = |payload: &scan::Payload| -> BTreeMap<RelPath, (u64, FileIdentity)> {
        let files = payload.files.iter();
        let files = files.map(|file| (file.path.clone(), (file.bytes, file.identity)));
        files.collect()
    };
    let (before_files, mut after_files) = (files(before), files(&after));
    for (path, was) in &before_files {
        match after_files.remove(path) {
            None => return Err(changing(path.as_str(), "it was removed meanwhile")),
            Some(is) if is != *was => {
                return Err(changing(path.as_str(), "it changed meanwhile"));
            }
            Some(_same) => {}
        }
    }
    if let Some((path, _)) = after_files.first_key_value() {
        return Err(changing(path.as_str(), "it was added meanwhile"));
    }
    let mut dirs = (before.empty_dirs.iter()).chain(&after.empty_dirs);
    let is_in_one =
        |dir: &&RelPath| before.empty_dirs.contains(dir) != after.empty_dirs.contains(dir);
    match dirs.find(is_in_one) {
        Some(dir) => Err(changing(dir.as_str(), "it changed meanwhile")),
        None => Ok(()),
    }
}

fn changing(entry: &str, reason: &str) -> OperationError {
    OperationError::Publish {
        entry: entry.to_owned(),
        code: STILL_CHANGING,
        reason: reason.to_owned(),
    }
}

/// A change that seems to come from the future is an old one with a wrong clock.
fn is_lately(nanos: i128, now: SystemTime) -> bool {
    let nanos = u64::try_from(nanos).unwrap_or(0);
    let age = now.duration_since(UNIX_EPOCH + Duration::from_nanos(nanos));
    age.is_ok_and(|age| age < limits::SETTLE)
}

/// A game root that is packed would lose its installed game without a word.
pub(super) fn check_nothing_stays_behind(
    disk: &dyn Disk,
    source: &Place,
) -> Result<(), OperationError> {
    let entries = disk.list(source)?;
    let is_left = |name: &str| manifest::is_excluded_at_root(name);
    match entries.into_iter().find(|entry| is_left(&entry.name)) {
        // Everything was found in a folder that is no game root.
        Some(left) if own_version(disk, source)?.is_some() => Err(OperationError::Publish {
            entry: left.name,
            code: "payload",
            reason: "it belongs to the game that is installed here, not to its payload: \
                         `--move` takes both, or move it away"
                .to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// In the games directory such a name would be ours, and no part of the game any more.
pub(super) fn check_no_name_of_ours(payload: &scan::Payload) -> Result<(), OperationError> {
    let mut files = payload.files.iter().map(|file| &file.path);
    let taken = files.find(|path| manifest::is_excluded_at_root(path.first()));
    let mut dirs = payload.empty_dirs.iter();
    let taken = taken.or_else(|| dirs.find(|path| manifest::is_excluded_at_root(path.first())));
    match taken {
        None => Ok(()),
        Some(path) => Err(OperationError::Publish {
            entry: path.first().to_owned(),
            code: "payload",
            reason: "LanSpread needs this name in a game's directory: publish it packed, without \
                     `--move`"
                .to_owned(),
        }),
    }
}

/// The label in the `version.ini` of a folder.
pub(crate) fn own_version(
    disk: &dyn Disk,
    folder: &Place,
) -> Result<Option<VersionLabel>, OperationError> {
    match scan::read_sentinel(disk, folder) {
        Sentinel::Label(label) => Ok(Some(label)),
        Sentinel::Malformed(error) => Err(bad_version(&error)),
        Sentinel::Unreadable(error) => Err(error.into()),
        Sentinel::Missing => check_no_twin(disk, folder).map(|()| None),
    }
}

/// Beside a `VERSION.INI` ours would be its twin, which other systems cannot hold.
fn check_no_twin(disk: &dyn Disk, folder: &Place) -> Result<(), OperationError> {
    let entries = disk.list(folder)?;
    let mut twins = (entries.into_iter()).filter(|e| e.name.eq_ignore_ascii_case(VERSION_INI));
    twins.next().map_or(Ok(()), |twin| {
        Err(OperationError::Publish {
            entry: twin.name,
            code: "version-ini",
            reason: format!("its name must be {VERSION_INI}"),
        })
    })
}

fn bad_version(error: &VersionError) -> OperationError {
    OperationError::Publish {
        entry: VERSION_INI.to_owned(),
        code: "version-ini",
        reason: error.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test prepares files by hand")]
mod tests {
    use lanspread_disk::RealDisk;

    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "1.0").unwrap();
        }
        dir
    }

    fn entry_of(error: OperationError) -> String {
        let OperationError::Publish { entry, .. } = error else {
            panic!("{error}");
        };
        entry
    }

    #[test]
    fn of_a_folder_nothing_is_left_out() {
        let dir = folder(&["a.txt", "local/conf/x", "kept/y"]);
        let (disk, place) = (RealDisk::new(), Place::root(dir.path()));
        let payload = scan_source(&disk, dir.path(), false).unwrap();
        assert_eq!(payload.files.len(), 3);
        check_nothing_stays_behind(&disk, &place).unwrap();
        // Moved, they would be ours.
        let refused = check_no_name_of_ours(&payload).unwrap_err();
        assert_eq!(entry_of(refused), "kept");
    }

    #[test]
    fn a_folder_that_changes_is_named() {
        let check = |expected: &str, change: &dyn Fn(&Path)| {
            let dir = folder(&["a.txt", "sub/b.txt"]);
            std::fs::create_dir(dir.path().join("empty")).unwrap();
            let disk = RealDisk::new();
            let payload = scan_source(&disk, dir.path(), false).unwrap();
            check_unchanged(&disk, (dir.path(), false), &payload).unwrap();
            change(dir.path());
            let refused = check_unchanged(&disk, (dir.path(), false), &payload).unwrap_err();
            assert_eq!(entry_of(refused), expected);
        };
        check("c.txt", &|dir| {
            std::fs::write(dir.join("c.txt"), "new").unwrap()
        });
        check("sub/b.txt", &|dir| {
            std::fs::write(dir.join("sub/b.txt"), "").unwrap()
        });
        check("a.txt", &|dir| {
            std::fs::remove_file(dir.join("a.txt")).unwrap()
        });
        check("empty", &|dir| {
            std::fs::remove_dir(dir.join("empty")).unwrap()
        });
    }

    #[test]
    fn a_folder_must_be_still() {
        let dir = folder(&["a.txt"]);
        let (disk, now) = (RealDisk::new(), SystemTime::now());
        let old = now - Duration::from_secs(60);
        let age = |name: &str, time| {
            let file = std::fs::File::open(dir.path().join(name)).unwrap();
            file.set_modified(time).unwrap();
        };
        let still = || {
            let payload = scan_source(&disk, dir.path(), false).unwrap();
            check_still(&disk, dir.path(), &payload, now).map_err(entry_of)
        };
        age("a.txt", now);
        assert_eq!(still(), Err("a.txt".to_owned()));
        // As `cp -p` leaves it.
        age("a.txt", old);
        age("", now);
        assert_eq!(still(), Err(dir.path().display().to_string()));
        age("", old);
        assert_eq!(still(), Ok(()));
        age("a.txt", now + Duration::from_secs(60));
        assert_eq!(still(), Ok(()));
    }

    #[test]
    fn a_game_root_keeps_its_installed_game() {
        let dir = folder(&["version.ini", "game.bin", "local/save"]);
        let (disk, place) = (RealDisk::new(), Place::root(dir.path()));
        let payload = scan_source(&disk, dir.path(), false).unwrap();
        assert_eq!(payload.files.len(), 2);
        check_no_name_of_ours(&payload).unwrap();
        let refused = check_nothing_stays_behind(&disk, &place).unwrap_err();
        assert_eq!(entry_of(refused), "local");
    }
}
