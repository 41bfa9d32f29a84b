//! `queue`: which download comes next.

use lanspread_api::{Command, Report};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
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
    let queue = session.snapshot()?.queue;
    if session.out.is_json() {
        return Ok(session.out.json(&queue)?);
    }
    if queue.is_empty() {
        return Ok(session.out.line("no download waits for its turn")?);
    }
    let mut table = Table::new([("#", Align::Right), ("GAME", Align::Left)]);
    for (place, game) in queue.into_iter().enumerate() {
        table.row([(place + 1).to_string(), game]);
    }
    Ok(session.out.table(&table)?)
}
