//! [`Transaction`]: next step, step done, step failed → back, or wait for recovery.
//!
//! Invariant: steps that delete or move come only after the intent that names them was written.

use alloc::{collections::VecDeque, vec, vec::Vec};

use crate::{
    intent::{Goal, Intent, Phase},
    observed::Observed,
    plan,
    recover::{self, RecoverRefusal},
    slot::Slot,
    step::Step,
};

/// One transaction under way.
#[derive(Debug)]
pub struct Transaction {
    intent: Intent,
    steps: VecDeque<Step>,
    progress: Progress,
}

/// What the intent file may say, and where we are going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// No intent was written yet.
    Fresh,
    /// The intent on disk says *preparing*.
    Prepared,
    /// It says *committed*, or may.
    Committed,
    /// We are on the way back.
    Undoing,
}

/// What follows a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aftermath {
    /// Nothing was touched.
    Untouched,
    /// The next steps undo what was done.
    Undo,
    /// The intent stays: recovery goes on later.
    Wait,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Somebody holds a file and did not let go: a running game.
    InUse,
    /// Anything else.
    Failed,
}

impl Transaction {
    /// The first half of an install, update or repair.
    #[must_use]
    pub fn begin_staging(intent: Intent) -> Self {
        Self::new(intent, plan::begin_staging(), Progress::Fresh)
    }

    /// The second half.
    ///
    /// # Errors
    /// As [`plan::commit_staging`].
    pub fn commit_staging(intent: Intent, observed: &Observed) -> Result<Self, RecoverRefusal> {
        let steps = plan::commit_staging(&intent, observed)?;
        Ok(Self::new(intent, steps, Progress::Prepared))
    }

    /// Drops a staging that is not wanted any more.
    #[must_use]
    pub fn drop_staging(intent: Intent) -> Self {
        Self::new(intent, recover::drop_staging(), Progress::Undoing)
    }

    /// A commit of a download, an uninstall or a remove.
    ///
    /// # Errors
    /// As [`plan::commit_download`].
    pub fn commit(intent: Intent, observed: &Observed) -> Result<Self, RecoverRefusal> {
        let steps = match intent.goal {
            Goal::CommitDownload { .. } => plan::commit_download(&intent, observed)?,
            Goal::Install(_)
            | Goal::Update(_)
            | Goal::LowDisk(_)
            | Goal::Repair(_)
            | Goal::Uninstall { .. }
            | Goal::Remove { .. } => plan::commit_at_once(&intent, observed)?,
        };
        Ok(Self::new(intent, steps, Progress::Fresh))
    }

    /// What a crash left, found again.
    ///
    /// # Errors
    /// As [`recover::recover`].
    pub fn recover(intent: Intent, observed: &Observed) -> Result<Self, RecoverRefusal> {
        let steps = recover::recover(&intent, observed)?;
        let progress = match (&intent.goal, intent.phase) {
            (
                Goal::Install(_) | Goal::Update(_) | Goal::Repair(_) | Goal::LowDisk(_),
                Phase::Preparing,
            ) => Progress::Undoing,
            (_, Phase::Preparing | Phase::Committed) => Progress::Committed,
        };
        Ok(Self::new(intent, steps, progress))
    }

    /// Undoes a transaction that waits.
    ///
    /// # Errors
    /// As [`recover::abandon`].
    pub fn abandon(intent: Intent, observed: &Observed) -> Result<Self, RecoverRefusal> {
        let steps = recover::abandon(&intent, observed)?;
        Ok(Self::new(intent, steps, Progress::Undoing))
    }

    fn new(intent: Intent, steps: Vec<Step>, progress: Progress) -> Self {
        Self {
            intent,
            steps: steps.into(),
            progress,
        }
    }

    /// What it is about; the phase is the one it began with.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// It is on the way back.
    #[must_use]
    pub fn is_undoing(&self) -> bool {
        self.progress == Progress::Undoing
    }

    /// The next step; `None` when all are done.
    #[must_use]
    pub fn poll_step(&self) -> Option<Step> {
        self.steps.front().copied()
    }

    /// The step that [`Transaction::poll_step`] named is done.
    pub fn on_done(&mut self) {
        if let Some(Step::WriteIntent(phase)) = self.steps.pop_front() {
            self.progress = match (self.progress, phase) {
                (Progress::Undoing, Phase::Preparing | Phase::Committed) => Progress::Undoing,
                (_, Phase::Preparing) => Progress::Prepared,
                (_, Phase::Committed) => Progress::Committed,
            };
        }
    }

    /// The file system cannot exchange two directories: two renames do it, with a moment between
    /// them in which only the intent knows where the game is.
    pub fn on_exchange_unsupported(&mut self) {
        if self.poll_step() != Some(Step::Swap) {
            return;
        }
        // Behind the exchange the old game would be moved from the staging to the backup.
        let follows = [
            Step::SyncRoot,
            Step::Move {
                from: Slot::Staging,
                to: Slot::Backup,
            },
        ];
        self.steps.pop_front();
        for step in follows {
            if self.poll_step() == Some(step) {
                self.steps.pop_front();
            }
        }
        let renames = [
            Step::Move {
                from: Slot::Live,
                to: Slot::Backup,
            },
            Step::SyncRoot,
            Step::Move {
                from: Slot::Staging,
                to: Slot::Live,
            },
        ];
        for step in renames.into_iter().rev() {
            self.steps.push_front(step);
        }
    }

    /// The step failed; `observed` is what is on disk now, if that can be seen.
    pub fn on_failed(&mut self, trouble: Trouble, observed: Option<&Observed>) -> Aftermath {
        let failed = self.steps.pop_front();
        self.steps.clear();
        let undo = match (self.progress, failed) {
            (Progress::Fresh, Some(Step::WriteIntent(_))) => vec![Step::ClearIntent],
            (Progress::Fresh, Some(_) | None) => return Aftermath::Untouched,
            (Progress::Undoing, _) => return Aftermath::Wait,
            (Progress::Prepared, Some(Step::WriteIntent(_))) | (Progress::Committed, _) => {
                match (trouble, observed) {
                    (Trouble::InUse, _) | (Trouble::Failed, None) => return Aftermath::Wait,
                    (Trouble::Failed, Some(observed)) => {
                        let committed = self.intent.in_phase(Phase::Committed);
                        let Ok(undo) = recover::abandon(&committed, observed) else {
                            return Aftermath::Wait;
                        };
                        undo
                    }
                }
            }
            (Progress::Prepared, _) => recover::drop_staging(),
        };
        self.progress = Progress::Undoing;
        self.steps = undo.into();
        Aftermath::Undo
    }
}
