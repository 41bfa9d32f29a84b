//! From the node's own types to the public ones. Total matches: a new variant does not compile
//! until it is given a public form.

mod error;
mod notice;
mod play;
mod snapshot;

use std::time::Duration;

use lanspread_node::handle;

use crate::types::{FileView, PublishPlan};

impl From<&handle::FileView> for FileView {
    fn from(file: &handle::FileView) -> Self {
        Self {
            path: file.path.as_str().to_owned(),
            bytes: file.bytes,
        }
    }
}

impl From<&handle::PublishPlan> for PublishPlan {
    fn from(plan: &handle::PublishPlan) -> Self {
        Self {
            game: plan.game.to_string(),
            version: plan.version.as_ref().map(ToString::to_string),
            bytes: plan.bytes,
            files: plan.files,
            free_bytes: plan.free_bytes,
            in_place: plan.in_place,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
