//! `man`: the manual page.

use clap::CommandFactory;

use crate::{args::Args, report::Outcome, session::Session};

/// Print the manual page; `lanspread man | man -l -` shows it
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The page of this command instead
    command: Option<String>,
}

pub(crate) fn run(args: &ManArgs, session: &Session) -> Outcome {
    let mut root = Args::command();
    root.build();
    let wanted = args.command.as_deref();
    let page = wanted
        .and_then(|name| root.find_subcommand(name))
        .unwrap_or(&root);
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    Ok(session.out.raw(&text)?)
}
