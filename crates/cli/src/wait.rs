//! `--wait`: watches operations until they end, with a progress bar for people.
//!
//! Watching and doing are apart: breaking the watch off leaves the operations running.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanspread_api::{
    Client, Command, Reply, Report, client,
    types::snapshot::{Game, Operation, OperationKind, Phase},
};
use lanspread_proto::GameId;
use serde::Serialize;

use crate::{
    report::{Failure, Outcome},
    session::Session,
    table, words,
};

/// How often the node is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Polls after which an operation that never showed up counts as lost: snapshots are a little
/// behind replies.
const POLLS_UNSEEN_MAX: u32 = 100;
/// From this many jobs on, all games are asked for at once.
const JOBS_ASKED_SINGLY: usize = 8;

/// Whether to wait.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WaitArgs {
    /// Wait until it ends, with a progress bar; Ctrl+C stops waiting, not the operation
    #[arg(short, long)]
    pub(crate) wait: bool,
}

/// One operation to watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Job {
    pub(crate) game: String,
    pub(crate) operation: u64,
}

impl Job {
    /// A person may write the game in upper case; its id is what the node lists.
    pub(crate) fn new(game: &str, operation: u64) -> Self {
        let id = GameId::parse(game);
        Self {
            game: id.map_or_else(|_no_id| game.to_owned(), |id| id.to_string()),
            operation,
        }
    }
}

/// Watches until all have ended; fails if one did not end well.
pub(crate) fn until_ended(session: &Session, jobs: &[Job]) -> Outcome {
    let client = session.client()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut watched: Vec<Watched> = jobs.iter().map(Watched::new).collect();
    let mut display = Display::new(session.out.is_json(), jobs);
    // One listener for the whole wait: a signal between two polls counts too.
    let mut interrupt = Box::pin(tokio::signal::ctrl_c());
    loop {
        let games = observe(&client, &watched)?;
        for watched in &mut watched {
            watched.on_games(&games);
        }
        if watched.iter().all(|watched| watched.end.is_some()) {
            break;
        }
        display.show(&watched);
        let interrupted = runtime.block_on(async {
            tokio::select! {
                signal = &mut interrupt => signal.is_ok(),
                () = tokio::time::sleep(POLL_INTERVAL) => false,
            }
        });
        if interrupted {
            display.finish();
            return Err(detached(&watched).into());
        }
    }
    display.finish();
    conclude(session, &watched)
}

fn observe(client: &Client, watched: &[Watched]) -> Result<Vec<Game>, Report> {
    let open: Vec<_> = watched.iter().filter(|w| w.end.is_none()).collect();
    if open.len() >= JOBS_ASKED_SINGLY {
        let reply = client.call(&Command::Games)?;
        let Reply::Games { games } = reply else {
            return Err(client::unexpected(&reply));
        };
        return Ok(games);
    }
    let games = open
        .iter()
        .map(|watched| one_game(client, &watched.job.game));
    games.filter_map(Result::transpose).collect()
}

