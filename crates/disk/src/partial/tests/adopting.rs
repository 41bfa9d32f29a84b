//! Chunks that are on this machine already.

use super::*;

/// A copy of the game, to be spoilt.
fn copy(rig: &Rig) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in tree(rig.sample.directory.path()) {
        if let Some(bytes) = bytes {
            sample::write(copy.path(), &name, &bytes);
        }
    }
    copy
}

#[test]
fn an_equal_folder_is_the_whole_download() {
    let rig = Rig::new(sample::mixed());
    let copy = copy(&rig);
    let (partial, _) = rig.open(BOOT);
    let progress = Progress::default();
    let gained = partial
        .adopt_from(&Place::root(copy.path()), &progress)
        .unwrap();
    assert!(gained.is_full());
    assert_eq!(progress.bytes(), rig.sample.payload.bytes);
    assert!(partial.have().is_full());
    rig.check_verified(&partial);
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
    // What came in is ours alone: changing the source changes nothing.
    sample::write(copy.path(), "big.bin", b"other");
    rig.check_verified(&partial);
}

#[test]
fn only_equal_chunks_come_in() {
    let rig = Rig::new(sample::mixed());
    let copy = copy(&rig);
    let mut big = fs::read(copy.path().join("big.bin")).unwrap();
    big[MIB + 5] ^= 1;
    sample::write(copy.path(), "big.bin", &big);
    fs::remove_file(copy.path().join("small/3.txt")).unwrap();
    // Longer than ours, and equal as far as ours goes.
    let mut exact = fs::read(copy.path().join("data/exact.bin")).unwrap();
    exact.extend_from_slice(b"more");
    sample::write(copy.path(), "data/exact.bin", &exact);
    let (partial, _) = rig.open(BOOT);
    let gained = partial
        .adopt_from(&Place::root(copy.path()), &Progress::default())
        .unwrap();
    let last = PieceIndex(rig.sample.manifest.geometry().piece_count() - 1);
    assert_eq!(gained.missing().collect::<Vec<_>>(), [PieceIndex(1), last]);
    rig.check_verified(&partial);
    drop(partial);
    let (partial, have) = rig.open(BOOT);
    assert_eq!(have, gained);
    rig.store(&partial, [1, last.as_usize()]);
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
}

#[test]
fn what_is_here_stays_and_is_not_counted() {
    let rig = Rig::new(sample::mixed());
    let copy = copy(&rig);
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, [0, 3]);
    let gained = partial
        .adopt_from(&Place::root(copy.path()), &Progress::default())
        .unwrap();
    assert_eq!(gained.missing().collect::<Vec<_>>(), set(&[0, 3]));
    assert!(partial.have().is_full());
    rig.check_verified(&partial);
}

#[test]
fn a_folder_of_something_else_gives_nothing() {
    let rig = Rig::new(sample::mixed());
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("big.bin")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("/dev/zero", other.path().join("version.ini")).unwrap();
        symlink(rig.sample.directory.path(), other.path().join("data")).unwrap();
    }
    let (partial, _) = rig.open(BOOT);
    let adopt = |place: &Path| partial.adopt_from(&Place::root(place), &Progress::default());
    assert!(adopt(other.path()).unwrap().is_empty());
    assert!(adopt(&other.path().join("none")).unwrap().is_empty());
    let cancelled = Progress::default();
    cancelled.cancel();
    // Also where there is nothing to read.
    for place in [&rig.sample.root, &Place::root(other.path())] {
        let outcome = partial.adopt_from(place, &cancelled);
        assert!(matches!(outcome, Err(StoreError::Cancelled)));
    }
}
