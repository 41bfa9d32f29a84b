//! Intent and what is found → the steps of an undisturbed transaction.
//!
//! What follows the commit point is what [`crate::recover()`] says for the state right behind it,
//! so the way forward and the way back after a crash are the same code.

use alloc::{vec, vec::Vec};

use crate::{
    intent::{Goal, Intent, Phase},
    observed::Observed,
    recover::{RecoverRefusal, recover},
    slot::{Role, Slot},
    step::Step,
};

/// The first half of an install, update or repair: everything until the staging can be filled.
#[must_use]
pub fn begin_staging() -> Vec<Step> {
    vec![
        Step::WriteIntent(Phase::Preparing),
        Step::SetAside(Slot::Staging),
        Step::SetAside(Slot::Backup),
        Step::MakeStaging,
    ]
}

/// The second half, when the staging is complete.
///
/// # Errors
/// The slots are not as the first half left them.
pub fn commit_staging(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    let mut steps = vec![Step::WriteNextRecord, Step::SyncTree(Slot::Staging)];
    if observed.live.is_filled() && !matches!(intent.goal, Goal::Repair(_)) {
        steps.push(Step::Claim(Slot::Live, Role::Old));
    }
    steps.push(Step::WriteIntent(Phase::Committed));
    steps.extend(recover(&intent.in_phase(Phase::Committed), observed)?);
    Ok(steps)
}

/// A commit of a download.
///
/// # Errors
/// There is no complete `.incoming/`.
pub fn commit_download(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    let mut steps = vec![Step::SyncTree(Slot::Incoming)];
    steps.extend(commit_at_once(intent, observed)?);
    Ok(steps)
}

/// An uninstall or a remove: from the intent on only forward.
///
/// # Errors
/// The slots are in a state that no operation leaves.
pub fn commit_at_once(intent: &Intent, observed: &Observed) -> Result<Vec<Step>, RecoverRefusal> {
    let mut steps = vec![Step::WriteIntent(Phase::Committed)];
    steps.extend(recover(intent, observed)?);
    Ok(steps)
}
