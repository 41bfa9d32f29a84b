//! Who holds a game, and what is answered when everybody can see it.
//!
//! Invariant: a hold that was granted and not heard of is let go again.

use lanspread_proto::GameId;

use super::{Shelf, sweeping::Sweep};
use crate::{actor::Reply, error::OperationError, snapshot::GamesDirState};

/// An answer that waits until the view shows what it is about.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: Reply<()>,
    pub(super) result: Result<(), OperationError>,
    /// The game that the asker holds from now on.
    pub(super) held: Option<GameId>,
}

impl Shelf {
    /// Grants a hold once no look is under way: a look may be finishing what a crash left, and that
    /// must not meet an operation.
    pub(super) fn hold(&mut self, game: &GameId, reply: Reply<()>) {
        if self.sweep == Sweep::Running {
            return self.swept_first.push((game.clone(), reply));
        }
        if let Some(early) = &mut self.early {
            return early.push((game.clone(), reply));
        }
        if self.state == GamesDirState::Unavailable {
            let error = OperationError::GamesDirUnavailable(self.games_dir.clone());
            return self.answer(reply, Err(error));
        }
        // What may be left of it in our records is known only once it was looked at.
        if !self.entries.contains_key(game) {
            self.entry(game);
            self.to_look.push_front(game.clone());
        }
        if self.look_first(game) || self.looking.as_ref() == Some(game) {
            return self.entry(game).waiting.push(reply);
        }
        if let Some(hashing) = self.hashing.as_ref().filter(|h| h.game == *game) {
            hashing.progress.cancel();
        }
        self.grant(game, reply);
    }

    pub(super) fn grant(&mut self, game: &GameId, reply: Reply<()>) {
        if let Some(error) = self.entry(game).blocked.clone() {
            return self.answer(reply, Err(error));
        }
        self.entry(game).holds += 1;
        self.answers.push(Answer {
            reply,
            result: Ok(()),
            held: Some(game.clone()),
        });
    }

    /// Who let go is answered when the game was looked at: then everybody sees what it became.
    pub(super) fn release(&mut self, game: &GameId, reply: Reply<()>) {
        self.let_go(game);
        let looks = self.state == GamesDirState::Available && self.entry(game).holds == 0;
        if looks {
            self.look_first(game);
            self.entry(game).settling.push(reply);
        } else {
            self.answer(reply, Ok(()));
        }
    }

    pub(super) fn let_go(&mut self, game: &GameId) {
        let entry = self.entry(game);
        entry.holds = entry.holds.saturating_sub(1);
        // What the operation was about may be needed no more.
        self.sweep.want();
        self.look_again(game);
    }

    /// Moves a game to the front of those to look at; `false` when it is not among them.
    pub(super) fn look_first(&mut self, game: &GameId) -> bool {
        let queued = self.to_look.iter().position(|other| other == game);
        let queued = queued.and_then(|index| self.to_look.remove(index));
        let is_queued = queued.is_some();
        if let Some(game) = queued {
            self.to_look.push_front(game);
        }
        is_queued
    }

    pub(super) fn answer(&mut self, reply: Reply<()>, result: Result<(), OperationError>) {
        self.answers.push(Answer {
            reply,
            result,
            held: None,
        });
    }

    pub(super) fn answer_all(&mut self) {
        for Answer {
            reply,
            result,
            held,
        } in std::mem::take(&mut self.answers)
        {
            let heard = reply.send(result).is_ok();
            // Nobody is there to let go of it.
            if let Some(game) = held.filter(|_| !heard) {
                self.let_go(&game);
            }
        }
    }
}
