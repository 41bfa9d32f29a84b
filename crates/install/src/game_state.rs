//! [`GameState`]: what we have of a game, and what may be asked next.

use lanspread_proto::VersionLabel;

/// What we have of one game.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GameState {
    /// The version of the payload, if the sentinel is there.
    pub downloaded: Option<VersionLabel>,
    /// What is in `local/`, if it is there.
    pub installed: Option<Installed>,
    /// The one operation that runs or waits on it.
    pub running: Option<Operation>,
}

/// What is in `local/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// We installed it.
    Version(VersionLabel),
    /// It is there, but nothing says who made it.
    Unknown,
}

/// What can be asked of a game's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Fetch a payload, or another version of it.
    Download,
    /// Make `local/` out of the payload.
    Install,
    /// Make `local/` straight from the swarm, without keeping the payload.
    InstallLowDisk,
    /// Replace `local/`.
    Update,
    /// Take `local/` away.
    Uninstall,
    /// Take the payload away.
    Remove {
        /// Also while the game is installed, which then has no payload behind it.
        keep_installed: bool,
    },
    /// Read payload and `local/`, compare, and mend what is damaged.
    Verify,
    /// Start the game.
    Play,
    /// Finish or undo what a crash or a file in use left.
    Recover,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One operation at a time.
    #[error("another operation is running on this game")]
    Busy(Operation),
    /// There is no payload.
    #[error("the game is not downloaded")]
    NotDownloaded,
    /// There is no `local/`.
    #[error("the game is not installed")]
    NotInstalled,
    /// There is a `local/`: update it instead.
    #[error("the game is installed already")]
    AlreadyInstalled,
    /// The payload goes only with a word about the installed game.
    #[error("the game is still installed: uninstall it first, or keep it installed")]
    StillInstalled,
    /// An earlier operation must be finished first.
    #[error("an earlier operation on this game is not finished")]
    Unfinished,
}

impl GameState {
    /// Whether an operation may begin.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn allow(&self, operation: Operation) -> Result<(), Refusal> {
        match self.running {
            Some(Operation::Verify) if operation == Operation::Play => {}
            Some(running) => return Err(Refusal::Busy(running)),
            None => {}
        }
        let downloaded = require(self.downloaded.is_some(), Refusal::NotDownloaded);
        let installed = require(self.installed.is_some(), Refusal::NotInstalled);
        let fresh = require(self.installed.is_none(), Refusal::AlreadyInstalled);
        match operation {
            Operation::Download | Operation::Recover => Ok(()),
            Operation::Install => fresh.and(downloaded),
            Operation::InstallLowDisk => fresh,
            // The new version may come from the payload or straight from the swarm.
            Operation::Update | Operation::Uninstall | Operation::Play => installed,
            Operation::Verify => require(
                self.downloaded.is_some() || self.installed.is_some(),
                Refusal::NotDownloaded,
            ),
            Operation::Remove { keep_installed } => downloaded.and(require(
                keep_installed || self.installed.is_none(),
                Refusal::StillInstalled,
            )),
        }
    }
}

fn require(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Operation = Operation::Remove {
        keep_installed: true,
    };
    const REMOVE: Operation = Operation::Remove {
        keep_installed: false,
    };

    fn state((downloaded, installed): (bool, bool)) -> GameState {
        GameState {
            downloaded: downloaded.then(|| VersionLabel::parse("1").unwrap()),
            installed: installed.then_some(Installed::Unknown),
            running: None,
        }
    }

    #[test]
    fn every_operation_in_every_state() {
        use Operation::*;
        use Refusal::*;
        let check = |operation, expected: [Result<(), Refusal>; 4]| {
            let states = [(false, false), (true, false), (false, true), (true, true)];
            for (has, expected) in states.into_iter().zip(expected) {
                let state = state(has);
                assert_eq!(state.allow(operation), expected, "{operation:?} {state:?}");
            }
        };
        // The states: nothing, downloaded, local only, both.
        check(Download, [Ok(()), Ok(()), Ok(()), Ok(())]);
        check(Recover, [Ok(()), Ok(()), Ok(()), Ok(())]);
        check(
            Install,
            [
                Err(NotDownloaded),
                Ok(()),
                Err(AlreadyInstalled),
                Err(AlreadyInstalled),
            ],
        );
        check(
            InstallLowDisk,
            [Ok(()), Ok(()), Err(AlreadyInstalled), Err(AlreadyInstalled)],
        );
        for operation in [Update, Uninstall, Play] {
            check(
                operation,
                [Err(NotInstalled), Err(NotInstalled), Ok(()), Ok(())],
            );
        }
        check(Verify, [Err(NotDownloaded), Ok(()), Ok(()), Ok(())]);
        check(
            REMOVE,
            [
                Err(NotDownloaded),
                Ok(()),
                Err(NotDownloaded),
                Err(StillInstalled),
            ],
        );
        check(
            KEEP,
            [Err(NotDownloaded), Ok(()), Err(NotDownloaded), Ok(())],
        );
    }

    #[test]
    fn one_operation_at_a_time() {
        let mut state = state((true, true));
        state.running = Some(Operation::Update);
        assert_eq!(
            state.allow(Operation::Download),
            Err(Refusal::Busy(Operation::Update))
        );
        state.running = Some(Operation::Verify);
        assert_eq!(state.allow(Operation::Play), Ok(()));
        assert!(state.allow(KEEP).is_err());
    }
}
