//! Changes to another games directory.
//!
//! Invariant: the directory changes only while no operation and no look is under way, and none
//! begins
//! before the new one was listed.

use std::path::PathBuf;

use super::{Scan, Shelf, place, watching};
use crate::{actor::Reply, error::OperationError, handle::GamesMove};

/// Whether the games directory is being changed. Meanwhile nothing is looked at or held.
#[derive(Debug)]
pub(super) enum Moving {
    No,
    /// As soon as no operation and no look is under way.
    Wanted(PathBuf, GamesMove, Reply<()>),
    Running,
}

impl Shelf {
    /// The directory changes as soon as nothing works in it.
    pub(super) fn want_move(&mut self, dir: PathBuf, how: GamesMove, reply: Reply<()>) {
        if !matches!(self.moving, Moving::No) {
            let error = OperationError::GamesDirUnavailable(self.games_dir.clone());
            return self.answer(reply, Err(error));
        }
        let play = self.ports.play.borrow().clone();
        if let (GamesMove::Move, Some((game, _))) = (how, play.programs.keys().next()) {
            let error = OperationError::InUse(game.clone());
            return self.answer(reply, Err(error));
        }
        self.moving = Moving::Wanted(dir, how, reply);
        self.early.get_or_insert_default();
        if let Some(hashing) = &self.hashing {
            hashing.progress.cancel();
        }
    }

    pub(super) fn move_if_idle(&mut self) {
        // A scan has the lock of the games directory.
        let busy = self.looking.is_some() || self.hashing.is_some() || self.scan != Scan::Idle;
        if busy || self.entries.values().any(|entry| entry.holds > 0) {
            return;
        }
        match std::mem::replace(&mut self.moving, Moving::Running) {
            Moving::Wanted(dir, how, reply) => {
                let from = (self.games_dir.clone(), self.lock.take());
                place::move_games(&self.ports, from, (dir, how), reply);
            }
            other @ (Moving::No | Moving::Running) => self.moving = other,
        }
    }

    pub(super) fn on_moved(
        &mut self,
        dir: PathBuf,
        result: Result<(), OperationError>,
        reply: Reply<()>,
    ) {
        self.moving = Moving::No;
        if result.is_ok() {
            let early = self.early.get_or_insert_default();
            for (game, entry) in std::mem::take(&mut self.entries) {
                early.extend(entry.waiting.into_iter().map(|reply| (game.clone(), reply)));
            }
            self.to_look.clear();
            self.to_hash.clear();
            self.games_dir = dir;
            // Whoever names it knows what is there.
            self.held = None;
            self.watch = watching::Watching::start(&self.ports, &self.games_dir);
        }
        // Holds wait until it ends.
        self.scan();
        self.answer(reply, result);
    }
}
