//! Owns who is there: sightings, dials, links, names.

use std::net::SocketAddr;

use lanspread_proto::{PeerId, text::PeerName};

use crate::{
    actor::{Mailbox, Reply},
    error::OperationError,
};

/// What the owner of the links is asked.
#[derive(Debug)]
pub(crate) enum Msg {
    Connect(SocketAddr, Reply<PeerId>),
    Block(PeerId, bool, Reply<()>),
    SetName(PeerName, Reply<()>),
}

/// A cheap door to the owner of the links.
#[derive(Debug, Clone)]
pub(crate) struct PeersHandle {
    mailbox: Mailbox<Msg>,
}

impl PeersHandle {
    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<PeerId, OperationError> {
        self.mailbox.ask(|reply| Msg::Connect(address, reply)).await
    }

    pub(crate) async fn block(&self, peer: PeerId, blocked: bool) -> Result<(), OperationError> {
        self.mailbox
            .ask(|reply| Msg::Block(peer, blocked, reply))
            .await
    }

    pub(crate) async fn set_name(&self, name: PeerName) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::SetName(name, reply)).await
    }
}
