use super::*;

fn disk() -> (MemDisk, Place) {
    (MemDisk::new(Path::new("/r")), Place::root(Path::new("/r")))
}

fn write(disk: &MemDisk, place: &Place, bytes: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.open(place, OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file
}

fn bytes(disk: &MemDisk, path: &str) -> Option<Vec<u8>> {
    disk.bytes_of(&Path::new("/r").join(path))
}

#[test]
fn names_and_bytes_are_durable_apart() {
    let (disk, root) = disk();
    write(&disk, &root.own("nothing"), b"x");
    write(&disk, &root.own("bytes"), b"x").sync().unwrap();
    disk.crash(Loss::All);
    assert_eq!(bytes(&disk, "nothing"), None);
    // The bytes were synced, the name was not.
    assert_eq!(bytes(&disk, "bytes"), None);
    write(&disk, &root.own("name"), b"x");
    write(&disk, &root.own("both"), b"x").sync().unwrap();
    disk.sync_dir(&root).unwrap();
    write(&disk, &root.own("after"), b"x").sync().unwrap();
    disk.crash(Loss::All);
    assert_eq!(bytes(&disk, "name"), Some(vec![]));
    assert_eq!(bytes(&disk, "both"), Some(b"x".to_vec()));
    assert_eq!(bytes(&disk, "after"), None);
    write(&disk, &root.own("volume"), b"x");
    disk.sync_volume(&root).unwrap();
    disk.crash(Loss::All);
    assert_eq!(bytes(&disk, "volume"), Some(b"x".to_vec()));
}

#[test]
fn a_rename_happens_whole_or_not() {
    for loss in (0..32).map(Loss::Random) {
        let (disk, root) = disk();
        disk.put_file(Path::new("/r/a"), b"new");
        disk.put_file(Path::new("/r/d/b"), b"old");
        disk.rename(&root.own("a"), &root.own("d").own("b"))
            .unwrap();
        disk.crash(loss);
        match (bytes(&disk, "a").as_deref(), bytes(&disk, "d/b").as_deref()) {
            (Some(b"new"), Some(b"old")) | (None, Some(b"new")) => {}
            torn => panic!("{torn:?}"),
        }
    }
    let (disk, root) = disk();
    disk.put_file(Path::new("/r/a"), b"new");
    disk.put_dir(Path::new("/r/d"));
    disk.rename(&root.own("a"), &root.own("d").own("b"))
        .unwrap();
    // Only the directory that holds the name afterwards makes it durable.
    disk.sync_dir(&root).unwrap();
    assert_eq!(disk.pending_names(), 1);
    disk.sync_dir(&root.own("d")).unwrap();
    disk.crash(Loss::All);
    assert_eq!(bytes(&disk, "d/b"), Some(b"new".to_vec()));
}

#[test]
fn unsynced_bytes_are_torn_at_sectors() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let (disk, root) = disk();
        disk.put_file(Path::new("/r/f"), &[b'o'; 1024]);
        let file = disk.open(&root.own("f"), OpenMode::Write).unwrap();
        file.write_all_at(&[b'n'; 1024], 0).unwrap();
        disk.crash(Loss::Random(seed));
        let left = bytes(&disk, "f").unwrap();
        assert!(
            left.chunks(512)
                .all(|sector| sector.iter().all(|byte| *byte == sector[0]))
        );
        seen.insert((left[0], left[512]));
        assert!(file.stat().is_err(), "the file was opened before the crash");
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn a_removed_directory_was_emptied_before() {
    let (disk, root) = disk();
    disk.put_file(Path::new("/r/d/f"), b"x");
    let dir = root.own("d");
    assert!(disk.remove_dir(&dir).is_err());
    disk.remove_file(&dir.own("f")).unwrap();
    disk.remove_dir(&dir).unwrap();
    for loss in (0..16).map(Loss::Names) {
        let fork = disk.fork();
        fork.crash(loss);
        assert!(fork.stat(&dir).unwrap().is_some() || bytes(&fork, "d/f").is_none());
    }
    disk.sync_dir(&root).unwrap();
    disk.crash(Loss::All);
    assert!(disk.stat(&dir).unwrap().is_none());
}

#[test]
fn faults_space_and_holders() {
    let (disk, root) = disk();
    disk.inject(Fault {
        count: Count::Mutating,
        after: 1,
        times: 1,
        kind: ErrorKind::StorageFull,
    });
    let file = disk.open(&root.own("f"), OpenMode::CreateNew).unwrap();
    assert!(file.write_all_at(b"x", 0).unwrap_err().is_full());
    file.write_all_at(b"x", 0).unwrap();
    disk.limit_space(4);
    file.write_all_at(b"1234", 0).unwrap();
    assert!(file.write_all_at(b"12345", 0).unwrap_err().is_full());
    assert_eq!(disk.space(&root).unwrap().free_bytes, 0);
    disk.hold(Path::new("/r/f"));
    assert!(disk.remove_file(&root.own("f")).unwrap_err().is_busy());
    disk.release(Path::new("/r/f"));
    disk.remove_file(&root.own("f")).unwrap();
    disk.allow_exchange(false);
    let refused = disk.exchange(&root.own("f"), &root.own("g")).unwrap_err();
    assert!(refused.is_unsupported());
}

#[test]
fn a_failed_sync_is_final_until_the_bytes_are_written_anew() {
    let (disk, root) = disk();
    disk.put_file(Path::new("/r/f"), b"old");
    let file = disk.open(&root.own("f"), OpenMode::Write).unwrap();
    file.write_all_at(b"new", 0).unwrap();
    disk.inject(Fault {
        count: Count::Mutating,
        after: 0,
        times: 1,
        kind: ErrorKind::Other,
    });
    file.sync().unwrap_err();
    file.sync().unwrap();
    let lost = disk.fork();
    lost.crash(Loss::All);
    assert_eq!(bytes(&lost, "f"), Some(b"old".to_vec()));
    file.write_all_at(b"new", 0).unwrap();
    file.sync().unwrap();
    disk.crash(Loss::All);
    assert_eq!(bytes(&disk, "f"), Some(b"new".to_vec()));
}
