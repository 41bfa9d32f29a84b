use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use lanspread_install::{Goal, Intent, Phase, Role, slot::INTENT};

use super::*;
use crate::{
    execute::NoHooks,
    mem::{Count, Fault, Loss, MemDisk},
    vfs::{CloneKind, DiskFile, GoOn, OpenMode, Space, Stat},
};

const ROOT: &str = "/games/quake";
const STATE: &str = "/state/games/quake";
const NOW: TransactionId = TransactionId::at(1_795_162_658, 77);
const KEPT: &str = "kept/2026-11-20_08-17-38";
/// As the original may write it; what it says is not read.
const MARK: &[u8] = b"lanspread install 7\n";

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn places() -> GamePlaces {
    GamePlaces {
        game_root: Place::root(Path::new("/games")).listed("quake"),
        state: Place::root(Path::new("/state"))
            .listed("games")
            .listed("quake"),
    }
}

fn disk(files: &[(&str, &[u8])]) -> MemDisk {
    let disk = MemDisk::new(Path::new("/games"));
    disk.put_dir(Path::new("/state"));
    disk.put_dir(Path::new(ROOT));
    for (path, bytes) in files {
        let path = Path::new(ROOT).join(path);
        match path.to_str().unwrap().strip_suffix('/') {
            Some(dir) => disk.put_dir(Path::new(dir)),
            None => disk.put_file(&path, bytes),
        }
    }
    disk
}

fn run(disk: &dyn Disk) -> Result<Report, StateFileError> {
    migrate(disk, &places(), NOW, &mut NoHooks)
}

fn names(tree: &Tree) -> BTreeSet<&str> {
    tree.keys().map(|path| path.to_str().unwrap()).collect()
}

/// What is left of these files at the root and in the state directory.
fn check(files: &[(&str, &[u8])], at_root: &[&str], in_state: &[&str]) -> Report {
    let disk = disk(files);
    let report = run(&disk).unwrap();
    let (root, state) = (disk.tree(Path::new(ROOT)), disk.tree(Path::new(STATE)));
    assert_eq!(names(&root), at_root.iter().copied().collect(), "{files:?}");
    assert_eq!(names(&state), in_state.iter().copied().collect());
    let again = run(&disk).unwrap();
    assert_eq!(again.done, [], "{files:?}");
    assert_eq!(again.stays, report.stays);
    report
}

#[test]
fn an_update_that_was_broken_off_is_rolled_back() {
    let report = check(
        &[
            ("version.ini", b"2"),
            ("game.eti", b"archive"),
            (".lanspread.json", b"{\"intent\":\"Updating\"}"),
            (".local.backup/quake.exe", b"old"),
            (".local.backup/saves/1.sav", b"save"),
            (".local.installing/.lanspread_owned", MARK),
            (".local.installing/data/pak0.pak", b"half"),
        ],
        &[
            "game.eti",
            "local/quake.exe",
            "local/saves/1.sav",
            "version.ini",
        ],
        &["original_lanspread.json"],
    );
    let did = [
        Move::Restore,
        Move::DropStaging,
        Move::Unmark,
        Move::TakeOut(Stray::Log),
    ];
    assert_eq!(report.done, did);
}

#[test]
fn an_install_that_was_broken_off_is_rolled_back() {
    check(
        &[
            ("version.ini", b"2"),
            (".local.installing/.lanspread_owned", b""),
            (".local.installing/pak0.pak", b"half"),
        ],
        &["version.ini"],
        &[],
    );
}

#[test]
fn an_update_that_was_done_is_finished() {
    let kept = format!("{KEPT}/local.backup/saves/1.sav");
    let mark = format!("{KEPT}/local.backup/.lanspread_owned");
    check(
        &[
            ("local/quake.exe", b"new"),
            ("local/.lanspread_owned", MARK),
            (".local.backup/.lanspread_owned", MARK),
            (".local.backup/saves/1.sav", b"save"),
        ],
        &["local/quake.exe", &kept, &mark],
        &[],
    );
}

#[test]
fn an_uninstall_is_finished_and_nothing_is_lost() {
    let kept = format!("{KEPT}/local.backup/saves/1.sav");
    check(
        &[
            (".lanspread.json", b"{\"intent\": \"UNINSTALLING\"}"),
            (".local.backup/saves/1.sav", b"save"),
        ],
        &[&kept],
        &["original_lanspread.json"],
    );
}

