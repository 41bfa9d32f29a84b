//! What may be staged, what is refused before anything is touched, and what is seen of a game.

use std::{path::Path, sync::Arc};

use lanspread_disk::{
    Disk, Staging,
    execute::{self, Brings, CommitDownload, Recovered, Remove, TransactionError, Uninstall},
    intent_file::StateFileError,
    mem::{Loss, MemDisk},
    observe::{self, Sentinel},
    staging::StagingError,
};
use lanspread_install::{Refusal, SealError, Target};
use lanspread_proto::{ContentId, Hash, RelPath, VersionLabel, manifest::FileEntry};

use crate::{
    memory::{Memory, places},
    scenario::{Instant, NOW, Scenario, one, two},
};

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn begin(disk: &MemDisk) -> Result<Staging, TransactionError> {
    let target = Target {
        content: ContentId::from_bytes([3; 32]),
        version: VersionLabel::parse("3").unwrap(),
    };
    let disk = Arc::new(disk.clone());
    Staging::begin(disk, &places(), NOW, target, &mut Instant::default())
}

fn add(staging: &mut Staging, name: &str, text: &str) -> Result<(u64, Hash), StagingError> {
    let mut file = staging.create_file(&path(name), None)?;
    file.write(text.as_bytes())?;
    staging.finish_file(file)
}

#[test]
fn a_file_gets_the_time_that_its_archive_tells() {
    let memory = Memory::prepared(Scenario::Install);
    let mut staging = begin(&memory.disk).unwrap();
    let mut file = staging.create_file(&path("old"), None).unwrap();
    file.set_modified(Some(1_000_000_000));
    file.write(b"old").unwrap();
    staging.finish_file(file).unwrap();
    add(&mut staging, "new", "new").unwrap();
    staging.commit(&mut Instant::default()).unwrap();
    let local = places().slot(lanspread_install::Slot::Live);
    let modified = |name: &str| {
        let place = local.join(&path(name));
        let stat = memory.disk.stat(&place).unwrap().unwrap();
        stat.identity.modified_nanos
    };
    assert_eq!(modified("old"), 1_000_000_000_000_000_000);
    assert!(modified("new") < 1_000_000_000);
}

#[test]
fn a_clone_of_other_bytes_is_refused() {
    let memory = Memory::prepared(Scenario::Install);
    let mut staging = begin(&memory.disk).unwrap();
    let source = places().game_root.join(&path("game.eti"));
    let mut entry = FileEntry {
        path: path("game.eti"),
        bytes: 11,
        root: Hash::of(b"archive two"),
    };
    let refused = staging.clone_from(&source, &entry, &mut |_| true);
    assert!(
        matches!(&refused, Err(StagingError::Differs(path)) if *path == entry.path),
        "{refused:?}"
    );
    entry.path = path("another");
    entry.root = Hash::of(b"archive one");
    staging.clone_from(&source, &entry, &mut |_| true).unwrap();
    staging.abort(&mut Instant::default()).unwrap();
    assert!(memory.is_old());
}

#[test]
fn files_are_hashed_copied_and_cloned() {
    let memory = Memory::prepared(Scenario::Install);
    let mut staging = begin(&memory.disk).unwrap();
    let (bytes, root) = add(&mut staging, "a/one", "first").unwrap();
    assert_eq!((bytes, root), (5, Hash::of(b"first")));
    staging
        .copy_file((&path("a/one"), &path("b/two")), &mut |_| true)
        .unwrap();
    let source = places().game_root.join(&path("game.eti"));
    let entry = FileEntry {
        path: path("c/game.eti"),
        bytes: 11,
        root: Hash::of(b"archive one"),
    };
    staging.clone_from(&source, &entry, &mut |_| true).unwrap();
    staging.create_dir(&path("saves/empty")).unwrap();
    staging.commit(&mut Instant::default()).unwrap();
    memory.disk.crash(Loss::All);
    let tree = memory.tree();
    assert_eq!(tree["local/a/one"], b"first");
    assert_eq!(tree["local/b/two"], b"first");
    assert_eq!(tree["local/c/game.eti"], b"archive one");
    let game = observe::observe(&memory.disk, &places()).unwrap();
    let record = game.installed.unwrap().record.unwrap();
    let roots: Vec<Hash> = record.files().iter().map(|file| file.root).collect();
    assert_eq!(roots, [root, root, Hash::of(b"archive one")]);
}

#[test]
fn what_cannot_be_staged() {
    let memory = Memory::prepared(Scenario::Install);
    let mut staging = begin(&memory.disk).unwrap();
    add(&mut staging, "Data/a", "x").unwrap();
    let twin = add(&mut staging, "data/b", "x").unwrap_err();
    assert!(matches!(twin, StagingError::Twin { .. }), "{twin}");
    let twin = add(&mut staging, "Data", "x").unwrap_err();
    assert!(matches!(twin, StagingError::Twin { .. }), "{twin}");
    // Two archives with the same file: nobody knows which one is meant.
    let again = add(&mut staging, "Data/a", "y").unwrap_err();
    assert!(matches!(again, StagingError::Twin { .. }), "{again}");
    let missing = staging
        .copy_file((&path("none"), &path("c")), &mut |_| true)
        .unwrap_err();
    assert!(matches!(missing, StagingError::NothingToCopy(_)));
    let mut long = staging.create_file(&path("long"), Some(3)).unwrap();
    long.write(b"123").unwrap();
    assert!(matches!(long.write(b"4"), Err(StagingError::Length { .. })));
    let short = staging.create_file(&path("short"), Some(3)).unwrap();
    assert!(matches!(
        staging.finish_file(short),
        Err(StagingError::Length { .. })
    ));
    // Two files were begun and never ended, so this is no install.
    let error = staging.commit(&mut Instant::default()).unwrap_err();
    assert!(matches!(error, TransactionError::Incomplete(_)), "{error}");
    assert!(memory.is_old());
    memory.check_settled().unwrap();
    let nothing = begin(&memory.disk).unwrap();
    let error = nothing.commit(&mut Instant::default()).unwrap_err();
    assert!(matches!(error, TransactionError::NothingStaged), "{error}");
    assert!(memory.is_old());
}

