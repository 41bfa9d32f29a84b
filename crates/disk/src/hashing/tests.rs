use std::{fs, sync::mpsc};

use lanspread_proto::hash::file_root;

use super::*;
use crate::sample::{self, MIB};

fn job(sample: &sample::Sample) -> HashJob {
    HashJob {
        disk: Arc::clone(&sample.disk),
        game_root: sample.root.clone(),
        payload: Arc::clone(&sample.payload),
        progress: Arc::new(Progress::default()),
    }
}

#[test]
fn roots_are_those_of_the_bytes() {
    let sample = sample::mixed();
    for file in &sample.hashed.files {
        let bytes = fs::read(sample.directory.path().join(file.file.path.as_str())).unwrap();
        assert_eq!(file.root, Hash::of(&bytes), "{}", file.file.path);
        assert_eq!(file_root(&file.values), file.root);
    }
    let big = sample
        .hashed
        .files
        .iter()
        .find(|file| file.file.path.as_str() == "big.bin");
    assert_eq!(big.unwrap().values.len(), 4);
    assert_eq!(sample.manifest.empty_dirs().len(), 1);
}

#[test]
fn known_files_are_not_read() {
    let sample = sample::mixed();
    let job = job(&sample);
    let known = |file: &ScannedFile, log2: u8| {
        assert_eq!(log2, 20);
        let hashed = sample
            .hashed
            .files
            .iter()
            .find(|hashed| hashed.file == *file);
        hashed.map(|hashed| hashed.values.clone())
    };
    // Unreadable now: whoever reads fails.
    fs::remove_dir_all(sample.directory.path()).unwrap();
    let again = hash_payload(&job, &sample::pool(), known).unwrap();
    assert_eq!(again, sample.hashed);
    assert_eq!(job.progress.bytes(), sample.payload.bytes);
    let wrong_count = |_: &ScannedFile, _| Some(vec![Hash::of_empty(); 99]);
    assert!(hash_payload(&job, &sample::pool(), wrong_count).is_err());
}

#[test]
fn wrong_cached_values_do_not_make_a_manifest_of_other_bytes() {
    let sample = sample::mixed();
    let job = job(&sample);
    let lie = |file: &ScannedFile, _: u8| {
        (file.bytes > 3 * MIB as u64).then(|| vec![Hash::of(b"lie"); 4])
    };
    let hashed = hash_payload(&job, &sample::pool(), lie).unwrap();
    let (manifest, chunk_map) = hashed.publish(sample::publication()).unwrap();
    assert_ne!(manifest.content(), sample.manifest.content());
    assert_ne!(chunk_map.values(), sample.chunk_map.values());
}

#[test]
fn a_changed_file_is_named() {
    let sample = sample::mixed();
    sample::write(
        sample.directory.path(),
        "small/7.txt",
        &sample::bytes(9, 1007),
    );
    let error = hash_payload(&job(&sample), &sample::pool(), |_, _| None).unwrap_err();
    assert!(
        matches!(&error, HashError::Changed(path) if path.as_str() == "small/7.txt"),
        "{error}"
    );
    fs::remove_file(sample.directory.path().join("small/7.txt")).unwrap();
    let error = hash_payload(&job(&sample), &sample::pool(), |_, _| None).unwrap_err();
    assert!(
        matches!(&error, HashError::Disk(error) if error.is_not_found()),
        "{error}"
    );
}

#[test]
fn cancelled() {
    let sample = sample::mixed();
    let job = job(&sample);
    job.progress.cancel();
    let outcome = hash_payload(&job, &sample::pool(), |_, _| None);
    assert!(matches!(outcome, Err(HashError::Cancelled)));
}

#[test]
fn it_ends_even_when_all_threads_of_the_pool_hash() {
    let sample = sample::mixed();
    let pool = Arc::new(sample::pool());
    let (tell, told) = mpsc::sync_channel(4);
    for _ in 0..4 {
        let (job, tell, inner) = (job(&sample), tell.clone(), Arc::clone(&pool));
        pool.submit(move || tell.send(hash_payload(&job, &inner, |_, _| None)).unwrap());
    }
    for _ in 0..4 {
        assert_eq!(told.recv().unwrap().unwrap(), sample.hashed);
    }
}

#[test]
fn three_thousand_small_files() {
    let directory = tempfile::tempdir().unwrap();
    sample::write(directory.path(), "version.ini", b"1");
    for index in 0_u16..3_000 {
        let bytes = index.to_le_bytes();
        sample::write(directory.path(), &format!("d{}/{index}", index % 7), &bytes);
    }
    let sample = sample::publish(directory);
    assert_eq!(sample.manifest.files().len(), 3_001);
    assert_eq!(sample.manifest.geometry().piece_count(), 1);
}
