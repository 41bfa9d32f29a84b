//! [`Contender`]: a way to get files from one host to another, and the stage they all run on.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use lanspread_lab::{Host, Lab, Process};

use super::{
    dataset::Dataset,
    meter::{Cost, Meter},
};

/// A run that takes longer has failed.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// A way to get files from one host to another.
pub(super) trait Contender {
    /// As the table calls it.
    fn name(&self) -> &'static str;

    /// Its version, for the page; `None` when it is not installed.
    fn version(&self) -> Option<String>;

    /// Sends once, from [`Stage::source`] to [`Stage::target`], and says what it cost.
    fn send(&self, stage: &Stage) -> Result<Cost>;
}

/// Two hosts on a cable, and directories in memory.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) lab: Lab,
    /// Everything lies below it.
    pub(super) root: PathBuf,
    /// What is sent.
    pub(super) dataset: Dataset,
}

impl Stage {
    /// The sending host.
    pub(super) fn sender(&self) -> Result<&Host> {
        Ok(self.lab.host(1)?)
    }

    /// The receiving host.
    pub(super) fn receiver(&self) -> Result<&Host> {
        Ok(self.lab.host(2)?)
    }

    /// The directory of games that is sent from.
    pub(super) fn games(&self) -> PathBuf {
        self.root.join("source")
    }

    /// The directory that is sent.
    pub(super) fn source(&self) -> PathBuf {
        self.games().join(self.dataset.name())
    }

    /// The directory of games that is received into; it is there, and empty.
    pub(super) fn received_games(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where it must arrive.
    pub(super) fn target(&self) -> PathBuf {
        self.received_games().join(self.dataset.name())
    }

    /// A place for whatever a contender needs besides.
    pub(super) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join("scratch").join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    /// A file that a program's words go to.
    pub(super) fn log(&self, name: &str) -> Result<File> {
        let path = self.scratch("logs")?.join(name);
        File::create(&path).with_context(|| format!("making {}", path.display()))
    }
}

/// Runs a command that receives everything and ends, and measures it.
pub(super) fn measure_to_end(command: Command, sender: &Process) -> Result<Cost> {
    let start = Instant::now();
    let mut receiver = Process::spawn(command)?;
    let meter = Meter::start(sender.id(), receiver.id())?;
    let status = receiver.wait_at_most(RUN_LIMIT)?;
    let cost = meter.stop(Some(start))?;
    match status {
        Some(status) if status.success() => Ok(cost),
        Some(status) => bail!("the receiver failed: {status}"),
        None => bail!("the receiver did not finish within {RUN_LIMIT:?}"),
    }
}

/// Starts a command and waits until it prints a line on stdout.
pub(super) fn spawn_until_ready(mut command: Command) -> Result<Process> {
    command.stdout(Stdio::piped());
    let mut process = Process::spawn(command)?;
    let stdout = process.take_stdout().context("no stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.is_empty() {
        bail!("the sender ended before it was ready");
    }
    Ok(process)
}

/// Asks until the answer is there.
pub(super) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + RUN_LIMIT;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() >= end {
            bail!("{what} did not happen within {RUN_LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first line of what a program prints with a flag, on either stream.
pub(super) fn printed_version(program: &Path, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().map(|line| line.trim().to_string())
}
