//! `resume`: let a paused download go on.

use lanspread_api::{
    Command,
    types::snapshot::{Game, Phase},
};

use crate::{batch, report::Outcome, session::Session};

/// Let a paused download go on
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// The game
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    game: Option<String>,
    /// Every paused download
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &ResumeArgs, session: &Session) -> Outcome {
    let games = match &args.game {
        Some(game) => vec![game.clone()],
        None => batch::games(&session.snapshot()?, is_paused),
    };
    let command = |game: &str| Command::Resume {
        game: game.to_owned(),
    };
    batch::change(session, &games, command, "goes on")
}

fn is_paused(game: &Game) -> bool {
    let phase = game.operation.as_ref().map(|operation| operation.phase);
    phase == Some(Phase::Paused)
}
