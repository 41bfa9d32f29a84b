//! The same operations on the file system of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lanspread_disk::{
    GamePlaces, Place, RealDisk,
    intent_file::{self, RecordSlot},
};

use crate::scenario::{Files, Instant, SCENARIOS, Scenario, World};

fn tree(root: &Path, below: &Path, found: &mut Files) {
    for entry in fs::read_dir(below).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            tree(root, &path, found);
        } else if entry.file_name() != ".lanspread_owned" {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// A game in a directory of this machine.
fn on_disk(dir: &Path, act: impl FnOnce(&World<'_>, &Path)) {
    let root = dir.join("games/quake");
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(dir.join("state")).unwrap();
    let places = GamePlaces {
        game_root: Place::root(&dir.join("games")).listed("quake"),
        state: Place::root(&dir.join("state"))
            .listed("games")
            .listed("quake"),
    };
    let disk = Arc::new(RealDisk::new());
    let world = World {
        disk: disk.clone(),
        places: places.clone(),
        plant: &|path, bytes| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        },
        forget_record: &|| {
            intent_file::remove_record(&*disk, &places.state, RecordSlot::Current).unwrap();
        },
    };
    act(&world, &root);
}

fn check(scenario: Scenario) {
    let dir = tempfile::tempdir().unwrap();
    on_disk(dir.path(), |world, root| {
        let found = || {
            let mut found = Files::new();
            tree(root, root, &mut found);
            found
        };
        scenario.prepare(world);
        assert_eq!(found(), scenario.before());
        scenario.operate(world, &mut Instant::default()).unwrap();
        assert_eq!(found(), scenario.after(), "{scenario:?}");
        let recovered = Scenario::recover(world, &mut Instant::default()).unwrap();
        assert_eq!(recovered, lanspread_disk::execute::Recovered::Nothing);
    });
}

#[test]
fn links_and_names_that_are_not_unicode_survive() {
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt, fs::symlink},
    };
    let odd = OsStr::from_bytes(b"odd-\xff.sav");
    for scenario in [Scenario::Update, Scenario::Uninstall, Scenario::Purge] {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "precious").unwrap();
        on_disk(dir.path(), |world, root| {
            scenario.prepare(world);
            let local = root.join("local");
            fs::create_dir(local.join("odd")).unwrap();
            fs::write(local.join("odd").join(odd), "odd save").unwrap();
            fs::write(local.join(odd), "odd save at the top").unwrap();
            symlink(&outside, local.join("link")).unwrap();
            scenario.operate(world, &mut Instant::default()).unwrap();
            let all = walk(root);
            let count = |name: &OsStr| {
                all.iter()
                    .filter(|path| path.file_name() == Some(name))
                    .count()
            };
            assert_eq!(count(odd), 2, "{scenario:?}: {all:?}");
            let links = usize::from(scenario != Scenario::Purge);
            assert_eq!(count(OsStr::new("link")), links, "{scenario:?}");
            assert!(fs::symlink_metadata(root.join(".local.backup")).is_err());
        });
        let precious = fs::read(outside.join("precious")).unwrap();
        assert_eq!(precious, b"precious", "{scenario:?}");
    }
}

/// Every path below, links not followed.
fn walk(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

#[test]
fn every_operation_on_a_real_disk() {
    for scenario in SCENARIOS {
        check(scenario);
    }
}
