//! Directories as a person walks through them, to choose one. Looks only, except for [`make`].
//!
//! Invariant: a walk is bounded. A directory with a million entries costs no more than
//! [`LOOKED_AT_MAX`] of them.

use std::{
    ffi::OsStr,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{DiskError, DiskOp},
    real::RealDisk,
    vfs::{Disk, Place, Space},
};

/// Directories that are listed.
pub const LISTED_MAX: usize = 1_000;
/// Entries that are looked at.
pub const LOOKED_AT_MAX: usize = 20_000;

/// What a probe writes: a block of most file systems.
const PROBE_BYTES: usize = 4_096;

/// What is in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Names of the directories in it, sorted. Hidden ones are left out, and those whose name is no
    /// Unicode.
    pub directories: Vec<String>,
    /// There are more.
    pub truncated: bool,
    /// Entries of any kind that were looked at.
    pub entries: usize,
}

/// Whether a directory is another one or holds it, by whatever names and links. What is not there
/// holds nothing.
#[must_use]
pub fn holds(outer: &Path, inner: &Path) -> bool {
    match (outer.canonicalize(), inner.canonicalize()) {
        (Ok(outer), Ok(inner)) => inner.starts_with(outer),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Whether two directories are one, or one lies somewhere in the other, by whatever names and
/// links; also where one of them is not there yet. A name that cannot be looked up tells nothing.
#[must_use]
pub fn overlap(one: &Path, other: &Path) -> bool {
    match (resolved(one), resolved(other)) {
        (Some(one), Some(other)) => one.starts_with(&other) || other.starts_with(&one),
        (None, _) | (_, None) => false,
    }
}

/// Without links and detours as far as it is there, and as it is spelled beyond.
fn resolved(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        Some(there.canonicalize().ok()?.join(rest))
    })
}

/// Whether a directory lies right in another one, by whatever names they are called: links are
/// followed. What cannot be looked at lies nowhere.
#[must_use]
pub fn is_child(folder: &Path, of: &Path) -> bool {
    if folder.parent() == Some(of) && !fs::symlink_metadata(folder).is_ok_and(|m| m.is_symlink()) {
        return true;
    }
    match (fs::canonicalize(folder), fs::canonicalize(of)) {
        (Ok(folder), Ok(of)) => folder.parent() == Some(&of),
        _ => false,
    }
}

/// Whether a directory of another one is only a link, to wherever.
#[must_use]
pub fn is_link_in(folder: &Path, of: &Path) -> bool {
    let parent = folder.parent().map(fs::canonicalize);
    let lies_in = matches!((parent, fs::canonicalize(of)), (Some(Ok(a)), Ok(b)) if a == b);
    lies_in && fs::symlink_metadata(folder).is_ok_and(|m| m.is_symlink())
}

/// Lists a directory.
///
/// # Errors
/// It cannot be read.
pub fn list(folder: &Path) -> Result<Folder, DiskError> {
    let failed = |source| DiskError::new(DiskOp::List, folder, source);
    let mut found = Folder {
        directories: Vec::new(),
        truncated: false,
        entries: 0,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        found.entries += 1;
        if found.entries > LOOKED_AT_MAX {
            found.truncated = true;
            break;
        }
        if let Some(name) = shown(&entry.file_name())
            && is_directory(&entry)
        {
            found.directories.push(name);
        }
    }
    found.directories.sort_by_key(|name| name.to_lowercase());
    found.truncated |= found.directories.len() > LISTED_MAX;
    found.directories.truncate(LISTED_MAX);
    Ok(found)
}

fn shown(name: &OsStr) -> Option<String> {
    let name = name.to_str()?;
    (!name.starts_with(['.', '$'])).then(|| name.to_owned())
}

/// A link that leads to a directory counts as one: the person made it.
fn is_directory(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()),
        Ok(kind) => kind.is_dir(),
        Err(_gone) => false,
    }
}

/// Makes one directory in a directory that is there.
///
/// # Errors
/// It is there already, or cannot be made.
pub fn make(folder: &Path) -> Result<(), DiskError> {
    let made = fs::create_dir(folder);
    made.map_err(|source| DiskError::new(DiskOp::CreateDirectory, folder, source))
}

/// Tries whether something can be written into a directory: a small file that has no name in the
/// end. An empty one would fit on a full volume.
///
/// # Errors
/// Nothing can be written.
pub fn probe(folder: &Path) -> Result<(), DiskError> {
    let path = folder.join(format!(".lanspread-probe-{}", std::process::id()));
    let options = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match options {
        Ok(mut file) => {
            let written = file.write_all(&[0; PROBE_BYTES]);
            drop(file);
            fs::remove_file(&path)
                .map_err(|source| DiskError::new(DiskOp::RemoveFile, &path, source))?;
            written.map_err(|source| DiskError::new(DiskOp::Write, &path, source))
        }
        // Another look of this process is under way.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(DiskError::new(DiskOp::Create, &path, source)),
    }
}

