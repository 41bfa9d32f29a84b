//! [`Household`]: what the doors need, so that they can be tried without a node.

use std::future::Future;

use lanspread_node::play::Cover;
use tokio::sync::{broadcast, watch};

use crate::{
    error::Report,
    front::Front,
    types::{Command, Notice, Reply},
};

/// What the doors need. The product's only one is [`Reception`](crate::Reception).
pub trait Household: Clone + Send + Sync + 'static {
    /// Carries a command out.
    fn call(&self, command: Command) -> impl Future<Output = Result<Reply, Report>> + Send;

    /// The picture of a game; there may be none.
    fn cover(&self, game: &str) -> impl Future<Output = Result<Option<Cover>, Report>> + Send;

    /// Follows the state.
    fn fronts(&self) -> watch::Receiver<Front>;

    /// Follows the notices. The state knows of what a notice tells before the notice is there.
    fn notices(&self) -> broadcast::Receiver<Notice>;
}
