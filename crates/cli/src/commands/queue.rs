//! `queue`: which download comes next.

use lanspread_api::{
    Command, Report, Snapshot,
    types::snapshot::{Game, Phase},
};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
    words,
};

/// Show the downloads that wait, or put some of them first
#[derive(Debug, clap::Args)]
pub(crate) struct QueueArgs {
    /// The games to put first, in this order
    #[arg(value_name = "GAME")]
    first: Vec<String>,
}

pub(crate) fn run(args: &QueueArgs, session: &Session) -> Outcome {
    if !args.first.is_empty() {
        let games = args.first.clone();
        let queue = session.snapshot()?.queue;
        let waits = |game: &str| queue.iter().any(|other| other.eq_ignore_ascii_case(game));
        if let Some(game) = games.iter().find(|game| !waits(game)) {
            let message = format!("{game} does not wait in the queue");
            return Err(Report::new("nothing-runs", message).into());
        }
        return session.change(&Command::Reorder { games }, "the queue is in the new order");
    }
    let snapshot = session.snapshot()?;
    if session.out.is_json() {
        return Ok(session.out.json(&snapshot.queue)?);
    }
    if snapshot.queue.is_empty() && paused(&snapshot).next().is_none() {
        return Ok(session.out.line("no download waits for its turn")?);
    }
    Ok(session.out.table(&table(&snapshot))?)
}

/// What was paused while it ran has no place among those that wait.
fn paused(snapshot: &Snapshot) -> impl Iterator<Item = &Game> {
    let paused = |game: &&Game| {
        let operation = game.operation.as_ref();
        operation.is_some_and(|operation| operation.phase == Phase::Paused)
            && !snapshot.queue.contains(&game.game)
    };
    snapshot.games.iter().filter(paused)
}

fn table(snapshot: &Snapshot) -> Table<3> {
    let mut table = Table::new([
        ("#", Align::Right),
        ("GAME", Align::Left),
        ("STATE", Align::Left),
    ]);
    for (place, name) in snapshot.queue.iter().enumerate() {
        let game = snapshot.games.iter().find(|game| game.game == *name);
        let operation = game.and_then(|game| game.operation.as_ref());
        let state = operation.map_or_else(String::new, words::operation);
        table.row([(place + 1).to_string(), name.clone(), state]);
    }
    for game in paused(snapshot) {
        let state = game.operation.as_ref().map(words::operation);
        table.row([String::new(), game.game.clone(), state.unwrap_or_default()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn what_is_paused_is_said_to_be() {
        let mut snapshot = sample::snapshot();
        let first = &mut snapshot.games[0];
        first.operation = Some(sample::operation(Phase::Paused));
        snapshot.queue = vec![first.game.clone(), "doom".to_owned()];
        snapshot.games[1].operation = Some(sample::operation(Phase::Paused));
        insta::assert_snapshot!(table(&snapshot).lines(80).join("\n"), @r"
        #  GAME                                          STATE
        1  battlefield 1942                              paused 44%
        2  doom
           quake iii arena with a very long name indeed  paused 44%
        ");
    }
}