/// The volume of a directory, which need not be there yet; `None` where the system does not tell.
#[must_use]
pub fn volume(folder: &Path) -> Option<Space> {
    let there = folder
        .ancestors()
        .find(|above| fs::metadata(above).is_ok())?;
    RealDisk::new().space(&Place::root(there)).ok()
}

/// Places to begin a walk at: the root or the drives, and what is mounted for people.
#[must_use]
pub fn roots() -> Vec<PathBuf> {
    if cfg!(windows) {
        let drives = ('A'..='Z').map(|drive| PathBuf::from(format!("{drive}:\\")));
        return drives.filter(|drive| fs::metadata(drive).is_ok()).collect();
    }
    let mut roots = vec![PathBuf::from("/")];
    for mounts in ["/mnt", "/media", "/run/media", "/Volumes"] {
        let below = mounted_below(Path::new(mounts));
        // `/media/USER/DISK`: one more step where the first leads to a person.
        let people = matches!(mounts, "/media" | "/run/media");
        for mount in below {
            let disks = if people {
                mounted_below(&mount)
            } else {
                Vec::new()
            };
            if disks.is_empty() {
                roots.push(mount);
            } else {
                roots.extend(disks);
            }
        }
    }
    roots
}

fn mounted_below(folder: &Path) -> Vec<PathBuf> {
    let names = list(folder).map(|found| found.directories);
    let names = names.unwrap_or_default().into_iter();
    names.map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_listed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "A", "c", ".hidden"] {
            make(&dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("file"), "").unwrap();
        let found = list(dir.path()).unwrap();
        assert_eq!(found.directories, ["A", "b", "c"]);
        assert_eq!((found.entries, found.truncated), (5, false));
        assert!(make(&dir.path().join("b")).is_err(), "it is there");
        assert!(make(&dir.path().join("x/y")).is_err(), "one at a time");
        assert!(list(&dir.path().join("file")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn directories_overlap_by_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/state/games")).unwrap();
        fs::create_dir_all(at("b")).unwrap();
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        let check = |games: &str, expected| {
            assert_eq!(overlap(&at(games), &at("a/state")), expected, "{games}");
            assert_eq!(overlap(&at("a/state"), &at(games)), expected, "{games}");
        };
        for games in [
            "a/state",
            "a",
            "",
            "link/state",
            "a/state/games",
            "link/state/new/er",
        ] {
            check(games, true);
        }
        check("b/../a/state", true);
        for games in ["b", "a/statement", "a/other", "link/other/new", "new"] {
            check(games, false);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_child_is_one_by_any_name() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("games/gg/sub")).unwrap();
        make(&at("other")).unwrap();
        symlink(at("games"), at("link")).unwrap();
        symlink(at("other"), at("games/out")).unwrap();
        let check = |folder: &str, of: &str, expected| {
            assert_eq!(is_child(&at(folder), &at(of)), expected, "{folder} in {of}");
        };
        for (folder, expected) in [("games/out", true), ("games/gg", false), ("link", false)] {
            assert_eq!(is_link_in(&at(folder), &at("link")), expected, "{folder}");
        }
        check("games/gg", "games", true);
        check("games/gg", "link", true);
        check("link/gg", "games", true);
        check("link/gg", "link", true);
        check("games/gg/sub", "games", false);
        check("games", "games", false);
        check("games/out", "games", false);
        check("other", "games", false);
        check("missing", "games", false);
    }

    #[test]
    fn a_directory_holds_itself_and_what_is_below() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        fs::create_dir(path("ab")).unwrap();
        let check = |outer: &str, inner: &str, expected| {
            assert_eq!(
                holds(&path(outer), &path(inner)),
                expected,
                "{outer} {inner}"
            );
        };
        check("a", "a", true);
        check("a", "a/b", true);
        check("a", "ab/../a/b", true);
        check("a/b", "a", false);
        check("a", "ab", false);
        check("a", "a/none", false);
        check("none", "none", false);
    }

    #[test]
    fn a_large_directory_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=LISTED_MAX {
            make(&dir.path().join(number.to_string())).unwrap();
        }
        let found = list(dir.path()).unwrap();
        assert_eq!(
            (found.directories.len(), found.truncated),
            (LISTED_MAX, true)
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_to_directories_count() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        make(&dir.path().join("there")).unwrap();
        symlink("there", dir.path().join("link")).unwrap();
        symlink("nowhere", dir.path().join("broken")).unwrap();
        assert_eq!(list(dir.path()).unwrap().directories, ["link", "there"]);
    }

    #[test]
    fn probing_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        probe(dir.path()).unwrap();
        assert_eq!(list(dir.path()).unwrap().entries, 0);
        assert!(probe(&dir.path().join("missing")).is_err());
    }

    #[test]
    fn a_walk_can_begin() {
        let roots = roots();
        assert!(roots.iter().any(|root| list(root).is_ok()), "{roots:?}");
        let dir = tempfile::tempdir().unwrap();
        if cfg!(unix) {
            let space = volume(&dir.path().join("not/there/yet")).unwrap();
            assert!(space.total_bytes >= space.free_bytes);
        }
    }
}
