//! No command at all, as a double click does it: run a peer and open its page; if one runs, only
//! open the page.

use clap::Parser;

use super::{
    node::{self, NodeArgs},
    pair,
};
use crate::{report::Outcome, session::Session};

pub(crate) fn run(no_open: bool, session: &Session) -> Outcome {
    if session.client_if_running()?.is_some() {
        let link = pair::link(session)?;
        return pair::show(session, &link, no_open);
    }
    let page = if no_open {
        node::Page::Print
    } else {
        node::Page::Open
    };
    node::run_with(&of_environment().node, page, session)
}

/// What a command line without anything says: only the environment speaks.
#[derive(Debug, Parser)]
struct OfEnvironment {
    #[command(flatten)]
    node: NodeArgs,
}

fn of_environment() -> OfEnvironment {
    OfEnvironment::try_parse_from(["lanspread"]).unwrap_or_else(|error| error.exit())
}
