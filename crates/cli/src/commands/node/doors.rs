//! [`Doors`]: what lets others in while the program runs.

use std::{
    future::Future,
    io::{Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lanspread_api::{
    Admits, ApiFile, HostName, Reception, Report, Server, Token,
    http::Place,
    reception::{Inside, Opening},
    types::snapshot::FirstRun,
};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use super::{NodeArgs, keeper::Written, signals::Signals};
use crate::{
    errands, files, jsonl, reached,
    session::Session,
    settings::{Effective, SettingsFile},
    web::{self, WebFile},
};

/// What lets others in.
pub(super) struct Doors {
    pub(super) reception: Reception,
    pub(super) inside: Inside,
    pub(super) api: ApiFile,
    /// The page was shown to the person already.
    pub(super) page_shown: bool,
    state: PathBuf,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    remembering: JoinHandle<()>,
    lines: Option<JoinHandle<()>>,
}

impl Doors {
    /// Opens them. What is proposed stands until a person has confirmed it.
    pub(super) async fn open(
        args: &NodeArgs,
        session: &Session,
        proposed: Option<&Effective>,
    ) -> Result<Self, Report> {
        let known = WebFile::read(&session.state);
        let place = args.http.map_or(Place::Loopback(known.port), Place::At);
        let token = Token::generate()?;
        let server = Server::bind(place, token.clone()).await?;
        let admits = admits(args, &session.state)?;
        let others = others(args.http, server.address().port(), &admits);
        let server = server.admitting(admits);
        let api = ApiFile {
            address: server.address(),
            token: token.reveal().to_owned(),
            pid: std::process::id(),
        };
        files::write_api(&session.state, &api)?;
        let stop = CancellationToken::new();
        let (reception, inside) = Reception::open(Opening {
            first_run: proposed.map(|proposed| FirstRun {
                games_dir: proposed.games_dir.display().to_string(),
                name: proposed.name.to_string(),
            }),
            sessions: known.sessions,
            address: api.address,
            others,
            state_dir: session.state.clone(),
            stop: stop.clone(),
        });
        let doorkeeper = reception.doorkeeper().clone();
        let remembering = web::keep(
            api.address.port(),
            doorkeeper.sessions(),
            session.state.clone(),
        );
        let serving = server.run(reception.clone(), doorkeeper, stop.clone());
        Ok(Self {
            reception,
            inside,
            api,
            page_shown: false,
            state: session.state.clone(),
            stop,
            serving: tokio::spawn(serving),
            remembering: tokio::spawn(remembering),
            lines: None,
        })
    }

    /// Takes commands as lines of JSON, too.
    pub(super) fn read_lines(
        &mut self,
        started: jsonl::Started,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) {
        let lines = jsonl::run(self.reception.clone(), started, input, output);
        self.lines = Some(tokio::spawn(lines));
    }

    /// Waits for a signal, for a page that says so, or for the end of the commands.
    pub(super) async fn until_told(
        &mut self,
        signals: &mut Signals,
        keeper: &mpsc::Sender<Written>,
    ) {
        let lines = async {
            match &mut self.lines {
                Some(lines) => log_end("the lines of JSON", lines.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = signals.next() => {}
            () = lines => {}
            () = errands::serve(&mut self.inside.errands, &self.state, Some(keeper)) => {
                tracing::info!("a page said to quit");
            }
        }
    }

    pub(super) async fn close(self) {
        files::remove_api(&self.state, &self.api);
        self.stop.cancel();
        bounded(self.serving).await;
        self.remembering.abort();
        if let Some(lines) = self.lines {
            lines.abort();
        }
    }
}

/// Whom the control server admits: what flags say, else what the file says.
fn admits(args: &NodeArgs, state: &Path) -> Result<Admits, Report> {
    let file = SettingsFile::read(state)?;
    let named = if args.http_name.is_empty() {
        file.http_names.unwrap_or_default()
    } else {
        args.http_name.clone()
    };
    let names = HostName::check_count(named)
        .map_err(|error| Report::new("bad-value", format!("--http-name: {error}")))?;
    Ok(Admits {
        names,
        view: args.http_view || file.http_view.unwrap_or_default(),
    })
}

/// How other machines reach a control server: by its names, then by its addresses.
fn others(wanted: Option<SocketAddr>, port: u16, admits: &Admits) -> Vec<String> {
    let Some(wanted) = wanted.filter(|at| !at.ip().to_canonical().is_loopback()) else {
        return Vec::new();
    };
    let names = admits.names.iter().map(|name| format!("{name}:{port}"));
    let listening = SocketAddr::new(wanted.ip(), port);
    let addresses = reached::by_others(listening).into_iter();
    names.chain(addresses.map(|at| at.to_string())).collect()
}

/// Answers that are under way get a moment.
async fn bounded(task: impl Future<Output = Result<(), JoinError>>) {
    const ANSWERS_TIMEOUT: Duration = Duration::from_millis(500);
    if let Ok(ended) = tokio::time::timeout(ANSWERS_TIMEOUT, task).await {
        log_end("the control server", ended);
    }
}

fn log_end(what: &str, ended: Result<(), JoinError>) {
    match ended {
        Err(error) if error.is_panic() => tracing::error!(%error, "{what} failed"),
        Ok(()) | Err(_) => tracing::debug!("{what} ended"),
    }
}
