//! Lists the games directory, and tells one that lost its volume from one that is empty.
//!
//! Invariant: where games were and now another directory lies that is empty, nothing is taken for
//! removed: the directory is unavailable.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lanspread_disk::{
    Disk, DiskError, DiskOp, Place, atomic_file, folders,
    games_lock::{GamesLock, GamesTaken},
    leftovers,
    scan::{FoundGame, GamesUnavailable, NotAGame, list_games},
    state::StateDir,
};

use super::{Moving, Msg, Shelf, ShelfPorts, holding::Answer};
use crate::{
    error::OperationError,
    restart::caught_in,
    saves::{SavedFile, Saves},
    snapshot::{GamesDirState, Problem},
};

/// The file with the directory in which games were found last.
const NAME: &str = "games_held";
const BYTES_MAX: u64 = 64 * 1_024;
/// What is said while another node works in the games directory.
const TAKEN: &str = "games-dir-in-use";

/// Whether the games directory is being listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    Idle,
    Running,
    /// Something changed since it began.
    RunningStale,
}

/// What lies in the games directory.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The file system's number for the directory itself; 0 where there is none.
    id: u64,
    found: Vec<FoundGame>,
}

impl Listed {
    /// The games directory must be ours before anything in it is looked at.
    fn read(
        disk: &dyn Disk,
        games: &Place,
        state: &Place,
        lock: &mut Option<GamesLock>,
    ) -> Result<Self, GamesUnavailable> {
        *lock = take(disk, &games.path(), lock.take())?;
        let mut found = list_games(disk, games)?;
        let state = state.path();
        for game in &mut found {
            if folders::holds(&game.place.path(), &state) {
                game.game = Err(NotAGame::State);
            }
        }
        let id = disk.stat(games)?.map_or(0, |stat| stat.identity.file_id);
        Ok(Self { id, found })
    }
}

/// Takes the games directory, or keeps it; says it once when other nodes cannot be kept out.
pub(crate) fn take(
    disk: &dyn Disk,
    games: &Path,
    before: Option<GamesLock>,
) -> Result<Option<GamesLock>, GamesTaken> {
    let is_new = !before.as_ref().is_some_and(|lock| lock.is_on(disk, games));
    let lock = GamesLock::take(disk, games, before)?;
    if let Some(error) = lock
        .as_ref()
        .and_then(GamesLock::weakness)
        .filter(|_| is_new)
    {
        tracing::warn!(%error, "a second node on this games directory would not be noticed");
    }
    let is_proven = lock.as_ref().is_some_and(|lock| lock.weakness().is_none());
    if is_new && is_proven {
        // Nobody works there yet.
        match leftovers::drop_left(disk, &Place::root(games)) {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "what an interrupted publish left was deleted"),
            Err(error) => tracing::warn!(%error, "what an operation left cannot be deleted"),
        }
    }
    Ok(lock)
}

/// The directory in which games were found last. A mount point has another number than what is
/// mounted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    dir: PathBuf,
    id: u64,
}

impl Held {
    /// As it was written down; what cannot be read is as good as nothing.
    pub(super) fn load(disk: &dyn Disk, state: &StateDir) -> Option<Self> {
        let bytes = atomic_file::read(disk, &state.place().own(NAME), BYTES_MAX).ok()??;
        let text = String::from_utf8(bytes).ok()?;
        let (id, dir) = text.trim_end_matches('\n').split_once('\t')?;
        let (id, dir) = (id.parse().ok()?, PathBuf::from(dir));
        Some(Self { dir, id })
    }

    /// Where it is written down.
    pub(super) fn saves(ports: &ShelfPorts) -> Saves {
        let file = SavedFile {
            disk: Arc::clone(&ports.disk),
            place: ports.state.place(),
            name: NAME,
        };
        Saves::start(&ports.tasks, file, |_, _| {})
    }

    fn text(&self) -> String {
        format!("{}\t{}\n", self.id, self.dir.display())
    }

    /// Whether an empty directory is not the one that held games.
    fn is_elsewhere(&self, dir: &Path, id: u64) -> bool {
        self.dir == dir && self.id != 0 && id != 0 && self.id != id
    }
}

