//! Owns what we know of our own games on disk: scanned, hashed, shared or not.

use std::path::PathBuf;

use crate::{
    actor::{Mailbox, Reply},
    error::OperationError,
    handle::{PublishPlan, ShareChange},
};

/// What the shelf is asked.
#[derive(Debug)]
pub(crate) enum Msg {
    PlanPublish(PathBuf, Reply<PublishPlan>),
    Rescan(Reply<()>),
    Share(ShareChange, Reply<()>),
}

/// A cheap door to the shelf.
#[derive(Debug, Clone)]
pub(crate) struct ShelfHandle {
    mailbox: Mailbox<Msg>,
}

impl ShelfHandle {
    pub(crate) async fn plan_publish(
        &self,
        source: PathBuf,
    ) -> Result<PublishPlan, OperationError> {
        self.mailbox
            .ask(|reply| Msg::PlanPublish(source, reply))
            .await
    }

    pub(crate) async fn rescan(&self) -> Result<(), OperationError> {
        self.mailbox.ask(Msg::Rescan).await
    }

    pub(crate) async fn share(&self, change: ShareChange) -> Result<(), OperationError> {
        self.mailbox.ask(|reply| Msg::Share(change, reply)).await
    }
}
