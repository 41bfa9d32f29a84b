use std::fs;

use lanspread_proto::manifest::ManifestError;

use super::*;
use crate::{
    hashing::{HashJob, Progress, hash_payload},
    sample::{self, Sample},
    scan::scan_payload,
};

fn state() -> (tempfile::TempDir, StateDir) {
    let directory = tempfile::tempdir().unwrap();
    let state = StateDir::open(directory.path()).unwrap();
    (directory, state)
}

fn remember(index: &Index, sample: &Sample) {
    let content = sample.manifest.content();
    let key = key(sample);
    index
        .remember(key, &sample.hashed, &sample.payload, content)
        .unwrap();
}

fn key(sample: &Sample) -> GameKey<'_> {
    GameKey {
        games: &sample.root,
        directory: "sample",
    }
}

#[test]
fn a_restart_hashes_nothing() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    {
        let (index, found) = Index::open(&state).unwrap();
        assert_eq!(found, Found::Whole);
        assert_eq!(index.current(key(&sample), &sample.payload).unwrap(), None);
        remember(&index, &sample);
    }
    let (index, found) = Index::open(&state).unwrap();
    assert_eq!(found, Found::Whole);
    let current = index.current(key(&sample), &sample.payload).unwrap();
    assert_eq!(current, Some(sample.manifest.content()));
    let known = index.known_files(key(&sample)).unwrap();
    for file in &sample.hashed.files {
        assert_eq!(known.values(&file.file, 20).as_ref(), Some(&file.values));
        assert_eq!(known.values(&file.file, 21), None, "another chunk size");
        let mut changed = file.file.clone();
        changed.identity.modified_nanos += 1;
        assert_eq!(known.values(&changed, 20), None);
    }
}

#[test]
fn a_change_hashes_one_file() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    let (index, _) = Index::open(&state).unwrap();
    remember(&index, &sample);
    sample::write(sample.directory.path(), "small/1.txt", b"changed");
    let payload = scan_payload(sample.disk.as_ref(), &sample.root).unwrap();
    assert_eq!(index.current(key(&sample), &payload).unwrap(), None);
    let known = index.known_files(key(&sample)).unwrap();
    let mut unknown = Vec::new();
    let job = HashJob {
        disk: sample.disk.clone(),
        game_root: sample.root.clone(),
        payload: payload.into(),
        progress: Progress::default().into(),
    };
    let lookup = |file: &ScannedFile, log2| {
        let values = known.values(file, log2);
        if values.is_none() {
            unknown.push(file.path.to_string());
        }
        values
    };
    let hashed = hash_payload(&job, &sample::pool(), lookup).unwrap();
    assert_eq!(unknown, ["small/1.txt"]);
    assert!(hashed.publish(sample::publication()).is_ok());
}

#[test]
fn games_are_kept_apart_and_forgotten() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    let (index, _) = Index::open(&state).unwrap();
    let others = ["sample2", "sampl", "sample "].map(|directory| GameKey {
        directory,
        ..key(&sample)
    });
    let content = sample.manifest.content();
    for other in others {
        index
            .remember(other, &sample.hashed, &sample.payload, content)
            .unwrap();
    }
    remember(&index, &sample);
    index.forget(key(&sample)).unwrap();
    let file = &sample.hashed.files[0].file;
    let knows = |key| index.known_files(key).unwrap().values(file, 20).is_some();
    assert!(!knows(key(&sample)));
    assert_eq!(index.current(key(&sample), &sample.payload).unwrap(), None);
    for other in others {
        assert!(knows(other), "{other:?}");
        assert!(index.current(other, &sample.payload).unwrap().is_some());
    }
    // What is not in the payload any more is forgotten when it is remembered again.
    let mut fewer = sample.hashed.clone();
    fewer.files.remove(0);
    index
        .remember(others[0], &fewer, &sample.payload, content)
        .unwrap();
    assert!(!knows(others[0]) && knows(others[1]));
}

