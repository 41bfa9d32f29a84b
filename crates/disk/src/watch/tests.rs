use std::fs;

use notify::event::{CreateKind, Flag, RemoveKind};

use super::*;
use crate::{RealDisk, sample};

/// Long enough for a loaded machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

struct Rig {
    _keep: tempfile::TempDir,
    root: PathBuf,
    disk: RealDisk,
    watch: GamesWatch,
}

impl Rig {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        sample::write(&root, "quake/version.ini", b"1");
        sample::write(&root, "quake/data/maps/a", b"1");
        sample::write(&root, "quake/local/bin/x", b"1");
        sample::write(&root, "quake/.incoming/d/x", b"1");
        let disk = RealDisk::new();
        let watch = GamesWatch::start(&disk, &Place::root(&root)).unwrap();
        Self {
            _keep: keep,
            root,
            disk,
            watch,
        }
    }

    /// Waits until a game is named.
    fn expect(&mut self, game: &str) {
        loop {
            let changes = self.watch.wait(&self.disk, PATIENCE).expect(game);
            assert!(changes.error.is_none(), "{changes:?}");
            if changes.games.contains(game) {
                return;
            }
        }
    }
}

#[test]
fn changes_are_named_by_game() {
    let mut rig = Rig::new();
    sample::write(&rig.root, "quake/data/maps/b", b"2");
    rig.expect("quake");
    sample::write(&rig.root, "unreal/version.ini", b"1");
    rig.expect("unreal");
    // A directory that came later is watched too.
    while rig.watch.wait(&rig.disk, Duration::ZERO).is_some() {}
    fs::create_dir(rig.root.join("unreal/new")).unwrap();
    rig.expect("unreal");
    while rig.watch.wait(&rig.disk, Duration::ZERO).is_some() {}
    sample::write(&rig.root, "unreal/new/file", b"1");
    rig.expect("unreal");
    // Deleted and made again under the same name before anybody looked.
    fs::remove_dir_all(rig.root.join("quake")).unwrap();
    sample::write(&rig.root, "quake/data/x", b"1");
    rig.expect("quake");
    while rig.watch.wait(&rig.disk, Duration::ZERO).is_some() {}
    sample::write(&rig.root, "quake/data/y", b"1");
    rig.expect("quake");
}

#[test]
fn an_installed_game_that_goes_or_comes_is_told() {
    let mut rig = Rig::new();
    fs::remove_dir_all(rig.root.join("quake/local")).unwrap();
    rig.expect("quake");
    while rig.watch.wait(&rig.disk, Duration::ZERO).is_some() {}
    fs::create_dir(rig.root.join("quake/local")).unwrap();
    rig.expect("quake");
}

#[test]
fn ours_is_not_watched() {
    let mut rig = Rig::new();
    sample::write(&rig.root, "quake/.incoming/d/y", b"2");
    sample::write(&rig.root, "quake/local/bin/y", b"2");
    sample::write(&rig.root, "quake/.local.installing", b"2");
    // Something that is told, after all that.
    sample::write(&rig.root, "zzz/version.ini", b"1");
    loop {
        let changes = rig.watch.wait(&rig.disk, PATIENCE).unwrap();
        assert!(!changes.games.contains("quake"), "{changes:?}");
        if changes.games.contains("zzz") {
            break;
        }
    }
}

#[test]
fn a_directory_that_is_not_there_cannot_be_watched() {
    let keep = tempfile::tempdir().unwrap();
    let gone = Place::root(&keep.path().join("gone"));
    assert!(
        GamesWatch::start(&RealDisk::new(), &gone)
            .unwrap_err()
            .is_not_found()
    );
}

fn shared() -> (Shared, Receiver<()>) {
    let (wake, woken) = crossbeam_channel::bounded(1);
    let shared = Shared {
        games: PathBuf::from("/games"),
        pending: Mutex::default(),
        wake,
    };
    (shared, woken)
}

fn event(path: &str) -> Event {
    Event::new(EventKind::Create(CreateKind::Any)).add_path(PathBuf::from(path))
}

#[test]
fn what_matters_is_merged() {
    let (shared, woken) = shared();
    for ignored in [
        "/games/a/local/x",
        "/games/a/.incoming/x",
        "/games/a/.local.backup",
        "/games/.hidden/x",
        "/elsewhere/a",
    ] {
        shared.on_event(Ok(event(ignored)));
    }
    let written = Event::new(EventKind::Modify(ModifyKind::Any));
    shared.on_event(Ok(written.add_path(PathBuf::from("/games/a/local"))));
    let read = Event::new(EventKind::Access(notify::event::AccessKind::Any));
    shared.on_event(Ok(read.add_path(PathBuf::from("/games/a/x"))));
    assert!(woken.try_recv().is_err());
    for path in ["/games/a", "/games/a/x", "/games/b/local"] {
        shared.on_event(Ok(event(path)));
    }
    assert!(woken.try_recv().is_ok() && woken.try_recv().is_err());
    let changes = mem::take(&mut *shared.pending());
    assert_eq!(changes.games.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(!changes.everything && changes.error.is_none());
}

#[test]
fn a_flood_an_overflow_and_an_error_mean_everything() {
    let (shared, woken) = shared();
    for index in 0..10_000 {
        shared.on_event(Ok(event(&format!("/games/g{index}"))));
        assert!(shared.pending().games.len() <= CHANGED_MAX);
    }
    assert!(mem::take(&mut *shared.pending()).everything);
    shared.on_event(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    assert!(mem::take(&mut *shared.pending()).everything);
    shared.on_event(Ok(
        Event::new(EventKind::Remove(RemoveKind::Any)).add_path("/games".into())
    ));
    assert!(mem::take(&mut *shared.pending()).everything);
    shared.on_event(Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
    let changes = mem::take(&mut *shared.pending());
    assert!(changes.everything && changes.error.is_some());
    assert!(woken.try_recv().is_ok());
}

#[test]
fn only_what_took_long_rests_and_not_for_long() {
    let check = |took: u64, expected: u64| {
        let rest = rest_after(Duration::from_millis(took));
        assert_eq!(rest, Duration::from_millis(expected), "{took} ms");
    };
    check(0, 0);
    check(9, 0);
    check(10, 200);
    check(100, 2_000);
    check(60_000, 5_000);
}
