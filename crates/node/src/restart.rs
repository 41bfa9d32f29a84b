//! A part of the node that fails is started again, and everybody sees it.
//!
//! Invariant: a panic or an early end of a part ends that part only; it runs again within a second.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    notice::Notice,
    snapshot::{Component, ComponentView, Problem},
    views::{ComponentsView, Watched},
};

/// The first pause before a part starts again; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
/// See [`PAUSE`].
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A part that ran this long is trusted again.
const STEADY: Duration = Duration::from_secs(60);

/// A part that can be started again. What must outlive a failure, its mailbox above all, lies in
/// the
/// implementor; what a failure may have left half done is made anew in `run`.
pub(crate) trait Part: Send + 'static {
    /// Which one it is.
    const COMPONENT: Component;

    /// Runs until the part fails; it is dropped at the stop.
    fn run(&mut self) -> impl Future<Output = Failure> + Send;
}

/// Why a part does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A defect of ours.
    #[error("it panicked: {0}")]
    Panic(String),
    /// It ended though nobody told it to.
    #[error("it ended early")]
    Ended,
    /// The sockets.
    #[error(transparent)]
    Bind(#[from] lanspread_net::BindError),
    /// A new key could not be made.
    #[error(transparent)]
    Identity(#[from] lanspread_net::IdentityError),
    /// Multicast DNS.
    #[error(transparent)]
    Mdns(#[from] lanspread_net::mdns::MdnsError),
}

/// What is told of a part.
#[derive(Debug)]
enum Report {
    Running(Component),
    Failed(Component, Failure),
}

/// A cheap door to the list of parts.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    mailbox: Mailbox<Report>,
}

impl Parts {
    /// Starts the owner of the list.
    pub(crate) fn start(
        tasks: &Tasks,
        notices: broadcast::Sender<Notice>,
    ) -> (Self, Watched<ComponentsView>) {
        let (mailbox, inbox) = mailbox();
        let (view, watched) = watch::channel(Arc::default());
        let list = List { notices, view };
        tasks.spawn_until_stop(tracing::info_span!("parts"), list.run(inbox));
        (Self { mailbox }, watched)
    }

    /// Keeps a part running until the stop.
    pub(crate) fn keep<P: Part>(&self, tasks: &Tasks, part: P) {
        let span = tracing::info_span!("part", component = ?P::COMPONENT);
        let stop = tasks.stop().clone();
        let running = self.clone().keep_running(part, stop);
        tasks.spawn_until_stop(span, running);
    }

    async fn keep_running<P: Part>(self, mut part: P, stop: CancellationToken) {
        let mut pause = PAUSE;
        while !stop.is_cancelled() {
            self.mailbox.send(Report::Running(P::COMPONENT)).await;
            let started = Instant::now();
            let failure = caught(part.run()).await.unwrap_or_else(Failure::Panic);
            // At the stop those go who spoke to this part, and it may see that before the stop.
            if stop.is_cancelled() && matches!(failure, Failure::Ended) {
                return;
            }
            self.mailbox
                .send(Report::Failed(P::COMPONENT, failure))
                .await;
            if started.elapsed() > STEADY {
                pause = PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// The owner of the list.
#[derive(Debug)]
struct List {
    notices: broadcast::Sender<Notice>,
    view: watch::Sender<Arc<ComponentsView>>,
}

impl List {
    async fn run(mut self, mut inbox: mpsc::Receiver<Report>) {
        while let Some(report) = inbox.recv().await {
            self.on_report(report);
        }
    }

    fn on_report(&mut self, report: Report) {
        match report {
            Report::Running(component) => self.change(component, |view| view.running = true),
            Report::Failed(component, failure) => {
                let reason = failure.to_string();
                tracing::error!(?component, reason, "a part of this node failed");
                self.change(component, |view| {
                    view.running = false;
                    view.restarts += 1;
                });
                // Nobody may be listening.
                drop(
                    self.notices
                        .send(Notice::ComponentFailed { component, reason }),
                );
            }
        }
    }

    fn change(&self, component: Component, change: impl FnOnce(&mut ComponentView)) {
        let mut next = ComponentsView::clone(&self.view.borrow());
        let at = next
            .components
            .iter()
            .position(|v| v.component == component);
        let mut view = at.map_or(
            ComponentView {
                component,
                running: false,
                restarts: 0,
            },
            |at| next.components.swap_remove(at),
        );
        change(&mut view);
        next.components.push(view);
        next.components.sort_by_key(|view| view.component as u8);
        next.problems = next.components.iter().filter_map(problem).collect();
        self.view.send_replace(Arc::new(next));
    }
}

fn problem(view: &ComponentView) -> Option<Problem> {
    (!view.running).then(|| Problem {
        code: "component-failed",
        subject: format!("{:?}", view.component),
        message: "a part of this node failed and is being started again".to_owned(),
    })
}

/// Runs a future; a panic in it becomes its text. The future is dropped after a panic, and what it
/// shares with others is mailboxes and doors only.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| poll_caught(work.as_mut(), cx)).await
}

/// The same for work on a thread.
pub(crate) fn caught_in<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text_of(panic.as_ref()))
}

fn poll_caught<T>(
    work: Pin<&mut impl Future<Output = T>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, String>> {
    match caught_in(|| work.poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Frail {
        left: u32,
        lived: mpsc::Sender<u32>,
    }

    impl Part for Frail {
        const COMPONENT: Component = Component::Discovery;

        async fn run(&mut self) -> Failure {
            self.lived.send(self.left).await.unwrap();
            match self.left.checked_sub(1) {
                Some(left) => self.left = left,
                None => std::future::pending().await,
            }
            if self.left.is_multiple_of(2) {
                panic!("planted {}", self.left);
            }
            Failure::Ended
        }
    }

    /// Ends when nobody is left who could speak to it.
    struct Listener(mpsc::Receiver<()>);

    impl Part for Listener {
        const COMPONENT: Component = Component::Library;

        async fn run(&mut self) -> Failure {
            while self.0.recv().await.is_some() {}
            Failure::Ended
        }
    }

    #[tokio::test]
    async fn a_stop_is_no_failure() {
        let tasks = Tasks::new();
        let (mailbox, mut reports) = mailbox();
        let (speaker, listener) = mpsc::channel(1);
        Parts { mailbox }.keep(&tasks, Listener(listener));
        assert!(matches!(reports.recv().await, Some(Report::Running(_))));
        tokio::task::yield_now().await;
        // Both are there when the part is looked at: the stop, and the end of its mailbox.
        tasks.stop().cancel();
        drop(speaker);
        assert!(tasks.stop_all().await);
        let more = reports.recv().await;
        assert!(more.is_none(), "{more:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_fails_runs_again_within_a_second() {
        let tasks = Tasks::new();
        let (notices, mut heard) = broadcast::channel(64);
        let (parts, mut view) = Parts::start(&tasks, notices);
        let (lived, mut lives) = mpsc::channel(1);
        parts.keep(&tasks, Frail { left: 6, lived });
        for left in (0..=6).rev() {
            let before = Instant::now();
            assert_eq!(lives.recv().await, Some(left));
            assert!(before.elapsed() <= Duration::from_secs(1));
        }
        let is_steady = |view: &Arc<ComponentsView>| {
            view.components
                .first()
                .is_some_and(|v| v.running && v.restarts == 6)
        };
        view.wait_for(is_steady).await.unwrap();
        assert!(view.borrow().problems.is_empty());
        let Ok(Notice::ComponentFailed { component, reason }) = heard.recv().await else {
            panic!("no notice");
        };
        assert_eq!(component, Component::Discovery);
        assert_eq!(reason, "it ended early");
        let Ok(Notice::ComponentFailed { reason, .. }) = heard.recv().await else {
            panic!("no second notice");
        };
        assert_eq!(reason, "it panicked: planted 4");
        assert!(tasks.stop_all().await);
    }
}
