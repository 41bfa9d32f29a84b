//! The games that the person does not share: a list in the state directory, one id a line.
//!
//! Invariant: a list that cannot be read stops the start. What somebody took away is not shared
//! because a disk failed.

use std::{collections::BTreeSet, time::Instant};

use lanspread_disk::{Disk, DiskError, atomic_file, state::StateDir};
use lanspread_proto::GameId;

use super::{Msg, Shelf, ShelfPorts};
use crate::{
    actor::Reply,
    error::{OperationError, StartError},
    handle::ShareChange,
    saves::{SavedFile, Saves},
};

/// The file's name.
const NAME: &str = "unshared";
const BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// The list, and who waits until it is written down.
#[derive(Debug)]
pub(super) struct Unshared {
    games: BTreeSet<GameId>,
    saves: Saves,
    /// By the number of the list that holds what was asked.
    waiting: Vec<(u64, Reply<()>)>,
}

/// Reads the list; no file is an empty one.
///
/// # Errors
/// It cannot be read, or holds a line that is no game id.
pub(crate) fn load(disk: &dyn Disk, state: &StateDir) -> Result<BTreeSet<GameId>, StartError> {
    let bytes = atomic_file::read(disk, &state.place().own(NAME), BYTES_MAX)?;
    parse(&bytes.unwrap_or_default()).map_err(|reason| StartError::StateFile {
        path: state.path().join(NAME),
        reason,
    })
}

fn parse(bytes: &[u8]) -> Result<BTreeSet<GameId>, String> {
    let text = std::str::from_utf8(bytes).map_err(|why| format!("it is not text: {why}"))?;
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| GameId::parse(line).map_err(|why| format!("line {}: {why}", at + 1)))
        .collect()
}

impl Unshared {
    pub(super) fn start(ports: &ShelfPorts, games: BTreeSet<GameId>) -> Self {
        let file = SavedFile {
            disk: ports.disk.clone(),
            place: ports.state.place(),
            name: NAME,
        };
        let mailbox = ports.mailbox.clone();
        let saves = Saves::start(&ports.tasks, file, move |number, written| {
            mailbox.blocking_send(Msg::UnsharedSaved(number, written));
        });
        Self {
            games,
            saves,
            waiting: Vec::new(),
        }
    }

    pub(super) fn holds(&self, game: &GameId) -> bool {
        self.games.contains(game)
    }

    /// Switches a game; answered once that outlives the node.
    fn switch(&mut self, game: GameId, on: bool, reply: Reply<()>) {
        match on {
            true => self.games.remove(&game),
            false => self.games.insert(game),
        };
        let text = self.games.iter().map(|game| format!("{game}\n")).collect();
        self.waiting.push((self.saves.write(text), reply));
    }
}

impl Shelf {
    pub(super) fn share(&mut self, change: ShareChange, reply: Reply<()>) {
        match change {
            ShareChange::Game(game, _) if !self.entries.contains_key(&game) => {
                self.answer(reply, Err(OperationError::UnknownGame(game)));
            }
            ShareChange::Game(game, on) => self.unshared.switch(game, on, reply),
            ShareChange::Resume => {
                self.paused_until = None;
                self.answer(reply, Ok(()));
            }
            ShareChange::Pause(time) => {
                self.paused_until = Some(time.map(|time| Instant::now() + time));
                self.answer(reply, Ok(()));
            }
        }
    }

    pub(super) fn on_unshared_saved(&mut self, number: u64, written: Result<(), DiskError>) {
        let written = written.map_err(OperationError::from);
        let waiting = std::mem::take(&mut self.unshared.waiting);
        for (asked, reply) in waiting {
            match asked <= number {
                true => self.answer(reply, written.clone()),
                false => self.unshared.waiting.push((asked, reply)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_or_named() {
        let check = |bytes: &[u8], expected: Result<usize, &str>| match (parse(bytes), expected) {
            (Ok(games), Ok(count)) => assert_eq!(games.len(), count),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (found, _) => panic!("{found:?}"),
        };
        check(b"", Ok(0));
        check(b"quake\nunreal\nquake\n", Ok(2));
        check(b"quake\na/b\n", Err("line 2"));
        check(&[0xFF, 0xFE], Err("not text"));
    }
}
