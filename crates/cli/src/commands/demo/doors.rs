//! [`Doors`]: the control server of one peer of the party, and what people are told about it.

use std::path::PathBuf;

use lanspread_api::{ApiFile, Report, Server, Token};
use lanspread_demo::party::Member;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    files,
    report::{Failure, Outcome},
    session::Session,
};

/// The control server of one peer.
pub(super) struct Doors {
    told: Told,
    api: ApiFile,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// What people and programs need of a peer.
#[derive(Debug, Serialize)]
struct Told {
    name: &'static str,
    control: String,
    state_dir: PathBuf,
    games_dir: PathBuf,
}

impl Doors {
    pub(super) async fn open(member: &Member) -> Result<Self, Report> {
        let token = Token::generate()?;
        let server = Server::bind(None, token.clone()).await?;
        let api = ApiFile {
            address: server.address(),
            token: token.reveal().to_owned(),
            pid: std::process::id(),
        };
        files::write_api(member.state_dir(), &api)?;
        let stop = CancellationToken::new();
        Ok(Self {
            told: Told {
                name: member.name(),
                control: format!("http://{}", api.address),
                state_dir: member.state_dir().to_owned(),
                games_dir: member.games_dir().to_owned(),
            },
            api,
            serving: tokio::spawn(server.run(member.handle(), stop.clone())),
            stop,
        })
    }

    pub(super) async fn close(self) {
        files::remove_api(&self.told.state_dir, &self.api);
        self.stop.cancel();
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
