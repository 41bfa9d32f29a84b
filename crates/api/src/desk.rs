//! [`Desk`]: the actor that puts together what the doors show, and hands the node's notices on.
//!
//! Invariant: the state that a notice speaks of is shown before the notice is handed on.

use std::{path::PathBuf, sync::Arc, time::Duration};

use lanspread_node::{NodeHandle, folders};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, oneshot, watch,
    },
    task::JoinHandle,
    time::{Interval, MissedTickBehavior},
};

use crate::{
    front::{Around, Front},
    history::{History, SAMPLE_INTERVAL},
    reception::Errand,
    types::{Notice, QuitWhen, reply::PeerHistory, snapshot::Volume},
};

/// Seconds without an upload after which nobody downloads from us any more.
const IDLE_SECONDS: u32 = 3;

/// What the desk is asked.
#[derive(Debug)]
pub(crate) enum Order {
    /// End the program, then or then.
    Quit(QuitWhen, oneshot::Sender<()>),
    /// What came from and went to each peer, sampled that often.
    History(oneshot::Sender<(Duration, Vec<PeerHistory>)>),
}

/// The owner of what the doors show.
#[derive(Debug)]
pub(crate) struct Desk {
    nodes: watch::Receiver<Option<NodeHandle>>,
    node: Option<Followed>,
    around: Around,
    fronts: watch::Sender<Front>,
    notices: broadcast::Sender<Notice>,
    errands: mpsc::Sender<Errand>,
    history: History,
    asking_volume: Option<JoinHandle<Option<Volume>>>,
    idle_seconds: u32,
}

#[derive(Debug)]
struct Followed {
    snapshots: watch::Receiver<Arc<lanspread_node::Snapshot>>,
    notices: broadcast::Receiver<lanspread_node::Notice>,
}

/// What happened.
enum Event {
    Node,
    Snapshot,
    Notice(Notice),
    Ordered(Order),
    Volume(Option<Volume>),
    Second,
}

impl Desk {
    pub(crate) fn new(
        nodes: watch::Receiver<Option<NodeHandle>>,
        around: Around,
        notices: broadcast::Sender<Notice>,
        errands: mpsc::Sender<Errand>,
    ) -> Self {
        let front = Front {
            revision: 1,
            node: None,
            around: Arc::new(around.clone()),
        };
        Self {
            nodes,
            node: None,
            around,
            fronts: watch::channel(front).0,
            notices,
            errands,
            history: History::default(),
            asking_volume: None,
            idle_seconds: 0,
        }
    }

    pub(crate) fn fronts(&self) -> watch::Receiver<Front> {
        self.fronts.subscribe()
    }

    /// Runs until it is dropped, or nobody can order anything any more.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut seconds = tokio::time::interval(SAMPLE_INTERVAL);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(event) = self.next(&mut orders, &mut seconds).await {
            match event {
                Event::Node => self.on_node(),
                Event::Snapshot => self.publish(),
                // Nobody may be listening.
                Event::Notice(notice) => drop(self.notices.send(notice)),
                Event::Ordered(order) => self.on_order(order),
                Event::Volume(volume) => self.on_volume(volume),
                Event::Second => self.on_second(),
            }
        }
    }

    /// The next event. A snapshot comes before the notices that it was settled for.
    async fn next(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        seconds: &mut Interval,
    ) -> Option<Event> {
        let (snapshots, notices) = match &mut self.node {
            Some(Followed { snapshots, notices }) => (Some(snapshots), Some(notices)),
            None => (None, None),
        };
        tokio::select! {
            biased;
            Ok(()) = self.nodes.changed() => Some(Event::Node),
            () = next_snapshot(snapshots) => Some(Event::Snapshot),
            notice = next_notice(notices) => Some(Event::Notice(notice)),
            order = orders.recv() => order.map(Event::Ordered),
            volume = asked_volume(&mut self.asking_volume) => Some(Event::Volume(volume)),
            _ = seconds.tick() => Some(Event::Second),
        }
    }

    fn on_node(&mut self) {
        let node = self.nodes.borrow_and_update().clone();
        self.node = node.map(|node| Followed {
            snapshots: node.watch(),
            notices: node.notices(),
        });
        self.around.first_run = None;
        self.publish();
    }

    fn publish(&mut self) {
        let followed = self.node.as_mut();
        let node = followed.map(|node| Arc::clone(&node.snapshots.borrow_and_update()));
        let around = &self.around;
        self.fronts.send_modify(|front| {
            front.revision += 1;
            front.node = node;
            if *front.around != *around {
                front.around = Arc::new(around.clone());
            }
        });
    }

    fn on_order(&mut self, order: Order) {
        // Whoever asked may have gone.
        match order {
            Order::Quit(when, reply) => {
                self.on_quit(when);
                let _gone = reply.send(());
            }
            Order::History(reply) => drop(reply.send((SAMPLE_INTERVAL, self.history.peers()))),
        }
    }

    fn on_quit(&mut self, when: QuitWhen) {
        self.around.quitting = when != QuitWhen::Never;
        self.idle_seconds = 0;
        if when == QuitWhen::Now {
            self.ask_to_quit();
        }
        self.publish();
    }

    /// The program may be on its way out already, and not listen any more.
    fn ask_to_quit(&self) {
        if let Err(error) = self.errands.try_send(Errand::Quit) {
            tracing::debug!(%error, "the program does not take the errand to quit");
        }
    }

    fn on_volume(&mut self, volume: Option<Volume>) {
        if self.around.disk != volume {
            self.around.disk = volume;
            self.publish();
        }
    }

    fn on_second(&mut self) {
        if let Some(folder) = self.games_dir()
            && self.asking_volume.is_none()
        {
            self.asking_volume = Some(tokio::task::spawn_blocking(move || volume(&folder)));
        }
        let front = self.fronts.borrow();
        let Some(node) = &front.node else {
            return;
        };
        self.history.sample(&node.peers);
        let idle = self.around.quitting && node.uploads.is_empty();
        drop(front);
        self.idle_seconds = if idle { self.idle_seconds + 1 } else { 0 };
        if self.idle_seconds == IDLE_SECONDS {
            self.ask_to_quit();
        }
    }

    fn games_dir(&self) -> Option<PathBuf> {
        let front = self.fronts.borrow();
        match (&front.node, &front.around.first_run) {
            (Some(node), _) => Some(node.me.games_dir.clone()),
            (None, first_run) => first_run
                .as_ref()
                .map(|first| first.games_dir.clone().into()),
        }
    }
}

fn volume(folder: &std::path::Path) -> Option<Volume> {
    let found = folders::volume(folder)?;
    Some(Volume {
        free_bytes: found.free_bytes,
        total_bytes: found.total_bytes,
    })
}

/// A node that has stopped shows nothing new.
async fn next_snapshot(snapshots: Option<&mut watch::Receiver<Arc<lanspread_node::Snapshot>>>) {
    if let Some(snapshots) = snapshots
        && snapshots.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

async fn next_notice(notices: Option<&mut broadcast::Receiver<lanspread_node::Notice>>) -> Notice {
    let Some(notices) = notices else {
        return std::future::pending().await;
    };
    match notices.recv().await {
        Ok(notice) => (&notice).into(),
        Err(RecvError::Lagged(count)) => Notice::Missed { count },
        Err(RecvError::Closed) => std::future::pending().await,
    }
}

async fn asked_volume(asking: &mut Option<JoinHandle<Option<Volume>>>) -> Option<Volume> {
    let Some(handle) = asking else {
        return std::future::pending().await;
    };
    let volume = handle.await.ok().flatten();
    *asking = None;
    volume
}
