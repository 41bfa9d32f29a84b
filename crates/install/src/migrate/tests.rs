//! Every combination of what can lie there, and a crash before every move.

use alloc::{collections::BTreeSet, format, string::String};

use super::*;

/// Whose bytes are in a slot: those of the slot in which they were in the beginning.
type Bytes = Slot;

/// A game's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct World {
    found: Found,
    live: Option<Bytes>,
    staging: Option<Bytes>,
    backup: Option<Bytes>,
    kept: BTreeSet<Bytes>,
    taken_out: BTreeSet<Stray>,
}

const HOLDINGS: [Holding; 6] = [
    Holding::Absent,
    Holding::Empty,
    Holding::Marked,
    Holding::Unmarked,
    Holding::Ours,
    Holding::Blocked,
];

impl World {
    fn new(found: Found) -> Self {
        let holds = |holding: Holding, slot| {
            let is_something = holding.is_filled() || holding == Holding::Blocked;
            is_something.then_some(slot)
        };
        Self {
            live: holds(found.live, Slot::Live),
            staging: holds(found.staging, Slot::Staging),
            backup: holds(found.backup, Slot::Backup),
            found,
            kept: BTreeSet::new(),
            taken_out: BTreeSet::new(),
        }
    }

    /// What a disk does; refuses what no disk may be asked for.
    fn carry_out(&mut self, step: Move) -> Result<(), String> {
        match step {
            Move::RemoveEmpty(slot) => {
                let holding = match slot {
                    Slot::Live => &mut self.found.live,
                    Slot::Staging => &mut self.found.staging,
                    Slot::Backup => &mut self.found.backup,
                    Slot::Incoming => return Err("a download is none of its business".into()),
                };
                if *holding != Holding::Empty {
                    return Err(format!("{slot:?} is not empty"));
                }
                *holding = Holding::Absent;
            }
            Move::Restore => {
                if self.found.live != Holding::Absent {
                    return Err("something is in the way".into());
                }
                self.found.live = core::mem::replace(&mut self.found.backup, Holding::Absent);
                self.live = self.backup.take();
            }
            Move::PutAside(slot) => {
                if slot != Slot::Backup {
                    return Err(format!("{slot:?} is not planned to be kept"));
                }
                self.found.backup = Holding::Absent;
                self.kept.extend(self.backup.take());
            }
            Move::DropStaging => {
                if self.found.staging != Holding::Marked {
                    return Err("the staging is not proven".into());
                }
                self.found.staging = Holding::Absent;
                self.staging = None;
            }
            Move::Unmark => {
                if self.found.live == Holding::Marked {
                    self.found.live = Holding::Unmarked;
                }
            }
            Move::TakeOut(stray) => {
                match stray {
                    Stray::Log => self.found.log = None,
                    Stray::SentinelDraft | Stray::SentinelParked | Stray::Marker => {
                        self.found.strays.remove(&stray);
                    }
                }
                self.taken_out.insert(stray);
            }
        }
        Ok(())
    }

    fn run(mut self, plan: fn(&Found) -> Vec<Move>) -> Result<Self, String> {
        for step in plan(&self.found) {
            self.carry_out(step)?;
        }
        Ok(self)
    }
}

fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    let logs = [None, Some(Logged::Uninstall), Some(Logged::Other)];
    for live in HOLDINGS {
        for staging in HOLDINGS {
            for backup in HOLDINGS {
                for (log, bits) in logs.iter().flat_map(|log| (0..8).map(move |b| (log, b))) {
                    let strays = [Stray::SentinelDraft, Stray::SentinelParked, Stray::Marker];
                    let strays = strays.into_iter().enumerate();
                    let strays = strays.filter(|(at, _)| bits >> at & 1 != 0);
                    worlds.push(World::new(Found {
                        live,
                        staging,
                        backup,
                        log: *log,
                        strays: strays.map(|(_, stray)| stray).collect(),
                    }));
                }
            }
        }
    }
    worlds
}

