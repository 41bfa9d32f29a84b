//! [`Peer`]: one running node, its replies and notices, and waiting for what it should become.
//!
//! Every wait has a deadline and a condition; one that is not met says what was seen instead.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use lanspread_lab::{Process, process::Signal};
use serde_json::{Value, json};

/// How long an answer may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(60);
/// The usual limit of a wait: the machine may be busy, the condition is what counts.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// How often a condition is looked at while nothing is announced.
const LOOK: Duration = Duration::from_millis(100);
/// Lines of a log that are shown when a scenario fails.
const TAIL: usize = 40;

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    process: Process,
    stdin: Option<ChildStdin>,
    heard: Arc<Heard>,
    log: PathBuf,
    started: Value,
    asked: u64,
}

/// What a node has said so far.
#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    started: Option<Value>,
    replies: HashMap<u64, Value>,
    notices: Vec<Value>,
    ended: bool,
}

impl Peer {
    /// Starts `node --jsonl` and waits for its first line.
    pub(crate) fn start(mut command: Command, name: &str, log: &Path) -> Self {
        let peer = Self::try_start(&mut command, name, log);
        peer.unwrap_or_else(|| panic!("{name} did not start\n{}", tail(log)))
    }

    fn try_start(command: &mut Command, name: &str, log: &Path) -> Option<Self> {
        let mut taken = Command::new(command.get_program());
        std::mem::swap(&mut taken, command);
        taken
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).unwrap());
        let mut process = Process::spawn(taken).unwrap();
        let heard = Arc::new(Heard::default());
        let (stdin, stdout) = (process.take_stdin(), process.take_stdout().unwrap());
        let reader = Arc::clone(&heard);
        thread::spawn(move || reader.listen(stdout));
        let started = heard.wait(ANSWER, |said| said.started.clone())?;
        Some(Self {
            name: name.to_owned(),
            process,
            stdin,
            heard,
            log: log.to_owned(),
            started,
            asked: 0,
        })
    }

    /// Its public key.
    pub(crate) fn key(&self) -> String {
        self.started["peer"].as_str().unwrap().to_owned()
    }

    /// Where it listens, best first.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let seen = self.until("an address", |s| !s["me"]["addresses"][0].is_null());
        seen["me"]["addresses"][0]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The answer to a command: the reply, or the report of why not.
    pub(crate) fn call(&mut self, mut command: Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked;
        command["id"] = id.into();
        let line = format!("{command}\n");
        let stdin = self.stdin.as_mut().expect("it was stopped");
        let written = stdin
            .write_all(line.as_bytes())
            .and_then(|()| stdin.flush());
        let reply = self.heard.wait(ANSWER, |said| said.replies.remove(&id));
        match reply {
            Some(reply) if reply.get("error").is_some() => Err(reply["error"].clone()),
            Some(reply) => Ok(reply),
            None => self.fail(&format!("no answer to {line}{written:?}")),
        }
    }

    /// The reply to a command that must be accepted.
    pub(crate) fn ask(&mut self, command: Value) -> Value {
        let what = command.to_string();
        match self.call(command) {
            Ok(reply) => reply,
            Err(report) => self.fail(&format!("{what} was refused: {report:#}")),
        }
    }

    /// The report on a command that must be refused with this code.
    pub(crate) fn refused(&mut self, command: Value, code: &str) -> Value {
        let what = command.to_string();
        match self.call(command) {
            Err(report) if report["code"] == code => report,
            other => self.fail(&format!("{what} must be refused as {code}: {other:#?}")),
        }
    }

    /// All it knows now.
    pub(crate) fn snapshot(&mut self) -> Value {
        self.ask(json!({"command": "snapshot"}))
    }

    /// Waits until the snapshot fulfils a condition, and returns it.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.until_within(SOON, what, holds)
    }

    /// As [`Peer::until`], with another limit.
    pub(crate) fn until_within(
        &mut self,
        limit: Duration,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let end = Instant::now() + limit;
        loop {
            let snapshot = self.snapshot();
            if holds(&snapshot) {
                return snapshot;
            }
            if Instant::now() >= end {
                self.fail(&format!("{what} did not come within {limit:?}"));
            }
            self.heard.next_notice(LOOK);
        }
    }

    /// Waits until it has a link to so many peers.
    pub(crate) fn until_connected(&mut self, count: usize) {
        self.until(&format!("{count} peers"), |s| connected(s).len() == count);
    }

    /// Waits until a game is offered by so many peers, itself among them.
    pub(crate) fn until_ready(&mut self, game: &str, holders: u64) -> Value {
        let what = format!("{holders} peers with {game}");
        let seen = self.until(&what, |s| {
            let game = game_in(s, game);
            (game["contents"].as_array().into_iter().flatten())
                .any(|content| content["ready"].as_u64() >= Some(holders))
        });
        game_in(&seen, game)
    }

    /// Waits until its own copy of a game is shared; returns its content.
    pub(crate) fn until_shared(&mut self, game: &str) -> String {
        let what = format!("{game} shared");
        let seen = self.until(&what, |s| {
            game_in(s, game)["local"]["availability"] == "ready"
        });
        let content = &game_in(&seen, game)["local"]["content"];
        content.as_str().unwrap().to_owned()
    }

    /// Starts an operation and returns its number.
    pub(crate) fn begin(&mut self, command: Value) -> u64 {
        let reply = self.ask(command);
        reply["operation"].as_u64().unwrap()
    }

    /// Waits for the end of an operation and returns how it ended.
    pub(crate) fn ended(&mut self, game: &str, operation: u64) -> Value {
        let what = format!("the end of operation {operation} on {game}");
        let seen = self.until_within(3 * SOON, &what, |s| {
            let last = &game_in(s, game)["operation"];
            last["operation"] == operation
                && ["done", "cancelled", "failed"].contains(&last["phase"].as_str().unwrap_or(""))
        });
        // Everything that it announced is heard by then.
        self.until_notice(&what, |notice| {
            let kinds = [
                "operation_finished",
                "operation_cancelled",
                "operation_failed",
            ];
            kinds.iter().any(|kind| notice["notice"] == *kind) && notice["operation"] == operation
        });
        game_in(&seen, game)["operation"].clone()
    }

    /// Payload bytes that each peer delivered in this life, by its key.
    pub(crate) fn fetched(&self) -> HashMap<String, u64> {
        let mut from = HashMap::new();
        for chunk in self.notices_of("chunk_finished") {
            if let Some(peer) = chunk["peer"].as_str() {
                *from.entry(peer.to_owned()).or_default() += chunk["bytes"].as_u64().unwrap();
            }
        }
        from
    }

    /// Carries an operation out; it must end well.
    pub(crate) fn done(&mut self, command: Value) -> Value {
        let game = command["game"].as_str().unwrap_or_default().to_owned();
        let operation = self.begin(command);
        self.done_with(&game, operation)
    }

    /// Waits for an operation that must end well.
    pub(crate) fn done_with(&mut self, game: &str, operation: u64) -> Value {
        let end = self.ended(game, operation);
        if end["phase"] != "done" {
            self.fail(&format!("{game} must end well: {end:#}"));
        }
        end
    }

    /// Carries an operation out that must fail; returns the report.
    pub(crate) fn failed(&mut self, command: Value) -> Value {
        let game = command["game"].as_str().unwrap_or_default().to_owned();
        let operation = self.begin(command);
        let end = self.ended(&game, operation);
        if end["phase"] != "failed" {
            self.fail(&format!("{game} must fail: {end:#}"));
        }
        end["error"].clone()
    }

    /// Downloads and installs.
    pub(crate) fn get(&mut self, game: &str) -> Value {
        self.done(json!({"command": "get", "game": game}))
    }

    /// One game of the snapshot; null when it is not known.
    pub(crate) fn game(&mut self, game: &str) -> Value {
        let snapshot = self.snapshot();
        game_in(&snapshot, game)
    }

    /// Every notice so far.
    pub(crate) fn notices(&self) -> Vec<Value> {
        self.heard.said.lock().unwrap().notices.clone()
    }

    /// Notices of one kind so far.
    pub(crate) fn notices_of(&self, kind: &str) -> Vec<Value> {
        let mut notices = self.notices();
        notices.retain(|notice| notice["notice"] == kind);
        notices
    }

    /// Waits for a notice that fulfils a condition.
    pub(crate) fn until_notice(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let found = self.heard.wait(SOON, |said| {
            said.notices.iter().find(|notice| holds(notice)).cloned()
        });
        found.unwrap_or_else(|| self.fail(&format!("{what} was not announced")))
    }

    /// The most memory that it ever had, in bytes.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.memory_as("VmHWM:")
    }

    /// The memory that it has now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_as("VmRSS:")
    }

    fn memory_as(&self, kind: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(kind));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1_024
    }

    /// How many descriptors it has open.
    pub(crate) fn open_files(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap();
        open.count()
    }

    /// Its process.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    /// After a kill: waits for the process, and for its last words.
    pub(crate) fn until_silent(&mut self) {
        self.process.wait().unwrap();
        self.heard.wait(ANSWER, |said| said.ended.then_some(()));
    }

    /// Ends it as the power does.
    pub(crate) fn kill(mut self) {
        self.process.signal(Signal::KILL);
        self.process.wait().unwrap();
    }

    /// Asks it to stop, by the end of its input, and waits.
    pub(crate) fn stop(mut self) {
        drop(self.stdin.take());
        let status = self.process.wait_at_most(ANSWER).unwrap();
        match status {
            Some(status) if status.success() => {}
            other => self.fail(&format!("it must stop by itself with 0: {other:?}")),
        }
    }

    /// Ends the scenario with everything that is known about this peer.
    pub(crate) fn fail(&self, why: &str) -> ! {
        let said = self.heard.said.lock().unwrap();
        let mut text = format!("{}: {why}\n", self.name);
        for notice in said.notices.iter().rev().take(TAIL).rev() {
            writeln!(text, "  {notice}").unwrap();
        }
        drop(said);
        panic!("{text}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if thread::panicking() {
            let dying = self.process.wait_at_most(Duration::ZERO);
            eprintln!("-- {} ({dying:?})\n{}", self.name, tail(&self.log));
            if matches!(dying, Ok(None)) && self.stdin.is_some() {
                self.asked += 1;
                let line = format!("{}\n", json!({"id": self.asked, "command": "snapshot"}));
                let stdin = self.stdin.as_mut();
                stdin.map(|stdin| stdin.write_all(line.as_bytes()).ok());
                let id = self.asked;
                let last = self
                    .heard
                    .wait(Duration::from_secs(3), |s| s.replies.remove(&id));
                eprintln!("{}", shortened(&last.unwrap_or_default()));
            }
        }
    }
}

