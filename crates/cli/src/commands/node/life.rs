//! The life of a node in this process: start, serve, stop.

use std::{io, path::PathBuf, time::Duration};

use lanspread_api::{Command, Household, Report};
use lanspread_node::Node;
use lanspread_proto::text::PeerName;
use tokio::sync::mpsc;

use super::{NodeArgs, Page, config, doors::Doors, keeper::Keeper, signals::Signals};
use crate::{
    commands::pair,
    errands::{self, Asked},
    files, jsonl,
    report::{Failure, Outcome},
    session::Session,
    settings::{Effective, SettingsFile},
};

/// Everything has to be over by then.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// What a life is told.
pub(super) struct Life<'a> {
    pub(super) args: &'a NodeArgs,
    pub(super) page: Page,
    pub(super) session: &'a Session,
}

impl Life<'_> {
    /// Lives. With `ask`, nothing starts until a person has confirmed on the page what is set.
    pub(super) async fn live(&self, effective: Effective, ask: bool) -> Outcome {
        let mut signals = Signals::listen()?;
        let (node, mut doors, effective) = if ask {
            let mut doors = Doors::open(self.args, self.session, Some(&effective)).await?;
            match self.set_up(&mut doors, effective, &mut signals).await {
                Ok(Some((node, effective))) => (node, doors, effective),
                other => {
                    doors.close().await;
                    return other.map(|_stopped| ());
                }
            }
        } else {
            let node = self.start(&effective).await?;
            match Doors::open(self.args, self.session, None).await {
                Ok(doors) => {
                    doors.inside.move_in(node.handle());
                    (node, doors, effective)
                }
                Err(report) => {
                    node.stop().await;
                    return Err(report.into());
                }
            }
        };
        let outcome = self.stay(&mut doors, &node, effective, &mut signals).await;
        doors.close().await;
        tokio::select! {
            stopped = tokio::time::timeout(STOP_TIMEOUT, node.stop()) => {
                if stopped.is_err() {
                    tracing::error!("the node did not stop in time; what is on disk is safe");
                }
            }
            () = signals.next() => tracing::warn!("stopped at once: asked twice"),
        }
        outcome
    }

    async fn start(&self, effective: &Effective) -> Result<Node, Report> {
        let config = config(self.args, effective, self.session).await?;
        let started = Box::pin(Node::start(config)).await;
        started.map_err(|error| Report::from(&error))
    }

    /// Waits until a person has confirmed; `None` when the program shall end before.
    async fn set_up(
        &self,
        doors: &mut Doors,
        mut effective: Effective,
        signals: &mut Signals,
    ) -> Result<Option<(Node, Effective)>, Failure> {
        self.show_page(doors).await?;
        loop {
            let asked = tokio::select! {
                () = signals.next() => None,
                asked = errands::next(&mut doors.inside.errands, &self.session.state) => asked,
            };
            let Some(Asked::SetUp {
                games_dir,
                name,
                reply,
            }) = asked
            else {
                return Ok(None);
            };
            effective.games_dir.clone_from(&games_dir);
            effective.name = name.clone();
            let started = match self.remember(games_dir, &name) {
                Ok(()) => self.start(&effective).await,
                Err(report) => Err(report),
            };
            match started {
                Ok(node) => {
                    // Shown first, so that whoever is told finds it running.
                    doors.inside.move_in(node.handle());
                    drop(reply.send(Ok(())));
                    return Ok(Some((node, effective)));
                }
                Err(report) => drop(reply.send(Err(report))),
            }
        }
    }

    /// Makes the games directory and writes down what was confirmed.
    fn remember(&self, games_dir: PathBuf, name: &PeerName) -> Result<(), Report> {
        files::create_dir(&games_dir).map_err(|error| {
            let dir = games_dir.display();
            Report::new(
                "folder",
                format!("cannot create the games directory {dir}: {error}"),
            )
        })?;
        let mut file = SettingsFile::read(&self.session.state)?;
        file.games_dir = Some(games_dir);
        file.name = Some(name.to_string());
        file.write(&self.session.state)
    }

    /// Serves until told to stop.
    async fn stay(
        &self,
        doors: &mut Doors,
        node: &Node,
        effective: Effective,
        signals: &mut Signals,
    ) -> Outcome {
        let handle = node.handle();
        let keeper = Keeper::new(effective, self.session.state.clone());
        let (keep, asked) = mpsc::channel(1);
        let keeping = tokio::spawn(keeper.keep(handle.watch(), asked));
        let mut shown = doors.reception.fronts();
        // The node is what pages see before anybody is told of it.
        let moved_in = shown.wait_for(|front| front.node.is_some()).await.is_ok();
        if moved_in {
            let started = jsonl::Started::new(&doors.reception.snapshot(), &doors.api);
            if self.args.jsonl {
                doors.read_lines(started, io::stdin(), io::stdout());
            } else {
                tell(self.session, &started);
                self.show_page(doors).await?;
            }
            doors.until_told(signals, &keep).await;
        }
        keeping.abort();
        Ok(())
    }

    /// Nobody may be reading; that is no reason to stop.
    async fn show_page(&self, doors: &mut Doors) -> Outcome {
        if self.page == Page::Leave || doors.page_shown {
            return Ok(());
        }
        doors.page_shown = true;
        let link = pair::Link::of(doors.reception.call(Command::Pair).await?)?;
        match pair::show(self.session, &link, self.page == Page::Print) {
            Err(Failure::Output(error)) => {
                tracing::debug!(%error, "nobody reads standard output");
                Ok(())
            }
            shown => shown,
        }
    }
}

/// Says how to go on. Nobody may be reading; that is no reason to stop.
fn tell(session: &Session, started: &jsonl::Started) {
    let said = if session.out.is_json() {
        session.out.json(started)
    } else {
        session.out.line(started.for_people())
    };
    if let Err(error) = said {
        tracing::debug!(%error, "nobody reads standard output");
    }
}
