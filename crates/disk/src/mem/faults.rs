//! Faults to inject, and what a power cut takes with it.

use std::io::ErrorKind;

use crate::error::DiskOp;

/// Which calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Every call.
    All,
    /// Calls that change something or make it durable.
    Mutating,
}

/// Some calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which calls are counted, from now on.
    pub count: Count,
    /// How many of them still succeed.
    pub after: u64,
    /// How many fail then; `u64::MAX` is a power cut.
    pub times: u64,
    /// With what.
    pub kind: ErrorKind,
}

impl Fault {
    /// The power goes: after `after` mutating calls nothing changes any more.
    #[must_use]
    pub const fn power_cut(after: u64) -> Self {
        Self {
            count: Count::Mutating,
            after,
            times: u64::MAX,
            kind: ErrorKind::Other,
        }
    }
}

/// What a crash does to changes that are not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// None of them happened.
    All,
    /// All of them happened: the process died, the machine lives.
    None,
    /// Chance decides on each name and each sector.
    Random(u64),
    /// Bit n decides whether name change n happened; unsynced bytes are lost.
    Names(u64),
}

impl Loss {
    /// The chance that belongs to it.
    pub(super) fn dice(self) -> Dice {
        match self {
            Self::All | Self::None | Self::Names(_) => Dice(0),
            Self::Random(seed) => Dice(seed),
        }
    }

    pub(super) fn keeps_name(self, index: usize, dice: &mut Dice) -> bool {
        match self {
            Self::All => false,
            Self::None => true,
            Self::Random(_) => dice.flip(),
            Self::Names(mask) => u32::try_from(index)
                .ok()
                .and_then(|index| mask.checked_shr(index))
                .is_some_and(|bits| bits & 1 == 1),
        }
    }

    pub(super) fn keeps_bytes(self, dice: &mut Dice) -> bool {
        match self {
            Self::All | Self::Names(_) => false,
            Self::None => true,
            Self::Random(_) => dice.flip(),
        }
    }
}

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    fn flip(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) & 1 == 1
    }
}

/// Counts calls and says which fail.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    all: u64,
    mutating: u64,
    fault: Option<Fault>,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    pub(super) fn heal(&mut self) {
        self.fault = None;
    }

    pub(super) const fn calls(&self, count: Count) -> u64 {
        match count {
            Count::All => self.all,
            Count::Mutating => self.mutating,
        }
    }

    pub(super) fn on_call(&mut self, op: DiskOp) -> Result<(), ErrorKind> {
        self.all += 1;
        let mutating = is_mutating(op);
        self.mutating += u64::from(mutating);
        let Some(fault) = &mut self.fault else {
            return Ok(());
        };
        let counted = match fault.count {
            Count::All => true,
            Count::Mutating => mutating,
        };
        if !counted {
            return Ok(());
        }
        if fault.after > 0 {
            fault.after -= 1;
            return Ok(());
        }
        if fault.times == 0 {
            return Ok(());
        }
        if fault.times < u64::MAX {
            fault.times -= 1;
        }
        Err(fault.kind)
    }
}

fn is_mutating(op: DiskOp) -> bool {
    match op {
        DiskOp::Create
        | DiskOp::Write
        | DiskOp::Resize
        | DiskOp::Sync
        | DiskOp::CreateDirectory
        | DiskOp::Rename
        | DiskOp::Exchange
        | DiskOp::RemoveFile
        | DiskOp::RemoveDirectory
        | DiskOp::Clone => true,
        DiskOp::Open
        | DiskOp::Read
        | DiskOp::Stat
        | DiskOp::List
        | DiskOp::Space
        | DiskOp::Lock
        | DiskOp::Watch => false,
    }
}
