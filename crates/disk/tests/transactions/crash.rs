//! Power cuts at every mutating call, with many losses, and again inside recovery until nothing
//! new turns up.

use std::{collections::HashSet, sync::Arc};

use lanspread_disk::{
    Disk, DiskError, DiskFile, Place,
    mem::{Count, Fault, Loss, MemDisk},
    vfs::{CloneKind, DirEntry, GoOn, OpenMode, Space, Stat},
};

use crate::{
    memory::Memory,
    scenario::{Instant, SCENARIOS, Scenario, World},
};

/// Random losses per crash point of an operation; each is also another way to tear sectors.
/// `LANSPREAD_CRASH_SEEDS` raises it.
const SEEDS: u64 = 4;
/// Name changes of which only one is kept, per crash point.
const SINGLES: usize = 4;
/// Random losses inside recovery.
const SEEDS_IN_RECOVERY: u64 = 2;
/// In how many of the states that crashes leave recovery is cut at every point too. Recovery
/// itself runs in each of them. `LANSPREAD_CRASH_STATES` raises it, for the night.
const CUT_RECOVERIES: usize = 40;

fn cut_recoveries() -> usize {
    wished("LANSPREAD_CRASH_STATES").unwrap_or(CUT_RECOVERIES)
}

fn seeds() -> u64 {
    wished("LANSPREAD_CRASH_SEEDS").unwrap_or(SEEDS)
}

fn wished<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Something is done, with the power cut at every point of it.
fn cut_everywhere(
    from: &Memory,
    seeds: u64,
    act: &dyn Fn(&Memory),
    mut left_by_crash: impl FnMut(Memory),
) {
    let count = {
        let whole = from.fork();
        let before = whole.disk.calls(Count::Mutating);
        act(&whole);
        whole.disk.calls(Count::Mutating) - before
    };
    for after in 0..=count {
        let cut = from.fork();
        cut.disk.inject(Fault::power_cut(after));
        act(&cut);
        let pending = cut.disk.pending_names();
        let single = (0..pending.min(SINGLES)).map(|bit| Loss::Names(1 << bit));
        let random = (0..seeds).map(|seed| Loss::Random(seed * 1000 + after));
        for loss in [Loss::All, Loss::None]
            .into_iter()
            .chain(random)
            .chain(single)
        {
            let left = cut.fork();
            left.disk.crash(loss);
            left_by_crash(left);
        }
    }
}

/// Explores every crash of an operation. `door` is the disk that the operation sees. Returns how
/// many crashes and how many different states there were.
fn explore(
    start: &Memory,
    door: &dyn Fn(&MemDisk) -> Arc<dyn Disk>,
) -> Result<(usize, usize), String> {
    let (mut crashes, mut seen, mut open) = (0, HashSet::new(), Vec::new());
    let mut collect = |left: Memory, open: &mut Vec<Memory>| {
        crashes += 1;
        if seen.insert(left.digest()) {
            open.push(left);
        }
        seen.len()
    };
    let operate = |memory: &Memory| {
        let operate = |world: &World<'_>| memory.scenario.operate(world, &mut Instant::default());
        // Most end in an error: the power is gone.
        drop(memory.on(door(&memory.disk), operate));
    };
    let recover = |memory: &Memory| {
        let recover = |world: &World<'_>| Scenario::recover(world, &mut Instant::default());
        drop(memory.on(door(&memory.disk), recover));
    };
    cut_everywhere(start, seeds(), &operate, |left| {
        collect(left, &mut open);
    });
    let (mut states, mut cut) = (open.len(), 0);
    while let Some(left) = open.pop() {
        left.check_always()?;
        // Spread over all points of the operation, then over those of recovery.
        if cut < cut_recoveries() && left.digest() % 4 == 0 {
            cut += 1;
            cut_everywhere(&left, SEEDS_IN_RECOVERY, &recover, |left| {
                states = collect(left, &mut open);
            });
        }
        let recover = |world: &World<'_>| Scenario::recover(world, &mut Instant::default());
        left.on(door(&left.disk), recover)
            .map_err(|error| format!("{error}{}", left.show()))?;
        left.check_settled()?;
    }
    Ok((crashes, states))
}

