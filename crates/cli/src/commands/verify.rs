//! `verify`: read a game again, and mend it.

use lanspread_api::Command;

use crate::{batch, report::Outcome, session::Session, wait};

/// Read a game again, byte by byte, and mend what is damaged
///
/// Damaged parts of the download come from other peers, damaged files of the installed game out of
/// the download. Your own files, and those that you or the game changed, are named and stay.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The game
    game: String,
    /// Put changed files of the installed game back too; what they were goes to `kept/`
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &VerifyArgs, session: &Session) -> Outcome {
    let command = |game: &str| Command::Verify {
        game: game.to_owned(),
        force: args.force,
    };
    batch::start(
        session,
        std::slice::from_ref(&args.game),
        command,
        &args.wait,
    )
}
