//! [`Session`]: what every command has: where the state is, how to speak, and the running node.

use std::path::PathBuf;

use lanspread_api::{Client, Command, Reply, Report, Snapshot, client, types::snapshot::Game};

use crate::{
    files,
    output::Output,
    report::{Failure, Outcome},
};

/// What every command has.
#[derive(Debug)]
pub(crate) struct Session {
    /// The state directory.
    pub(crate) state: PathBuf,
    /// Standard output.
    pub(crate) out: Output,
    /// How much more than usual is logged.
    pub(crate) verbose: u8,
}

impl Session {
    /// The running node.
    pub(crate) fn client(&self) -> Result<Client, Report> {
        let api = files::read_api(&self.state)?.ok_or_else(|| {
            let message = format!("no node is running with {}", self.state.display());
            Report::new("no-node", message)
        })?;
        Ok(Client::new(api))
    }

    /// The running node, if there is one that answers.
    pub(crate) fn client_if_running(&self) -> Result<Option<(Client, Snapshot)>, Report> {
        let found = self.client().and_then(|client| {
            let snapshot = client.snapshot()?;
            Ok((client, snapshot))
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(report) if report.code == "no-node" => Ok(None),
            Err(report) => Err(report),
        }
    }

    /// Asks the running node.
    pub(crate) fn call(&self, command: &Command) -> Result<Reply, Report> {
        self.client()?.call(command)
    }

    /// The state of the running node.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, Report> {
        self.client()?.snapshot()
    }

    /// One game as the running node knows it.
    pub(crate) fn game(&self, game: &str) -> Result<Game, Report> {
        let game = game.to_owned();
        let reply = self.call(&Command::Game { game })?;
        let Reply::Game(game) = reply else {
            return Err(client::unexpected(&reply));
        };
        Ok(*game)
    }

    /// Asks the node for a change that is done at once, and says so.
    pub(crate) fn change(&self, command: &Command, done: &str) -> Outcome {
        let reply = self.call(command)?;
        self.confirm(&reply, done)
    }

    /// Says that it is done, in the form that is wanted.
    pub(crate) fn confirm(&self, reply: &Reply, done: &str) -> Outcome {
        if self.out.is_json() {
            self.out.json(reply)?;
        } else {
            self.out.line(done)?;
        }
        Ok(())
    }

    /// The number of an operation that was started.
    pub(crate) fn start(&self, command: &Command) -> Result<u64, Failure> {
        let reply = self.call(command)?;
        let Reply::Started { operation } = reply else {
            return Err(client::unexpected(&reply).into());
        };
        Ok(operation)
    }
}
