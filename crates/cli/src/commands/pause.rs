//! `pause`: let a download wait.

use lanspread_api::{
    Command,
    types::snapshot::{Game, OperationKind, Phase},
};

use crate::{batch, report::Outcome, session::Session};

/// Pause a download until `resume`
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// The game
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    game: Option<String>,
    /// Every download
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &PauseArgs, session: &Session) -> Outcome {
    let games = match &args.game {
        Some(game) => vec![game.clone()],
        None => batch::games(&session.snapshot()?, can_pause),
    };
    let command = |game: &str| Command::Pause {
        game: game.to_owned(),
    };
    batch::change(session, &games, command, "paused")
}

fn can_pause(game: &Game) -> bool {
    game.operation.as_ref().is_some_and(|operation| {
        let loads = matches!(
            operation.kind,
            OperationKind::Download | OperationKind::Update
        );
        loads && !operation.phase.is_end() && operation.phase != Phase::Paused
    })
}
