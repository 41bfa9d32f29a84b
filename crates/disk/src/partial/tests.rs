use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path, thread};

use lanspread_proto::PieceIndex;

use super::*;
use crate::{
    RealDisk,
    content::OpenContent,
    mem::{Count, Fault, Loss, MemDisk},
    sample::{self, MIB, Sample},
};

mod adopting;
mod hostile;
mod power;

const BOOT: Option<BootId> = Some(BootId::from_bytes([1; 16]));
const LATER_BOOT: Option<BootId> = Some(BootId::from_bytes([2; 16]));

/// A published game, its pieces, and a place to download it to.
struct Rig {
    sample: Sample,
    pieces: Vec<(Piece, Vec<u8>)>,
    target: tempfile::TempDir,
}

impl Rig {
    fn new(sample: Sample) -> Self {
        let source = OpenContent::new(
            Arc::clone(&sample.disk),
            sample.root.clone(),
            Arc::clone(&sample.manifest),
            &sample.payload,
        )
        .unwrap();
        let read = |piece: Piece| {
            let mut bytes = vec![0; piece.bytes as usize];
            source.read_piece(&piece, &mut bytes).unwrap();
            (piece, bytes)
        };
        let pieces = sample.manifest.geometry().pieces().map(read).collect();
        let target = tempfile::tempdir().unwrap();
        fs::create_dir(target.path().join("partials")).unwrap();
        Self {
            sample,
            pieces,
            target,
        }
    }

    fn spec(&self, boot: Option<BootId>) -> PartialSpec {
        self.spec_on(Arc::clone(&self.sample.disk), self.target.path(), boot)
    }

    fn spec_on(&self, disk: Arc<dyn Disk>, root: &Path, boot: Option<BootId>) -> PartialSpec {
        PartialSpec {
            disk,
            game_root: Place::root(root).own("sample"),
            partials: Place::root(root).own("partials"),
            manifest: Arc::clone(&self.sample.manifest),
            chunk_map: Arc::clone(&self.sample.chunk_map),
            boot,
        }
    }

    fn open(&self, boot: Option<BootId>) -> (PartialContent, PieceSet) {
        PartialContent::create_or_resume(self.spec(boot), &Progress::default()).unwrap()
    }

    fn store(&self, partial: &PartialContent, pieces: impl IntoIterator<Item = usize>) {
        for index in pieces {
            let (piece, bytes) = &self.pieces[index];
            assert!(partial.store_piece(piece, bytes).unwrap());
        }
    }

    fn incoming(&self, path: &str) -> std::path::PathBuf {
        let incoming = self.target.path().join("sample/.incoming");
        if path.is_empty() {
            incoming
        } else {
            incoming.join(path)
        }
    }

