//! [`Household`]: what the doors need of a node, so that they can be tried without one.

use std::{future::Future, sync::Arc};

use lanspread_node::NodeHandle;
use tokio::sync::{broadcast, watch};

use crate::{
    error::Report,
    rpc,
    types::{Command, Reply},
};

/// What the doors need of a node. The product's only one is [`NodeHandle`].
pub trait Household: Clone + Send + Sync + 'static {
    /// Carries a command out.
    fn call(&self, command: Command) -> impl Future<Output = Result<Reply, Report>> + Send;

    /// Follows the snapshots.
    fn snapshots(&self) -> watch::Receiver<Arc<lanspread_node::Snapshot>>;

    /// Follows the notices.
    fn notices(&self) -> broadcast::Receiver<lanspread_node::Notice>;
}

impl Household for NodeHandle {
    async fn call(&self, command: Command) -> Result<Reply, Report> {
        rpc::rpc(self, command).await
    }

    fn snapshots(&self) -> watch::Receiver<Arc<lanspread_node::Snapshot>> {
        self.watch()
    }

    fn notices(&self) -> broadcast::Receiver<lanspread_node::Notice> {
        Self::notices(self)
    }
}
