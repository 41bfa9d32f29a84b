//! `pair`: let a browser in.

use lanspread_api::{Command, Reply, Report, client};

use crate::{browser, report::Outcome, session::Session};

/// Open the web page, with a code that lets this browser in once
///
/// The code can be used within five minutes, and is worth nothing after five wrong tries. A browser
/// that was let in stays so, over restarts too.
#[derive(Debug, clap::Args)]
pub(crate) struct PairArgs {
    /// Only print the address
    #[arg(long)]
    no_open: bool,
}

pub(crate) fn run(args: &PairArgs, session: &Session) -> Outcome {
    let link = link(session)?;
    show(session, &link, args.no_open)
}

/// A new pairing link of the running node.
pub(super) fn link(session: &Session) -> Result<Link, Report> {
    Link::of(session.call(&Command::Pair)?)
}

/// The address of the page with a code in it.
#[derive(Debug)]
pub(crate) struct Link {
    reply: Reply,
    pub(crate) link: String,
    others: Vec<String>,
    code: String,
}

impl Link {
    /// Reads it out of a reply.
    pub(crate) fn of(reply: Reply) -> Result<Self, Report> {
        let Reply::Pairing {
            link, others, code, ..
        } = &reply
        else {
            return Err(client::unexpected(&reply));
        };
        let (link, others, code) = (link.clone(), others.clone(), code.clone());
        Ok(Self {
            reply,
            link,
            others,
            code,
        })
    }
}

/// Prints the link, and opens it unless told otherwise. Where nothing can be opened, that is said,
/// and no failure: the link is there.
pub(crate) fn show(session: &Session, pairing: &Link, no_open: bool) -> Outcome {
    let opened = if no_open {
        Ok(())
    } else {
        browser::open_page(&pairing.link)
    };
    if session.out.is_json() {
        session.out.json(&pairing.reply)?;
        return Ok(());
    }
    session.out.line(format!("page  {}", pairing.link))?;
    for other in &pairing.others {
        session.out.line(format!("  or  {other}"))?;
    }
    session
        .out
        .line(format!("code  {}  (once, within 5 minutes)", pairing.code))?;
    if let Err(report) = opened {
        tracing::info!(%report, "the page is not opened");
        session
            .out
            .line("no browser could be started: open the address yourself")?;
    }
    Ok(())
}