    /// All that is verified reads back right.
    fn check_verified(&self, partial: &PartialContent) {
        for (piece, bytes) in &self.pieces {
            let mut read = vec![0; bytes.len()];
            match partial.read_piece(piece, &mut read) {
                Ok(()) => assert!(read == *bytes, "piece {}", piece.index.0),
                Err(ServeError::Missing) => assert!(!partial.have().contains(piece.index)),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn set(indices: &[u32]) -> Vec<PieceIndex> {
    indices.iter().copied().map(PieceIndex).collect()
}

fn list(set: &PieceSet) -> Vec<PieceIndex> {
    set.iter().collect()
}

/// Every file and directory below, but the marker.
fn tree(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                found.insert(name, None);
                waiting.push(path);
            } else if name != slot::MARKER {
                found.insert(name, Some(fs::read(path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn a_download_is_the_game() {
    let rig = Rig::new(sample::mixed());
    let (partial, have) = rig.open(BOOT);
    assert!(have.is_empty());
    assert!(matches!(partial.finish(), Err(StoreError::Incomplete(_))));
    thread::scope(|scope| {
        for worker in 0..4 {
            let (rig, partial) = (&rig, &partial);
            let own = (0..rig.pieces.len()).rev().filter(move |i| i % 4 == worker);
            scope.spawn(move || rig.store(partial, own));
        }
        partial.checkpoint().unwrap();
    });
    assert!(partial.have().is_full());
    assert!(partial.is_checkpoint_due() || partial.state().unsynced_bytes < CHECKPOINT_BYTES);
    rig.check_verified(&partial);
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
    partial.finish().unwrap();
    partial.retire().unwrap();
    // Where a file that is open keeps its name until it is closed.
    drop(partial);
    assert_eq!(
        fs::read_dir(rig.target.path().join("partials"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn wrong_bytes_are_named_and_never_written() {
    let rig = Rig::new(sample::mixed());
    let (partial, _) = rig.open(BOOT);
    let (piece, bytes) = rig.pieces.last().unwrap();
    let chunks: Vec<_> = rig
        .sample
        .manifest
        .geometry()
        .chunks(piece.chunks.clone())
        .collect();
    assert!(chunks.len() > 5, "the last piece is many small files");
    let before = tree(&rig.incoming(""));
    let mut offset = 0;
    for chunk in &chunks {
        let mut wrong = bytes.clone();
        wrong[offset] ^= 1;
        offset += chunk.bytes as usize;
        let error = partial.store_piece(piece, &wrong).unwrap_err();
        assert!(matches!(error, StoreError::BadChunk(index) if index == chunk.index));
    }
    for wrong in [&bytes[1..], &[bytes.as_slice(), &[0]].concat(), &[]] {
        let error = partial.store_piece(piece, wrong).unwrap_err();
        assert!(matches!(error, StoreError::BadChunk(_)));
    }
    assert!(partial.have().is_empty());
    assert_eq!(tree(&rig.incoming("")), before);
    assert!(partial.store_piece(piece, bytes).unwrap());
    assert!(!partial.store_piece(piece, bytes).unwrap(), "twice is once");
}

#[test]
fn a_killed_process_loses_nothing() {
    let rig = Rig::new(sample::mixed());
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, [4, 0]);
    partial.checkpoint().unwrap();
    rig.store(&partial, [2]);
    drop(partial);
    let progress = Progress::default();
    let spec = rig.spec(BOOT);
    let (partial, have) = PartialContent::create_or_resume(spec, &progress).unwrap();
    assert_eq!(list(&have), set(&[0, 2, 4]));
    assert_eq!(progress.bytes(), 0, "nothing is hashed again");
    rig.check_verified(&partial);
    rig.store(
        &partial,
        (0..rig.pieces.len()).filter(|i| ![0, 2, 4].contains(i)),
    );
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
}

#[test]
fn after_a_restart_only_what_no_checkpoint_covers_is_hashed() {
    for boot in [LATER_BOOT, None] {
        let rig = Rig::new(sample::mixed());
        let (partial, _) = rig.open(BOOT);
        rig.store(&partial, [0]);
        partial.checkpoint().unwrap();
        rig.store(&partial, [1, 2]);
        drop(partial);
        // The power failed before piece 2 reached the disk.
        let big = Place::root(&rig.incoming("")).listed("big.bin");
        let big = RealDisk::new().open(&big, OpenMode::Write).unwrap();
        big.write_all_at(&[0; 512], 2 * MIB as u64 + 77).unwrap();
        let progress = Progress::default();
        let spec = rig.spec(boot);
        let (partial, have) = PartialContent::create_or_resume(spec, &progress).unwrap();
        assert_eq!(list(&have), set(&[0, 1]));
        assert_eq!(progress.bytes(), 2 * MIB as u64);
        rig.check_verified(&partial);
    }
}

#[test]
fn without_its_journal_a_download_is_hashed() {
    let rig = Rig::new(sample::mixed());
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, [1, 5]);
    let journal = partial.journal_place.path();
    drop(partial);
    for damage in ["", "torn", &"x".repeat(1000)] {
        fs::write(&journal, damage).unwrap();
        let (partial, have) = rig.open(BOOT);
        assert_eq!(list(&have), set(&[1, 5]));
        rig.check_verified(&partial);
    }
    fs::remove_file(&journal).unwrap();
    assert_eq!(list(&rig.open(BOOT).1), set(&[1, 5]));
    fs::remove_file(&journal).unwrap();
    let progress = Progress::default();
    progress.cancel();
    let outcome = PartialContent::create_or_resume(rig.spec(BOOT), &progress);
    assert!(matches!(outcome, Err(StoreError::Cancelled)));
}

#[test]
fn files_that_are_gone_or_cut_take_their_pieces_with_them() {
    let rig = Rig::new(sample::mixed());
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, 0..rig.pieces.len());
    partial.checkpoint().unwrap();
    drop(partial);
    fs::remove_file(rig.incoming("data/exact.bin")).unwrap();
    fs::write(rig.incoming("version.ini"), b"1").unwrap();
    let (partial, have) = rig.open(BOOT);
    let last = PieceIndex(rig.sample.manifest.geometry().piece_count() - 1);
    let missing: Vec<_> = have.missing().collect();
    assert!(missing.contains(&last) && missing.len() == 2, "{missing:?}");
    rig.check_verified(&partial);
    rig.store(&partial, missing.iter().map(|piece| piece.as_usize()));
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
}

#[test]
fn a_game_without_bytes() {
    let directory = tempfile::tempdir().unwrap();
    sample::write(directory.path(), "version.ini", b"1");
    sample::write(directory.path(), "a/empty", b"");
    fs::create_dir_all(directory.path().join("b/c")).unwrap();
    let rig = Rig::new(sample::publish(directory));
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, [0]);
    // Somebody left something where an empty file belongs.
    sample::write(&rig.incoming(""), "a/empty", b"not empty");
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
}

#[test]
fn three_thousand_small_files() {
    let directory = tempfile::tempdir().unwrap();
    sample::write(directory.path(), "version.ini", b"1");
    for index in 0_u16..3_000 {
        let bytes = sample::bytes(7, usize::from(index));
        sample::write(directory.path(), &format!("d{}/{index}", index % 7), &bytes);
    }
    let rig = Rig::new(sample::publish(directory));
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, 0..rig.pieces.len());
    partial.finish().unwrap();
    assert_eq!(tree(&rig.incoming("")), tree(rig.sample.directory.path()));
    drop(partial);
    let (partial, have) = rig.open(LATER_BOOT);
    assert!(have.is_full());
    partial.discard().unwrap();
    assert!(fs::metadata(rig.incoming("")).is_err());
}
