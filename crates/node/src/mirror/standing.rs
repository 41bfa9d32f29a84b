//! Where each game stands for the mirror, out of what the other actors show.

use std::collections::{BTreeMap, BTreeSet};

use lanspread_proto::{ContentId, GameId};
use lanspread_swarm::{
    merged::{ChooseError, Merged},
    mirror::{Candidate, Standing},
    time::Instant,
};

use super::records::{Owned, Record, Records, is_unknown};
use crate::snapshot::{LocalView, NotShared, OperationView, Phase};

/// A game that failed lately: until when it rests, and which content it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) until: Instant,
    pub(super) content: ContentId,
    /// How often in a row it failed.
    pub(super) failures: u32,
}

/// What there is to look at.
pub(super) struct Scene<'a> {
    pub(super) merged: &'a Merged,
    /// What we have of each game.
    pub(super) locals: BTreeMap<&'a GameId, &'a LocalView>,
    /// What runs, or ran last, on each game.
    pub(super) operations: &'a BTreeMap<GameId, OperationView>,
    pub(super) records: &'a Records,
    pub(super) resting: &'a BTreeMap<GameId, Rest>,
    pub(super) now: Instant,
}

impl Scene<'_> {
    /// Every game, and which content would be fetched of it.
    pub(super) fn candidates(&self) -> (Vec<Candidate>, BTreeMap<GameId, Owned>) {
        let shared = self.merged.games().map(|game| &game.game);
        let all: BTreeSet<&GameId> = shared.chain(self.records.games()).collect();
        let mut targets = BTreeMap::new();
        let candidates = all.into_iter().map(|game| {
            let (standing, target) = self.standing(game);
            targets.extend(target.map(|target| (game.clone(), target)));
            Candidate {
                game: game.clone(),
                kept_bytes: self.records.of(game).kept_bytes(),
                standing,
            }
        });
        (candidates.collect(), targets)
    }

    fn standing(&self, game: &GameId) -> (Standing, Option<Owned>) {
        let record = self.records.of(game);
        let local = self.locals.get(game).copied();
        let running = self.operations.get(game);
        if let Some(running) = running.filter(|operation| !operation.phase.is_end()) {
            return (working(running, &record), None);
        }
        // After a start it is not looked at again yet; it will be known soon whose it is.
        if local.is_some_and(is_unknown) {
            return (Standing::Newest, None);
        }
        if !is_ours(local, &record) {
            return (Standing::Foreign, None);
        }
        match self.merged.choose(game, None) {
            Ok(choice) => {
                let bytes = choice.payload.bytes;
                let content = choice.content;
                let rest = self.resting.get(game);
                if rest.is_some_and(|rest| rest.content == content && self.now < rest.until) {
                    return (Standing::Resting, None);
                }
                (Standing::Missing { bytes }, Some(Owned { content, bytes }))
            }
            Err(ChooseError::AlreadyHere | ChooseError::OwnIsNewer | ChooseError::UnknownGame) => {
                (Standing::Newest, None)
            }
            Err(
                ChooseError::UnknownContent
                | ChooseError::NoReadyPeer(_)
                | ChooseError::Ambiguous(_),
            ) => (Standing::Unclear, None),
        }
    }
}

/// Somebody works on it: the mirror, if it is the content that it began.
fn working(operation: &OperationView, record: &Record) -> Standing {
    let begun = record
        .begun
        .filter(|b| operation.content == Some(b.content));
    let Some(Owned { bytes, .. }) = begun else {
        return Standing::Foreign;
    };
    let moves = matches!(operation.phase, Phase::Queued) || operation.phase.is_fetching();
    Standing::Fetching {
        bytes,
        left_bytes: bytes.saturating_sub(operation.done_bytes),
        moves,
    }
}

/// Nothing is there, or what is there was fetched by the mirror.
fn is_ours(local: Option<&LocalView>, record: &Record) -> bool {
    let Some(local) = local.filter(|local| local.present) else {
        return true;
    };
    if local.downloaded.is_some() {
        return record.kept.is_some() && local.content.is_some();
    }
    // An unfinished download may be taken up; a person's folder without a version may not.
    let is_folder = matches!(
        local.not_shared,
        Some(NotShared::NoVersion | NotShared::Refused { .. })
    );
    local.installed.is_none() && (local.partial_bytes > 0 || !is_folder)
}

#[cfg(test)]
mod tests;
