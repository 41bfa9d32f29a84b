//! [`Doors`]: the control server of one peer of the party, and what people are told about it.

use std::path::PathBuf;

use lanspread_api::{
    ApiFile, Command, Household, Reception, Report, Server, Token, http::Place, pairing::Sessions,
    reception::Opening,
};
use lanspread_demo::party::Member;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    commands::pair::Link,
    errands, files,
    report::{Failure, Outcome},
    session::Session,
};

/// The control server of one peer.
pub(super) struct Doors {
    told: Told,
    api: ApiFile,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    running_errands: JoinHandle<()>,
}

/// What people and programs need of a peer.
#[derive(Debug, Serialize)]
struct Told {
    name: &'static str,
    control: String,
    page: String,
    state_dir: PathBuf,
    games_dir: PathBuf,
}

impl Doors {
    /// Opens the doors of a peer. A page that says *quit* ends the whole party.
    pub(super) async fn open(member: &Member, quit: CancellationToken) -> Result<Self, Report> {
        let token = Token::generate()?;
        let server = Server::bind(Place::Loopback(None), token.clone()).await?;
        let api = ApiFile {
            address: server.address(),
            token: token.reveal().to_owned(),
            pid: std::process::id(),
        };
        files::write_api(member.state_dir(), &api)?;
        let stop = CancellationToken::new();
        let (reception, mut inside) = Reception::open(Opening {
            first_run: None,
            sessions: Sessions::default(),
            address: api.address,
            others: Vec::new(),
            state_dir: member.state_dir().to_owned(),
            stop: stop.clone(),
        });
        inside.move_in(member.handle());
        let state = member.state_dir().to_owned();
        let running_errands = tokio::spawn(async move {
            errands::serve(&mut inside.errands, &state, None).await;
            quit.cancel();
        });
        let doorkeeper = reception.doorkeeper().clone();
        let serving = server.run(reception.clone(), doorkeeper, stop.clone());
        let serving = tokio::spawn(serving);
        let page = Link::of(reception.call(Command::Pair).await?)?;
        Ok(Self {
            told: Told {
                name: member.name(),
                control: format!("http://{}", api.address),
                page: page.link,
                state_dir: member.state_dir().to_owned(),
                games_dir: member.games_dir().to_owned(),
            },
            api,
            stop,
            serving,
            running_errands,
        })
    }

    pub(super) async fn close(self) {
        files::remove_api(&self.told.state_dir, &self.api);
        self.stop.cancel();
        self.running_errands.abort();
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "a control server of the demo failed");
        }
    }
}

/// Says how to play with the party.
pub(super) fn tell(doors: &[Doors], session: &Session) -> Outcome {
    let peers: Vec<&Told> = doors.iter().map(|door| &door.told).collect();
    if session.out.is_json() {
        session.out.json(&serde_json::json!({ "peers": peers }))?;
        return Ok(());
    }
    tell_people(&peers, session).map_err(Failure::from)
}

fn tell_people(peers: &[&Told], session: &Session) -> std::io::Result<()> {
    for peer in peers {
        let line = format!("\n{} answers at {}", peer.name, peer.control);
        session.out.line(line)?;
        session.out.line(format!("  page  {}", peer.page))?;
        session
            .out
            .line(format!("  state {}", peer.state_dir.display()))?;
        session
            .out
            .line(format!("  games {}", peer.games_dir.display()))?;
    }
    let Some(guest) = peers.last() else {
        return Ok(());
    };
    session.out.line("\ntry in another terminal:")?;
    let state = guest.state_dir.display();
    session
        .out
        .line(format!("  export LANSPREAD_STATE={state}"))?;
    for command in ["games", "get castle-siege --wait", "get --all", "status"] {
        session.out.line(format!("  lanspread {command}"))?;
    }
    session
        .out
        .line("\nCtrl+C ends the party and removes its directory")
}
