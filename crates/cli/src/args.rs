//! The command line, typed. The doc comments are the help.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

use crate::{commands, env};

/// Gives everybody at a LAN party every game, at the speed of the wire
///
/// Without a command, runs a peer and opens its page: it finds other peers, shares the games of the
/// games directory, downloads and installs. When one runs already, only its page is opened. The
/// other commands ask that running peer, from another terminal.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no node running, 4 another node owns the state
/// directory.
#[derive(Debug, Parser)]
#[command(name = "lanspread", version, max_term_width = 100)]
pub(crate) struct Args {
    /// What every command understands
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// Without a command: print the address of the page, and do not open it
    #[arg(long)]
    pub(crate) no_open: bool,
    /// What to do; without one, a peer runs and its page is opened
    #[command(subcommand)]
    pub(crate) command: Option<Commands>,
}

/// What every command understands
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GlobalArgs {
    /// The state directory: key, settings, index, log; it also says which running node is meant
    #[arg(long, global = true, value_name = "DIR", env = env::STATE)]
    pub(crate) state: Option<PathBuf>,
    /// Write JSON instead of tables and sentences
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more to standard error; twice or thrice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Args {
    /// Parses the command line of this process; ends it when that is wrong.
    pub(crate) fn read() -> Self {
        Self::try_parse()
            .and_then(Self::checked)
            .unwrap_or_else(|error| error.exit())
    }

    /// What the parser cannot be told.
    fn checked(self) -> Result<Self, clap::Error> {
        if self.no_open && self.command.is_some() {
            let message = "--no-open goes alone, or behind `pair`";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(self)
    }
}

/// The commands, in the order of the help
#[derive(Debug, Subcommand)]
pub(crate) enum Commands {
    Node(commands::node::NodeArgs),
    Demo(commands::demo::DemoArgs),
    Games(commands::games::GamesArgs),
    Peers(commands::peers::PeersArgs),
    Status(commands::status::StatusArgs),
    Transfers(commands::transfers::TransfersArgs),
    Get(commands::get::GetArgs),
    Install(commands::install::InstallArgs),
    Update(commands::update::UpdateArgs),
    Play(commands::play::PlayArgs),
    Uninstall(commands::uninstall::UninstallArgs),
    Remove(commands::remove::RemoveArgs),
    Cancel(commands::cancel::CancelArgs),
    Pair(commands::pair::PairArgs),
    Pause(commands::pause::PauseArgs),
    Resume(commands::resume::ResumeArgs),
    Queue(commands::queue::QueueArgs),
    Verify(commands::verify::VerifyArgs),
    Publish(commands::publish::PublishArgs),
    Rescan(commands::rescan::RescanArgs),
    Share(commands::share::ShareArgs),
    Limit(commands::limit::LimitArgs),
    Settings(commands::settings::SettingsArgs),
    Kick(commands::kick::KickArgs),
    Connect(commands::connect::ConnectArgs),
    Doctor(commands::doctor::DoctorArgs),
    Handout(commands::handout::HandoutArgs),
    Inspect(commands::inspect::InspectArgs),
    Logs(commands::logs::LogsArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}

#[cfg(test)]
mod tests;
