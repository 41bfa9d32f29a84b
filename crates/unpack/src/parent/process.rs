//! [`WorkerProcess`]: the child and the thread that watches over it.
//!
//! The watching thread starts the child, because the child dies with the *thread* that started it,
//! and that thread lives exactly as long as the [`WorkerProcess`].

use std::{
    io::{self, Read},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

#[cfg(windows)]
mod windows;

use super::WorkerCommand;
use crate::{
    error::{ErrorCode, UnpackError},
    limits::Limits,
};

/// Bytes of standard error that an error repeats.
const LAST_WORDS_BYTES_MAX: u64 = 4 * 1024;
/// How long a worker that closed its pipes may take to be gone.
const EXIT_TIME: Duration = Duration::from_secs(2);
/// How often the watcher looks whether it is.
const EXIT_LOOK: Duration = Duration::from_millis(5);

/// How the child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    Cancelled,
    TimedOut,
    OutOfMemory,
    Other,
}

/// Why the watcher kills the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Cancelled,
    TimedOut,
    /// Nobody needs it any more, or it did not leave by itself.
    Done,
}

/// What the watcher and everybody else know in common.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// Since when the parent waits for the child.
    waiting: Option<Instant>,
    /// All time waited before.
    waited: Duration,
    /// Why the child is killed, once it is.
    verdict: Option<Verdict>,
    /// The child closed its pipes and should be gone by then.
    leave_by: Option<Instant>,
    status: Option<ExitStatus>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends an unpacking from any thread.
#[derive(Clone)]
pub struct Canceller(Arc<Shared>);

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceller")
    }
}

impl Canceller {
    /// Kills the worker. The call that waits for it returns [`ErrorCode::Cancelled`].
    pub fn cancel(&self) {
        let mut state = self.0.lock();
        state.verdict = Some(Verdict::Cancelled);
        drop(state);
        self.0.wake.notify_all();
    }
}

/// The child, its pipes and its watcher.
pub(super) struct WorkerProcess {
    shared: Arc<Shared>,
    input: Option<ChildStdin>,
    errors: Option<ChildStderr>,
    watcher: Option<JoinHandle<()>>,
}

type Pipes = (ChildStdin, ChildStdout, ChildStderr);

impl WorkerProcess {
    /// Starts the child; returns it with its standard output.
    pub(super) fn start(
        command: &WorkerCommand,
        limits: &Limits,
    ) -> Result<(Self, ChildStdout), UnpackError> {
        let failed = |error| UnpackError::from_io(ErrorCode::Internal, "start the worker", error);
        let shared = Arc::new(Shared::default());
        let (send, started) = mpsc::sync_channel(1);
        let watcher = {
            let (shared, command) = (Arc::clone(&shared), command.clone());
            let (idle, memory_bytes) = (limits.idle, limits.address_space());
            std::thread::Builder::new()
                .name("unpack-watch".to_owned())
                .spawn(move || match spawn(&command) {
                    Ok((child, pipes)) => {
                        let _held = hold(&child, memory_bytes);
                        if send.send(Ok(pipes)).is_ok() {
                            watch(child, &shared, idle);
                        }
                    }
                    Err(error) => drop(send.send(Err(error))),
                })
                .map_err(failed)?
        };
        let pipes = started
            .recv()
            .map_err(io::Error::other)
            .and_then(|started| started);
        let (input, output, errors) = pipes.map_err(failed)?;
        let process = Self {
            shared,
            input: Some(input),
            errors: Some(errors),
            watcher: Some(watcher),
        };
        Ok((process, output))
    }

