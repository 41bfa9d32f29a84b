//! [`plan`]: which game a mirror fetches next, and why it leaves the others.
//!
//! Smallest first: most games of a party are on the box soonest, each new copy is one more source
//! for everybody, and one large game does not keep many small ones from being there. A game that
//! does not fit is passed over, and what is smaller still comes.
//!
//! Invariant: nothing is fetched beyond the quota or below the least free space, and nothing that
//! lies here by another hand is touched. What was fetched is never dropped, only replaced by a
//! newer version of itself.

use alloc::{collections::BTreeMap, vec::Vec};

use lanspread_proto::GameId;

/// What a mirror may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of payload that may be kept; `None` for no limit.
    pub quota_bytes: Option<u64>,
    /// Bytes that stay free on the volume.
    pub free_min_bytes: u64,
    /// Bytes that are free now, where the system tells.
    pub free_bytes: Option<u64>,
}

/// One game that somebody shares, or that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which game.
    pub game: GameId,
    /// Bytes of its payload that the mirror fetched and keeps; 0 for none.
    pub kept_bytes: u64,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// What is here is the newest that is shared, or nobody shares it now.
    Newest,
    /// Somebody has all of this many bytes, and they are not here.
    Missing {
        /// Bytes of the newest version.
        bytes: u64,
    },
    /// The mirror fetches it.
    Fetching {
        /// Bytes of the version that is fetched.
        bytes: u64,
        /// Bytes that are still to be written.
        left_bytes: u64,
        /// It moves; otherwise it waits for a source or a person.
        moves: bool,
    },
    /// It failed lately.
    Resting,
    /// It is here by another hand, or somebody works on it.
    Foreign,
    /// Nobody can tell which bytes are the newest, or nobody has all of them.
    Unclear,
}

/// What becomes of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is kept as it is.
    Kept,
    /// It is being fetched.
    Fetching,
    /// It is fetched now.
    Next,
    /// It is fetched when it is its turn.
    Waits,
    /// It would not fit into the quota.
    OverQuota,
    /// Too little would stay free.
    NoRoom,
    /// It failed and is tried again later.
    Resting,
    /// It is not the mirror's business.
    Foreign,
    /// A person must choose, or a peer with all of it must come.
    Unclear,
}

/// What a mirror does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What becomes of each game.
    pub verdicts: BTreeMap<GameId, Verdict>,
    /// Bytes of payload that the mirror fetched and keeps.
    pub kept_bytes: u64,
}

impl Plan {
    /// The game to fetch now.
    #[must_use]
    pub fn next(&self) -> Option<&GameId> {
        let mut verdicts = self.verdicts.iter();
        let next = verdicts.find(|(_, verdict)| **verdict == Verdict::Next);
        next.map(|(game, _)| game)
    }
}

/// Decides. One game is fetched at a time: people's own downloads then find a free place.
#[must_use]
pub fn plan(bounds: Bounds, candidates: &[Candidate]) -> Plan {
    let mut room = Room::new(bounds, candidates);
    let mut plan = Plan {
        verdicts: BTreeMap::new(),
        kept_bytes: room.kept_bytes,
    };
    let mut missing: Vec<(u64, &Candidate)> = Vec::new();
    let mut is_busy = false;
    for candidate in candidates {
        let verdict = match candidate.standing {
            Standing::Newest if candidate.kept_bytes > 0 => Verdict::Kept,
            Standing::Newest | Standing::Foreign => Verdict::Foreign,
            Standing::Missing { bytes } => {
                missing.push((bytes, candidate));
                continue;
            }
            Standing::Fetching { moves, .. } => {
                is_busy |= moves;
                Verdict::Fetching
            }
            Standing::Resting => Verdict::Resting,
            Standing::Unclear => Verdict::Unclear,
        };
        plan.verdicts.insert(candidate.game.clone(), verdict);
    }
    missing.sort_by_key(|(bytes, candidate)| (*bytes, &candidate.game));
    for (bytes, candidate) in missing {
        let verdict = match room.check(bytes, candidate.kept_bytes) {
            Err(verdict) => verdict,
            Ok(()) if is_busy => Verdict::Waits,
            Ok(()) => {
                is_busy = true;
                Verdict::Next
            }
        };
        if matches!(verdict, Verdict::Next | Verdict::Waits) {
            room.take(bytes, candidate.kept_bytes);
        }
        plan.verdicts.insert(candidate.game.clone(), verdict);
    }
    plan
}

/// What may still be taken.
#[derive(Debug)]
struct Room {
    bounds: Bounds,
    kept_bytes: u64,
    /// Bytes that will be kept when all that is promised is here.
    promised_bytes: u64,
    /// Bytes that are still to be written for it.
    unwritten_bytes: u64,
}

impl Room {
    fn new(bounds: Bounds, candidates: &[Candidate]) -> Self {
        let mut room = Self {
            bounds,
            kept_bytes: 0,
            promised_bytes: 0,
            unwritten_bytes: 0,
        };
        for candidate in candidates {
            let kept = candidate.kept_bytes;
            room.kept_bytes = room.kept_bytes.saturating_add(kept);
            let promised = match candidate.standing {
                Standing::Fetching {
                    bytes, left_bytes, ..
                } => {
                    room.unwritten_bytes = room.unwritten_bytes.saturating_add(left_bytes);
                    bytes
                }
                Standing::Newest
                | Standing::Missing { .. }
                | Standing::Resting
                | Standing::Foreign
                | Standing::Unclear => kept,
            };
            room.promised_bytes = room.promised_bytes.saturating_add(promised);
        }
        room
    }

    /// The old version stays whole until the new one is: the new one needs all of its room.
    fn check(&self, bytes: u64, replaced_bytes: u64) -> Result<(), Verdict> {
        let others = self.promised_bytes.saturating_sub(replaced_bytes);
        let quota = self.bounds.quota_bytes;
        if quota.is_some_and(|quota| others.saturating_add(bytes) > quota) {
            return Err(Verdict::OverQuota);
        }
        let needed = bytes
            .saturating_add(self.unwritten_bytes)
            .saturating_add(self.bounds.free_min_bytes);
        match self.bounds.free_bytes {
            Some(free) if needed > free => Err(Verdict::NoRoom),
            Some(_) | None => Ok(()),
        }
    }

    fn take(&mut self, bytes: u64, replaced_bytes: u64) {
        let others = self.promised_bytes.saturating_sub(replaced_bytes);
        self.promised_bytes = others.saturating_add(bytes);
        self.unwritten_bytes = self.unwritten_bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests;
