//! [`Process`]: a program on a host, ended when it is dropped.

use std::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::{error::LabError, tool};

/// How often a process is looked at while it is awaited.
const POLL: Duration = Duration::from_millis(2);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    line: String,
}

impl Process {
    /// Starts a command, usually one of [`crate::Host::command`].
    ///
    /// # Errors
    /// It could not be started.
    pub fn spawn(mut command: Command) -> Result<Self, LabError> {
        let line = tool::line_of(&command);
        match command.spawn() {
            Ok(child) => Ok(Self { child, line }),
            Err(source) => Err(LabError::Start {
                command: line,
                source,
            }),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its stdin, if it was piped and not taken before.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its stdout, if it was piped and not taken before.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its stderr, if it was piped and not taken before.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Sends it a signal; nothing when it has ended.
    pub fn signal(&mut self, signal: Signal) {
        // Once awaited, its number may be somebody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // It may be ending just now.
                kill_process(pid, signal).ok();
            }
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The operating system lost it.
    pub fn wait(&mut self) -> Result<ExitStatus, LabError> {
        self.child.wait().map_err(|source| LabError::Start {
            command: self.line.clone(),
            source,
        })
    }

    /// Waits so long for its end; `None` when it still runs then.
    ///
    /// # Errors
    /// The operating system lost it.
    pub fn wait_at_most(&mut self, limit: Duration) -> Result<Option<ExitStatus>, LabError> {
        let end = Instant::now() + limit;
        loop {
            let state = self.child.try_wait().map_err(|source| LabError::Start {
                command: self.line.clone(),
                source,
            })?;
            if state.is_some() || Instant::now() >= end {
                return Ok(state);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
