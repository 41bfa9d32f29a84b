//! `connect`: reach a peer that was not found.

use lanspread_api::{Command, Reply, client};

use crate::{report::Outcome, session::Session};

/// Connect to a peer by its address
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    /// A host name or an IP address, with :PORT behind unless it is 47100
    #[arg(value_name = "ADDR")]
    address: String,
}

pub(crate) fn run(args: &ConnectArgs, session: &Session) -> Outcome {
    let address = args.address.clone();
    let reply = session.call(&Command::Connect { address })?;
    let Reply::Connected { peer, words } = &reply else {
        return Err(client::unexpected(&reply).into());
    };
    let short: String = peer.chars().take(8).collect();
    session.confirm(&reply, &format!("connected to {short}, words {words}"))
}
