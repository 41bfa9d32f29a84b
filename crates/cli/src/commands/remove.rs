//! `remove`: take the payload away.

use lanspread_api::Command;

use crate::{batch, report::Outcome, session::Session, wait};

/// Delete the downloaded files of a game
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// The game
    game: String,
    /// Keep the installed game; it is no longer shared
    #[arg(long)]
    keep_installed: bool,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &RemoveArgs, session: &Session) -> Outcome {
    let command = |game: &str| Command::Remove {
        game: game.to_owned(),
        keep_installed: args.keep_installed,
    };
    batch::start(
        session,
        std::slice::from_ref(&args.game),
        command,
        &args.wait,
    )
}
