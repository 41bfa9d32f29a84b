//! Games for the tests of this crate.

use std::{fs, num::NonZeroUsize, path::Path, sync::Arc};

use lanspread_proto::{ChunkMap, GameId, Manifest, VersionLabel, manifest::Layout};

use crate::{
    RealDisk,
    hashing::{HashJob, HashedPayload, Progress, Publication, hash_payload},
    pool::Pool,
    scan::{Payload, scan_payload},
    vfs::{Disk, Place},
};

pub(crate) const MIB: usize = 1024 * 1024;

/// A game on the real disk, published.
pub(crate) struct Sample {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) root: Place,
    pub(crate) payload: Arc<Payload>,
    pub(crate) hashed: HashedPayload,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) chunk_map: Arc<ChunkMap>,
}

/// Bytes that differ everywhere and by seed.
pub(crate) fn bytes(seed: u8, len: usize) -> Vec<u8> {
    let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        })
        .collect()
}

pub(crate) fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A large file, a middling one, small ones, empty ones, empty directories.
pub(crate) fn mixed() -> Sample {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, "version.ini", b"1.0\n");
    write(root, "big.bin", &bytes(1, 3 * MIB + 500_000));
    write(root, "data/exact.bin", &bytes(2, MIB));
    write(root, "data/half.bin", &bytes(3, MIB / 2));
    for index in 0..20 {
        write(
            root,
            &format!("small/{index}.txt"),
            &bytes(index, 1000 + usize::from(index)),
        );
    }
    write(root, "empty", b"");
    write(root, "zero/empty.too", b"");
    fs::create_dir_all(root.join("void/deep")).unwrap();
    publish(directory)
}

pub(crate) fn publish(directory: tempfile::TempDir) -> Sample {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new());
    let root = Place::root(directory.path());
    let payload = Arc::new(scan_payload(disk.as_ref(), &root).unwrap());
    let job = HashJob {
        disk: Arc::clone(&disk),
        game_root: root.clone(),
        payload: Arc::clone(&payload),
        progress: Arc::new(Progress::default()),
    };
    let hashed = hash_payload(&job, &pool(), |_, _| None).unwrap();
    let (manifest, chunk_map) = hashed.publish(publication()).unwrap();
    Sample {
        directory,
        disk,
        root,
        payload,
        hashed,
        manifest: Arc::new(manifest),
        chunk_map: Arc::new(chunk_map),
    }
}

pub(crate) fn publication() -> Publication {
    Publication {
        game: GameId::parse("sample").unwrap(),
        version: VersionLabel::parse("1.0").unwrap(),
        layout: Layout::Tree,
    }
}

pub(crate) fn pool() -> Pool {
    Pool::start("test", NonZeroUsize::MIN.saturating_add(1), 4).unwrap()
}
