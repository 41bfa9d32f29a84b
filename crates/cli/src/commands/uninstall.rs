//! `uninstall`: take the installed game away.

use lanspread_api::Command;

use crate::{batch, report::Outcome, session::Session, wait};

/// Take an installed game away; the download stays and is shared
///
/// Files that you or the game made (saves, settings, mods) are put aside in `kept/`.
#[derive(Debug, clap::Args)]
pub(crate) struct UninstallArgs {
    /// The game
    game: String,
    /// Delete your own files too
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &UninstallArgs, session: &Session) -> Outcome {
    let command = |game: &str| Command::Uninstall {
        game: game.to_owned(),
        purge: args.purge,
    };
    batch::start(
        session,
        std::slice::from_ref(&args.game),
        command,
        &args.wait,
    )
}
