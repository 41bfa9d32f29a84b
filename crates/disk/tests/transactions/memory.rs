//! One game on a disk in memory, and what must be true of it.

use std::{path::Path, sync::Arc};

use lanspread_disk::{
    Disk, GamePlaces, Place,
    intent_file::{self, RecordSlot},
    mem::MemDisk,
};

use crate::{
    scenario::{Files, Instant, Scenario, World},
    seen::{LITTER, Seen},
};

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

    fn seen(&self) -> Seen {
        let state = places().state;
        let record = intent_file::read_record(&self.disk, &state, RecordSlot::Current).unwrap();
        let is_there = |name: &&str| {
            let place = places().game_root.listed(name);
            self.disk.stat(&place).unwrap().is_some()
        };
        let mut litter: Vec<_> = LITTER.into_iter().filter(is_there).collect();
        let next = Path::new(STATE).join("install_record.next");
        litter.extend(self.disk.bytes_of(&next).map(|_| "the next record"));
        let intent = intent_file::read_intent(&self.disk, &state);
        litter.extend(intent.unwrap().map(|_| "the intent"));
        Seen {
            tree: self.tree(),
            record: record.map(|record| record.version().as_str().parse().unwrap()),
            litter,
        }
    }

    pub(crate) fn is_new(&self) -> bool {
        self.seen().is_new(self.scenario)
    }

    pub(crate) fn is_old(&self) -> bool {
        self.seen().is_old(self.scenario)
    }

    /// What must be true at any time.
    pub(crate) fn check_always(&self) -> Result<(), String> {
        self.seen().check_always(self.scenario)
    }

    /// What must be true when an operation or recovery is over.
    pub(crate) fn check_settled(&self) -> Result<(), String> {
        self.seen().check_settled(self.scenario)
    }

    /// The tree as text, for a failed test.
    pub(crate) fn show(&self) -> String {
        self.seen().show()
    }

    /// Recovers without disturbance, and checks the end.
    pub(crate) fn recover(&self) -> Result<(), String> {
        self.with(|world| Scenario::recover(world, &mut Instant::default()))
            .map_err(|error| format!("recovery failed: {error}{}", self.show()))?;
        self.check_settled()
    }
}
