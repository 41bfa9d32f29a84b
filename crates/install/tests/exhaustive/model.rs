//! A game on a disk of names only: what a step does to it, and what a crash may leave of that.

use std::collections::{BTreeMap, BTreeSet};

use lanspread_install::{
    Marker, Observed, Phase, Role, SentinelAt, Slot, SlotState, Step, TransactionId,
    slot::{MARKER_DRAFT, PARKED, VERSION_INI},
};

pub(crate) const ID: TransactionId = TransactionId::at(1, 1);

/// A directory, whatever it is called.
pub(crate) type DirId = u8;
pub(crate) const ROOT: DirId = 0;
pub(crate) const KEPT: DirId = 1;
pub(crate) const OLD_LOCAL: DirId = 2;
pub(crate) const STAGING: DirId = 3;
pub(crate) const INCOMING: DirId = 4;

/// In `.incoming/`, but not in the manifest.
pub(crate) const LEFTOVER: &str = "leftover";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bytes {
    /// The name is there, the bytes are not.
    Torn,
    /// We wrote it, in this version.
    Ours(u8),
    /// The user's, each another one.
    User(u8),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Dir {
    pub(crate) marker: Option<Marker>,
    pub(crate) files: BTreeMap<&'static str, Bytes>,
}

/// Everything a crash leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Names {
    pub(crate) slots: BTreeMap<Slot, DirId>,
    pub(crate) dirs: BTreeMap<DirId, Dir>,
    pub(crate) intent: Option<Phase>,
    /// The version that the record speaks of.
    pub(crate) record: Option<u8>,
    pub(crate) next_record: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    MakeDir(Slot, DirId),
    RemoveDir(Slot, DirId),
    Exchange(Slot, Slot),
    RenameDir(Slot, Slot),
    Mark(DirId, Option<Marker>),
    Add(DirId, &'static str),
    Fill(DirId, &'static str, Bytes),
    Remove(DirId, &'static str),
    Move(DirId, DirId, &'static str),
    /// Names in a directory.
    SyncDir(DirId),
    /// Names and bytes in a directory.
    SyncTree(DirId),
    SyncAll,
    // The state directory: each is durable when it is done.
    Intent(Option<Phase>),
    Next(Option<u8>),
    Record(Option<u8>),
}

/// What is on the disk, and what is only in its cache.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Names,
    stable: Names,
    pub(crate) pending: Vec<Op>,
}

impl World {
    pub(crate) fn new(names: Names) -> Self {
        Self {
            stable: names.clone(),
            now: names,
            pending: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, op: Op) {
        match op {
            Op::SyncDir(dir) => self.sync(|pending| holder(pending) == dir && !is_bytes(pending)),
            Op::SyncTree(dir) => self.sync(|pending| holder(pending) == dir),
            Op::SyncAll => self.sync(|_| true),
            Op::Intent(_) | Op::Next(_) | Op::Record(_) => {
                apply(&mut self.now, op);
                apply(&mut self.stable, op);
            }
            _ => {
                assert!(apply(&mut self.now, op), "{op:?} on {:#?}", self.now);
                self.pending.push(op);
            }
        }
    }

    fn sync(&mut self, covers: impl Fn(Op) -> bool) {
        let mut covered: Vec<bool> = self.pending.iter().map(|op| covers(*op)).collect();
        for later in (0..covered.len()).rev() {
            for earlier in 0..later {
                covered[earlier] |=
                    covered[later] && needs(self.pending[later], self.pending[earlier]);
            }
        }
        let mut rest = Vec::new();
        for (op, covered) in self.pending.drain(..).zip(covered) {
            if !(covered && apply(&mut self.stable, op)) {
                rest.push(op);
            }
        }
        self.pending = rest;
    }

    /// Every state that a crash now may leave.
    pub(crate) fn crashes(&self) -> Vec<Names> {
        assert!(self.pending.len() < 16, "{:?}", self.pending);
        let keep_some = |mask: u32| {
            let mut left = self.stable.clone();
            for (index, op) in self.pending.iter().enumerate() {
                if mask >> index & 1 == 1 {
                    apply(&mut left, *op);
                }
            }
            let reached: BTreeSet<DirId> = left.slots.values().copied().collect();
            left.dirs
                .retain(|dir, _| *dir == ROOT || *dir == KEPT || reached.contains(dir));
            left
        };
        (0..1 << self.pending.len()).map(keep_some).collect()
    }
}

/// The directory whose sync makes a change durable.
fn holder(op: Op) -> DirId {
    match op {
        Op::MakeDir(..) | Op::RemoveDir(..) | Op::Exchange(..) | Op::RenameDir(..) => ROOT,
        Op::Mark(dir, _) | Op::Add(dir, _) | Op::Fill(dir, _, _) | Op::Remove(dir, _) => dir,
        Op::Move(_, to, _) => to,
        Op::SyncDir(_)
        | Op::SyncTree(_)
        | Op::SyncAll
        | Op::Intent(_)
        | Op::Next(_)
        | Op::Record(_) => unreachable!("never pending"),
    }
}

fn is_bytes(op: Op) -> bool {
    matches!(op, Op::Fill(..))
}

/// Whether a change builds on an earlier one; the bytes of a file never follow its name.
fn needs(later: Op, earlier: Op) -> bool {
    fn names(op: Op) -> Vec<(DirId, &'static str)> {
        match op {
            Op::Add(dir, name) | Op::Remove(dir, name) => vec![(dir, name)],
            Op::Move(from, to, name) => vec![(from, name), (to, name)],
            Op::MakeDir(slot, _) | Op::RemoveDir(slot, _) => vec![(ROOT, slot.name())],
            Op::Exchange(a, b) | Op::RenameDir(a, b) => {
                vec![(ROOT, a.name()), (ROOT, b.name())]
            }
            _ => vec![],
        }
    }
    // A directory is removed only when everything in it was.
    if let Op::RemoveDir(_, dir) = later
        && (holder(earlier) == dir || matches!(earlier, Op::Move(from, _, _) if from == dir))
    {
        return true;
    }
    let later = names(later);
    names(earlier).iter().any(|name| later.contains(name))
}

/// Makes a change if what it needs is there.
fn apply(names: &mut Names, op: Op) -> bool {
    match op {
        Op::MakeDir(slot, dir) => {
            let free = !names.slots.contains_key(&slot);
            if free {
                names.slots.insert(slot, dir);
                names.dirs.entry(dir).or_default();
            }
            free
        }
        Op::RemoveDir(slot, dir) => {
            let fits = names.slots.get(&slot) == Some(&dir) && names.dirs[&dir] == Dir::default();
            if fits {
                names.slots.remove(&slot);
            }
            fits
        }
        Op::Exchange(a, b) => match (names.slots.get(&a), names.slots.get(&b)) {
            (Some(&in_a), Some(&in_b)) => {
                names.slots.insert(a, in_b);
                names.slots.insert(b, in_a);
                true
            }
            _ => false,
        },
        Op::RenameDir(from, to) => {
            if names.slots.contains_key(&to) {
                return false;
            }
            match names.slots.remove(&from) {
                Some(dir) => names.slots.insert(to, dir).is_none(),
                None => false,
            }
        }
        Op::Mark(..) | Op::Add(..) | Op::Fill(..) | Op::Remove(..) | Op::Move(..) => {
            apply_to_files(&mut names.dirs, op)
        }
        Op::Intent(phase) => {
            names.intent = phase;
            true
        }
        Op::Next(version) => {
            names.next_record = version;
            true
        }
        Op::Record(version) => {
            names.record = version;
            true
        }
        Op::SyncDir(_) | Op::SyncTree(_) | Op::SyncAll => true,
    }
}

fn apply_to_files(dirs: &mut BTreeMap<DirId, Dir>, op: Op) -> bool {
    match op {
        Op::Mark(dir, marker) => {
            dirs.entry(dir).or_default().marker = marker;
            true
        }
        Op::Add(dir, name) => {
            let files = &mut dirs.entry(dir).or_default().files;
            files.insert(name, Bytes::Torn).is_none()
        }
        Op::Fill(dir, name, bytes) => {
            // A file that was moved before its bytes arrived stays torn where it is.
            let file = dirs.entry(dir).or_default().files.get_mut(name);
            file.is_some_and(|file| {
                *file = bytes;
                true
            })
        }
        Op::Remove(dir, name) => {
            let files = &mut dirs.entry(dir).or_default().files;
            files.remove(name).is_some()
        }
        Op::Move(from, to, name) => {
            if dirs.get(&to).is_some_and(|to| to.files.contains_key(name)) {
                return false;
            }
            let file = dirs.entry(from).or_default().files.remove(name);
            file.is_some_and(|file| {
                dirs.entry(to).or_default().files.insert(name, file);
                true
            })
        }
        _ => unreachable!("not about files"),
    }
}

pub(crate) fn observe(names: &Names) -> Observed {
    let slot = |slot| match names.slots.get(&slot).map(|dir| &names.dirs[dir]) {
        None => SlotState::Absent,
        Some(dir) if dir.files.is_empty() => SlotState::Empty,
        Some(dir) => dir.marker.map_or(SlotState::Unmarked, SlotState::Owned),
    };
    let sentinel = |dir: Option<&DirId>| {
        let dir = dir.and_then(|dir| names.dirs.get(dir));
        dir.and_then(|dir| dir.files.get(VERSION_INI)).copied()
    };
    let incoming = names.slots.get(&Slot::Incoming);
    Observed {
        live: slot(Slot::Live),
        staging: slot(Slot::Staging),
        backup: slot(Slot::Backup),
        incoming: slot(Slot::Incoming),
        sentinel: SentinelAt::seen(sentinel(Some(&ROOT)), sentinel(incoming)),
    }
}

fn marker(role: Role) -> Option<Marker> {
    Some(Marker {
        transaction: ID,
        role,
    })
}

/// What a step does, seen from the state it begins with.
pub(crate) fn ops_of(step: Step, names: &Names, new_version: u8) -> Vec<Op> {
    let old_version = new_version - 1;
    match step {
        Step::WriteIntent(phase) => vec![Op::Intent(Some(phase))],
        Step::ClearIntent => vec![Op::Intent(None)],
        Step::WriteNextRecord => vec![Op::Next(Some(new_version))],
        Step::ForgetNextRecord => vec![Op::Next(None)],
        Step::AdoptRecord => match names.next_record {
            // One rename: both happen or none.
            Some(version) => vec![Op::Record(Some(version)), Op::Next(None)],
            None => vec![],
        },
        Step::ForgetRecord => vec![Op::Record(None)],
        Step::SetAside(slot) => {
            assert_eq!(names.slots.get(&slot), None, "no strays in this model");
            vec![]
        }
        Step::MakeStaging => vec![
            Op::MakeDir(Slot::Staging, STAGING),
            Op::SyncDir(ROOT),
            Op::Mark(STAGING, marker(Role::New)),
            Op::SyncDir(STAGING),
        ],
        Step::Claim(slot, role) => {
            let dir = names.slots[&slot];
            let draft = [Op::Add(dir, MARKER_DRAFT), Op::Remove(dir, MARKER_DRAFT)];
            let mut ops = draft.to_vec();
            if names.dirs[&dir].files.contains_key(MARKER_DRAFT) {
                ops.insert(0, Op::Remove(dir, MARKER_DRAFT));
            }
            ops.extend([Op::Mark(dir, marker(role)), Op::SyncDir(dir)]);
            ops
        }
        Step::DropDraft(slot) => drop_draft(names, slot),
        Step::SyncTree(slot) => vec![Op::SyncTree(names.slots[&slot])],
        Step::SyncRoot => vec![Op::SyncDir(ROOT)],
        Step::SyncGame => vec![Op::SyncAll],
        Step::Swap => vec![Op::Exchange(Slot::Live, Slot::Staging)],
        Step::Move { from, to } => vec![Op::RenameDir(from, to)],
        Step::CarryOver => empty_backup(names, names.slots.get(&Slot::Live).copied()),
        Step::PutAside => empty_backup(names, Some(KEPT)),
        Step::Purge => empty_backup(names, None),
        Step::Drop(slot, role) => drop_slot(names, slot, role),
        Step::StopServing => vec![],
        Step::ParkSentinel => park(names),
        Step::DropOldFiles => remove_ours(names, &["gone"], old_version),
        Step::RemovePayload => remove_ours(names, &["both", "gone", "fresh"], old_version),
        Step::PlaceFiles => place(names, old_version),
        Step::PlaceSentinel => {
            let dir = names.slots[&Slot::Incoming];
            vec![Op::Move(dir, ROOT, VERSION_INI)]
        }
        Step::PlaceRepaired => place_repaired(names, old_version),
        Step::DropParked => match names.dirs[&ROOT].files.get(PARKED) {
            Some(_) => vec![Op::Remove(ROOT, PARKED)],
            None => vec![],
        },
    }
}

/// A damaged file of ours is replaced, the user's goes out of the way.
fn place_repaired(names: &Names, old_version: u8) -> Vec<Op> {
    let (Some(&staging), live) = (names.slots.get(&Slot::Staging), names.slots[&Slot::Live]) else {
        return vec![];
    };
    let mut ops = Vec::new();
    for name in names.dirs[&staging].files.keys() {
        match names.dirs[&live].files.get(name) {
            Some(Bytes::Torn) => ops.push(Op::Remove(live, name)),
            Some(Bytes::Ours(version)) if *version == old_version => {
                ops.push(Op::Remove(live, name));
            }
            Some(_) => ops.extend([Op::Move(live, KEPT, name), Op::SyncDir(KEPT)]),
            None => {}
        }
        ops.push(Op::Move(staging, live, name));
    }
    ops
}

/// Ours are those that the record speaks of; the rest goes to `to`, or is deleted.
fn empty_backup(names: &Names, to: Option<DirId>) -> Vec<Op> {
    let Some(backup) = names.slots.get(&Slot::Backup) else {
        return vec![];
    };
    let fate = |(name, bytes): (&&'static str, &Bytes)| match (bytes, names.record, to) {
        (Bytes::Ours(version), Some(recorded), _) if *version == recorded => {
            Op::Remove(*backup, name)
        }
        (_, _, Some(to)) => Op::Move(*backup, to, name),
        (_, _, None) => Op::Remove(*backup, name),
    };
    names.dirs[backup].files.iter().map(fate).collect()
}

fn drop_draft(names: &Names, slot: Slot) -> Vec<Op> {
    let Some(&dir) = names.slots.get(&slot) else {
        return vec![];
    };
    let is_there = names.dirs[&dir].files.contains_key(MARKER_DRAFT);
    let remove = is_there.then_some(Op::Remove(dir, MARKER_DRAFT));
    remove.into_iter().chain([Op::SyncDir(dir)]).collect()
}

fn drop_slot(names: &Names, slot: Slot, role: Role) -> Vec<Op> {
    let Some(&id) = names.slots.get(&slot) else {
        return vec![];
    };
    let dir = &names.dirs[&id];
    let mut ops = Vec::new();
    if !dir.files.is_empty() {
        assert_eq!(
            dir.marker,
            marker(role),
            "{slot:?} is dropped without proof"
        );
        assert_eq!(role, Role::New, "{slot:?} holds files that are not ours");
        ops.extend(dir.files.keys().map(|name| Op::Remove(id, name)));
        ops.push(Op::SyncTree(id));
    }
    ops.extend([
        Op::Mark(id, None),
        Op::RemoveDir(slot, id),
        Op::SyncDir(ROOT),
    ]);
    ops
}

fn park(names: &Names) -> Vec<Op> {
    let files = &names.dirs[&ROOT].files;
    let Some(bytes) = files.get(VERSION_INI) else {
        return vec![];
    };
    let mut ops = vec![Op::Remove(ROOT, VERSION_INI)];
    if !files.contains_key(PARKED) {
        // A rename; the parked name is never looked at but to delete it.
        ops.extend([Op::Add(ROOT, PARKED), Op::Fill(ROOT, PARKED, *bytes)]);
    }
    ops
}

fn remove_ours(names: &Names, candidates: &[&'static str], version: u8) -> Vec<Op> {
    let files = &names.dirs[&ROOT].files;
    let ours = |name: &&&'static str| files.get(**name) == Some(&Bytes::Ours(version));
    let remove = |name: &&'static str| Op::Remove(ROOT, name);
    candidates.iter().filter(ours).map(remove).collect()
}

fn place(names: &Names, old_version: u8) -> Vec<Op> {
    let incoming = names.slots[&Slot::Incoming];
    let mut ops = Vec::new();
    for name in names.dirs[&incoming].files.keys() {
        if *name == VERSION_INI || *name == LEFTOVER {
            continue;
        }
        match names.dirs[&ROOT].files.get(name) {
            Some(Bytes::Ours(version)) if *version == old_version => {
                ops.push(Op::Remove(ROOT, name));
            }
            Some(_) => ops.extend([Op::Move(ROOT, KEPT, name), Op::SyncDir(KEPT)]),
            None => {}
        }
        ops.push(Op::Move(incoming, ROOT, name));
    }
    ops
}
