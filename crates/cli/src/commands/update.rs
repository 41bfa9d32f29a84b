//! `update`: download and install the newest version.

use lanspread_api::{Command, types::snapshot::Game};

use crate::{batch, report::Outcome, session::Session, wait};

/// Download and install the newest version of a game; your own files stay
#[derive(Debug, clap::Args)]
pub(crate) struct UpdateArgs {
    /// The game
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    game: Option<String>,
    /// Every game for which somebody has a newer version
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &UpdateArgs, session: &Session) -> Outcome {
    let command = |game: &str| Command::Update {
        game: game.to_owned(),
    };
    let is_old = |game: &Game| game.update_available && !batch::is_busy(game);
    let games = match &args.game {
        Some(game) => vec![game.clone()],
        None => batch::games(&session.snapshot()?, is_old),
    };
    batch::start(session, &games, command, &args.wait)
}