#[test]
fn refusals_touch_nothing() {
    let memory = Memory::prepared(Scenario::Update);
    let hooks = &mut Instant::default();
    let (first, second) = (one(), two());
    let remove = Remove {
        transaction: NOW,
        manifest: &first,
        keep_installed: false,
    };
    let error = execute::remove(&memory.disk, &places(), remove, hooks).unwrap_err();
    assert!(matches!(
        error,
        TransactionError::Refused(Refusal::StillInstalled)
    ));
    let download = CommitDownload {
        transaction: NOW,
        manifest: &second,
        old_manifest: None,
        brings: Brings::Everything,
    };
    let error = execute::commit_download(&memory.disk, &places(), download, hooks).unwrap_err();
    assert!(matches!(error, TransactionError::Incomplete(_)));
    let staging = begin(&memory.disk).unwrap();
    let error = begin(&memory.disk).unwrap_err();
    assert!(matches!(
        error,
        TransactionError::Refused(Refusal::Unfinished)
    ));
    staging.abort(hooks).unwrap();
    assert!(memory.is_old());
    let none = Memory::prepared(Scenario::Install);
    let uninstall = Uninstall {
        transaction: NOW,
        purge: true,
    };
    let error = execute::uninstall(&none.disk, &places(), uninstall, hooks).unwrap_err();
    assert!(matches!(
        error,
        TransactionError::Refused(Refusal::NotInstalled)
    ));
    assert!(none.is_old());
}

#[test]
fn a_file_where_a_directory_of_ours_belongs_stops_before_anything_is_touched() {
    for name in ["kept", ".local.backup", "local"] {
        let memory = Memory::prepared(Scenario::Install);
        let blocked = places().game_root.own(name);
        memory.disk.put_file(&blocked.path(), b"a file");
        let error = begin(&memory.disk).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        memory.disk.remove_file(&blocked).unwrap();
        assert!(memory.is_old());
    }
}

/// Empty, torn or of a later version: whatever it said is unknown.
#[test]
fn an_intent_that_cannot_be_read_stops_everything() {
    for bytes in [&b""[..], &[0; 100]] {
        let memory = Memory::prepared(Scenario::Update);
        let staging = begin(&memory.disk).unwrap();
        drop(staging);
        let intent = Path::new("/state/games/quake/install_intent");
        memory.disk.put_file(intent, bytes);
        let before = memory.digest();
        let error = memory.with(|world| Scenario::recover(world, &mut Instant::default()));
        assert!(matches!(
            error,
            Err(TransactionError::State(StateFileError::Unreadable {
                reason: SealError::Damaged,
                ..
            }))
        ));
        assert!(begin(&memory.disk).is_err());
        assert_eq!(memory.digest(), before);
    }
}

/// The state directory was lost in the middle of an update: what lies around is nobody's, so it
/// is kept, and the next install works.
#[test]
fn strays_are_kept() {
    let memory = Memory::prepared(Scenario::Install);
    for stray in [".local.installing/half.bin", ".local.backup/save.sav"] {
        memory
            .disk
            .put_file(&Path::new("/games/quake").join(stray), stray.as_bytes());
    }
    let recovered = memory.with(|world| Scenario::recover(world, &mut Instant::default()));
    assert_eq!(recovered.unwrap(), Recovered::Nothing);
    let operate = |world: &crate::scenario::World<'_>| {
        memory.scenario.operate(world, &mut Instant::default())
    };
    memory.with(operate).unwrap();
    let mut expected = memory.scenario.after();
    let kept = "kept/2026-11-20_08-17-38";
    for (name, text) in [
        ("local.installing/half.bin", ".local.installing/half.bin"),
        ("local.backup/save.sav", ".local.backup/save.sav"),
    ] {
        expected.insert(format!("{kept}/{name}"), text.into());
    }
    assert_eq!(memory.tree(), expected);
    let game = observe::observe(&memory.disk, &places()).unwrap();
    assert_eq!(game.kept.len(), 1);
    assert_eq!((game.kept[0].file_count, game.kept[0].bytes), (2, 48));
    assert_eq!(
        game.sentinel,
        Sentinel::Version(VersionLabel::parse("1").unwrap())
    );
    assert!(game.unfinished.is_none() && game.incoming.is_none());
}

#[test]
fn recovery_without_the_manifest_touches_nothing() {
    let memory = Memory::prepared(Scenario::Remove);
    memory.disk.hold(Path::new("/games/quake/game.eti"));
    let operate = |world: &crate::scenario::World<'_>| {
        memory.scenario.operate(world, &mut Instant::default())
    };
    memory.with(operate).unwrap_err();
    let before = memory.digest();
    let nobody = |_: &ContentId| None;
    let error = execute::recover(&memory.disk, &places(), &nobody, &mut Instant::default());
    assert!(matches!(error, Err(TransactionError::ManifestMissing(_))));
    assert_eq!(memory.digest(), before);
}
