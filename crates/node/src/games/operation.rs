//! One operation as the gate knows it, and the strings by which its job is led.

use std::{sync::Arc, time::Duration};

use lanspread_proto::{ContentId, PeerId, VersionLabel};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    error::OperationError,
    handle::{AfterDownload, GetRequest, Partials},
    snapshot::{OperationId, OperationKind, OperationView, Phase, SourceView, VerifyView},
};

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: OperationId,
    pub(super) kind: OperationKind,
    pub(super) phase: Phase,
    /// To which bytes, once that is decided.
    pub(super) content: Option<(ContentId, VersionLabel)>,
    pub(super) progress: JobProgress,
    /// What was asked for, of a download or update.
    pub(super) request: Option<GetRequest>,
    /// What a verify found.
    pub(super) verified: Option<Arc<VerifyView>>,
    /// The job began to download only, and is to be followed by an install.
    pub(super) raised: bool,
    /// There while a job runs.
    pub(super) control: Option<JobControl>,
}

/// How far a job is in its phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobProgress {
    pub(crate) done_bytes: u64,
    pub(crate) total_bytes: u64,
    pub(crate) rate: u64,
    pub(crate) left: Option<Duration>,
    pub(crate) sources: Vec<(PeerId, u64, u64)>,
    /// Which part of a download came from which of the sources.
    pub(crate) map: Arc<[u16]>,
}

/// What a job says.
#[derive(Debug)]
pub(crate) enum JobReport {
    Phase(Phase),
    Content(ContentId, VersionLabel),
    Progress(JobProgress),
    Verified(Arc<VerifyView>),
    Ended(Result<(), OperationError>),
}

/// How a job is led.
#[derive(Debug, Clone)]
pub(crate) struct JobControl {
    /// Stop, and undo what can be undone.
    pub(crate) cancel: CancellationToken,
    /// Put yourself away as you are; you will be begun again.
    suspend: CancellationToken,
    /// The node stops; what can be taken up again is.
    stop: CancellationToken,
    wishes: watch::Sender<Wishes>,
}

/// What the person wants of a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) paused: bool,
    pub(crate) turn: Turn,
    /// What a cancel does to verified chunks.
    pub(crate) partials: Partials,
}

impl Wishes {
    pub(crate) fn awaits_turn(self) -> bool {
        self.turn == Turn::Awaits
    }
}

/// Whether a download may move bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has one of the places.
    Has,
    /// Its sources came back while all places were taken.
    Awaits,
}

impl JobControl {
    pub(crate) fn new(stop: &CancellationToken) -> Self {
        let wishes = Wishes {
            paused: false,
            turn: Turn::Has,
            partials: Partials::Keep,
        };
        Self {
            cancel: CancellationToken::new(),
            suspend: CancellationToken::new(),
            stop: stop.clone(),
            wishes: watch::Sender::new(wishes),
        }
    }

    pub(crate) fn wishes(&self) -> watch::Receiver<Wishes> {
        self.wishes.subscribe()
    }

    pub(super) fn set_paused(&self, paused: bool) {
        self.wishes.send_modify(|wishes| wishes.paused = paused);
    }

    pub(super) fn set_turn(&self, turn: Turn) {
        self.wishes.send_modify(|wishes| wishes.turn = turn);
    }

    pub(super) fn awaits_turn(&self) -> bool {
        self.wishes.borrow().awaits_turn()
    }

    pub(super) fn cancel(&self, partials: Partials) {
        self.wishes.send_modify(|wishes| wishes.partials = partials);
        self.cancel.cancel();
    }

    pub(super) fn suspend(&self) {
        self.suspend.cancel();
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspend.is_cancelled()
    }

