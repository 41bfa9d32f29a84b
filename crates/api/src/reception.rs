//! [`Reception`]: what all doors of one program share: the node, once there is one, the state they
//! show, who may come in, and what only the program itself can do.
//!
//! ```text
//!   doors ── call ──► Reception ── rpc ──► NodeHandle
//!     ▲                  │ └─ errands ──► the program (open a folder, write settings, quit)
//!     └── Front, Notices ┴─ desk (the actor that puts them together)
//! ```

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lanspread_node::{NodeHandle, folders, play::Cover};
use lanspread_proto::text::PeerName;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Household, browse,
    desk::{Desk, Order},
    doctor,
    doorkeeper::Doorkeeper,
    error::Report,
    front::{Around, Front},
    pairing::{CODE_TTL, Sessions},
    rpc,
    types::{Command, Notice, QuitWhen, Reply, Snapshot, reply::PeerHistory, snapshot::FirstRun},
};

/// Notices that a slow reader may be behind.
const NOTICES_MAX: usize = 1_024;
/// Errands and orders that wait.
const WAITING_MAX: usize = 16;
/// Lines of the log that can be asked for.
const LOG_LINES_MAX: u32 = 1_000;

/// What all doors of one program share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reception {
    nodes: watch::Receiver<Option<NodeHandle>>,
    fronts: watch::Receiver<Front>,
    notices: broadcast::Sender<Notice>,
    orders: mpsc::Sender<Order>,
    errands: mpsc::Sender<Errand>,
    doorkeeper: Doorkeeper,
    address: SocketAddr,
    others: Vec<String>,
    state_dir: PathBuf,
}

/// What a reception is opened with.
#[derive(Debug)]
pub struct Opening {
    /// What is to be confirmed before a node can start, if anything is.
    pub first_run: Option<FirstRun>,
    /// The browsers of an earlier run.
    pub sessions: Sessions,
    /// Where the control server listens.
    pub address: SocketAddr,
    /// Host and port by which other machines reach it, best first; nothing if they do not.
    pub others: Vec<String>,
    /// Where the program keeps its state.
    pub state_dir: PathBuf,
    /// Ends everything.
    pub stop: CancellationToken,
}

/// The program's end of a reception.
#[derive(Debug)]
pub struct Inside {
    /// What the program is asked to do.
    pub errands: mpsc::Receiver<Errand>,
    nodes: watch::Sender<Option<NodeHandle>>,
}

/// What only the program itself can do. Whoever asked may have gone when the answer is there.
#[derive(Debug)]
pub enum Errand {
    /// Remember games directory and name, and start the node.
    SetUp {
        /// The games directory, to be made if it is not there.
        games_dir: PathBuf,
        /// The name other people see.
        name: PeerName,
        /// Whether the node runs.
        reply: oneshot::Sender<Result<(), Report>>,
    },
    /// Show a directory in the file manager.
    OpenFolder {
        /// Which directory.
        folder: PathBuf,
        /// Whether the file manager was started.
        reply: oneshot::Sender<Result<(), Report>>,
    },
    /// Read the end of the log.
    Logs {
        /// How many lines.
        lines: usize,
        /// The lines, oldest first.
        reply: oneshot::Sender<Result<Vec<String>, Report>>,
    },
    /// Write down what is set, for the next start.
    KeepSettings {
        /// Whether it is written down.
        reply: oneshot::Sender<Result<(), Report>>,
    },
    /// End the program.
    Quit,
}

impl Inside {
    /// From now on, this node is what the doors show.
    pub fn move_in(&self, node: NodeHandle) {
        self.nodes.send_replace(Some(node));
    }
}

impl Reception {
    /// Opens a reception; it ends at the stop. Must be called within a tokio runtime.
    #[must_use]
    pub fn open(opening: Opening) -> (Self, Inside) {
        let Opening {
            first_run,
            sessions,
            address,
            others,
            state_dir,
            stop,
        } = opening;
        let (nodes, watched_nodes) = watch::channel(None);
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let (orders, ordered) = mpsc::channel(WAITING_MAX);
        let (errands, asked) = mpsc::channel(WAITING_MAX);
        let around = Around {
            first_run,
            ..Around::default()
        };
        let desk = Desk::new(
            watched_nodes.clone(),
            around,
            notices.clone(),
            errands.clone(),
        );
        let reception = Self {
            nodes: watched_nodes,
            fronts: desk.fronts(),
            notices,
            orders,
            errands,
            doorkeeper: Doorkeeper::start(sessions, stop.clone()),
            address,
            others,
            state_dir,
        };
        tokio::spawn(async move { stop.run_until_cancelled(desk.run(ordered)).await });
        let inside = Inside {
            errands: asked,
            nodes,
        };
        (reception, inside)
    }