impl Heard {
    /// Reads lines until there are no more.
    fn listen(&self, stdout: ChildStdout) {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            let value: Value = serde_json::from_str(&line).expect("a line of JSON");
            let mut said = self.said.lock().unwrap();
            if let Some(started) = value.get("started") {
                said.started = Some(started.clone());
            } else if let Some(id) = value["id"].as_u64() {
                said.replies.insert(id, value);
            } else {
                said.notices.push(value);
            }
            self.more.notify_all();
        }
        self.said.lock().unwrap().ended = true;
        self.more.notify_all();
    }

    /// Waits until something was said; `None` after the limit, or when no more will be said.
    fn wait<T>(&self, limit: Duration, mut find: impl FnMut(&mut Said) -> Option<T>) -> Option<T> {
        let end = Instant::now() + limit;
        let mut said = self.said.lock().unwrap();
        loop {
            if let Some(found) = find(&mut said) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || said.ended {
                return None;
            }
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Waits for the next notice, at most so long.
    fn next_notice(&self, limit: Duration) {
        let said = self.said.lock().unwrap();
        let count = said.notices.len();
        let same = |said: &mut Said| said.notices.len() == count && !said.ended;
        drop(self.more.wait_timeout_while(said, limit, same).unwrap());
    }
}

/// One game of a snapshot; null when it is not in it.
pub(crate) fn game_in(snapshot: &Value, game: &str) -> Value {
    let games = snapshot["games"].as_array().unwrap();
    let found = games.iter().find(|one| one["game"] == game);
    found.cloned().unwrap_or_default()
}

/// The names of the connected peers in a snapshot.
pub(crate) fn connected(snapshot: &Value) -> Vec<String> {
    let peers = snapshot["peers"].as_array().unwrap();
    (peers.iter().filter(|peer| peer["state"] == "connected"))
        .map(|peer| peer["name"].as_str().unwrap().to_owned())
        .collect()
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// What matters of a snapshot, a line each.
fn shortened(snapshot: &Value) -> String {
    let me = &snapshot["me"];
    let mut lines = vec![format!(
        "  me {} {}",
        me["addresses"], me["games_dir_available"]
    )];
    for part in ["games", "peers", "uploads", "problems"] {
        for one in snapshot[part].as_array().into_iter().flatten() {
            lines.push(format!("  {part}: {one}"));
        }
    }
    lines.join("\n")
}
