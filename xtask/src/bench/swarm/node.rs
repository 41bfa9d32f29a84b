//! [`Node`]: LanSpread on one host of the lab.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result};
use lanspread_lab::{Host, Process};
use serde_json::Value;

use super::super::contender::wait_for;

/// A running node.
#[derive(Debug)]
pub(super) struct Node<'a> {
    program: &'a Path,
    host: &'a Host,
    games: PathBuf,
    state: PathBuf,
    process: Process,
}

impl<'a> Node<'a> {
    /// Starts a node that shares what lies in `games`.
    pub(super) fn start(
        program: &'a Path,
        host: &'a Host,
        root: &Path,
        games: PathBuf,
    ) -> Result<Self> {
        let name = format!("h{}", host.number());
        let state = root.join(format!("state-{name}"));
        fs::create_dir_all(&state)?;
        fs::create_dir_all(&games)?;
        let log = root.join(format!("{name}.log"));
        let log = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut command = host.command(program);
        command
            .args(["node", "--name", &name, "--games"])
            .arg(&games);
        command.arg("--state").arg(&state);
        command.stdout(Stdio::null()).stderr(log);
        let process = Process::spawn(command)?;
        Ok(Self {
            program,
            host,
            games,
            state,
            process,
        })
    }

    pub(super) const fn host(&self) -> &Host {
        self.host
    }

    /// Where its copy of a game lies.
    pub(super) fn copy(&self, game: &str) -> PathBuf {
        self.games.join(game)
    }

    /// Waits until it is linked to so many peers, of which so many have the whole game.
    pub(super) fn until_ready(&self, game: &str, peers: usize, holders: u64) -> Result<()> {
        wait_for("links to everybody", || {
            let linked = self.peers()?.iter().filter(|peer| is_linked(peer)).count();
            Ok((linked >= peers).then_some(()))
        })?;
        wait_for("the offers", || {
            let seen = self.ask(&["games", game, "--json"])?;
            let contents = seen.get("contents").and_then(Value::as_array);
            let ready = contents
                .into_iter()
                .flatten()
                .any(|content| content.get("ready").and_then(Value::as_u64) >= Some(holders));
            Ok(ready.then_some(()))
        })
    }

    /// Payload bytes that it sent to anybody.
    pub(super) fn sent_bytes(&self) -> Result<u64> {
        let sent = |peer: &Value| peer.get("sent_bytes").and_then(Value::as_u64);
        Ok(self.peers()?.iter().filter_map(sent).sum())
    }

    /// The command that fetches a game and ends when it is durable.
    pub(super) fn fetch(&self, game: &str) -> Result<Process> {
        let mut command = self.host.command(self.program);
        command.args(["get", game, "--no-install", "--wait"]);
        command.arg("--state").arg(&self.state);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Process::spawn(command)?)
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        self.process.signal(lanspread_lab::process::Signal::KILL);
    }

    fn peers(&self) -> Result<Vec<Value>> {
        let seen = self.ask(&["peers", "--json"])?;
        let list = seen.get("peers").unwrap_or(&seen);
        Ok(list.as_array().cloned().unwrap_or_default())
    }

    /// The answer to a question; nothing when there is none yet.
    fn ask(&self, args: &[&str]) -> Result<Value> {
        let mut command = self.host.command(self.program);
        command.args(args).arg("--state").arg(&self.state);
        let output = command.output()?;
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }
}

fn is_linked(peer: &Value) -> bool {
    peer.get("state").and_then(Value::as_str) == Some("connected")
}
