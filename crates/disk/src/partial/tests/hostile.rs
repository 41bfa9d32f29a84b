//! What others may have put in our way, and disks that say no.

use super::*;

fn refusal(rig: &Rig) -> StoreError {
    PartialContent::create_or_resume(rig.spec(BOOT), &Progress::default()).unwrap_err()
}

#[test]
fn what_is_not_ours_stays() {
    let rig = Rig::new(sample::mixed());
    sample::write(&rig.incoming(""), "precious", b"mine");
    assert!(matches!(refusal(&rig), StoreError::NotOurs(_)));
    let discard = || discard_incoming(rig.sample.disk.as_ref(), &rig.spec(BOOT).game_root);
    assert!(matches!(discard(), Err(StoreError::NotOurs(_))));
    // A torn or foreign marker proves nothing.
    for marker in ["", "lanspread-owned 1\n", "\0\0\0\0", &"x".repeat(1000)] {
        sample::write(&rig.incoming(""), slot::MARKER, marker.as_bytes());
        assert!(matches!(refusal(&rig), StoreError::NotOurs(_)));
        assert!(matches!(discard(), Err(StoreError::NotOurs(_))));
    }
    assert_eq!(fs::read(rig.incoming("precious")).unwrap(), b"mine");
    fs::remove_dir_all(rig.incoming("")).unwrap();
    fs::write(rig.incoming(""), b"a file").unwrap();
    assert!(matches!(refusal(&rig), StoreError::NotOurs(_)));
    assert!(matches!(discard(), Err(StoreError::NotOurs(_))));
}

#[test]
fn a_begin_that_was_cut_off_is_taken_up() {
    let rig = Rig::new(sample::mixed());
    fs::create_dir_all(rig.incoming("")).unwrap();
    rig.open(BOOT);
    fs::remove_file(rig.incoming(slot::MARKER)).unwrap();
    fs::write(rig.incoming(slot::MARKER_DRAFT), b"lanspread-ow").unwrap();
    let (partial, have) = rig.open(BOOT);
    assert!(have.is_empty());
    rig.store(&partial, 0..rig.pieces.len());
    partial.finish().unwrap();
}

#[test]
fn another_content_is_not_overwritten() {
    let rig = Rig::new(sample::mixed());
    let (partial, _) = rig.open(BOOT);
    rig.store(&partial, [0]);
    drop(partial);
    let directory = tempfile::tempdir().unwrap();
    sample::write(directory.path(), "version.ini", b"2.0");
    let other = Rig {
        target: rig.target,
        ..Rig::new(sample::publish(directory))
    };
    assert!(matches!(refusal(&other), StoreError::OtherContent(_)));
    assert!(fs::metadata(other.incoming("big.bin")).is_ok());
    discard_incoming(other.sample.disk.as_ref(), &other.spec(BOOT).game_root).unwrap();
    assert!(fs::metadata(other.incoming("")).is_err());
    let (partial, have) = other.open(BOOT);
    assert!(have.is_empty());
    partial.discard().unwrap();
    discard_incoming(other.sample.disk.as_ref(), &other.spec(BOOT).game_root).unwrap();
}

#[test]
#[cfg(unix)]
fn links_are_not_followed() {
    let rig = Rig::new(sample::mixed());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("big.bin"), vec![7; 4 * MIB]).unwrap();
    let (partial, _) = rig.open(BOOT);
    let plant = |to: &Path, name: &str| std::os::unix::fs::symlink(to, rig.incoming(name)).unwrap();
    plant(&outside.path().join("big.bin"), "big.bin");
    plant(outside.path(), "data");
    plant(&outside.path().join("new"), "version.ini");
    let before = tree(outside.path());
    for (piece, bytes) in &rig.pieces {
        match partial.store_piece(piece, bytes) {
            Err(StoreError::Disk(error)) => assert!(error.is_link(), "{error}"),
            other => panic!("{:?} {other:?}", piece.index),
        }
    }
    assert!(partial.have().is_empty());
    let gained = partial.adopt_from(&rig.sample.root, &Progress::default());
    assert!(gained.is_err());
    assert_eq!(tree(outside.path()), before);
    partial.discard().unwrap();
    assert_eq!(tree(outside.path()), before);
}

