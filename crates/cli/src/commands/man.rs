//! `man`: the manual page.

use clap::CommandFactory;

use lanspread_api::Report;

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
    let page = match &args.command {
        None => &root,
        Some(name) => root
            .find_subcommand(name)
            .ok_or_else(|| Report::new("bad-value", format!("there is no command {name}")))?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    Ok(session.out.raw(&text)?)
}
