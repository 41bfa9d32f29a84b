//! Operations on one game, with files of the user in every awkward place, and what must come out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lanspread_disk::{
    Disk, GamePlaces, Place, Staging,
    execute::{
        self, Brings, CommitDownload, Hooks, Recovered, Remove, TransactionError, Uninstall,
    },
    intent_file::{self, RecordSlot},
    staging::StagingError,
    vfs::OpenMode,
};
use lanspread_install::{Target, TransactionId};
use lanspread_proto::{
    ContentId, GameId, Hash, Manifest, RelPath, VersionLabel,
    manifest::{FileEntry, Layout, ManifestDraft},
};

/// Path and text of each file.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Install,
    Update,
    /// The record is gone, so everything in `local/` may be the user's.
    UpdateUnrecorded,
    Uninstall,
    Purge,
    DownloadFirst,
    DownloadNext,
    /// Nobody knows what the old payload was.
    DownloadOverUnknown,
    Remove,
    /// Files of `local/` are put back as they were installed; the user's go to `kept/`.
    RepairLocal,
    /// A file of the payload is damaged and the user changed another.
    RepairPayload,
}

pub(crate) const SCENARIOS: [Scenario; 11] = [
    Scenario::Install,
    Scenario::Update,
    Scenario::UpdateUnrecorded,
    Scenario::Uninstall,
    Scenario::Purge,
    Scenario::DownloadFirst,
    Scenario::DownloadNext,
    Scenario::DownloadOverUnknown,
    Scenario::Remove,
    Scenario::RepairLocal,
    Scenario::RepairPayload,
];

/// 2026-11-20 08:17:38 UTC.
pub(crate) const NOW: TransactionId = TransactionId::at(1_795_162_658, 77);
const BEFORE: TransactionId = TransactionId::at(1_700_000_000, 5);
const KEPT: &str = "kept/2026-11-20_08-17-38";

const LOCAL_ONE: &[(&str, &str)] = &[
    ("bin/game.exe", "the game, one"),
    ("config.ini", "config as shipped"),
    ("data/a.map", "map a"),
    ("dropped/readme.txt", "read me, one"),
    ("settings.cfg", "settings of one"),
    ("was/dir/file.txt", "was in a directory"),
];
const LOCAL_TWO: &[(&str, &str)] = &[
    ("bin/game.exe", "the game, two"),
    ("config.ini", "config as shipped"),
    ("data/a.map", "map a"),
    ("mods/official.pk3", "official mod"),
    ("settings.cfg", "settings of two"),
    ("was", "is a file now"),
];
/// What the user did in `local/`.
const LOCAL_USER: &[(&str, &str)] = &[
    ("config.ini", "config of the user"),
    ("dropped/note.txt", "note of the user"),
    ("mods/official.pk3", "mod of the user"),
    ("saves/1.sav", "save of the user"),
    ("settings.cfg", "settings of the user"),
    ("was/dir/mine.txt", "mine of the user"),
];
const PAYLOAD_ONE: &[(&str, &str)] = &[
    ("art/cover.jpg", "cover"),
    ("docs/read.me", "docs of one"),
    ("game.eti", "archive one"),
    ("gone.eti", "archive that is gone in two"),
    ("thing/inner.txt", "inner thing"),
    ("version.ini", "1"),
];
const PAYLOAD_TWO: &[(&str, &str)] = &[
    ("art/cover.jpg", "cover"),
    ("extra/new.bin", "brand new"),
    ("game.eti", "archive two"),
    ("thing", "is a file now"),
    ("version.ini", "2"),
];
/// What is damaged of the payload, and what is put back.
const DAMAGED: &str = "archive 0ne";
const PUT_BACK: [&str; 3] = ["docs/read.me", "game.eti", "version.ini"];
/// What is put back into `local/`: one as it was, two changed by the user.
const PUT_BACK_LOCAL: [&str; 3] = ["bin/game.exe", "config.ini", "settings.cfg"];
/// What the user did around the payload.
const ROOT_USER: &[(&str, &str)] = &[
    ("docs/read.me", "docs of the user"),
    ("extra", "extra of the user"),
    ("notes.txt", "notes of the user"),
    ("thing/user.txt", "thing of the user"),
];

pub(crate) fn files(list: &[(&str, &str)]) -> Files {
    below("", list)
}