    /// The state as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::from(&*self.fronts.borrow())
    }

    /// Who lets browsers in.
    #[must_use]
    pub const fn doorkeeper(&self) -> &Doorkeeper {
        &self.doorkeeper
    }

    async fn pair(&self) -> Result<Reply, Report> {
        let code = self.doorkeeper.issue().await?.for_people();
        let link = |place: &dyn std::fmt::Display| format!("http://{place}/#pair={code}");
        Ok(Reply::Pairing {
            link: link(&self.address),
            others: self.others.iter().map(|place| link(place)).collect(),
            code,
            valid_ms: u64::try_from(CODE_TTL.as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn finish_first_run(&self, folder: String, name: &str) -> Result<Reply, Report> {
        if self.node().is_ok() {
            return Err(Report::new("set-up-already", "the node runs already"));
        }
        let games_dir = PathBuf::from(folder);
        if !games_dir.is_absolute() {
            return Err(folders::FolderError::Relative(games_dir).into());
        }
        let name = rpc::parse_name(name)?;
        self.run_errand(|reply| Errand::SetUp {
            games_dir,
            name,
            reply,
        })
        .await?;
        Ok(Reply::Done)
    }

    async fn open_folder(&self, game: Option<&str>) -> Result<Reply, Report> {
        let snapshot = self.node()?.snapshot();
        let folder = match game {
            None => snapshot.me.games_dir.clone(),
            Some(game) => rpc::folder_of(&snapshot, &rpc::parse_game(game)?)?,
        };
        self.run_errand(|reply| Errand::OpenFolder { folder, reply })
            .await?;
        Ok(Reply::Done)
    }

    async fn logs(&self, lines: u32) -> Result<Reply, Report> {
        let lines = usize::try_from(lines.min(LOG_LINES_MAX)).unwrap_or(usize::MAX);
        let lines = self
            .run_errand(|reply| Errand::Logs { lines, reply })
            .await?;
        Ok(Reply::Logs { lines })
    }

    async fn doctor(&self) -> Reply {
        let front = self.fronts.borrow().clone();
        let running = front.node.is_some().then(|| Snapshot::from(&front));
        let games_dir = match (&front.node, &front.around.first_run) {
            (Some(node), _) => Some(node.me.games_dir.clone()),
            (None, first_run) => first_run
                .as_ref()
                .map(|first| first.games_dir.clone().into()),
        };
        let case = doctor::Case {
            running: running.as_ref(),
            state_dir: Some(self.state_dir.clone()),
            games_dir,
            first_start: front.around.first_run.is_some(),
            makes_games_dir: front.around.first_run.is_some(),
        };
        Reply::Findings {
            findings: doctor::examine(case).await,
        }
    }

    async fn quit(&self, when: QuitWhen) -> Result<Reply, Report> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Quit(when, reply)).await?;
        answer.await.map_err(|_closed| stopping())?;
        Ok(Reply::Done)
    }

    async fn history(&self) -> Result<Reply, Report> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::History(reply)).await?;
        let (interval, peers): (Duration, Vec<PeerHistory>) =
            answer.await.map_err(|_closed| stopping())?;
        Ok(Reply::History {
            interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
            peers,
        })
    }

    /// Carries a command out that is about the node. What it sets is written down before whoever
    /// set it is told.
    async fn rpc(&self, command: Command) -> Result<Reply, Report> {
        let sets = rpc::is_setting(&command);
        let reply = rpc::rpc(&self.node()?, command).await?;
        if sets {
            self.run_errand(|reply| Errand::KeepSettings { reply })
                .await?;
        }
        Ok(reply)
    }

    fn node(&self) -> Result<NodeHandle, Report> {
        let node = self.nodes.borrow().clone();
        node.ok_or_else(|| {
            Report::new(
                "not-set-up",
                "the first start is not confirmed yet, nothing runs",
            )
        })
    }

    async fn order(&self, order: Order) -> Result<(), Report> {
        let sent = self.orders.send(order).await;
        sent.map_err(|_closed| stopping())
    }

    async fn run_errand<T>(
        &self,
        errand: impl FnOnce(oneshot::Sender<Result<T, Report>>) -> Errand,
    ) -> Result<T, Report> {
        let (reply, answer) = oneshot::channel();
        let sent = self.errands.send(errand(reply)).await;
        sent.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())?
    }
}

impl Household for Reception {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`rpc` is total over what is about the node"
    )]
    async fn call(&self, command: Command) -> Result<Reply, Report> {
        use Command as C;
        match command {
            C::Snapshot => Ok(Reply::Snapshot(Box::new(self.snapshot()))),
            C::Pair => self.pair().await,
            C::FinishFirstRun { folder, name } => self.finish_first_run(folder, &name).await,
            C::Quit { when } => self.quit(when).await,
            C::OpenFolder { game } => self.open_folder(game.as_deref()).await,
            C::Browse { folder } => browse::list(folder).await,
            C::MakeFolder { folder, name } => browse::make(folder, name).await,
            C::Doctor => Ok(self.doctor().await),
            C::Logs { lines } => self.logs(lines).await,
            C::History => self.history().await,
            other => self.rpc(other).await,
        }
    }

    async fn cover(&self, game: &str) -> Result<Option<Cover>, Report> {
        Ok(self.node()?.cover(rpc::parse_game(game)?).await?)
    }

    fn fronts(&self) -> watch::Receiver<Front> {
        self.fronts.clone()
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

fn stopping() -> Report {
    Report::new("stopping", "the node is stopping")
}

#[cfg(test)]
mod tests;
