//! The same operations on the file system of this machine.

use std::{fs, path::Path, sync::Arc};

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

fn check(scenario: Scenario) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("games/quake");
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(dir.path().join("state")).unwrap();
    let places = GamePlaces {
        game_root: Place::root(&dir.path().join("games")).listed("quake"),
        state: Place::root(&dir.path().join("state"))
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
    scenario.prepare(&world);
    let found = || {
        let mut found = Files::new();
        tree(&root, &root, &mut found);
        found
    };
    assert_eq!(found(), scenario.before());
    scenario.operate(&world, &mut Instant::default()).unwrap();
    assert_eq!(found(), scenario.after(), "{scenario:?}");
    let recovered = Scenario::recover(&world, &mut Instant::default()).unwrap();
    assert_eq!(recovered, lanspread_disk::execute::Recovered::Nothing);
}

#[test]
fn every_operation_on_a_real_disk() {
    for scenario in SCENARIOS {
        check(scenario);
    }
}
