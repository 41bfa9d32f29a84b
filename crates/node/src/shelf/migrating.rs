//! What the original LanSpread left in games, told until the node stops.

use lanspread_disk::{
    execute::{NoHooks, TransactionError},
    migrate::{self, Report},
    observe::GamePlaces,
};
use lanspread_install::{Slot, migrate::Move};

use super::look::Looker;
use crate::{committing, snapshot::Problem};

/// What became of it in one game.
#[derive(Debug, Clone, Default)]
pub(crate) struct Migration {
    /// The game's directory.
    place: String,
    /// In this run of the node.
    done: Vec<Move>,
    /// As it was seen last.
    stays: Vec<Slot>,
}

impl Looker {
    /// Brings to an end what the original left, so that it is neither shared nor taken for ours. A
    /// transaction of ours that is unfinished comes first.
    pub(super) fn migrate(&self, places: &GamePlaces) -> Result<Migration, TransactionError> {
        let transaction = committing::transaction_id();
        let disk = self.disk.as_ref();
        let Report { done, stays } = migrate::migrate(disk, places, transaction, &mut NoHooks)?;
        for step in &done {
            tracing::info!(place = %places.game_root, "of the original LanSpread: {step}");
        }
        let place = places.game_root.to_string();
        Ok(Migration { place, done, stays })
    }
}

impl Migration {
    /// After another look: what was done stays done.
    pub(super) fn take(&mut self, newer: Self) {
        self.place = newer.place;
        self.done.extend(newer.done);
        self.stays = newer.stays;
    }

    /// What a person should know of it.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.done.is_empty() {
            let done: Vec<_> = self.done.iter().map(ToString::to_string).collect();
            problems.push(Problem {
                code: "migrated",
                subject: self.place.clone(),
                message: done.join("; "),
            });
        }
        if !self.stays.is_empty() {
            let names: Vec<_> = self.stays.iter().map(|slot| slot.name()).collect();
            problems.push(Problem {
                code: "not-migrated",
                subject: self.place.clone(),
                message: format!("nobody can prove whose {} is", names.join(" and ")),
            });
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use lanspread_install::migrate::Stray;

    use super::*;

    #[test]
    fn what_was_done_is_told_until_the_end() {
        let mut migration = Migration::default();
        let codes = |migration: &Migration| {
            let problems = migration.problems().into_iter();
            problems.map(|problem| problem.code).collect::<Vec<_>>()
        };
        assert!(codes(&migration).is_empty());
        migration.take(Migration {
            place: "/games/quake".into(),
            done: vec![Move::Restore],
            stays: vec![Slot::Staging],
        });
        assert_eq!(codes(&migration), ["migrated", "not-migrated"]);
        migration.take(Migration {
            place: "/games/quake".into(),
            done: vec![Move::TakeOut(Stray::Log)],
            stays: Vec::new(),
        });
        let problems = migration.problems();
        let [told] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert!(told.message.contains("is local again"), "{}", told.message);
        assert!(told.message.contains(".lanspread.json"), "{}", told.message);
    }
}
