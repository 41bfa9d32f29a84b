//! `get`: download, and install.

use std::path::PathBuf;

use lanspread_api::{Command, types::command::GetCommand, types::snapshot::Game};

use crate::{batch, files, report::Outcome, session::Session, wait};

/// Download a game from everybody who has it, and install it
///
/// Takes the newest version, and of it the content that most peers have ready. A download that is
/// broken off goes on where it was.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct GetArgs {
    /// The game
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    game: Option<String>,
    /// Every game that is not here yet
    #[arg(long, conflicts_with = "content")]
    all: bool,
    /// Exactly this content, if several are offered
    #[arg(long, value_name = "ID")]
    content: Option<String>,
    /// Only download
    #[arg(long)]
    no_install: bool,
    /// Install straight from the others: needs only the room of the installed game, but nobody gets
    /// it from you. RAR archives may cross the network up to twice
    #[arg(long, conflicts_with_all = ["no_install", "from"])]
    low_disk: bool,
    /// Take equal parts from the files of this directory instead of the network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    #[command(flatten)]
    wait: wait::WaitArgs,
}

pub(crate) fn run(args: &GetArgs, session: &Session) -> Outcome {
    let from = args.from.as_deref().map(files::existing_dir).transpose()?;
    let command = |game: &str| {
        Command::Get(GetCommand {
            game: game.to_owned(),
            content: args.content.clone(),
            install: !args.no_install,
            low_disk: args.low_disk,
            from: from.as_ref().map(|dir| dir.display().to_string()),
        })
    };
    let games = match &args.game {
        Some(game) => vec![game.clone()],
        None => batch::games(&session.snapshot()?, is_missing),
    };
    batch::start(session, &games, command, &args.wait)
}

/// Somebody has every byte of it and we have nothing.
fn is_missing(game: &Game) -> bool {
    let here = game.local.downloaded.is_some() || game.local.installed.is_some();
    !here && !batch::is_busy(game) && game.contents.iter().any(|content| content.ready > 0)
}