    /// Waits until the job is to stop, and says why.
    pub(crate) async fn interrupted(&self) -> OperationError {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => OperationError::Cancelled,
            () = self.suspend.cancelled() => OperationError::Stopping,
        }
    }

    /// The person wants nothing to stay of what was fetched.
    pub(crate) fn discards(&self) -> bool {
        self.cancel.is_cancelled() && self.wishes.borrow().partials == Partials::Discard
    }

    /// The person does not want it any more, or the node stops.
    pub(crate) fn check(&self) -> Result<(), OperationError> {
        if self.stop.is_cancelled() {
            Err(OperationError::Stopping)
        } else if self.cancel.is_cancelled() {
            Err(OperationError::Cancelled)
        } else if self.suspend.is_cancelled() {
            Err(OperationError::Stopping)
        } else {
            Ok(())
        }
    }
}

impl Operation {
    /// An operation that is about to begin; the gate gives it its number.
    pub(super) fn new(kind: OperationKind, phase: Phase) -> Self {
        Self {
            id: OperationId(0),
            kind,
            phase,
            content: None,
            progress: JobProgress::default(),
            request: None,
            verified: None,
            raised: false,
            control: None,
        }
    }

    /// It waits or runs.
    pub(super) const fn is_open(&self) -> bool {
        !self.phase.is_end()
    }

    /// The person paused it, and has not resumed it.
    pub(super) fn is_paused(&self) -> bool {
        match &self.control {
            Some(control) => control.wishes.borrow().paused,
            None => matches!(self.phase, Phase::Paused),
        }
    }

    /// A download that was held has its place.
    pub(super) fn go_on(&mut self) {
        if let Some(control) = &self.control {
            control.set_turn(Turn::Has);
            self.phase = Phase::Downloading;
        }
    }

    /// A download is to be installed too; `true` when that is news.
    pub(super) fn want_install(&mut self) -> bool {
        let keeps = |request: &&mut GetRequest| request.then == AfterDownload::Keep;
        let Some(request) = self.request.as_mut().filter(keeps) else {
            return false;
        };
        request.then = AfterDownload::Install;
        self.raised = self.control.is_some();
        true
    }

    /// A download that has not begun to replace anything: it can be put away and begun again.
    pub(super) const fn is_suspendable(&self) -> bool {
        self.request.is_some()
            && matches!(
                self.phase,
                Phase::Queued
                    | Phase::Preparing
                    | Phase::WaitingForSource
                    | Phase::WaitingForGamesDir
                    | Phase::Adopting
                    | Phase::Downloading
                    | Phase::Paused
            )
    }

    /// Goes on to a phase. An install counts its bytes anew; who delivered what stays.
    pub(super) fn enter(&mut self, phase: Phase) {
        if matches!(phase, Phase::Installing) {
            self.progress = JobProgress {
                sources: std::mem::take(&mut self.progress.sources),
                ..JobProgress::default()
            };
        }
        self.phase = phase;
    }

    pub(super) fn view(&self) -> OperationView {
        let sources = self.progress.sources.iter();
        OperationView {
            operation: self.id,
            kind: self.kind,
            phase: self.phase.clone(),
            content: self.content.as_ref().map(|(content, _)| *content),
            done_bytes: self.progress.done_bytes,
            total_bytes: self.progress.total_bytes,
            rate: self.progress.rate,
            left: self.progress.left,
            verified: self.verified.clone(),
            map: Arc::clone(&self.progress.map),
            sources: sources
                .map(|(peer, bytes, rate)| SourceView {
                    peer: *peer,
                    bytes: *bytes,
                    rate: *rate,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_install_counts_its_bytes_anew() {
        let mut operation = Operation::new(OperationKind::Download, Phase::Downloading);
        let source = (PeerId::from_bytes([1; 32]), 9, 0);
        operation.progress = JobProgress {
            done_bytes: 9,
            total_bytes: 9,
            sources: vec![source],
            ..JobProgress::default()
        };
        operation.enter(Phase::Committing);
        assert_eq!(operation.view().done_bytes, 9);
        operation.enter(Phase::Installing);
        let view = operation.view();
        assert_eq!((view.done_bytes, view.total_bytes), (0, 0));
        assert_eq!(view.sources.len(), 1);
    }
}
