//! The same command for one game or for many.

use lanspread_api::{
    Command, Reply, Report, Snapshot,
    types::snapshot::{Game, Phase},
};

use crate::{
    report::Outcome,
    session::Session,
    wait::{self, Job, WaitArgs},
    words,
};

/// The ids of the games that fit.
pub(crate) fn games(snapshot: &Snapshot, fits: impl Fn(&Game) -> bool) -> Vec<String> {
    let fitting = snapshot.games.iter().filter(|game| fits(game));
    fitting.map(|game| game.game.clone()).collect()
}

/// An operation runs or waits.
pub(crate) fn is_busy(game: &Game) -> bool {
    let phase = game.operation.as_ref().map(|operation| operation.phase);
    phase.is_some_and(|phase: Phase| !phase.is_end())
}

/// Starts an operation on each game and waits for them if asked. With one game its failure is the
/// answer; with several, each failure is a line and the others go on.
pub(crate) fn start(
    session: &Session,
    games: &[String],
    command: impl Fn(&str) -> Command,
    wait: &WaitArgs,
) -> Outcome {
    let mut jobs = Vec::new();
    let mut failed = Vec::new();
    for game in games {
        match session.start(&command(game)) {
            Ok(operation) => jobs.push(Job::new(game, operation)),
            Err(failure) if games.len() == 1 => return Err(failure),
            Err(failure) => failed.push((game, failure)),
        }
    }
    if wait.wait {
        wait::until_ended(session, &jobs)?;
    } else {
        tell_started(session, &jobs)?;
    }
    conclude(failed)
}

/// Changes something about each game that is done at once.
pub(crate) fn change(
    session: &Session,
    games: &[String],
    command: impl Fn(&str) -> Command,
    done: &str,
) -> Outcome {
    if games.is_empty() {
        return session.confirm(&Reply::Done, "nothing to do");
    }
    let mut failed = Vec::new();
    for game in games {
        match session.change(&command(game), &format!("{game}: {done}")) {
            Ok(()) => {}
            Err(failure) if games.len() == 1 => return Err(failure),
            Err(failure) => failed.push((game, failure)),
        }
    }
    conclude(failed)
}

fn tell_started(session: &Session, jobs: &[Job]) -> Outcome {
    if session.out.is_json() {
        return Ok(session.out.json(&jobs)?);
    }
    if jobs.is_empty() {
        session.out.line("nothing to do")?;
    }
    for job in jobs {
        session.out.line(format!(
            "{}: started; `lanspread status` shows how it goes",
            job.game
        ))?;
    }
    Ok(())
}

fn conclude(failed: Vec<(&String, crate::report::Failure)>) -> Outcome {
    if failed.is_empty() {
        return Ok(());
    }
    let mut causes = Vec::new();
    let count = words::count(failed.len() as u64, "game");
    for (game, failure) in failed {
        match failure {
            crate::report::Failure::Reported(report) => causes.push(format!("{game}: {report}")),
            output @ crate::report::Failure::Output(_) => return Err(output),
        }
    }
    let report = Report::new("some-failed", format!("{count} failed"));
    Err(Report { causes, ..report }.into())
}
