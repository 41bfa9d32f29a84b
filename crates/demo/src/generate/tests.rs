use std::collections::BTreeMap;

use super::*;

/// Small enough for a test, large enough for several volumes.
const MEGABYTES: u32 = 4;

fn made(dir: &Path) -> Vec<Game> {
    generate(dir, MEGABYTES, &Stop::default(), &mut |_bytes| {}).unwrap()
}

/// Every file below a directory with its hash.
fn hashes(dir: &Path) -> BTreeMap<String, Hash> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(dir).unwrap().to_owned();
            let bytes = std::fs::read(entry.path()).unwrap();
            let name = name.to_str().unwrap().replace('\\', "/");
            found.insert(name, Hash::of(&bytes));
        }
    }
    found
}

#[test]
fn the_same_games_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two, third] = ["one", "two", "copy"].map(|name| dir.path().join(name));
    let games = made(&one);
    assert_eq!(games, made(&two));
    assert_eq!(hashes(&one), hashes(&two));
    copy(&two, &third, &Stop::default(), &mut |_bytes| {}).unwrap();
    assert_eq!(hashes(&one), hashes(&third));
}

#[test]
fn every_format_and_every_oddity() {
    let dir = tempfile::tempdir().unwrap();
    let games = made(dir.path());
    let formats: Vec<_> = games.iter().map(|game| game.format).collect();
    assert_eq!(
        formats,
        [
            Format::Rar,
            Format::Zip,
            Format::SevenZ,
            Format::TarZstd,
            Format::Tree
        ]
    );
    let tree = &games[4];
    assert!(tree.files.len() > 200 && !tree.empty_dirs.is_empty());
    assert!(tree.files.iter().any(|file| file.bytes == 0));
    assert!(tree.files.iter().any(|file| !file.path.as_str().is_ascii()));
    let all = hashes(dir.path());
    for game in &games {
        assert!(all.contains_key(&format!("{}/version.ini", game.id)));
    }
    for volume in 1..=3 {
        assert!(all.contains_key(&format!("castle-siege/castle-siege.part{volume}.rar")));
    }
}

#[test]
fn what_is_expected_of_plain_files_is_what_lies_there() {
    let dir = tempfile::tempdir().unwrap();
    let games = made(dir.path());
    let tree = games.last().unwrap();
    let found = hashes(&dir.path().join(tree.id.as_str()));
    let expected: BTreeMap<_, _> = tree
        .files
        .iter()
        .map(|file| (file.path.to_string(), file.hash))
        .collect();
    assert_eq!(found, expected);
}

/// Stored RAR members lie in the volumes as they are; joined without headers they are the file.
#[test]
fn what_is_expected_of_an_archive_lies_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let games = made(dir.path());
    let exe = &games[0].files[0];
    let bytes = std::fs::read(dir.path().join("castle-siege/castle-siege.part1.rar")).unwrap();
    let size = usize::try_from(exe.bytes).unwrap();
    let stored = bytes.windows(size).take(200);
    assert!(stored.map(Hash::of).any(|hash| hash == exe.hash));
    let copy = games[0].files.last().unwrap();
    assert_eq!((copy.bytes, copy.hash), (exe.bytes, exe.hash));
}

#[test]
fn sizes_are_about_what_was_asked_for() {
    for megabytes in [1, 240, 1_000] {
        let bytes = unpacked_bytes(megabytes).unwrap();
        let asked = u64::from(megabytes) * 1_000_000;
        assert!(
            bytes > asked / 2 && bytes < asked * 2,
            "{megabytes} MB: {bytes}"
        );
    }
    let largest = catalog::games(240).unwrap();
    let stored: u64 = largest[0].files.iter().map(|file| file.bytes).sum();
    assert!(stored > 100_000_000, "the RAR set holds {stored}");
}

#[test]
fn nothing_is_made_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut made = 0;
    let stop = Stop::stopped();
    let error = generate(dir.path(), MEGABYTES, &stop, &mut |bytes| made = bytes).unwrap_err();
    assert!(matches!(error, DemoError::Stopped), "{error}");
    assert_eq!(made, 0);
}

#[test]
fn games_look_old() {
    let dir = tempfile::tempdir().unwrap();
    drop(made(dir.path()));
    for name in ["garden-maze/version.ini", "garden-maze/tiles/00/00.png"] {
        let changed = dir
            .path()
            .join(name)
            .metadata()
            .unwrap()
            .modified()
            .unwrap();
        assert!(changed.elapsed().unwrap().as_secs() > 60, "{name}");
    }
}