#[test]
fn a_download_that_was_broken_off_is_none() {
    check(
        &[
            (".version.ini.tmp", b"3"),
            (".version.ini.discarded", b"2"),
            (".lanspread_owned", MARK),
            ("game.eti", b"half new, half old"),
        ],
        &["game.eti"],
        &[
            "original_owned",
            "original_version.ini.discarded",
            "original_version.ini.tmp",
        ],
    );
}

#[test]
fn what_nobody_can_prove_stays() {
    let large = vec![b' '; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    let ours = Marker {
        transaction: NOW,
        role: Role::New,
    };
    let report = check(
        &[
            (".local.installing/.lanspread_owned/", b""),
            (".local.installing/x", b"x"),
            (".local.backup/x", b"x"),
            (".lanspread.json", &large),
            (".version.ini.tmp/x", b"x"),
            (".lanspread_owned", ours.encode().as_bytes()),
        ],
        &[
            ".lanspread.json",
            ".lanspread_owned",
            ".local.backup/x",
            ".local.installing/.lanspread_owned",
            ".local.installing/x",
            ".version.ini.tmp/x",
        ],
        &[],
    );
    assert_eq!(report.done, []);
    assert_eq!(report.stays, [Slot::Staging, Slot::Backup]);
    let report = check(
        &[
            (
                ".local.installing/.lanspread_owned",
                ours.encode().as_bytes(),
            ),
            (".local.installing/x", b"x"),
        ],
        &[".local.installing/.lanspread_owned", ".local.installing/x"],
        &[],
    );
    assert_eq!(report, Report::default());
}

/// Does not wait for whoever holds a file.
struct Impatient;

impl Hooks for Impatient {
    fn wait(&mut self, _delay: Duration) -> bool {
        false
    }
}

#[test]
fn what_is_held_open_waits() {
    let disk = disk(&[
        (".local.installing/.lanspread_owned", MARK),
        (".local.installing/a/b", b"half"),
    ]);
    let held = Path::new(ROOT).join(".local.installing/a/b");
    disk.hold(&held);
    migrate(&disk, &places(), NOW, &mut Impatient).unwrap_err();
    disk.release(&held);
    assert_eq!(run(&disk).unwrap().done, [Move::DropStaging]);
    assert_eq!(disk.stat(&places().slot(Slot::Staging)).unwrap(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_deleted_by_name_is_put_aside() {
    use std::{fs, os::unix::ffi::OsStrExt};
    let dir = tempfile::tempdir().unwrap();
    let staging = dir.path().join("quake/.local.installing");
    fs::create_dir_all(staging.join("data")).unwrap();
    fs::write(staging.join(".lanspread_owned"), MARK).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"m\xfcller.pak");
    fs::write(staging.join("data").join(name), b"half").unwrap();
    let places = GamePlaces {
        game_root: Place::root(dir.path()).listed("quake"),
        state: Place::root(dir.path()).listed("state"),
    };
    let report = migrate(&crate::RealDisk::new(), &places, NOW, &mut NoHooks).unwrap();
    assert_eq!(report.done, [Move::PutAside(Slot::Staging)]);
    let kept = dir
        .path()
        .join("quake")
        .join(KEPT)
        .join("local.installing/data");
    assert_eq!(fs::read(kept.join(name)).unwrap(), b"half");
    assert!(fs::symlink_metadata(&staging).is_err());
}

#[test]
fn a_transaction_of_ours_comes_first() {
    let disk = disk(&[(".lanspread.json", b"{}"), (".local.backup/x", b"x")]);
    let intent = Intent {
        transaction: NOW,
        phase: Phase::Committed,
        goal: Goal::Uninstall { purge: false },
    };
    intent_file::write_intent(&disk, &places().state, &intent).unwrap();
    let before = disk.tree(Path::new("/"));
    assert_eq!(run(&disk).unwrap(), Report::default());
    assert_eq!(disk.tree(Path::new("/")), before);
    disk.put_file(&Path::new(STATE).join(INTENT), b"torn");
    run(&disk).unwrap_err();
}

#[test]
fn what_the_original_leaves_later_is_taken_out_too() {
    let disk = disk(&[(".lanspread.json", b"one")]);
    run(&disk).unwrap();
    disk.put_file(&Path::new(ROOT).join(".lanspread.json"), b"two");
    run(&disk).unwrap();
    let moved = Path::new(STATE).join("original_lanspread.json");
    assert_eq!(disk.bytes_of(&moved).unwrap(), b"two");
}

/// Games with everything in every place, as far as it changes what is done.
fn worlds() -> Vec<MemDisk> {
    let mut worlds = Vec::new();
    let slots = |slot: &str, kind: &str| -> Vec<(String, &[u8])> {
        let file = (format!("{slot}/dir/file"), &b"the bytes"[..]);
        let mark = (format!("{slot}/.lanspread_owned"), MARK);
        match kind {
            "marked" => vec![mark, file],
            "unmarked" => vec![file],
            "empty" => vec![(format!("{slot}/"), &b""[..])],
            _ => Vec::new(),
        }
    };
    let root = |log: &'static str| -> Vec<(String, &[u8])> {
        match log {
            "" => Vec::new(),
            _ => vec![
                (".lanspread.json".into(), log.as_bytes()),
                (".version.ini.discarded".into(), b"1"),
            ],
        }
    };
    for live in ["", "empty", "marked", "unmarked"] {
        for staging in ["", "marked", "unmarked"] {
            for backup in ["", "empty", "marked", "unmarked"] {
                for log in ["", "Updating", "Uninstalling"] {
                    let mut files = slots("local", live);
                    files.extend(slots(".local.installing", staging));
                    files.extend(slots(".local.backup", backup));
                    files.extend(root(log));
                    let named: Vec<_> = files.iter().map(|(n, b)| (n.as_str(), *b)).collect();
                    worlds.push(disk(&named));
                }
            }
        }
    }
    worlds
}

/// A disk that claims to have synced names and has not.
#[derive(Debug)]
struct Unsynced<'a>(&'a MemDisk);

impl Disk for Unsynced<'_> {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        self.0.open(place, mode)
    }
    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        self.0.stat(place)
    }
    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        self.0.list(place)
    }
    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.0.create_dir(place)
    }
    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        self.0.rename(from, to)
    }
    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError> {
        self.0.exchange(a, b)
    }
    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        self.0.remove_file(place)
    }
    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.0.remove_dir(place)
    }
    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        self.0.clone_file(from, to, go_on)
    }
    fn sync_dir(&self, _place: &Place) -> Result<(), DiskError> {
        Ok(())
    }
    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        self.0.sync_volume(place)
    }
    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        self.0.space(place)
    }
}

