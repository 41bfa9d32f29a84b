//! `install`: make a downloaded game playable.

use lanspread_api::Command;

use crate::{batch, report::Outcome, session::Session, wait};

/// Install a downloaded game
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    /// The game
    game: String,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &InstallArgs, session: &Session) -> Outcome {
    let command = |game: &str| Command::Install {
        game: game.to_owned(),
    };
    batch::start(
        session,
        std::slice::from_ref(&args.game),
        command,
        &args.wait,
    )
}