fn below(dir: &str, list: &[(&str, &str)]) -> Files {
    list.iter()
        .map(|(path, text)| (format!("{dir}{path}"), text.as_bytes().to_vec()))
        .collect()
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

pub(crate) fn manifest(list: &[(&str, &str)], empty: &str) -> Manifest {
    let version = list
        .iter()
        .find(|(path, _)| *path == "version.ini")
        .unwrap();
    let file = |(name, text): &(&str, &str)| FileEntry {
        path: path(name),
        bytes: text.len() as u64,
        root: Hash::of(text.as_bytes()),
    };
    Manifest::new(ManifestDraft {
        game: GameId::parse("quake").unwrap(),
        version: VersionLabel::parse(version.1).unwrap(),
        layout: Layout::Tree,
        files: list.iter().map(file).collect(),
        empty_dirs: vec![path(empty)],
    })
    .unwrap()
}

pub(crate) fn one() -> Manifest {
    manifest(PAYLOAD_ONE, "empty")
}

pub(crate) fn two() -> Manifest {
    manifest(PAYLOAD_TWO, "screens")
}

/// Waits without waiting.
#[derive(Debug, Default)]
pub(crate) struct Instant {
    pub(crate) waits: u32,
    pub(crate) stops: u32,
}

impl Hooks for Instant {
    fn stop_serving(&mut self) {
        self.stops += 1;
    }

    fn wait(&mut self, _delay: Duration) -> bool {
        self.waits += 1;
        true
    }
}

/// A disk with one game on it, and a door for the user's own hands.
pub(crate) struct World<'a> {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) places: GamePlaces,
    /// Puts a file at a path below the game root.
    pub(crate) plant: &'a dyn Fn(&str, &[u8]),
    /// Forgets the install record.
    pub(crate) forget_record: &'a dyn Fn(),
}

impl Scenario {
    pub(crate) fn is_install(self) -> bool {
        matches!(
            self,
            Self::Install | Self::Update | Self::UpdateUnrecorded | Self::RepairLocal
        )
    }

    fn has_local(self) -> bool {
        !matches!(self, Self::Install | Self::DownloadFirst)
    }

