//! `completions`: for the shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Args, report::Outcome, session::Session};

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, session: &Session) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "lanspread", &mut text);
    Ok(session.out.raw(&text)?)
}
