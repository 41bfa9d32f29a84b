//! `cancel`: stop what runs on a game.

use lanspread_api::Command;

use crate::{report::Outcome, session::Session};

/// Cancel what is running or waiting on a game
///
/// What was downloaded so far stays for the next try.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// The game
    game: String,
    /// Delete what was downloaded so far
    #[arg(long)]
    discard: bool,
}

pub(crate) fn run(args: &CancelArgs, session: &Session) -> Outcome {
    let command = Command::Cancel {
        game: args.game.clone(),
        discard: args.discard,
    };
    session.change(&command, &format!("{}: cancelled", args.game))
}