#[test]
fn an_unreadable_database_is_moved_aside() {
    for damage in [
        b"".to_vec(),
        b"no database".to_vec(),
        vec![0; 100_000],
        vec![0xff; 8192],
    ] {
        let (_keep, state) = state();
        let path = state.path().join(FILE);
        fs::write(&path, &damage).unwrap();
        let sample = sample::mixed();
        let (index, found) = Index::open(&state).unwrap();
        match found {
            // An empty file is a new database.
            Found::Whole => assert!(damage.is_empty()),
            Found::Rebuilt { aside } => assert_eq!(fs::read(aside).unwrap(), damage),
        }
        remember(&index, &sample);
        assert!(
            index
                .current(key(&sample), &sample.payload)
                .unwrap()
                .is_some()
        );
    }
}

/// Something else of its name is put aside like any damage.
#[test]
fn a_directory_of_its_name_is_put_aside() {
    let (_keep, state) = state();
    fs::create_dir(state.path().join(FILE)).unwrap();
    let (_index, found) = Index::open(&state).unwrap();
    let Found::Rebuilt { aside } = found else {
        panic!("it was used");
    };
    assert!(aside.is_dir());
}

/// Whatever a damaged database says, it is no reason to stop.
#[test]
fn a_damaged_database_never_panics() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    {
        let (index, _) = Index::open(&state).unwrap();
        remember(&index, &sample);
    }
    let whole = fs::read(state.path().join(FILE)).unwrap();
    let mut seed = 1_u32;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed as usize) % below
    };
    for _ in 0..60 {
        let mut damaged = whole.clone();
        // Most of the file is room for later.
        let used = damaged.len().min(64 * 1024);
        for _ in 0..1 + next(8) {
            damaged[next(used)] ^= 1 << next(8);
        }
        fs::write(state.path().join(FILE), &damaged).unwrap();
        let Ok((index, _)) = Index::open(&state) else {
            continue;
        };
        index.current(key(&sample), &sample.payload).ok();
        if let Ok(known) = index.known_files(key(&sample)) {
            for file in &sample.hashed.files {
                if let Some(values) = known.values(&file.file, 20) {
                    assert_eq!(values, file.values);
                }
            }
        }
        let content = sample.manifest.content();
        index
            .remember(key(&sample), &sample.hashed, &sample.payload, content)
            .ok();
    }
}

#[test]
fn damage_that_shows_later_costs_the_cache_only() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    let (index, _) = Index::open(&state).unwrap();
    remember(&index, &sample);
    let failed = index.run(|_| -> Result<(), redb::Error> { panic!("planted") });
    assert!(matches!(failed, Err(IndexError::Damaged(_))));
    let current = index.current(key(&sample), &sample.payload);
    assert!(matches!(current, Err(IndexError::Damaged(_))));
    drop(index);
    assert!(fs::metadata(state.path().join(ASIDE)).is_ok());
    let (index, found) = Index::open(&state).unwrap();
    assert_eq!(found, Found::Whole);
    assert_eq!(index.current(key(&sample), &sample.payload).unwrap(), None);
}

#[test]
fn hints() {
    let (_keep, state) = state();
    let (index, _) = Index::open(&state).unwrap();
    let content = ContentId::from_bytes([3; 32]);
    assert_eq!(index.unpacked(content).unwrap(), None);
    let size = Size {
        bytes: u64::MAX,
        files: 7,
    };
    index.remember_unpacked(content, size).unwrap();
    assert_eq!(index.unpacked(content).unwrap(), Some(size));
}

