use std::fs;

use super::*;
use crate::sample::{self, Sample};

fn open(sample: &Sample) -> OpenContent {
    OpenContent::new(
        Arc::clone(&sample.disk),
        sample.root.clone(),
        Arc::clone(&sample.manifest),
        &sample.payload,
    )
    .unwrap()
}

#[test]
fn every_piece_is_what_the_chunk_map_says() {
    let sample = sample::mixed();
    let content = open(&sample);
    let geometry = sample.manifest.geometry();
    for piece in geometry.pieces() {
        let mut whole = vec![0; piece.bytes as usize];
        content.read_piece(&piece, &mut whole).unwrap();
        let verified = sample
            .chunk_map
            .verify_piece(geometry, piece.chunks.clone(), &whole);
        assert_eq!(verified, Ok(()));
        // Any range, also across files, is the same part of the whole.
        for (from, to) in [(0, 1), (0, piece.bytes), (piece.bytes / 3, piece.bytes / 2)] {
            let mut part = vec![0; (to - from) as usize];
            content.read_range(&piece, from, &mut part).unwrap();
            assert_eq!(part, whole[from as usize..to as usize]);
        }
        let mut beyond = [0; 2];
        let outcome = content.read_range(&piece, piece.bytes - 1, &mut beyond);
        assert!(matches!(outcome, Err(ServeError::Range)));
        assert!(matches!(
            content.read_piece(&piece, &mut beyond),
            Err(ServeError::Range)
        ));
    }
}

#[test]
fn a_changed_file_is_gone_and_the_others_stay() {
    let sample = sample::mixed();
    let content = open(&sample);
    let pieces: Vec<_> = sample.manifest.geometry().pieces().collect();
    let serve = |index: usize| {
        let piece = &pieces[index];
        content.read_piece(piece, &mut vec![0; piece.bytes as usize])
    };
    // The first piece is the start of big.bin; the file is open by now.
    serve(0).unwrap();
    let path = sample.directory.path().join("big.bin");
    let len = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(len / 2)
        .unwrap();
    let error = serve(0).unwrap_err();
    assert!(
        matches!(&error, ServeError::Gone(path) if path.as_str() == "big.bin"),
        "{error}"
    );
    assert!(error.is_gone());
    serve(pieces.len() - 1).unwrap();
    // Also one that was never opened before.
    fs::write(sample.directory.path().join("version.ini"), b"1.1\n").unwrap();
    assert!(serve(pieces.len() - 1).unwrap_err().is_gone());
    // Where a file that is open keeps its name until it is closed.
    drop(content);
    fs::remove_dir_all(sample.directory.path().join("data")).unwrap();
    assert!(
        open(&sample)
            .read_at(FileIndex(1), 0, &mut [0])
            .unwrap_err()
            .is_gone()
    );
}

#[test]
#[cfg(unix)]
fn a_link_in_place_of_a_file_is_gone() {
    let sample = sample::mixed();
    let path = sample.directory.path().join("data/exact.bin");
    let moved = sample.directory.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    let content = open(&sample);
    let error = content.read_at(FileIndex(1), 0, &mut [0; 10]).unwrap_err();
    assert!(
        matches!(&error, ServeError::Disk(error) if error.is_link()),
        "{error}"
    );
    assert!(error.is_gone());
}

#[test]
fn ranges_beyond_a_file_are_refused() {
    let sample = sample::mixed();
    let content = open(&sample);
    let size = sample.manifest.files()[0].bytes;
    content.read_at(FileIndex(0), size - 1, &mut [0]).unwrap();
    for (file, offset) in [(0, size), (0, u64::MAX), (9_999, 0)] {
        let outcome = content.read_at(FileIndex(file), offset, &mut [0]);
        assert!(matches!(outcome, Err(ServeError::Range)), "{file} {offset}");
    }
}

#[test]
fn a_scan_of_other_files_opens_nothing() {
    let sample = sample::mixed();
    let mut payload = (*sample.payload).clone();
    payload.files.pop();
    let disk = Arc::clone(&sample.disk);
    let manifest = Arc::clone(&sample.manifest);
    assert!(OpenContent::new(disk, sample.root.clone(), manifest, &payload).is_none());
}
