//! The life of a node in this process: start, serve, stop.

use std::{future::Future, io, time::Duration};

use lanspread_api::{ApiFile, Report, Server, Token};
use lanspread_node::{Node, NodeHandle};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{NodeArgs, config, keeper, signals::Signals};
use crate::{files, jsonl, report::Outcome, session::Session, settings::Effective};

/// Everything has to be over by then.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn live(args: &NodeArgs, effective: Effective, session: &Session) -> Outcome {
    let mut signals = Signals::listen()?;
    let config = config(args, &effective, session).await?;
    let node = Box::pin(Node::start(config))
        .await
        .map_err(|error| Report::from(&error))?;
    let outcome = match Doors::open(args, &node.handle(), session).await {
        Ok(mut doors) => {
            let handle = node.handle();
            let keeping = keeper::keep(handle.watch(), effective, session.state.clone());
            let keeping = tokio::spawn(keeping);
            doors.until_told(&mut signals).await;
            keeping.abort();
            doors.close(&session.state).await;
            Ok(())
        }
        Err(report) => Err(report.into()),
    };
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

/// What lets others in while the node runs.
struct Doors {
    api: ApiFile,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    lines: Option<JoinHandle<()>>,
}

impl Doors {
    async fn open(args: &NodeArgs, handle: &NodeHandle, session: &Session) -> Result<Self, Report> {
        let token = Token::generate()?;
        let server = Server::bind(args.http, token.clone()).await?;
        let api = ApiFile {
            address: server.address(),
            token: token.reveal().to_owned(),
            pid: std::process::id(),
        };
        files::write_api(&session.state, &api)?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.run(handle.clone(), stop.clone()));
        let started = jsonl::Started::new(&handle.snapshot(), &api);
        let lines = if args.jsonl {
            let lines = jsonl::run(handle.clone(), started, io::stdin(), io::stdout());
            Some(tokio::spawn(lines))
        } else {
            tell(session, &started);
            None
        };
        Ok(Self {
            api,
            stop,
            serving,
            lines,
        })
    }

    /// Waits for a signal, or for the end of the commands.
    async fn until_told(&mut self, signals: &mut Signals) {
        match &mut self.lines {
            Some(lines) => tokio::select! {
                () = signals.next() => {}
                ended = lines => log_end("the lines of JSON", ended),
            },
            None => signals.next().await,
        }
    }

    async fn close(self, state: &std::path::Path) {
        files::remove_api(state, &self.api);
        self.stop.cancel();
        bounded(self.serving).await;
        if let Some(lines) = self.lines {
            lines.abort();
        }
    }
}

/// Answers that are under way get a moment.
async fn bounded(task: impl Future<Output = Result<(), tokio::task::JoinError>>) {
    const ANSWERS_TIMEOUT: Duration = Duration::from_millis(500);
    if let Ok(ended) = tokio::time::timeout(ANSWERS_TIMEOUT, task).await {
        log_end("the control server", ended);
    }
}

fn log_end(what: &str, ended: Result<(), tokio::task::JoinError>) {
    match ended {
        Err(error) if error.is_panic() => tracing::error!(%error, "{what} failed"),
        Ok(()) | Err(_) => tracing::debug!("{what} ended"),
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
