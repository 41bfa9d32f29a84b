//! The power fails, or the disk loses what it was given: what counts as here is really here.

use super::{
    hostile::{check_downloaded, mem, small},
    *,
};

/// What a caller was told before everything stopped.
#[derive(Default)]
struct Told {
    stored: Vec<PieceIndex>,
    durable: Vec<PieceIndex>,
    finished: bool,
}

fn download(
    rig: &Rig,
    disk: &MemDisk,
    boot: Option<BootId>,
    told: &mut Told,
) -> Result<(), StoreError> {
    let spec = rig.spec_on(Arc::new(disk.clone()), Path::new("/m"), boot);
    let (partial, have) = PartialContent::create_or_resume(spec, &Progress::default())?;
    told.stored = list(&have);
    for (piece, bytes) in rig.pieces.iter().rev() {
        partial.store_piece(piece, bytes)?;
        told.stored.push(piece.index);
        if piece.index.0 == 1 {
            partial.checkpoint()?;
            told.durable.clone_from(&told.stored);
        }
    }
    partial.finish()?;
    told.finished = true;
    Ok(())
}

/// Cuts the power after every mutating call, loses in several ways, and takes the download up.
#[test]
fn every_power_cut() {
    let rig = Rig::new(small());
    let losses = [
        Loss::All,
        Loss::None,
        Loss::Random(1),
        Loss::Random(2),
        Loss::Random(3),
    ];
    let mut cut = 0;
    loop {
        let disk = mem();
        disk.inject(Fault::power_cut(cut));
        let mut told = Told::default();
        let outcome = download(&rig, &disk, BOOT, &mut told);
        for loss in losses {
            let after = disk.fork();
            after.crash(loss);
            check_resumed(&rig, &after, &told, LATER_BOOT);
            if loss == Loss::None {
                // Only the process died.
                let same = disk.fork();
                same.crash(loss);
                check_resumed(&rig, &same, &told, BOOT);
            }
        }
        if outcome.is_ok() {
            assert!(told.finished && cut > 20);
            return;
        }
        cut += 1;
    }
}

fn check_resumed(rig: &Rig, disk: &MemDisk, told: &Told, boot: Option<BootId>) {
    let spec = rig.spec_on(Arc::new(disk.clone()), Path::new("/m"), boot);
    let resumed = PartialContent::create_or_resume(spec, &Progress::default());
    let (partial, have) =
        resumed.unwrap_or_else(|e| panic!("{e}: {:?}", disk.tree(Path::new("/m")).keys()));
    rig.check_verified(&partial);
    for piece in &told.durable {
        assert!(have.contains(*piece), "a checkpoint covered {}", piece.0);
    }
    if boot == BOOT {
        for piece in &told.stored {
            assert!(have.contains(*piece), "{} was stored", piece.0);
        }
    }
    if told.finished {
        assert!(have.is_full());
        check_downloaded(rig, disk);
    }
    drop(partial);
    let mut again = Told::default();
    download(rig, disk, boot, &mut again).unwrap();
    check_downloaded(rig, disk);
}

/// After a failed sync a read may show bytes that the disk does not have: they do not count.
#[test]
fn a_failed_sync_is_final() {
    let rig = Rig::new(small());
    let disk = mem();
    let open = |boot| {
        let spec = rig.spec_on(Arc::new(disk.clone()), Path::new("/m"), boot);
        PartialContent::create_or_resume(spec, &Progress::default()).unwrap()
    };
    let (partial, _) = open(BOOT);
    rig.store(&partial, [0]);
    partial.checkpoint().unwrap();
    rig.store(&partial, [1]);
    let calls = |count| disk.calls(count);
    let before = calls(Count::All);
    disk.inject(Fault {
        count: Count::All,
        after: 0,
        times: 1,
        kind: ErrorKind::Other,
    });
    let error = partial.checkpoint().unwrap_err();
    assert!(matches!(error, StoreError::SyncFailed(_)) && error.is_broken());
    assert!(calls(Count::All) > before);
    let (piece, bytes) = &rig.pieces[1];
    assert!(matches!(
        partial.store_piece(piece, bytes),
        Err(StoreError::Broken)
    ));
    assert!(matches!(partial.finish(), Err(StoreError::Broken)));
    drop(partial);
    let (partial, have) = open(BOOT);
    assert_eq!(list(&have), set(&[0]), "also to the same run of the OS");
    rig.store(&partial, [1]);
    partial.finish().unwrap();
    check_downloaded(&rig, &disk);
}
