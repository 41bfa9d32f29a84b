//! LanSpread itself: two nodes, linked; `get --no-install` until the download is committed.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Result, bail};
use lanspread_lab::{Host, Process};

use super::{
    contender::{Contender, Stage, printed_version, wait_for},
    meter::{Cost, Meter},
};

/// LanSpread's port, in namespaces of its own.
const PORT: u16 = 47100;

/// The release build.
#[derive(Debug)]
pub(super) struct LanSpread {
    program: PathBuf,
}

impl LanSpread {
    /// With the program that was built.
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program }
    }

    fn node(&self, stage: &Stage, host: &Host, side: &Side) -> Result<Process> {
        let mut command = host.command(&self.program);
        command.arg("node").arg("--games").arg(&side.games);
        command.arg("--state").arg(&side.state);
        command.args(["--name", side.name, "--no-mdns"]);
        command.args(["--listen", &format!("{}:{PORT}", host.ipv4(0))]);
        if let Some(address) = &side.connect {
            command.args(["--connect", address]);
        }
        let log = stage.log(&format!("lanspread-{}", side.name))?;
        command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
        Ok(Process::spawn(command)?)
    }

    /// A command to the node on a host.
    fn ask(&self, host: &Host, side: &Side, args: &[&str]) -> Command {
        let mut command = host.command(&self.program);
        command.args(args).arg("--state").arg(&side.state);
        command
    }

    /// Whether the receiver knows somebody with every byte.
    fn is_offered(&self, stage: &Stage, side: &Side) -> Result<Option<()>> {
        let args = ["games", stage.dataset.name(), "--json"];
        let output = self.ask(stage.receiver()?, side, &args).output()?;
        let game: serde_json::Value = match serde_json::from_slice(&output.stdout) {
            Ok(game) => game,
            // It does not know the game yet, and says so in words.
            Err(_) => return Ok(None),
        };
        let contents = game.get("contents").and_then(|list| list.as_array());
        let ready = contents
            .into_iter()
            .flatten()
            .any(|content| content.get("ready").and_then(|n| n.as_u64()) >= Some(1));
        Ok(ready.then_some(()))
    }
}

/// What differs between the two nodes.
#[derive(Debug)]
struct Side {
    name: &'static str,
    games: PathBuf,
    state: PathBuf,
    connect: Option<String>,
}

impl Contender for LanSpread {
    fn name(&self) -> &'static str {
        "LanSpread"
    }

    fn version(&self) -> Option<String> {
        printed_version(&self.program, "--version")
    }

    fn send(&self, stage: &Stage) -> Result<Cost> {
        // The sender keeps its state, so it hashes once; the receiver begins anew.
        let sender = Side {
            name: "sender",
            games: stage.games(),
            state: stage.scratch("lanspread-sender")?,
            connect: None,
        };
        let receiver = Side {
            name: "receiver",
            games: stage.received_games(),
            state: stage.scratch("lanspread-receiver")?,
            connect: Some(format!("{}:{PORT}", stage.sender()?.ipv4(0))),
        };
        std::fs::remove_dir_all(&receiver.state)?;
        std::fs::create_dir_all(&receiver.state)?;
        let sending = self.node(stage, stage.sender()?, &sender)?;
        let receiving = self.node(stage, stage.receiver()?, &receiver)?;
        wait_for("the offer", || self.is_offered(stage, &receiver))?;

        let args = ["get", stage.dataset.name(), "--no-install", "--wait"];
        let mut command = self.ask(stage.receiver()?, &receiver, &args);
        command.stdout(stage.log("lanspread-get")?);
        let start = Instant::now();
        let meter = Meter::start(sending.id(), receiving.id())?;
        let status = Process::spawn(command)?.wait()?;
        let cost = meter.stop(Some(start))?;
        if !status.success() {
            bail!("get failed: {status}");
        }
        Ok(cost)
    }
}