/// Cuts the power at every call that changes something, and runs again: the same end.
fn check_crashes(losses: &[Loss], door: fn(&MemDisk) -> Box<dyn Disk + '_>) -> Result<u64, String> {
    let mut crashes = 0;
    for start in worlds() {
        let whole = start.fork();
        let before = whole.calls(Count::Mutating);
        run(door(&whole).as_ref()).map_err(|error| error.to_string())?;
        let calls = whole.calls(Count::Mutating) - before;
        let end = whole.tree(Path::new("/"));
        for (after, loss) in (0..=calls).flat_map(|n| losses.iter().map(move |l| (n, *l))) {
            let cut = start.fork();
            cut.inject(Fault::power_cut(after));
            drop(run(door(&cut).as_ref()));
            cut.crash(loss);
            run(door(&cut).as_ref()).map_err(|error| error.to_string())?;
            // What was told is durable.
            cut.crash(Loss::All);
            let found = cut.tree(Path::new("/"));
            if found != end {
                let before = start.tree(Path::new("/"));
                return Err(format!("cut at {after}, {loss:?}: {before:?}: {found:?}"));
            }
            crashes += 1;
        }
    }
    Ok(crashes)
}

const LOSSES: [Loss; 5] = [
    Loss::All,
    Loss::None,
    Loss::Random(1),
    Loss::Random(2),
    Loss::Names(0b10),
];

#[test]
fn every_power_cut_ends_the_same() {
    let crashes = check_crashes(&LOSSES, |disk| Box::new(disk.clone())).unwrap();
    assert!(crashes > 2_000, "{crashes}");
}

#[test]
fn a_sync_that_is_left_out_is_noticed() {
    check_crashes(&LOSSES, |disk| Box::new(Unsynced(disk))).unwrap_err();
}

#[test]
fn every_error_is_told_and_the_next_run_ends_it() {
    for start in worlds() {
        let whole = start.fork();
        let before = whole.calls(Count::All);
        run(&whole).unwrap();
        let calls = whole.calls(Count::All) - before;
        for after in 0..calls {
            let failing = start.fork();
            failing.inject(Fault {
                count: Count::All,
                after,
                times: 1,
                kind: ErrorKind::PermissionDenied,
            });
            drop(run(&failing));
            failing.heal();
            run(&failing).unwrap();
            let (found, end) = (failing.tree(Path::new("/")), whole.tree(Path::new("/")));
            assert_eq!(found, end, "{after} {:?}", start.tree(Path::new("/")));
        }
    }
}
