//! `GET /api/events`: snapshots as they change and notices as they come, as server-sent events.
//!
//! A reader that is slow misses snapshots in between (the newest comes) and is told how many
//! notices it missed. Events are numbered from 1 in each stream.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    household::Household,
    http::Shared,
    types::{Notice, Snapshot},
};

/// Least time between two snapshots: ten a second at most.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// A comment is sent when nothing else was for so long, so that both ends see a dead stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn events<H: Household>(
    State(shared): State<Shared<H>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut snapshots = shared.household.snapshots();
    // The first event is the state as it is.
    snapshots.mark_changed();
    let reader = Reader {
        snapshots,
        notices: shared.household.notices(),
        stop: shared.stop,
        number: 0,
        snapshot_at: Instant::now(),
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// One stream of events.
struct Reader {
    snapshots: watch::Receiver<Arc<lanspread_node::Snapshot>>,
    notices: broadcast::Receiver<lanspread_node::Notice>,
    stop: CancellationToken,
    number: u64,
    /// When the next snapshot may go out.
    snapshot_at: Instant,
}

impl Reader {
    /// The next event; `None` when the node or the server stops.
    async fn next(&mut self) -> Option<Event> {
        let snapshot_at = self.snapshot_at;
        let snapshots = &mut self.snapshots;
        let changed = async {
            tokio::time::sleep_until(snapshot_at).await;
            snapshots.changed().await
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            changed = changed => {
                changed.ok()?;
                self.snapshot_at = Instant::now() + SNAPSHOT_INTERVAL;
                let snapshot = Snapshot::from(&**self.snapshots.borrow_and_update());
                self.event("snapshot", &snapshot)
            }
            notice = self.notices.recv() => {
                let notice = match notice {
                    Ok(notice) => Notice::from(&notice),
                    Err(RecvError::Lagged(count)) => Notice::Missed { count },
                    Err(RecvError::Closed) => return None,
                };
                self.event("notice", &notice)
            }
        }
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
