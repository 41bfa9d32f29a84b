//! `GET /api/events`: the state and what changes in it, as server-sent events.
//!
//! First a `snapshot`; then at most ten times a second a `delta` with what changed and the notices
//! of that time; a `snapshot` again where a delta does not tell the change; `end` when the node
//! stops. A reader that is slow gets fewer and larger deltas, and is told how many notices it
//! missed. Events are numbered from 1 in each stream.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Extension, State},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{
        broadcast::{
            self,
            error::{RecvError, TryRecvError},
        },
        watch,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::Visitor,
    front::Front,
    household::Household,
    http::Shared,
    types::{Delta, Notice, Snapshot},
};

/// Least time between two events: ten a second at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// Notices that one delta carries; more are counted as missed.
const NOTICES_MAX: usize = 512;
/// A comment is sent when nothing else was for so long, so that both ends see a dead stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn events<H: Household>(
    State(shared): State<Shared<H>>,
    Extension(visitor): Extension<Visitor>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // Notices first: none is missed that the first snapshot does not know of.
    let notices = shared.household.notices();
    let reader = Reader {
        notices,
        fronts: shared.household.fronts(),
        stop: shared.stop,
        visitor,
        shown: None,
        number: 0,
        next_at: Instant::now(),
        ended: false,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// One stream of events.
struct Reader {
    fronts: watch::Receiver<Front>,
    notices: broadcast::Receiver<Notice>,
    stop: CancellationToken,
    /// Who is at the other end.
    visitor: Visitor,
    /// What the other end knows.
    shown: Option<Snapshot>,
    number: u64,
    /// When the next event may go out.
    next_at: Instant,
    ended: bool,
}

impl Reader {
    /// The next event; `None` after the last one.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            let stop = self.stop.clone();
            let heard = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                heard = self.change() => heard,
            };
            let Some(first) = heard else {
                self.ended = true;
                return self.event("end", &serde_json::json!({}));
            };
            tokio::time::sleep_until(self.next_at).await;
            let notices = self.gather(first);
            if let Some(event) = self.tell(notices) {
                self.next_at = Instant::now() + INTERVAL;
                return Some(event);
            }
        }
    }

    /// Waits for something to tell; `None` when nothing will come any more.
    async fn change(&mut self) -> Option<Heard> {
        if self.shown.is_none() {
            return Some(Heard::State);
        }
        tokio::select! {
            changed = self.fronts.changed() => changed.ok().map(|()| Heard::State),
            notice = self.notices.recv() => match notice {
                Ok(notice) => Some(Heard::Notice(notice)),
                Err(RecvError::Lagged(count)) => Some(Heard::Missed(count)),
                Err(RecvError::Closed) => None,
            },
        }
    }

    /// The notices up to now. The state that is looked at afterwards knows of them.
    fn gather(&mut self, first: Heard) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut missed = 0;
        match first {
            Heard::Notice(notice) => notices.push(notice),
            Heard::Missed(count) => missed += count,
            Heard::State => {}
        }
        loop {
            match self.notices.try_recv() {
                Ok(notice) if notices.len() < NOTICES_MAX => notices.push(notice),
                Ok(_) => missed += 1,
                Err(TryRecvError::Lagged(count)) => missed += count,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if missed > 0 {
            notices.push(Notice::Missed { count: missed });
        }
        notices
    }

    fn tell(&mut self, notices: Vec<Notice>) -> Option<Event> {
        let shown_to = |notice: Notice| notice.shown_to(self.visitor);
        let notices: Vec<_> = notices.into_iter().filter_map(shown_to).collect();
        let now = Snapshot::from(&*self.fronts.borrow_and_update()).shown_to(self.visitor);
        let known = self.shown.as_ref();
        let delta = known.and_then(|known| Delta::between(known, &now));
        let event = match delta {
            Some(delta) if delta.is_empty() && notices.is_empty() => None,
            Some(delta) => self.event("delta", &Delta { notices, ..delta }),
            None => self.event("snapshot", &now),
        };
        if event.is_some() {
            self.shown = Some(now);
        }
        event
    }

    fn event(&mut self, name: &str, body: &impl serde::Serialize) -> Option<Event> {
        self.number += 1;
        let event = Event::default().event(name).id(self.number.to_string());
        match event.json_data(body) {
            Ok(event) => Some(event),
            Err(error) => {
                tracing::error!(%error, "cannot write an event as JSON");
                None
            }
        }
    }
}

/// Why there is something to tell.
enum Heard {
    State,
    Notice(Notice),
    Missed(u64),
}