/// `None` for a game that is gone from the world, as after a remove.
fn one_game(client: &Client, game: &str) -> Result<Option<Game>, Report> {
    let game = game.to_owned();
    match client.call(&Command::Game { game }) {
        Ok(Reply::Game(game)) => Ok(Some(*game)),
        Err(report) if report.code == "unknown-game" => Ok(None),
        Ok(reply) => Err(client::unexpected(&reply)),
        Err(report) => Err(report),
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Well,
    Cancelled,
    Failed(Box<Report>),
    /// It is not listed any more, so that nobody knows.
    Lost,
}

/// An operation under watch.
#[derive(Debug)]
struct Watched {
    job: Job,
    last: Option<Operation>,
    unseen: u32,
    end: Option<End>,
}

impl Watched {
    fn new(job: &Job) -> Self {
        Self {
            job: job.clone(),
            last: None,
            unseen: 0,
            end: None,
        }
    }

    fn on_games(&mut self, games: &[Game]) {
        if self.end.is_some() {
            return;
        }
        let game = games.iter().find(|game| game.game == self.job.game);
        let operation = game
            .and_then(|game| game.operation.clone())
            .filter(|operation| operation.operation == self.job.operation);
        match operation {
            Some(operation) => {
                self.unseen = 0;
                self.end = end(&operation);
                self.last = Some(operation);
            }
            None => self.on_missing(game.is_none()),
        }
    }

    /// Snapshots are a little late at first; later, the operation is over and forgotten.
    fn on_missing(&mut self, game_is_gone: bool) {
        self.unseen += 1;
        let kind = self.last.as_ref().map(|last| last.kind);
        if kind == Some(OperationKind::Remove) && game_is_gone {
            self.end = Some(End::Well);
        } else if self.last.is_some() || self.unseen > POLLS_UNSEEN_MAX {
            self.end = Some(End::Lost);
        }
    }
}

fn end(operation: &Operation) -> Option<End> {
    match operation.phase {
        Phase::Done => Some(End::Well),
        Phase::Cancelled => Some(End::Cancelled),
        Phase::Failed => {
            let unknown = || Report::new("internal", "it failed without a reason");
            let report = operation.error.clone().unwrap_or_else(unknown);
            Some(End::Failed(Box::new(report)))
        }
        Phase::Queued
        | Phase::Paused
        | Phase::Preparing
        | Phase::Adopting
        | Phase::Downloading
        | Phase::WaitingForSource
        | Phase::WaitingForGamesDir
        | Phase::Committing
        | Phase::Installing
        | Phase::Verifying
        | Phase::CloseTheGame
        | Phase::Testing
        | Phase::Publishing
        | Phase::Removing => None,
    }
}

fn detached(watched: &[Watched]) -> Report {
    let open: Vec<_> = watched
        .iter()
        .filter(|watched| watched.end.is_none())
        .map(|watched| watched.job.game.as_str())
        .collect();
    Report::new(
        "detached",
        format!("no longer waiting; goes on: {}", open.join(", ")),
    )
}

fn conclude(session: &Session, watched: &[Watched]) -> Outcome {
    if session.out.is_json() {
        let ended = watched.iter().map(
            |watched| serde_json::json!({ "game": watched.job.game, "operation": watched.last }),
        );
        session.out.json(&ended.collect::<Vec<_>>())?;
    }
    let mut failures = Vec::new();
    for Watched { job, last, end, .. } in watched {
        let kind = last
            .as_ref()
            .map_or("operation", |last| words::kind(last.kind));
        match end {
            Some(End::Well) if session.out.is_json() => {}
            Some(End::Well) => {
                session.out.line(format!("{}: {kind} done", job.game))?;
                tell_verified(session, last.as_ref())?;
            }
            Some(End::Cancelled) => {
                let message = format!("the {kind} of {} was cancelled", job.game);
                failures.push(Report::new("cancelled", message));
            }
            Some(End::Failed(report)) => failures.push((**report).clone()),
            Some(End::Lost) | None => {
                let message = format!("the node no longer knows the operation on {}", job.game);
                failures.push(Report::new("lost-track", message));
            }
        }
    }
    match failures.len() {
        0 => Ok(()),
        1 => failures
            .pop()
            .map_or(Ok(()), |report| Err(Failure::from(report))),
        number => {
            let causes = failures.iter().map(ToString::to_string).collect();
            let message = format!("{number} games failed");
            let report = Report::new("some-failed", message);
            Err(Report { causes, ..report }.into())
        }
    }
}

/// What a verify found, below its line.
fn tell_verified(session: &Session, last: Option<&Operation>) -> Outcome {
    let verified = last.and_then(|operation| operation.verified.as_ref());
    for line in verified.into_iter().flat_map(words::verified) {
        session.out.line(format!("  {line}"))?;
    }
    Ok(())
}

/// What a person sees while waiting.
enum Display {
    Silent,
    Bar(ProgressBar),
    /// One line at each tenth and each change, for logs.
    Lines(String),
}

impl Display {
    fn new(json: bool, jobs: &[Job]) -> Self {
        if json || jobs.is_empty() {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines(String::new());
        }
        let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
        // A template that does not parse would only be less pretty.
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:12}] {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let prefix = match jobs {
            [only] => table::fit(&only.game, 16),
            _ => words::count(jobs.len() as u64, "game"),
        };
        bar.set_prefix(prefix);
        Self::Bar(bar)
    }

    fn show(&mut self, watched: &[Watched]) {
        let view = View::of(watched);
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_position(view.percent.unwrap_or(0));
                bar.set_message(view.text());
            }
            Self::Lines(last) => {
                let key = format!(
                    "{}{:?}",
                    view.phase,
                    view.percent.map(|percent| percent / 10)
                );
                if *last != key {
                    // Standard error is for people; if it is gone, the work goes on.
                    drop(write_line(&view.text()));
                    *last = key;
                }
            }
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn write_line(text: &str) -> io::Result<()> {
    use io::Write;
    writeln!(io::stderr().lock(), "{text}")
}

/// The progress of all that is watched, as one.
#[derive(Debug, PartialEq, Eq)]
struct View {
    phase: String,
    percent: Option<u64>,
    rate: u64,
    left_ms: Option<u64>,
    peers: usize,
}

impl View {
    fn of(watched: &[Watched]) -> Self {
        let open = watched.iter().filter(|watched| watched.end.is_none());
        let running: Vec<&Operation> = open.filter_map(|watched| watched.last.as_ref()).collect();
        let sum = |amount: fn(&Operation) -> u64| running.iter().map(|o| amount(o)).sum::<u64>();
        let mut peers: Vec<_> = running.iter().flat_map(|o| &o.sources).collect();
        peers.retain(|source| source.rate > 0);
        peers.sort_by(|a, b| a.peer.cmp(&b.peer));
        peers.dedup_by(|a, b| a.peer == b.peer);
        let phase = match running.as_slice() {
            [] => "starting".to_owned(),
            [only] => words::phase(only.phase).to_owned(),
            many => format!("{} left", many.len()),
        };
        Self {
            phase,
            percent: words::percent(sum(|o| o.done_bytes), sum(|o| o.total_bytes)),
            rate: sum(|o| o.rate),
            left_ms: running.iter().filter_map(|o| o.left_ms).max(),
            peers: peers.len(),
        }
    }

    /// At most 48 columns, so that the bar fits a line of 80.
    fn text(&self) -> String {
        let mut text = self
            .percent
            .map_or_else(String::new, |p| format!("{p:>3}% "));
        text.push_str(&self.phase);
        if self.rate > 0 {
            text.push_str(&format!(" {}", words::rate(self.rate)));
        }
        if let Some(left) = self.left_ms {
            text.push_str(&format!(" {} left", words::time_left(left)));
        }
        if self.peers > 0 {
            text.push_str(&format!(" {}", words::count(self.peers as u64, "peer")));
        }
        text
    }
}

#[cfg(test)]
mod tests;