impl Shelf {
    pub(super) fn scan(&mut self) {
        if self.scan != Scan::Idle {
            self.scan = Scan::RunningStale;
            return;
        }
        if matches!(self.moving, Moving::Running) {
            // It is scanned when that has ended.
            return;
        }
        self.scan = Scan::Running;
        let (disk, dir) = (Arc::clone(&self.ports.disk), self.games_dir.clone());
        let mailbox = self.ports.mailbox.clone();
        let (mut lock, state) = (self.lock.take(), self.ports.state.place());
        self.ports
            .tasks
            .spawn_blocking(tracing::debug_span!("scan"), move || {
                let games = Place::root(&dir);
                let list = || Listed::read(disk.as_ref(), &games, &state, &mut lock);
                let found = caught_in(list).unwrap_or_else(|panic| {
                    let error = std::io::Error::other(panic);
                    Err(DiskError::new(DiskOp::List, games.path(), error).into())
                });
                mailbox.blocking_send(Msg::Scanned(dir, lock, found));
            });
    }

    pub(super) fn on_scanned(&mut self, dir: &Path, result: Result<Listed, GamesUnavailable>) {
        let stale = std::mem::replace(&mut self.scan, Scan::Idle) == Scan::RunningStale;
        if dir == self.games_dir {
            let available = self.on_listed(result);
            for reply in std::mem::take(&mut self.scan_replies) {
                self.answer(reply, available.clone());
            }
            for (game, reply) in self.early.take().into_iter().flatten() {
                self.hold(&game, reply);
            }
        }
        self.scan_replies.append(&mut self.next_scan_replies);
        if stale {
            self.scan();
        }
    }

    fn on_listed(
        &mut self,
        result: Result<Listed, GamesUnavailable>,
    ) -> Result<(), OperationError> {
        match result.and_then(|listed| self.believe(listed)) {
            Ok(found) => {
                self.state = GamesDirState::Available;
                self.take_in(found);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the games directory is not available");
                self.state = GamesDirState::Unavailable;
                self.say_taken(&error);
                let error = OperationError::GamesDirUnavailable(self.games_dir.clone());
                for entry in self.entries.values_mut() {
                    // Nothing is forgotten but what can be served: the disk may be plugged in
                    // again.
                    entry.known = None;
                    let refused = entry
                        .waiting
                        .drain(..)
                        .map(|reply| (reply, Err(error.clone())));
                    let settled = entry.settling.drain(..).map(|reply| (reply, Ok(())));
                    self.answers
                        .extend(refused.chain(settled).map(|(reply, result)| Answer {
                            reply,
                            result,
                            held: None,
                        }));
                }
                Err(error)
            }
        }
    }

    fn say_taken(&mut self, error: &GamesUnavailable) {
        self.problems.retain(|problem| problem.code != TAKEN);
        if let GamesUnavailable::Taken(taken) = error {
            self.problems.push(Problem {
                code: TAKEN,
                subject: self.games_dir.display().to_string(),
                message: OperationError::from(taken.clone()).to_string(),
            });
        }
    }

    /// An empty directory is believed unless another one held games there.
    fn believe(&mut self, listed: Listed) -> Result<Vec<FoundGame>, GamesUnavailable> {
        let Listed { id, found } = listed;
        let held = self.held.as_ref();
        if found.is_empty() {
            return match held.is_some_and(|held| held.is_elsewhere(&self.games_dir, id)) {
                true => Err(GamesUnavailable::Another(Place::root(&self.games_dir))),
                false => Ok(found),
            };
        }
        let now = Held {
            dir: self.games_dir.clone(),
            id,
        };
        if held != Some(&now) {
            self.held_saves.write(now.text());
            self.held = Some(now);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test prepares files by hand")]
    fn the_state_directory_is_no_game() {
        let dir = tempfile::tempdir().unwrap();
        for inside in ["quake", "box/state"] {
            std::fs::create_dir_all(dir.path().join(inside)).unwrap();
        }
        let (disk, games) = (lanspread_disk::RealDisk::new(), Place::root(dir.path()));
        let state = Place::root(&dir.path().join("box/state"));
        let listed = Listed::read(&disk, &games, &state, &mut None).unwrap();
        let found = listed.found.iter();
        let names: Vec<_> = found.filter(|game| game.game.is_ok()).collect();
        let [quake] = names.as_slice() else {
            panic!("{names:?}");
        };
        assert_eq!(quake.directory, "quake");
    }

    #[test]
    fn an_empty_mount_point_is_not_the_directory() {
        let held = Held {
            dir: "/games".into(),
            id: 7,
        };
        let check = |dir: &str, id, expected| {
            assert_eq!(
                held.is_elsewhere(Path::new(dir), id),
                expected,
                "{dir} {id}"
            );
        };
        check("/games", 7, false);
        check("/games", 8, true);
        check("/other", 8, false);
        // A file system without numbers tells nothing.
        check("/games", 0, false);
    }
}