/// What was reported as done stays done, whatever the next power cut takes.
fn check_acknowledged(
    start: &Memory,
    door: &dyn Fn(&MemDisk) -> Arc<dyn Disk>,
) -> Result<(), String> {
    let done = start.fork();
    let operate = |world: &World<'_>| done.scenario.operate(world, &mut Instant::default());
    done.on(door(&done.disk), operate)
        .map_err(|error| error.to_string())?;
    for loss in [Loss::All, Loss::None]
        .into_iter()
        .chain((0..64).map(Loss::Random))
    {
        let left = done.fork();
        left.disk.crash(loss);
        left.recover()?;
        if !left.is_new() {
            return Err(format!("done, but lost with {loss:?}: {}", left.show()));
        }
    }
    Ok(())
}

fn plain(disk: &MemDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn check(scenario: Scenario) {
    for exchange in [true, false] {
        let start = Memory::prepared(scenario);
        start.disk.allow_exchange(exchange);
        let explored = explore(&start, &plain);
        let (crashes, states) = explored.unwrap_or_else(|why| panic!("{scenario:?}: {why}"));
        assert!(crashes > 200 && states > 20, "{crashes} {states}");
        println!("{scenario:?}: {crashes} crashes, {states} states");
        check_acknowledged(&start, &plain).unwrap();
        if !scenario.is_install() {
            break;
        }
    }
}

#[test]
fn install() {
    check(Scenario::Install);
}

#[test]
fn update() {
    check(Scenario::Update);
    check(Scenario::UpdateUnrecorded);
}

#[test]
fn uninstall() {
    check(Scenario::Uninstall);
    check(Scenario::Purge);
}

#[test]
fn download() {
    check(Scenario::DownloadFirst);
    check(Scenario::DownloadOverUnknown);
}

#[test]
fn download_of_the_next_version() {
    check(Scenario::DownloadNext);
}

#[test]
fn remove() {
    check(Scenario::Remove);
}

#[test]
fn repair() {
    check(Scenario::RepairLocal);
    check(Scenario::RepairPayload);
}

/// A disk that claims to have synced and has not: the tests above must notice.
#[derive(Debug)]
struct Liar {
    disk: MemDisk,
    volumes: bool,
}

impl Disk for Liar {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        self.disk.open(place, mode)
    }
    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        self.disk.stat(place)
    }
    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        self.disk.list(place)
    }
    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.disk.create_dir(place)
    }
    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        self.disk.rename(from, to)
    }
    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError> {
        self.disk.exchange(a, b)
    }
    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        self.disk.remove_file(place)
    }
    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.disk.remove_dir(place)
    }
    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        self.disk.clone_file(from, to, go_on)
    }
    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        if self.volumes {
            self.disk.sync_dir(place)
        } else {
            Ok(())
        }
    }
    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        if self.volumes {
            Ok(())
        } else {
            self.disk.sync_volume(place)
        }
    }
    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        self.disk.space(place)
    }
}

#[test]
fn missing_syncs_are_noticed() {
    for scenario in SCENARIOS {
        let start = Memory::prepared(scenario);
        for volumes in [true, false] {
            let door = |disk: &MemDisk| -> Arc<dyn Disk> {
                Arc::new(Liar {
                    disk: disk.clone(),
                    volumes,
                })
            };
            let noticed =
                explore(&start, &door).is_err() || check_acknowledged(&start, &door).is_err();
            // A purge and a remove only delete: without volume syncs they are done again. A first
            // download has no old sentinel to park, and volume syncs cover the new one.
            let harmless = match volumes {
                true => matches!(scenario, Scenario::Purge | Scenario::Remove),
                false => scenario == Scenario::DownloadFirst,
            };
            assert!(noticed || harmless, "{scenario:?}, volumes: {volumes}");
        }
    }
}
