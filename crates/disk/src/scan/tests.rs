use std::{fs, path::Path};

use lanspread_proto::rel_path::PathError;

use super::*;
use crate::{RealDisk, sample};

fn check(make: impl FnOnce(&Path), test: impl FnOnce(Result<Payload, ScanError>)) {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path());
    test(scan_payload(
        &RealDisk::new(),
        &Place::root(directory.path()),
    ));
}

fn paths(payload: &Payload) -> Vec<&str> {
    payload
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

#[test]
fn a_payload_is_all_but_what_is_ours_or_the_machines() {
    let make = |root: &Path| {
        for path in [
            "version.ini",
            "game.eti",
            "lanspread.toml",
            "a/b/c.txt",
            "a/local/x",
            "a/Thumbs.db",
            "litter/desktop.ini",
            "Thumbs.db",
            "local/save.dat",
            "kept/2026/x",
            ".incoming/y",
            ".local.installing/z",
            ".local.backup/z",
            ".lanspread_owned",
            ".DS_Store",
        ] {
            sample::write(root, path, b"bytes");
        }
        fs::create_dir_all(root.join("void/deeper")).unwrap();
    };
    check(make, |payload| {
        let payload = payload.unwrap();
        let files = [
            "a/b/c.txt",
            "a/local/x",
            "game.eti",
            "lanspread.toml",
            "version.ini",
        ];
        assert_eq!(paths(&payload), files);
        let empty: Vec<_> = payload.empty_dirs.iter().map(RelPath::as_str).collect();
        assert_eq!(empty, ["litter", "void/deeper"]);
        assert_eq!(payload.bytes, 25);
        assert!(payload.newest_change_nanos > 0);
    });
}

#[test]
fn a_file_where_a_directory_of_ours_belongs_is_named() {
    for name in ["local", "kept", ".incoming", ".local.backup"] {
        check(
            |root| sample::write(root, name, b"payload"),
            |payload| match payload {
                Err(ScanError::Reserved { path }) => assert_eq!(path, name),
                other => panic!("{other:?}"),
            },
        );
    }
}

#[test]
#[cfg(unix)]
fn another_spelling_of_a_name_of_ours_is_named() {
    for name in ["Local/conf", "KEPT/x", ".Incoming/y", "LOCAL"] {
        check(
            |root| sample::write(root, name, b"payload"),
            |payload| match payload {
                Err(ScanError::Reserved { path }) => {
                    assert_eq!(path, name.split('/').next().unwrap());
                }
                other => panic!("{other:?}"),
            },
        );
    }
}

#[test]
fn a_folder_that_is_no_game_root_is_taken_whole() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["a.txt", "kept/x", "local/conf/x", "sub/local"];
    for name in names.into_iter().chain(["Thumbs.db"]) {
        sample::write(directory.path(), name, b"bytes");
    }
    let place = Place::root(directory.path());
    let payload = scan_folder(&RealDisk::new(), &place).unwrap();
    assert_eq!(paths(&payload), names);
}

