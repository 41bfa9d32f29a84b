//! One game in a directory of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant as Clock,
};

use lanspread_disk::{
    Disk, GamePlaces, Place, RealDisk,
    execute::TransactionError,
    intent_file::{self, RecordSlot},
};

use crate::{
    Score,
    scenario::{Files, Instant, Scenario, World},
    seen::{LITTER, Seen},
};

/// A directory for one game, and what is done to it.
pub(crate) struct Arena {
    dir: PathBuf,
    pub(crate) scenario: Scenario,
}

impl Arena {
    /// An arena whose game is as before the operation.
    pub(crate) fn prepared(dir: &Path, scenario: Scenario) -> Self {
        let arena = Self::at(dir, scenario);
        match fs::remove_dir_all(&arena.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            Ok(()) | Err(_) => {}
        }
        fs::create_dir_all(arena.root()).unwrap();
        fs::create_dir_all(arena.dir.join("state")).unwrap();
        arena.on(Arc::new(RealDisk::new()), |world| scenario.prepare(world));
        assert_eq!(arena.seen().tree, scenario.before());
        arena
    }

    /// An arena as it lies there.
    pub(crate) fn at(dir: &Path, scenario: Scenario) -> Self {
        Self {
            dir: dir.join("arena"),
            scenario,
        }
    }

    fn root(&self) -> PathBuf {
        self.dir.join("games/quake")
    }

    fn places(&self) -> GamePlaces {
        GamePlaces {
            game_root: Place::root(&self.dir.join("games")).listed("quake"),
            state: Place::root(&self.dir.join("state"))
                .listed("games")
                .listed("quake"),
        }
    }

    /// The whole of it, durable.
    pub(crate) fn sync(&self) {
        let place = Place::root(&self.dir);
        RealDisk::new().sync_volume(&place).unwrap();
    }

    fn on<T>(&self, disk: Arc<dyn Disk>, act: impl FnOnce(&World<'_>) -> T) -> T {
        let (root, places) = (self.root(), self.places());
        let plant = |path: &str, bytes: &[u8]| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let forget = || {
            let disk = RealDisk::new();
            intent_file::remove_record(&disk, &places.state, RecordSlot::Current).unwrap();
        };
        act(&World {
            disk,
            places: places.clone(),
            plant: &plant,
            forget_record: &forget,
        })
    }

    pub(crate) fn operate(&self, disk: Arc<dyn Disk>) -> Result<(), TransactionError> {
        self.on(disk, |world| {
            self.scenario.operate(world, &mut Instant::default())
        })
    }

    pub(crate) fn recover(&self, disk: Arc<dyn Disk>) -> Result<(), TransactionError> {
        let recover = |world: &World<'_>| Scenario::recover(world, &mut Instant::default());
        self.on(disk, recover).map(|_| ())
    }

    pub(crate) fn seen(&self) -> Seen {
        let (root, places, disk) = (self.root(), self.places(), RealDisk::new());
        let mut tree = Files::new();
        walk(&root, &root, &mut tree);
        let record = intent_file::read_record(&disk, &places.state, RecordSlot::Current).unwrap();
        let is_there = |name: &&str| fs::symlink_metadata(root.join(name)).is_ok();
        let mut litter: Vec<_> = LITTER.into_iter().filter(is_there).collect();
        let next = intent_file::read_record(&disk, &places.state, RecordSlot::Next);
        litter.extend(next.unwrap().map(|_| "the next record"));
        let intent = intent_file::read_intent(&disk, &places.state);
        litter.extend(intent.unwrap().map(|_| "the intent"));
        Seen {
            tree,
            record: record.map(|record| record.version().as_str().parse().unwrap()),
            litter,
        }
    }

    /// What is true of it now, then recovery, then what must be true of it.
    pub(crate) fn settle(&self) -> Result<Score, String> {
        self.seen().check_always(self.scenario)?;
        let begun = Clock::now();
        let recovered = self.recover(Arc::new(RealDisk::new()));
        let recovery = begun.elapsed();
        recovered.map_err(|error| format!("recovery failed: {error}{}", self.seen().show()))?;
        let seen = self.seen();
        seen.check_settled(self.scenario)?;
        Ok(Score {
            points: 1,
            new: u64::from(seen.is_new(self.scenario)),
            recovery,
        })
    }

    /// It can still be done.
    pub(crate) fn finish(&self) -> Result<(), String> {
        if self.seen().is_new(self.scenario) {
            return Ok(());
        }
        self.operate(Arc::new(RealDisk::new()))
            .map_err(|error| format!("not possible again: {error}"))?;
        match self.seen().is_new(self.scenario) {
            true => Ok(()),
            false => Err(format!("the second time failed: {}", self.seen().show())),
        }
    }
}

fn walk(root: &Path, below: &Path, found: &mut Files) {
    let entries = match fs::read_dir(below) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        entries => entries.unwrap(),
    };
    for entry in entries {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            walk(root, &path, found);
        } else if entry.file_name() != ".lanspread_owned" {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// Where nothing waits for a disk.
pub(crate) fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("lanspread-torture-");
    let there = memory.is_dir().then(|| builder.tempdir_in(memory));
    there.unwrap_or_else(|| builder.tempdir()).unwrap()
}