/// What must be true of the end.
fn check_end(before: &World, after: &World) -> Result<(), String> {
    let was = &before.found;
    let proven = match was.backup {
        Holding::Marked => true,
        Holding::Unmarked => was.log.is_some(),
        Holding::Absent | Holding::Empty | Holding::Ours | Holding::Blocked => false,
    };
    let uninstalls = was.log == Some(Logged::Uninstall);
    let restored = proven && !uninstalls && matches!(was.live, Holding::Absent | Holding::Empty);
    let live = if restored { before.backup } else { before.live };
    if after.live != live {
        return Err(format!("local is {:?}", after.live));
    }
    let must_survive = [before.live, before.backup].into_iter().flatten();
    let mut places: BTreeSet<Bytes> = after.kept.clone();
    places.extend(
        [after.live, after.staging, after.backup]
            .into_iter()
            .flatten(),
    );
    for bytes in must_survive {
        if !places.contains(&bytes) {
            return Err(format!("the bytes of {bytes:?} are lost"));
        }
    }
    let is_dropped = was.staging == Holding::Marked;
    if after.staging != before.staging.filter(|_| !is_dropped) {
        return Err("the staging".into());
    }
    if !proven && after.backup != before.backup {
        return Err("a backup was touched that nobody proved".into());
    }
    for marked in [after.found.live, after.found.staging] {
        if marked == Holding::Marked {
            return Err("a mark is left".into());
        }
    }
    let log_is_left = after.found.log.is_some() && after.backup.is_none();
    if log_is_left || !after.found.strays.is_empty() {
        return Err("a file is left".into());
    }
    Ok(())
}

/// The end, and the same end after a crash before any move of it.
fn check(plan: fn(&Found) -> Vec<Move>) -> Result<usize, String> {
    let mut crashes = 0;
    for before in worlds() {
        let told = |why: String| format!("{why}: {:?}", before.found);
        let after = before.clone().run(plan).map_err(told)?;
        check_end(&before, &after).map_err(told)?;
        if !plan(&after.found).is_empty() {
            return Err(told("it does not come to rest".into()));
        }
        for stop in 0..plan(&before.found).len() {
            let mut cut = before.clone();
            for step in plan(&before.found).into_iter().take(stop) {
                cut.carry_out(step).map_err(told)?;
            }
            let again = cut.run(plan).map_err(told)?;
            if again != after {
                return Err(told(format!(
                    "another end after a crash before move {stop}"
                )));
            }
            crashes += 1;
        }
    }
    Ok(crashes)
}

#[test]
fn every_combination_ends_well_after_every_crash() {
    assert!(check(plan).unwrap() > 10_000);
}

#[test]
fn planted_defects_are_noticed() {
    let check_bad = |plan| assert!(check(plan).is_err());
    // The log goes first, and with it the proof.
    check_bad(|found| {
        let mut moves = plan(found);
        moves.sort_by_key(|step| *step != Move::TakeOut(Stray::Log));
        moves
    });
    // What was logged is not asked for.
    check_bad(|found| {
        plan(&Found {
            log: found.log.map(|_| Logged::Other),
            ..found.clone()
        })
    });
    // A staging without the marker counts as proven.
    check_bad(|found| {
        let mut moves = plan(found);
        if found.staging == Holding::Unmarked {
            moves.push(Move::DropStaging);
        }
        moves
    });
    // A backup stays where it is.
    check_bad(|found| {
        let mut moves = plan(found);
        moves.retain(|step| *step != Move::Restore);
        moves
    });
}

#[test]
fn what_stays_is_named() {
    let check = |live, staging, backup, expected: &[Slot]| {
        let found = Found {
            live,
            staging,
            backup,
            log: None,
            strays: [Stray::SentinelParked].into(),
        };
        assert_eq!(stays(&found), expected, "{found:?}");
    };
    use Holding::{Absent, Blocked, Marked, Ours, Unmarked};
    check(Absent, Marked, Marked, &[]);
    check(Absent, Absent, Unmarked, &[Slot::Backup]);
    check(Unmarked, Unmarked, Ours, &[Slot::Staging]);
    check(Blocked, Blocked, Marked, &[Slot::Staging, Slot::Backup]);
}

#[test]
fn every_move_says_what_it_did() {
    let text = format!("{}", Move::TakeOut(Stray::SentinelParked));
    assert!(text.contains(SENTINEL_PARKED) && text.contains("original_version.ini.discarded"));
    let names: BTreeSet<_> = Stray::ALL.map(Stray::moved_name).into();
    assert_eq!(names.len(), Stray::ALL.len());
}
