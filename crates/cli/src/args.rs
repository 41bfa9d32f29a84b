//! The command line, typed. The doc comments are the help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{commands, env};

/// Gives everybody at a LAN party every game, at the speed of the wire
///
/// Without a command, runs a peer: it finds other peers, shares the games of the games directory,
/// downloads and installs. The other commands ask that running peer, from another terminal.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no node running, 4 another node owns the state
/// directory.
#[derive(Debug, Parser)]
#[command(name = "lanspread", version, max_term_width = 100)]
pub(crate) struct Args {
    /// What every command understands
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do; without one, a peer runs
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
    Uninstall(commands::uninstall::UninstallArgs),
    Remove(commands::remove::RemoveArgs),
    Cancel(commands::cancel::CancelArgs),
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
    Inspect(commands::inspect::InspectArgs),
    Logs(commands::logs::LogsArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}

impl Default for Commands {
    /// Without a command, a peer runs.
    fn default() -> Self {
        Self::Node(commands::node::NodeArgs::default())
    }
}

#[cfg(test)]
mod tests;
