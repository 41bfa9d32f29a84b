//! Looks and hashings of single games: one at a time, each on a thread of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_disk::{Place, content::OpenContent, hashing::Progress, scan::Payload};
use lanspread_proto::GameId;

use super::{
    Msg, Shelf,
    entry::{Look, Trust},
    look::{Hashed, Known, PayloadState, Seen},
    refusal::Refusal,
};
use crate::{
    error::OperationError,
    restart::caught_in,
    snapshot::{GamesDirState, HashingView, NotShared},
};

/// A game that is being hashed.
pub(super) struct Hashing {
    pub(super) game: GameId,
    pub(super) progress: Arc<Progress>,
    total_bytes: u64,
    begun: Instant,
}

impl Drop for Hashing {
    /// The thread stops at the next chunk when nobody waits for it any more.
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

impl Hashing {
    pub(super) fn view(&self) -> HashingView {
        let done_bytes = self.progress.bytes().min(self.total_bytes);
        let elapsed = self.begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let left = (done_bytes > 0).then(|| {
            let rest = (self.total_bytes - done_bytes) as f64 / done_bytes as f64;
            Duration::from_secs_f64(elapsed * rest)
        });
        HashingView {
            done_bytes,
            total_bytes: self.total_bytes,
            left,
        }
    }
}

impl Shelf {
    /// The payload as it can be read; who is told to wait makes it the next to be hashed.
    pub(super) fn content(&mut self, game: &GameId) -> Result<Arc<OpenContent>, OperationError> {
        if self.state == GamesDirState::Unavailable {
            return Err(OperationError::GamesDirUnavailable(self.games_dir.clone()));
        }
        let Some(entry) = self.entries.get(game) else {
            return Err(OperationError::NotDownloaded(game.clone()));
        };
        match (&entry.known, &entry.seen.not_shared) {
            (Some(known), _) => Ok(Arc::clone(&known.open)),
            (None, Some(NotShared::Checking | NotShared::Settling)) => {
                self.requested.insert(game.clone());
                Err(OperationError::Checking(game.clone()))
            }
            (
                None,
                Some(NotShared::Refused {
                    entry,
                    code,
                    reason,
                }),
            ) => Err(OperationError::Publish {
                entry: entry.clone(),
                code,
                reason: reason.clone(),
            }),
            (None, Some(NotShared::NoVersion | NotShared::SwitchedOff) | None) => {
                Err(OperationError::NotDownloaded(game.clone()))
            }
        }
    }

    pub(super) fn look(&mut self, game: &GameId) {
        let games = Place::root(&self.games_dir);
        let Some(entry) = self.entries.get_mut(game).filter(|entry| entry.holds == 0) else {
            return;
        };
        entry.look = Look::Running;
        self.looking = Some(game.clone());
        let subject = entry.subject(game, games);
        let (looker, mailbox, game) = (
            self.looker.clone(),
            self.ports.mailbox.clone(),
            game.clone(),
        );
        self.ports
            .tasks
            .spawn_blocking(tracing::debug_span!("look", %game), move || {
                mailbox.blocking_send(match caught_in(|| looker.look(&subject)) {
                    Ok(seen) => Msg::Looked(game, Box::new(seen)),
                    Err(panic) => Msg::LookFailed(game, panic),
                });
            });
    }

    pub(super) fn on_looked(&mut self, game: &GameId, seen: Seen) {
        self.looking = None;
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        entry.title = seen.title;
        entry.own_title = seen.own_title;
        entry.profile = seen.profile;
        entry.cover = seen.cover;
        entry.wish = seen.wish;
        entry.seen.present = seen.present;
        entry.seen.downloaded = seen.downloaded;
        entry.seen.installed = seen.installed;
        entry.seen.kept_bytes = seen.kept_bytes;
        // Whoever downloaded it in this run knows better how much is there.
        let known = std::mem::replace(&mut entry.seen.partial_bytes, seen.partial_bytes);
        if known > 0 && seen.partial_bytes > 0 {
            entry.seen.partial_bytes = known;
        }
        entry.committed = None;
        entry.removed = false;
        entry.fetched = seen.fetched;
        entry.blocked = seen.blocked;
        entry.migration.take(seen.migration);
        let is_rotten = |known: &Known| {
            let rotten = entry.rotten.as_ref().map(Known::content);
            rotten == Some(known.content())
        };
        let (known, not_shared) = match seen.payload {
            PayloadState::Known(known) if is_rotten(&known) => {
                entry.rotten = Some(known);
                (None, Some(rotten(game)))
            }
            PayloadState::Known(known) => (Some(known), None),
            PayloadState::Unhashed(payload) => {
                self.to_hash.insert(game.clone(), payload);
                (None, Some(NotShared::Checking))
            }
            PayloadState::Not(reason) => (None, Some(reason)),
        };
        entry.seen.not_shared = not_shared;
        entry.take(&self.ports, known);
        let again = entry.look.end();
        let waiting = std::mem::take(&mut entry.waiting);
        let is_gone = !seen.present && !entry.is_held() && waiting.is_empty();
        for reply in std::mem::take(&mut entry.settling) {
            self.answer(reply, Ok(()));
        }
        for reply in waiting {
            self.grant(game, reply);
        }
        if again {
            self.look_again(game);
        }
        if is_gone {
            // Or it has another name now.
            self.scan();
        }
    }

