//! `share`: what is shared, and when.

use lanspread_api::Command;

use crate::{report::Outcome, session::Session};

/// Share games or not, or stop sending for a time
#[derive(Debug, clap::Args)]
pub(crate) struct ShareArgs {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Share one game, or everything; ends a pause
    On {
        /// The game; everything when absent
        game: Option<String>,
    },
    /// Do not share one game, or anything
    Off {
        /// The game; everything when absent
        game: Option<String>,
    },
    /// Stop sending, for some minutes or until `share on`
    Pause {
        /// For how many minutes
        #[arg(value_name = "MIN", value_parser = clap::value_parser!(u64).range(1..=1_440))]
        minutes: Option<u64>,
    },
}

pub(crate) fn run(args: &ShareArgs, session: &Session) -> Outcome {
    let switch = |game: &Option<String>, on| Command::Share {
        game: game.clone(),
        on,
    };
    let what = |game: &Option<String>| game.clone().unwrap_or_else(|| "sharing".to_owned());
    match &args.what {
        What::On { game } => session.change(&switch(game, true), &format!("{}: on", what(game))),
        What::Off { game } => session.change(&switch(game, false), &format!("{}: off", what(game))),
        What::Pause { minutes } => {
            let for_ms = minutes.map(|minutes| minutes * 60_000);
            let until = minutes.map_or_else(
                || "until `lanspread share on`".to_owned(),
                |minutes| format!("for {minutes} min"),
            );
            session.change(
                &Command::SharePause { for_ms },
                &format!("sending pauses {until}"),
            )
        }
    }
}