#[test]
fn manifests_are_verified_on_the_way() {
    let (_keep, state) = state();
    let sample = sample::mixed();
    let place = state.manifests();
    let store = ManifestStore::new(sample.disk.as_ref(), &place);
    let content = sample.manifest.content();
    assert!(store.load(content).unwrap().is_none());
    store.save(&sample.manifest, &sample.chunk_map).unwrap();
    store.save(&sample.manifest, &sample.chunk_map).unwrap();
    let (manifest, chunk_map) = store.load(content).unwrap().unwrap();
    assert_eq!(
        (&manifest, &chunk_map),
        (&*sample.manifest, &*sample.chunk_map)
    );
    let file = |kind: &str| place.path().join(format!("{content}.{kind}"));
    let chunks = fs::read(file("chunks")).unwrap();
    let mut wrong = chunks.clone();
    wrong[40] ^= 1;
    fs::write(file("chunks"), wrong).unwrap();
    assert!(matches!(
        store.load(content),
        Err(StoredError::ChunkMap(..))
    ));
    fs::remove_file(file("chunks")).unwrap();
    assert!(store.load(content).unwrap().is_none());
    fs::write(file("manifest"), b"torn").unwrap();
    let torn = store.load(content);
    assert!(matches!(
        torn,
        Err(StoredError::Manifest(_, ManifestError::Encoding))
    ));
    let other = ContentId::from_bytes([1; 32]);
    fs::write(
        place.path().join(format!("{other}.manifest")),
        manifest.encode(),
    )
    .unwrap();
    assert!(matches!(
        store.load(other),
        Err(StoredError::OtherContent(_))
    ));
    fs::write(place.path().join("notes.txt"), b"mine").unwrap();
    store.save(&sample.manifest, &sample.chunk_map).unwrap();
    let draft = place.path().join(format!("{other}.manifest.tmp"));
    fs::write(&draft, b"half").unwrap();
    let mut needed = Needed::default();
    needed.extend([content]);
    assert_eq!(store.keep_only(&needed).unwrap(), 1);
    assert!(store.holds(content).unwrap() && store.load(content).unwrap().is_some());
    assert!(!store.holds(other).unwrap() && store.load(other).unwrap().is_none());
    assert!(fs::metadata(place.path().join("notes.txt")).is_ok());
    assert!(fs::metadata(draft).is_ok());
    assert_eq!(store.keep_only(&Needed::default()).unwrap(), 2);
    assert!(store.load(content).unwrap().is_none());
}

#[test]
fn a_content_that_anything_names_is_needed() {
    use lanspread_install::{Goal, InstallRecord, Intent, Phase, Target, TransactionId, slot};
    let (_keep, state) = state();
    let (disk, sample) = (crate::RealDisk::new(), sample::mixed());
    let (index, _) = Index::open(&state).unwrap();
    let id = |number| ContentId::from_bytes([number; 32]);
    let read = || Needed::read(&disk, &state, &index);
    assert_eq!(read().unwrap(), Needed::default());

    remember(&index, &sample);
    index.remember_fetched(key(&sample), Some(id(1))).unwrap();
    let version = sample.manifest.version().clone();
    let target = |number| Target {
        content: id(number),
        version: version.clone(),
    };
    let old = Some(id(3));
    let target_2 = target(2);
    let goals = [
        (
            "a",
            Goal::CommitDownload {
                target: target_2,
                old,
            },
        ),
        ("b", Goal::Install(target(4))),
        (
            "c",
            Goal::Remove {
                content: id(5),
                keep_installed: true,
            },
        ),
    ];
    for (game, goal) in goals {
        let intent = Intent {
            transaction: TransactionId::at(1, 1),
            phase: Phase::Committed,
            goal,
        };
        crate::intent_file::write_intent(&disk, &state.games().own(game), &intent).unwrap();
    }
    for (name, number) in [(slot::RECORD, 6), (slot::RECORD_NEXT, 7)] {
        let record = InstallRecord::new(id(number), version.clone(), Vec::new()).unwrap();
        let path = state.path().join("games/a").join(name);
        fs::write(path, record.encode().unwrap()).unwrap();
    }
    let journal = format!("quake-iii-{}", id(8).short());
    fs::write(state.path().join("partials").join(journal), b"torn").unwrap();

    let needed = read().unwrap();
    for number in 1..=8 {
        assert!(needed.contains(id(number)), "{number}");
    }
    assert!(needed.contains(sample.manifest.content()));
    assert!(!needed.contains(id(9)));

    // A game that is forgotten, and a transaction that ended, need nothing any more.
    index.forget(key(&sample)).unwrap();
    fs::remove_file(state.path().join("games/c").join(slot::INTENT)).unwrap();
    let needed = read().unwrap();
    for gone in [sample.manifest.content(), id(1), id(5)] {
        assert!(!needed.contains(gone));
    }
    // What cannot be read may need anything.
    for name in [slot::INTENT, slot::RECORD, slot::RECORD_NEXT] {
        let path = state.path().join("games/a").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, b"torn").unwrap();
        assert!(matches!(read(), Err(NeededError::StateFile(_))), "{name}");
        fs::write(&path, whole).unwrap();
    }
    read().unwrap();
    fs::remove_dir_all(state.path().join("partials")).unwrap();
    assert!(matches!(read(), Err(NeededError::Disk(_))));
}