#[test]
#[cfg(unix)]
fn refused_by_name() {
    let refused = |name: &str, expected: PathError| {
        check(
            |root| sample::write(root, &format!("sub/{name}"), b""),
            |payload| match payload {
                Err(ScanError::Name { path, reason }) => {
                    assert_eq!(path, format!("sub/{name}"));
                    assert_eq!(reason, expected, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            },
        );
    };
    refused("what?", PathError::Character('?'));
    refused("a:b", PathError::Character(':'));
    refused("aux.txt", PathError::Reserved);
    refused("dot.", PathError::TrailingDotOrSpace);
    refused("cafe\u{301}", PathError::NotNfc);
    refused(".lanspread_owned", PathError::Reserved);
    refused(&"x".repeat(121), PathError::TooLong);
}

#[test]
fn too_deep_is_refused_not_followed() {
    let make = |root: &Path| sample::write(root, &format!("{}f", "d/".repeat(24)), b"");
    check(make, |payload| {
        let error = payload.unwrap_err();
        assert!(
            matches!(
                error,
                ScanError::Name {
                    reason: PathError::TooLong,
                    ..
                }
            ),
            "{error}"
        );
    });
    let make = |root: &Path| sample::write(root, &format!("{}f", "d/".repeat(23)), b"");
    check(make, |payload| assert_eq!(payload.unwrap().files.len(), 1));
}

#[test]
#[cfg(unix)]
fn twins_are_refused() {
    for (a, b) in [
        ("Data/x", "data/y"),
        ("readme", "README"),
        ("stra\u{df}e", "STRASSE"),
    ] {
        let make = |root: &Path| {
            sample::write(root, a, b"");
            sample::write(root, b, b"");
        };
        check(make, |payload| {
            assert!(
                matches!(payload, Err(ScanError::Twin { .. })),
                "{a} {b}: {payload:?}"
            );
        });
    }
}

#[test]
#[cfg(unix)]
fn links_are_refused_by_name() {
    let make = |root: &Path| {
        fs::create_dir(root.join("sub")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("sub/link")).unwrap();
    };
    check(make, |payload| match payload {
        Err(ScanError::Special { path }) => assert_eq!(path, "sub/link"),
        other => panic!("{other:?}"),
    });
}

#[test]
fn the_fingerprint_follows_every_change() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    sample::write(root, "a", b"one");
    sample::write(root, "b/c", b"two");
    let look = || {
        scan_payload(&RealDisk::new(), &Place::root(root))
            .unwrap()
            .fingerprint()
    };
    let mut seen = vec![look()];
    assert_eq!(look(), seen[0]);
    let mut changed = |what: &str| {
        let now = look();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    sample::write(root, "a", b"longer");
    changed("size");
    fs::rename(root.join("b/c"), root.join("b/d")).unwrap();
    changed("name");
    fs::create_dir(root.join("b/e")).unwrap();
    changed("empty directory");
    fs::remove_file(root.join("a")).unwrap();
    changed("removal");
}

#[test]
fn games_and_what_is_not_one() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    sample::write(root, "Ready/version.ini", b"2.0");
    sample::write(root, "Ready/local/x", b"");
    sample::write(root, "bare/.incoming/x", b"");
    sample::write(root, "broken/version.ini", b" \n");
    sample::write(root, ".hidden/version.ini", b"1");
    sample::write(root, "file.txt", b"1");
    sample::write(root, "dir.ini/version.ini/x", b"1");
    let disk = RealDisk::new();
    let games = list_games(&disk, &Place::root(root)).unwrap();
    let names: Vec<_> = games.iter().map(|game| game.directory.as_str()).collect();
    assert_eq!(names, ["Ready", "bare", "broken", "dir.ini"]);
    assert_eq!(games[0].game.as_ref().unwrap().as_str(), "ready");
    assert!(matches!(&games[0].sentinel, Sentinel::Label(label) if label.as_str() == "2.0"));
    assert!(games[0].is_installed() && !games[0].has_incoming());
    assert!(matches!(games[1].sentinel, Sentinel::Missing));
    assert!(games[1].has_incoming());
    assert!(matches!(
        games[2].sentinel,
        Sentinel::Malformed(VersionError::Empty)
    ));
    assert!(matches!(games[3].sentinel, Sentinel::Unreadable(_)));
}

#[test]
#[cfg(unix)]
fn hostile_directories_are_listed_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for name in ["Quake", "quake", "con"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    std::os::unix::fs::symlink("/", root.join("outside")).unwrap();
    let games = list_games(&RealDisk::new(), &Place::root(root)).unwrap();
    let reason = |name: &str| {
        let game = games.iter().find(|game| game.directory == name).unwrap();
        game.game.clone().unwrap_err()
    };
    assert!(matches!(reason("con"), NotAGame::Name(_)));
    assert_eq!(reason("quake"), NotAGame::Twin("Quake".to_owned()));
    assert_eq!(reason("outside"), NotAGame::Special);
}

#[test]
fn a_games_directory_that_is_gone_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::new();
    let gone = Place::root(&directory.path().join("gone"));
    assert!(matches!(
        list_games(&disk, &gone),
        Err(GamesUnavailable::Missing(_))
    ));
    fs::write(directory.path().join("file"), b"").unwrap();
    let file = Place::root(&directory.path().join("file"));
    assert!(matches!(
        list_games(&disk, &file),
        Err(GamesUnavailable::NotADirectory(_))
    ));
}

#[test]
fn settings_of_a_game_root() {
    let directory = tempfile::tempdir().unwrap();
    let (disk, root) = (RealDisk::new(), Place::root(directory.path()));
    assert_eq!(
        settings::read_settings(&disk, &root).unwrap(),
        settings::GameSettings::default()
    );
    sample::write(directory.path(), "lanspread.toml", b"share = true");
    assert_eq!(
        settings::read_settings(&disk, &root).unwrap().share,
        Some(true)
    );
    sample::write(directory.path(), "lanspread.toml", &[b' '; 70_000]);
    assert!(matches!(
        settings::read_settings(&disk, &root),
        Err(settings::SettingsError::TooLarge)
    ));
}

#[test]
#[cfg(unix)]
fn one_unreadable_name_spoils_nothing_else() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    sample::write(root, "game/version.ini", b"1");
    fs::create_dir(root.join(std::ffi::OsStr::from_bytes(b"bad\xff"))).unwrap();
    let disk = RealDisk::new();
    let games = list_games(&disk, &Place::root(root)).unwrap();
    assert_eq!(games[0].game, Err(NotAGame::Special));
    assert!(games[1].game.is_ok());
    let inside = root
        .join("game")
        .join(std::ffi::OsStr::from_bytes(b"\xfe.txt"));
    fs::write(inside, b"").unwrap();
    match scan_payload(&disk, &games[1].place) {
        Err(ScanError::Special { path }) => assert_eq!(path, "\u{fffd}.txt"),
        other => panic!("{other:?}"),
    }
}