    /// What is known of the game stays; it is neither shared nor given to an operation.
    pub(super) fn on_look_failed(&mut self, game: &GameId, panic: String) {
        self.looking = None;
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        tracing::error!(%game, panic, "a look at a game failed");
        entry.seen.not_shared = Some(defective(game, panic.clone()));
        entry.take(&self.ports, None);
        let again = entry.look.end();
        let waiting = std::mem::take(&mut entry.waiting);
        for reply in std::mem::take(&mut entry.settling) {
            self.answer(reply, Ok(()));
        }
        for reply in waiting {
            self.answer(reply, Err(OperationError::Defect(panic.clone())));
        }
        if again {
            self.look_again(game);
        }
    }

    pub(super) fn hash(&mut self, game: &GameId, payload: Arc<Payload>) {
        let games = Place::root(&self.games_dir);
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        if entry.holds > 0 {
            entry.look = Look::Wanted;
            return;
        }
        entry.look = Look::Running;
        self.requested.remove(game);
        let subject = entry.subject(game, games);
        let progress = Arc::new(Progress::default());
        self.hashing = Some(Hashing {
            game: game.clone(),
            progress: Arc::clone(&progress),
            total_bytes: payload.bytes,
            begun: Instant::now(),
        });
        let (looker, mailbox, game) = (
            self.looker.clone(),
            self.ports.mailbox.clone(),
            game.clone(),
        );
        self.ports
            .tasks
            .spawn_blocking(tracing::info_span!("hash", %game), move || {
                let known = caught_in(|| looker.hash(&subject, &payload, &progress))
                    .unwrap_or_else(|panic| {
                        let why = defective(&game, panic);
                        Err(Box::new(Refusal::passing(why)))
                    });
                mailbox.blocking_send(Msg::Hashed(game, known));
            });
    }

    pub(super) fn on_hashed(&mut self, game: &GameId, result: Hashed) {
        self.hashing = None;
        let Some(entry) = self.entries.get_mut(game) else {
            return;
        };
        match result {
            Ok(known) => {
                entry.trust = Trust::MaySettle;
                entry.rotten = None;
                entry.refusal = None;
                entry.seen.not_shared = None;
                entry.take(&self.ports, Some(*known));
            }
            Err(refusal) => {
                entry.seen.not_shared = Some(refusal.why.clone());
                if refusal.lasts() {
                    entry.trust = Trust::MaySettle;
                }
                entry.refusal = Some(*refusal);
                entry.take(&self.ports, None);
            }
        }
        if entry.look.end() {
            self.look_again(game);
        }
    }
}

/// Why a content is not shared whose bytes turned out to be wrong.
fn defective(game: &GameId, panic: String) -> NotShared {
    NotShared::Refused {
        entry: game.to_string(),
        code: "defect",
        reason: format!("a defect in LanSpread: {panic}"),
    }
}

pub(super) fn rotten(game: &GameId) -> NotShared {
    NotShared::Refused {
        entry: game.to_string(),
        code: "disk-fault",
        reason: "the disk gives other bytes than were written; verify it".into(),
    }
}

/// Games that are waited for, then small ones: most of the library is there soon.
pub(super) fn next_to_hash(
    games: &BTreeMap<GameId, Arc<Payload>>,
    requested: &BTreeSet<GameId>,
) -> Option<GameId> {
    let order = |(game, payload): &(&GameId, &Arc<Payload>)| {
        let is_requested = requested.contains(*game);
        (!is_requested, payload.bytes)
    };
    let next = games.iter().min_by_key(order);
    next.map(|(game, _)| game.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_hashed_first() {
        let game = |name: &str| GameId::parse(name).unwrap();
        let payload = |bytes| {
            Arc::new(Payload {
                bytes,
                ..Payload::default()
            })
        };
        let all = [("large", 9), ("huge", 99), ("small", 1)];
        let all = all.map(|(name, bytes)| (game(name), payload(bytes)));
        let mut games = BTreeMap::from(all);
        let requested = BTreeSet::from([game("huge"), game("unknown")]);
        let mut order = Vec::new();
        while let Some(next) = next_to_hash(&games, &requested) {
            games.remove(&next);
            order.push(next);
        }
        assert_eq!(order, [game("huge"), game("small"), game("large")]);
    }
}