    /// Every text of the user, which must never be lost.
    pub(crate) fn user_texts(self) -> Vec<&'static str> {
        let root = if self == Self::DownloadFirst {
            &ROOT_USER[1..3]
        } else {
            ROOT_USER
        };
        let local = if self.has_local() && self != Self::Purge {
            LOCAL_USER
        } else {
            &[]
        };
        root.iter().chain(local).map(|(_, text)| *text).collect()
    }

    /// Builds the state before.
    pub(crate) fn prepare(self, world: &World<'_>) {
        if self == Self::DownloadFirst {
            for (path, text) in &ROOT_USER[1..3] {
                (world.plant)(path, text.as_bytes());
            }
            return;
        }
        for (path, text) in PAYLOAD_ONE.iter().chain(ROOT_USER) {
            (world.plant)(path, text.as_bytes());
        }
        if self.has_local() {
            stage(world, BEFORE, 1, LOCAL_ONE).unwrap();
            for (path, text) in LOCAL_USER {
                (world.plant)(&format!("local/{path}"), text.as_bytes());
            }
        }
        if self == Self::RepairPayload {
            (world.plant)("game.eti", DAMAGED.as_bytes());
        }
        if self == Self::UpdateUnrecorded {
            (world.forget_record)();
        }
    }

    /// Does it, from the first file to the commit.
    pub(crate) fn operate(
        self,
        world: &World<'_>,
        hooks: &mut dyn Hooks,
    ) -> Result<(), TransactionError> {
        let (disk, places) = (&*world.disk, &world.places);
        match self {
            Self::Install | Self::Update | Self::UpdateUnrecorded => {
                stage_with(world, NOW, 2, LOCAL_TWO, hooks)
            }
            Self::Uninstall | Self::Purge => {
                let uninstall = Uninstall {
                    transaction: NOW,
                    purge: self == Self::Purge,
                };
                execute::uninstall(disk, places, uninstall, hooks)
            }
            Self::DownloadFirst | Self::DownloadNext | Self::DownloadOverUnknown => {
                receive(world, PAYLOAD_TWO)?;
                let (new, old) = (two(), one());
                let download = CommitDownload {
                    transaction: NOW,
                    manifest: &new,
                    old_manifest: (self == Self::DownloadNext).then_some(&old),
                    brings: Brings::Everything,
                };
                execute::commit_download(disk, places, download, hooks)
            }
            Self::RepairLocal => put_back(world, hooks),
            Self::RepairPayload => {
                let whole = PAYLOAD_ONE.iter().copied();
                let some: Vec<_> = whole.filter(|(path, _)| PUT_BACK.contains(path)).collect();
                receive(world, &some)?;
                let manifest = one();
                let download = CommitDownload {
                    transaction: NOW,
                    manifest: &manifest,
                    old_manifest: Some(&manifest),
                    brings: Brings::Repairs,
                };
                execute::commit_download(disk, places, download, hooks)
            }
            Self::Remove => {
                let manifest = one();
                let remove = Remove {
                    transaction: NOW,
                    manifest: &manifest,
                    keep_installed: true,
                };
                execute::remove(disk, places, remove, hooks)
            }
        }
    }

    pub(crate) fn recover(
        world: &World<'_>,
        hooks: &mut dyn Hooks,
    ) -> Result<Recovered, TransactionError> {
        let manifests = |content: &ContentId| {
            [one(), two()]
                .into_iter()
                .find(|manifest| manifest.content() == *content)
        };
        execute::recover(&*world.disk, &world.places, &manifests, hooks)
    }

    /// Every file below the game root before.
    pub(crate) fn before(self) -> Files {
        if self == Self::DownloadFirst {
            return files(&ROOT_USER[1..3]);
        }
        let mut before = files(PAYLOAD_ONE);
        before.extend(files(ROOT_USER));
        if self.has_local() {
            before.extend(below("local/", LOCAL_ONE));
            before.extend(below("local/", LOCAL_USER));
        }
        if self == Self::RepairPayload {
            before.insert("game.eti".into(), DAMAGED.into());
        }
        before
    }

    /// Every file below the game root after.
    pub(crate) fn after(self) -> Files {
        let mut after = self.before();
        let keep = |after: &mut Files, path: &str, text: &str| {
            after.insert(format!("{KEPT}/{path}"), text.into());
        };
        match self {
            Self::Install | Self::Update | Self::UpdateUnrecorded => {
                after.retain(|path, _| !path.starts_with("local/"));
                after.extend(below("local/", LOCAL_TWO));
                if self == Self::Install {
                    return after;
                }
                let mut beside = vec![
                    ("local/mods/official.pk3.old", "mod of the user"),
                    ("local/settings.cfg.old", "settings of the user"),
                    ("local/dropped/note.txt", "note of the user"),
                    ("local/saves/1.sav", "save of the user"),
                ];
                keep(&mut after, "was/dir/mine.txt", "mine of the user");
                if self == Self::Update {
                    beside.push(("local/config.ini", "config of the user"));
                } else {
                    beside.push(("local/config.ini.old", "config of the user"));
                    beside.push(("local/bin/game.exe.old", "the game, one"));
                    beside.push(("local/dropped/readme.txt", "read me, one"));
                    keep(&mut after, "was/dir/file.txt", "was in a directory");
                }
                after.extend(files(&beside));
            }
            Self::Uninstall | Self::Purge => {
                after.retain(|path, _| !path.starts_with("local/"));
                if self == Self::Uninstall {
                    for (path, text) in LOCAL_USER {
                        keep(&mut after, path, text);
                    }
                }
            }
            Self::DownloadFirst | Self::DownloadNext | Self::DownloadOverUnknown => {
                after.retain(|path, _| path.starts_with("local/"));
                after.extend(files(PAYLOAD_TWO));
                let known = self != Self::DownloadOverUnknown;
                for (path, text) in self.before() {
                    // What was provably ours is deleted.
                    let ours = known && PAYLOAD_ONE.contains(&(path.as_str(), str_of(&text)));
                    if !path.starts_with("local/") && !ours {
                        keep(&mut after, &path, str_of(&text));
                    }
                }
            }
            Self::RepairLocal => {
                after.extend(below("local/", &[LOCAL_ONE[1], LOCAL_ONE[4]]));
                after.extend(below(&format!("{KEPT}/"), &[LOCAL_USER[0], LOCAL_USER[4]]));
            }
            Self::RepairPayload => {
                after.retain(|path, _| path.starts_with("local/"));
                after.extend(files(PAYLOAD_ONE));
                after.extend(below(&format!("{KEPT}/"), ROOT_USER));
                keep(&mut after, "game.eti", DAMAGED);
            }
            Self::Remove => {
                let ours = ["art/cover.jpg", "game.eti", "gone.eti", "thing/inner.txt"];
                after.retain(|path, _| !ours.contains(&path.as_str()) && path != "version.ini");
            }
        }
        after
    }

    /// The versions that the record speaks of, before and after.
    pub(crate) fn records(self) -> (Option<u8>, Option<u8>) {
        match self {
            Self::Install | Self::UpdateUnrecorded => (None, Some(2)),
            Self::Update => (Some(1), Some(2)),
            Self::Uninstall | Self::Purge => (Some(1), None),
            Self::DownloadFirst => (None, None),
            Self::DownloadNext
            | Self::DownloadOverUnknown
            | Self::Remove
            | Self::RepairLocal
            | Self::RepairPayload => (Some(1), Some(1)),
        }
    }
}

