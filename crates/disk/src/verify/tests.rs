use std::{fs, sync::Arc};

use lanspread_install::{Target, TransactionId};

use super::*;
use crate::{
    Staging,
    boot::BootId,
    execute::{self, Brings, CommitDownload, NoHooks},
    partial::{PartialContent, PartialSpec},
    sample::{self, Sample},
};

fn places(sample: &Sample, state: &tempfile::TempDir) -> GamePlaces {
    GamePlaces {
        game_root: sample.root.clone(),
        state: Place::root(state.path()).own("sample"),
    }
}

fn check(sample: &Sample) -> PayloadCheck {
    let of = (&*sample.manifest, &*sample.chunk_map);
    check_payload(&*sample.disk, &sample.root, of, &Progress::default()).unwrap()
}

fn damaged(sample: &Sample) -> Vec<&str> {
    let files = sample.manifest.files();
    let path = |index: FileIndex| files[index.as_usize()].path.as_str();
    check(sample).damaged.into_iter().map(path).collect()
}

/// Flips a byte and leaves the times of the file as they were.
fn rot(sample: &Sample, path: &str, at: usize) {
    let path = sample.directory.path().join(path);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn every_kind_of_damage_is_found_and_nothing_else() {
    let sample = sample::mixed();
    let root = sample.directory.path();
    let sound = check(&sample);
    assert_eq!(sound.damaged, []);
    assert!(sound.still_holds(&*sample.disk, &sample.root, &sample.manifest));
    rot(&sample, "big.bin", 2_000_000);
    fs::remove_file(root.join("data/half.bin")).unwrap();
    fs::write(root.join("small/3.txt"), "short").unwrap();
    fs::write(root.join("empty"), "not any more").unwrap();
    fs::remove_file(root.join("small/4.txt")).unwrap();
    fs::create_dir(root.join("small/4.txt")).unwrap();
    fs::write(root.join("notes.txt"), "nobody's business").unwrap();
    let expected = [
        "big.bin",
        "data/half.bin",
        "empty",
        "small/3.txt",
        "small/4.txt",
    ];
    assert_eq!(damaged(&sample), expected);
    assert!(!sound.still_holds(&*sample.disk, &sample.root, &sample.manifest));
    let progress = Progress::default();
    progress.cancel();
    let of = (&*sample.manifest, &*sample.chunk_map);
    let cancelled = check_payload(&*sample.disk, &sample.root, of, &progress);
    assert!(matches!(cancelled, Err(HashError::Cancelled)));
}

/// Fetches what a repair asks for from the sound copy, and commits it.
fn repair(sample: &Sample, sound: &Sample, state: &tempfile::TempDir) -> u64 {
    let places = places(sample, state);
    fs::create_dir_all(state.path().join("partials")).unwrap();
    fs::create_dir_all(state.path().join("sample")).unwrap();
    let spec = PartialSpec {
        disk: Arc::clone(&sample.disk),
        game_root: sample.root.clone(),
        partials: Place::root(state.path()).own("partials"),
        manifest: Arc::clone(&sample.manifest),
        chunk_map: Arc::clone(&sample.chunk_map),
        boot: Some(BootId::from_bytes([1; 16])),
    };
    let before = check(sample);
    let damage = before.damaged.clone();
    let (partial, have) = PartialContent::repair(spec, &damage, &Progress::default()).unwrap();
    let source = crate::content::OpenContent::new(
        Arc::clone(&sound.disk),
        sound.root.clone(),
        Arc::clone(&sound.manifest),
        &sound.payload,
    )
    .unwrap();
    let mut fetched = 0;
    for piece in sample.manifest.geometry().pieces() {
        if have.contains(piece.index) {
            continue;
        }
        let mut bytes = vec![0; piece.bytes as usize];
        crate::content::PieceSource::read_piece(&source, &piece, &mut bytes).unwrap();
        assert!(partial.store_piece(&piece, &bytes).unwrap());
        fetched += u64::from(piece.bytes);
    }
    partial.finish().unwrap();
    let download = CommitDownload {
        transaction: TransactionId::at(7, 7),
        manifest: &sample.manifest,
        old_manifest: Some(&sample.manifest),
        brings: Brings::Repairs,
    };
    execute::commit_download(&*sample.disk, &places, download, &mut NoHooks).unwrap();
    partial.retire().unwrap();
    let after = before.after_repair(&sample.manifest);
    assert!(after.still_holds(&*sample.disk, &sample.root, &sample.manifest));
    fetched
}

#[test]
fn a_payload_is_repaired_with_the_bad_chunks_alone() {
    let (sample, sound) = (sample::mixed(), sample::mixed());
    let root = sample.directory.path();
    let state = tempfile::tempdir().unwrap();
    rot(&sample, "big.bin", 2_000_000);
    fs::write(root.join("small/3.txt"), "words of the user").unwrap();
    fs::remove_file(root.join("empty")).unwrap();
    fs::write(root.join("notes.txt"), "nobody's business").unwrap();
    // A file whose chunk shares a piece with a damaged one must not be put in half.
    let untouched = fs::metadata(root.join("data/exact.bin")).unwrap();
    let fetched = repair(&sample, &sound, &state);
    assert_eq!(damaged(&sample), Vec::<&str>::new());
    assert!(
        fetched < 3 * sample::MIB as u64,
        "{fetched} bytes were fetched"
    );
    assert!(fetched > 0);
    let after = fs::metadata(root.join("data/exact.bin")).unwrap();
    assert_eq!(untouched.modified().unwrap(), after.modified().unwrap());
    // What is no part of the payload would make another content of it.
    let kept = root.join("kept/1970-01-01_00-00-07");
    let notes = fs::read(kept.join("notes.txt")).unwrap();
    assert_eq!(notes, b"nobody's business");
    let words = fs::read(kept.join("small/3.txt")).unwrap();
    assert_eq!(words, b"words of the user");
    assert!(fs::symlink_metadata(root.join(".incoming")).is_err());
}

/// Every single byte's chunk: whichever chunk is bad, the payload is whole after the repair.
#[test]
fn whatever_file_is_damaged_the_repair_is_whole() {
    let (sample, sound) = (sample::mixed(), sample::mixed());
    let state = tempfile::tempdir().unwrap();
    let files: Vec<_> = sample.manifest.files().to_vec();
    for entry in files.iter().filter(|entry| entry.bytes > 0) {
        let last = usize::try_from(entry.bytes).unwrap() - 1;
        rot(&sample, entry.path.as_str(), last);
        assert_eq!(damaged(&sample), [entry.path.as_str()]);
        repair(&sample, &sound, &state);
        assert_eq!(damaged(&sample), Vec::<&str>::new(), "{}", entry.path);
    }
}

fn install(sample: &Sample, state: &tempfile::TempDir) -> InstallRecord {
    let places = places(sample, state);
    fs::create_dir_all(state.path().join("sample")).unwrap();
    let target = Target {
        content: sample.manifest.content(),
        version: sample.manifest.version().clone(),
    };
    let disk = Arc::clone(&sample.disk);
    let id = TransactionId::at(5, 5);
    let mut staging = Staging::begin(disk, &places, id, target, &mut NoHooks).unwrap();
    for entry in sample.manifest.files() {
        let source = sample.root.join(&entry.path);
        staging.clone_from(&source, entry, &mut |_| true).unwrap();
    }
    staging.commit(&mut NoHooks).unwrap();
    record(sample, state)
}

fn record(sample: &Sample, state: &tempfile::TempDir) -> InstallRecord {
    let places = places(sample, state);
    let slot = crate::intent_file::RecordSlot::Current;
    let record = crate::intent_file::read_record(&*sample.disk, &places.state, slot);
    record.unwrap().unwrap()
}

#[test]
fn an_installed_game_is_repaired_and_the_users_files_stay() {
    let sample = sample::mixed();
    let state = tempfile::tempdir().unwrap();
    let record_before = install(&sample, &state);
    let places = places(&sample, &state);
    let local = sample.directory.path().join("local");
    let look = |record: &InstallRecord| {
        check_local(&*sample.disk, &places, record, &Progress::default()).unwrap()
    };
    assert_eq!(look(&record_before), LocalCheck::default());
    rot(&sample, "local/big.bin", 3_000_000);
    fs::remove_file(local.join("small/7.txt")).unwrap();
    fs::write(local.join("small/8.txt"), "settings of the user").unwrap();
    fs::write(local.join("save.dat"), "save of the user").unwrap();
    let path = |text: &str| RelPath::parse(text).unwrap();
    let found = look(&record_before);
    assert_eq!(found.damaged, [path("big.bin"), path("small/7.txt")]);
    assert_eq!(found.changed, [path("small/8.txt")]);
    assert_eq!(found.unknown, ["save.dat"]);

    let disk = Arc::clone(&sample.disk);
    let id = TransactionId::at(9, 9);
    let mut staging =
        Staging::begin_repair(disk, &places, id, &record_before, &mut NoHooks).unwrap();
    for entry in sample.manifest.files() {
        if found.damaged.contains(&entry.path) {
            staging
                .clone_from(&sample.root.join(&entry.path), entry, &mut |_| true)
                .unwrap();
        }
    }
    staging.commit(&mut NoHooks).unwrap();
    let after = record(&sample, &state);
    let found = look(&after);
    assert_eq!((found.damaged, found.changed.len()), (vec![], 1));
    assert_eq!(found.unknown, ["save.dat"]);
    assert_eq!(after.files().len(), record_before.files().len());
    // What was restored is known again without being read.
    rot(&sample, "local/big.bin", 5);
    assert_eq!(look(&after).damaged, [path("big.bin")]);
    let text = fs::read(local.join("small/8.txt")).unwrap();
    assert_eq!(text, b"settings of the user");
}