    pub(super) fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.shared))
    }

    /// Runs something that waits for the child, while the watcher counts.
    pub(super) fn timed<T>(
        &mut self,
        wait: impl FnOnce(&mut ChildStdin) -> io::Result<T>,
    ) -> io::Result<T> {
        let Some(input) = &mut self.input else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let begun = Instant::now();
        self.shared.lock().waiting = Some(begun);
        let outcome = wait(input);
        let mut state = self.shared.lock();
        state.waiting = None;
        state.waited = state.waited.saturating_add(begun.elapsed());
        outcome
    }

    /// How long the parent waited for the child in all.
    pub(super) fn waited(&self) -> Duration {
        self.shared.lock().waited
    }

    pub(super) fn check_cancelled(&self) -> Result<(), UnpackError> {
        if self.shared.lock().verdict == Some(Verdict::Cancelled) {
            return Err(UnpackError::new(ErrorCode::Cancelled, ""));
        }
        Ok(())
    }

    /// Kills the child, if it still lives.
    pub(super) fn kill(&mut self) {
        self.input = None;
        self.shared.lock().verdict.get_or_insert(Verdict::Done);
        self.shared.wake.notify_all();
    }

    /// After the child closed its output: how it ended, and what it said about that.
    pub(super) fn last_words(&mut self) -> (Death, String) {
        self.input = None;
        self.shared.lock().leave_by = Some(Instant::now() + EXIT_TIME);
        self.shared.wake.notify_all();
        self.join();
        let mut said = Vec::new();
        if let Some(errors) = self.errors.take() {
            // The child is dead, so this ends. What cannot be read is not said.
            drop(errors.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut said));
        }
        let state = self.shared.lock();
        let death = match state.verdict {
            Some(Verdict::Cancelled) => Death::Cancelled,
            Some(Verdict::TimedOut) => Death::TimedOut,
            Some(Verdict::Done) | None => cause(state.status),
        };
        let status = state
            .status
            .map_or_else(String::new, |status| status.to_string());
        let said = String::from_utf8_lossy(&said)
            .trim()
            .replace(char::is_control, " ");
        (death, format!("the worker ended ({status}) {said}"))
    }

    fn join(&mut self) {
        if let Some(watcher) = self.watcher.take() {
            // A watcher that panicked has no child any more: nothing to report.
            drop(watcher.join());
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
        self.join();
    }
}

fn spawn(command: &WorkerCommand) -> io::Result<(Child, Pipes)> {
    let mut starting = Command::new(&command.program);
    adapt(&mut starting);
    let mut child = starting
        .args(&command.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(input), Some(output), Some(errors)) => Ok((child, (input, output, errors))),
        _ => Err(io::Error::other("a pipe of the worker is missing")),
    }
}

/// Nothing of the environment is for the worker.
#[cfg(not(windows))]
fn adapt(command: &mut Command) {
    command.env_clear();
}

/// No console window; the environment stays, because Windows' own libraries look into it.
#[cfg(windows)]
fn adapt(command: &mut Command) {
    use std::os::windows::process::CommandExt;

    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// Elsewhere the child locks itself in.
#[cfg(not(windows))]
struct Held;

#[cfg(not(windows))]
const fn hold(_child: &Child, _memory_bytes: u64) -> Option<Held> {
    None
}

/// Before the child is asked for anything. Where that fails, the child says that it is not held.
#[cfg(windows)]
fn hold(child: &Child, memory_bytes: u64) -> Option<windows::Job> {
    windows::Job::around(child, memory_bytes).ok()
}

/// Waits until the child must go, or is gone; reaps it. It looks at least every `idle`, so a silent
/// child lives for at most twice that.
fn watch(mut child: Child, shared: &Shared, idle: Duration) {
    let mut state = shared.lock();
    loop {
        let now = Instant::now();
        if state
            .waiting
            .is_some_and(|since| now.duration_since(since) >= idle)
        {
            state.verdict.get_or_insert(Verdict::TimedOut);
        }
        if let Some(by) = state.leave_by {
            if let Ok(Some(status)) = child.try_wait() {
                state.status = Some(status);
                return;
            }
            if now >= by {
                state.verdict.get_or_insert(Verdict::Done);
            }
        }
        if state.verdict.is_some() {
            break;
        }
        let wait = match (state.leave_by, state.waiting) {
            (Some(_), _) => EXIT_LOOK,
            (None, Some(since)) => idle.saturating_sub(now.duration_since(since)),
            // Nobody waits for the child: it may take as long as it likes.
            (None, None) => idle,
        };
        state = match shared.wake.wait_timeout(state, wait) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
    drop(state);
    // It may have died by itself just now; only the status counts.
    drop(child.kill());
    let status = child.wait().ok();
    shared.lock().status = status;
}

#[cfg(unix)]
fn cause(status: Option<ExitStatus>) -> Death {
    use std::os::unix::process::ExitStatusExt;
    /// What `abort` raises; the allocator aborts when it may not have more.
    const SIGABRT: i32 = 6;
    match status.and_then(|status| status.signal()) {
        Some(SIGABRT) => Death::OutOfMemory,
        Some(_) | None => Death::Other,
    }
}

#[cfg(not(unix))]
fn cause(status: Option<ExitStatus>) -> Death {
    /// How a program ends that gives up, as the allocator does: *fail fast*.
    const FAIL_FAST: u32 = 0xC000_0409;
    match status.and_then(|status| status.code()) {
        Some(code) if code.cast_unsigned() == FAIL_FAST => Death::OutOfMemory,
        Some(_) | None => Death::Other,
    }
}