fn str_of(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap()
}

/// The payload that a sentinel promises.
pub(crate) fn promised(sentinel: &[u8]) -> Option<Files> {
    let mut promised = match sentinel {
        b"1" => files(PAYLOAD_ONE),
        b"2" => files(PAYLOAD_TWO),
        _ => return None,
    };
    // The user changed it.
    promised.remove("docs/read.me");
    Some(promised)
}

fn stage(
    world: &World<'_>,
    transaction: TransactionId,
    version: u8,
    list: &[(&str, &str)],
) -> Result<(), TransactionError> {
    stage_with(world, transaction, version, list, &mut Instant::default())
}

fn stage_with(
    world: &World<'_>,
    transaction: TransactionId,
    version: u8,
    list: &[(&str, &str)],
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    let target = Target {
        content: ContentId::from_bytes([version; 32]),
        version: VersionLabel::parse(&version.to_string()).unwrap(),
    };
    let disk = Arc::clone(&world.disk);
    let mut staging = Staging::begin(disk, &world.places, transaction, target, hooks)?;
    let staged = write_staged(&mut staging, list);
    end(staging, staged, hooks)
}

/// Files as they were installed, over whatever lies there.
fn put_back(world: &World<'_>, hooks: &mut dyn Hooks) -> Result<(), TransactionError> {
    let (disk, places) = (Arc::clone(&world.disk), &world.places);
    let record = intent_file::read_record(&*disk, &places.state, RecordSlot::Current)?.unwrap();
    let mut staging = Staging::begin_repair(disk, places, NOW, &record, hooks)?;
    let whole = LOCAL_ONE.iter().copied();
    let some: Vec<_> = whole
        .filter(|(path, _)| PUT_BACK_LOCAL.contains(path))
        .collect();
    let staged = write_staged(&mut staging, &some);
    end(staging, staged, hooks)
}

fn write_staged(staging: &mut Staging, list: &[(&str, &str)]) -> Result<(), StagingError> {
    list.iter().try_for_each(|(name, text)| {
        let mut file = staging.create_file(&path(name), Some(text.len() as u64))?;
        let (first, second) = text.split_at(3);
        file.write(first.as_bytes())?;
        file.write(second.as_bytes())?;
        staging.finish_file(file).map(|_| ())
    })
}

fn end(
    staging: Staging,
    staged: Result<(), StagingError>,
    hooks: &mut dyn Hooks,
) -> Result<(), TransactionError> {
    match staged {
        Ok(()) => staging.commit(hooks),
        Err(error) => {
            staging.abort(hooks)?;
            let StagingError::Disk(error) = error else {
                panic!("{error}");
            };
            Err(error.into())
        }
    }
}

/// A download as it is before its commit: complete, and nothing of it durable.
fn receive(world: &World<'_>, list: &[(&str, &str)]) -> Result<(), TransactionError> {
    let incoming = world.places.slot(lanspread_install::Slot::Incoming);
    let disk = &*world.disk;
    lanspread_disk::atomic_file::ensure_dir(disk, &incoming)?;
    let write = |place: &Place, text: &str| {
        lanspread_disk::atomic_file::ensure_dir(disk, &place.parent().unwrap())?;
        if disk.stat(place)?.is_some() {
            disk.remove_file(place)?;
        }
        let file = disk.open(place, OpenMode::CreateNew)?;
        file.write_all_at(text.as_bytes(), 0)
    };
    for (name, text) in list {
        write(&incoming.join(&path(name)), text)?;
    }
    write(&incoming.join(&path("piece.tmp")), "left over")?;
    Ok(())
}