#[test]
#[cfg(unix)]
fn a_linked_incoming_is_refused() {
    let rig = Rig::new(sample::mixed());
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(rig.target.path().join("sample")).unwrap();
    std::os::unix::fs::symlink(
        outside.path(),
        rig.incoming("").parent().unwrap().join(".incoming"),
    )
    .unwrap();
    assert!(matches!(refusal(&rig), StoreError::NotOurs(_)));
    assert_eq!(tree(outside.path()).len(), 0);
}

/// One call fails, whichever it is: the caller is told, asks again, and all is well.
#[test]
fn each_call_may_fail_once() {
    let rig = Rig::new(small());
    for kind in [
        ErrorKind::PermissionDenied,
        ErrorKind::StorageFull,
        ErrorKind::Other,
    ] {
        let mut after = 0;
        loop {
            let disk = mem();
            disk.inject(Fault {
                count: Count::All,
                after,
                times: 1,
                kind,
            });
            let failures = download_stubbornly(&rig, &disk);
            if disk.calls(Count::All) <= after {
                assert!(failures == 0 && after > 40, "the fault came after the end");
                break;
            }
            assert!(failures <= 1, "{kind} after {after}: {failures}");
            after += 1;
        }
    }
}

/// Downloads all; begins again after each failure. Returns how many there were.
fn download_stubbornly(rig: &Rig, disk: &MemDisk) -> usize {
    let attempt = || -> Result<(), StoreError> {
        let spec = rig.spec_on(Arc::new(disk.clone()), Path::new("/m"), BOOT);
        let (partial, _) = PartialContent::create_or_resume(spec, &Progress::default())?;
        for (piece, bytes) in &rig.pieces {
            partial.store_piece(piece, bytes)?;
            partial.checkpoint()?;
        }
        partial.finish()?;
        Ok(partial.retire()?)
    };
    let mut failures = 0;
    while let Err(error) = attempt() {
        assert!(!matches!(error, StoreError::BadChunk(_)), "{error}");
        failures += 1;
        assert!(failures < 3, "{error}");
    }
    check_downloaded(rig, disk);
    failures
}

#[test]
fn a_full_disk_is_said_and_got_over() {
    let rig = Rig::new(small());
    let disk = mem();
    let spec = rig.spec_on(Arc::new(disk.clone()), Path::new("/m"), BOOT);
    let (partial, _) = PartialContent::create_or_resume(spec, &Progress::default()).unwrap();
    disk.limit_space(1000);
    let (piece, bytes) = &rig.pieces[0];
    let error = partial.store_piece(piece, bytes).unwrap_err();
    assert!(error.is_full() && !error.is_broken(), "{error}");
    assert!(partial.have().is_empty());
    disk.limit_space(u64::MAX);
    rig.store(&partial, 0..rig.pieces.len());
    partial.finish().unwrap();
    check_downloaded(&rig, &disk);
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_folder_is_an_error_with_its_path() {
    let rig = Rig::new(small());
    let disk = Arc::clone(&rig.sample.disk);
    // Nobody, not even root, makes directories there.
    let spec = rig.spec_on(disk, Path::new("/proc"), BOOT);
    let error = PartialContent::create_or_resume(spec, &Progress::default()).unwrap_err();
    assert!(matches!(error, StoreError::Disk(_)));
    assert!(error.to_string().contains("/proc/sample"), "{error}");
}

pub(super) fn mem() -> MemDisk {
    let disk = MemDisk::new(Path::new("/m"));
    disk.put_dir(Path::new("/m/partials"));
    disk
}

pub(super) fn small() -> Sample {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    sample::write(root, "version.ini", b"1.0\n");
    sample::write(root, "big", &sample::bytes(1, MIB + 3000));
    sample::write(root, "d/e/half", &sample::bytes(2, 2000));
    sample::write(root, "d/empty", b"");
    fs::create_dir(root.join("void")).unwrap();
    sample::publish(directory)
}

pub(super) fn check_downloaded(rig: &Rig, disk: &MemDisk) {
    let incoming = Path::new("/m/sample/.incoming");
    for (name, bytes) in tree(rig.sample.directory.path()) {
        if let Some(bytes) = bytes {
            assert!(
                disk.bytes_of(&incoming.join(&name)) == Some(bytes),
                "{name}"
            );
        }
    }
}
