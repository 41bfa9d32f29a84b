//! One game on a disk in memory, and what must be true of it.

use std::{path::Path, sync::Arc};

use lanspread_disk::{
    Disk, GamePlaces, Place,
    intent_file::{self, RecordSlot},
    mem::MemDisk,
};

use crate::scenario::{Files, Instant, Scenario, World, promised};

const ROOT: &str = "/games/quake";
const STATE: &str = "/state/games/quake";

/// A game on a disk in memory.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) disk: MemDisk,
    pub(crate) scenario: Scenario,
}

pub(crate) fn places() -> GamePlaces {
    GamePlaces {
        game_root: Place::root(Path::new("/games")).listed("quake"),
        state: Place::root(Path::new("/state"))
            .listed("games")
            .listed("quake"),
    }
}

impl Memory {
    /// The game as it is before the operation, durable.
    pub(crate) fn prepared(scenario: Scenario) -> Self {
        let disk = MemDisk::new(Path::new("/games"));
        disk.put_dir(Path::new("/state"));
        disk.put_dir(Path::new(ROOT));
        let memory = Self { disk, scenario };
        memory.with(|world| scenario.prepare(world));
        assert_eq!(memory.tree(), scenario.before());
        memory.disk.crash(lanspread_disk::mem::Loss::None);
        memory
    }

    pub(crate) fn fork(&self) -> Self {
        Self {
            disk: self.disk.fork(),
            ..self.clone()
        }
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&World<'_>) -> T) -> T {
        self.on(Arc::new(self.disk.clone()), act)
    }

    /// The same with another door to the disk.
    pub(crate) fn on<T>(&self, disk: Arc<dyn Disk>, act: impl FnOnce(&World<'_>) -> T) -> T {
        let root = Path::new(ROOT);
        act(&World {
            disk,
            places: places(),
            plant: &|path, bytes| self.disk.put_file(&root.join(path), bytes),
            forget_record: &|| {
                let state = places().state;
                intent_file::remove_record(&self.disk, &state, RecordSlot::Current).unwrap();
            },
        })
    }

    /// Every file below the game root, except our markers.
    pub(crate) fn tree(&self) -> Files {
        let files = self.disk.tree(Path::new(ROOT));
        let named = files.into_iter().filter_map(|(path, bytes)| {
            let path = path.to_str().unwrap().to_owned();
            let marker = path.ends_with(".lanspread_owned");
            (!marker).then_some((path, bytes?))
        });
        named.collect()
    }

    /// Everything that a crash left, as one number.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.disk.tree(Path::new("/")).hash(&mut hasher);
        hasher.finish()
    }

    fn record(&self) -> Option<u8> {
        let state = places().state;
        intent_file::read_record(&self.disk, &state, RecordSlot::Current)
            .unwrap()
            .map(|record| record.version().as_str().parse().unwrap())
    }

    pub(crate) fn is_new(&self) -> bool {
        self.tree() == self.scenario.after() && self.record() == self.scenario.records().1
    }

    pub(crate) fn is_old(&self) -> bool {
        let mut tree = self.tree();
        // A download in progress is no transaction yet.
        tree.retain(|path, _| !path.starts_with(".incoming/"));
        tree == self.scenario.before() && self.record() == self.scenario.records().0
    }

    /// What must be true at any time.
    pub(crate) fn check_always(&self) -> Result<(), String> {
        let tree = self.tree();
        for text in self.scenario.user_texts() {
            if !tree.values().any(|bytes| bytes == text.as_bytes()) {
                return Err(format!("lost: {text:?}"));
            }
        }
        let Some(sentinel) = tree.get("version.ini") else {
            return Ok(());
        };
        let promised = promised(sentinel).ok_or("the sentinel is torn")?;
        let before = self.scenario.before();
        for (path, bytes) in promised {
            // Until it is repaired, a payload is as damaged as it was.
            let repairs = self.scenario == Scenario::RepairPayload;
            let as_before = repairs && tree.get(&path) == before.get(&path);
            if tree.get(&path) != Some(&bytes) && !as_before {
                return Err(format!("downloaded, but {path} is not right"));
            }
        }
        Ok(())
    }

    /// What must be true when an operation or recovery is over.
    pub(crate) fn check_settled(&self) -> Result<(), String> {
        self.check_always()?;
        let intent = intent_file::read_intent(&self.disk, &places().state);
        if intent.map_err(|error| error.to_string())?.is_some() {
            return Err("the intent is still there".into());
        }
        for litter in [
            ".local.installing",
            ".local.backup",
            ".lanspread_version.ini",
        ] {
            let place = places().game_root.listed(litter);
            if self.disk.stat(&place).unwrap().is_some() {
                return Err(format!("{litter} is left over"));
            }
        }
        let next = Path::new(STATE).join("install_record.next");
        if self.disk.bytes_of(&next).is_some() {
            return Err("the next record is left over".into());
        }
        if self.is_old() || self.is_new() {
            Ok(())
        } else {
            Err(format!("neither old nor new: {}", self.show()))
        }
    }

    /// The tree as text, for a failed test.
    pub(crate) fn show(&self) -> String {
        let lines = self
            .tree()
            .into_iter()
            .map(|(path, bytes)| format!("\n  {path}: {}", String::from_utf8_lossy(&bytes)));
        lines.collect::<String>() + &format!("\n  record: {:?}", self.record())
    }

    /// Recovers without disturbance, and checks the end.
    pub(crate) fn recover(&self) -> Result<(), String> {
        self.with(|world| Scenario::recover(world, &mut Instant::default()))
            .map_err(|error| format!("recovery failed: {error}{}", self.show()))?;
        self.check_settled()
    }
}
