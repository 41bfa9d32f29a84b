//! `rescan`: look at the games directory now.

use lanspread_api::Command;

use crate::{report::Outcome, session::Session};

/// Look at the games directory now
#[derive(Debug, clap::Args)]
pub(crate) struct RescanArgs {}

pub(crate) fn run(_args: &RescanArgs, session: &Session) -> Outcome {
    session.change(&Command::Rescan, "the games directory is being looked at")
}
