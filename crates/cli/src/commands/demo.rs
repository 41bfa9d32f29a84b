//! `demo`: a party of three peers on this machine.

use std::path::PathBuf;

use lanspread_api::Report;
use lanspread_demo::{
    DemoError, Party, Summary,
    party::{Member, Options},
};

use tokio_util::sync::CancellationToken;

use self::{display::Display, doors::Doors};
use super::node::signals::Signals;
use crate::{
    files, logging,
    report::{Failure, Outcome},
    session::Session,
};

mod display;
mod doors;
mod outcome;

/// Show everything on this machine: a party of three peers with generated games
///
/// Two peers share five generated games (a RAR set, a ZIP, a 7z, a tar.zst and plain files), a
/// guest has none. All listen on loopback only and look for nobody else. With --headless the guest
/// downloads every game from both at once and installs it, and every installed file is compared
/// with what was generated. Without, the party stays until Ctrl+C, for you to play with.
///
/// Everything lies in one new directory, which is removed in the end.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Fetch, install and check everything, print a summary, and end
    #[arg(long)]
    headless: bool,
    /// Where the demo makes its directory; the system's place for temporary files when absent
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// About how large the games are together; four times as much must be free
    #[arg(
        long,
        value_name = "MB",
        default_value_t = Options::MEGABYTES_DEFAULT,
        value_parser = clap::value_parser!(u32).range(5..=100_000)
    )]
    size: u32,
}

pub(crate) fn run(args: &DemoArgs, session: &Session) -> Outcome {
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let program = std::env::current_exe().map_err(|error| {
        let message = format!("cannot find this program itself: {error}");
        Report::new("internal", message)
    })?;
    let options = Options {
        parent: files::existing_dir(&dir)?,
        megabytes: args.size,
        worker: lanspread_unpack::WorkerCommand::inside(program),
    };
    logging::install_without_file(session.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(live(options, args.headless, session))
}

async fn live(options: Options, headless: bool, session: &Session) -> Outcome {
    let mut signals = Signals::listen()?;
    let mut party = Party::create(options).map_err(outcome::report)?;
    let shown = show(&mut party, headless, session, &mut signals).await;
    // Whatever happened, nothing stays behind.
    let ended = Box::pin(party.end()).await.map_err(outcome::report);
    shown.and(ended.map_err(Failure::from))
}

async fn show(
    party: &mut Party,
    headless: bool,
    session: &Session,
    signals: &mut Signals,
) -> Outcome {
    let root = party.root().display().to_string();
    if !session.out.is_json() {
        let what = "a party of three peers on this machine, in";
        session.out.line(format!("{what} {root}"))?;
    }
    let mut display = Display::new(session.out.is_json());
    let progress = party.progress();
    let played = tokio::select! {
        played = play(party, headless) => played,
        never = display.follow(progress) => match never {},
        () = signals.next() => Err(DemoError::Stopped),
    };
    display.finish();
    match played.map_err(outcome::report)? {
        Some(summary) => outcome::show(&summary, session),
        None => stay(party.members(), session, signals).await,
    }
}

async fn play(party: &mut Party, headless: bool) -> Result<Option<Summary>, DemoError> {
    Box::pin(party.gather()).await?;
    if headless {
        Ok(Some(Box::pin(party.fetch_all()).await?))
    } else {
        Ok(None)
    }
}

/// Lets people in until they have seen enough.
async fn stay(members: &[Member], session: &Session, signals: &mut Signals) -> Outcome {
    let mut doors = Vec::new();
    let quit = CancellationToken::new();
    for member in members {
        doors.push(Doors::open(member, quit.clone()).await?);
    }
    let told = doors::tell(&doors, session);
    if told.is_ok() {
        tokio::select! {
            () = signals.next() => {}
            () = quit.cancelled() => {}
        }
    }
    for door in doors {
        door.close().await;
    }
    told
}
