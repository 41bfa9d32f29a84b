//! [`Member`]: one peer of the party and its two directories.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use lanspread_node::{
    Config, Node, NodeHandle,
    config::{Discovery, Listen, Settings},
};
use lanspread_proto::text::PeerName;
use lanspread_unpack::WorkerCommand;

use crate::error::DemoError;

/// The peer that shares the games, the one that shares a copy of them, and the one without any.
pub(crate) const NAMES: [&str; 3] = ["source-1", "source-2", "guest"];

/// One peer of the party.
#[derive(Debug)]
pub struct Member {
    name: &'static str,
    games_dir: PathBuf,
    state_dir: PathBuf,
    node: Node,
}

impl Member {
    /// Starts a peer on loopback, on a free port, that connects to the others and looks for nobody.
    pub(crate) async fn start(
        root: &Path,
        name: &'static str,
        connect: Vec<SocketAddr>,
        worker: WorkerCommand,
    ) -> Result<Self, DemoError> {
        let games_dir = games_dir(root, name);
        let state_dir = root.join(name).join("state");
        std::fs::create_dir_all(&games_dir).map_err(DemoError::file("make", &games_dir))?;
        let config = Config {
            games_dir: games_dir.clone(),
            state_dir: state_dir.clone(),
            name: PeerName::clean(name),
            listen: Listen {
                ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                port: 0,
            },
            discovery: Discovery::Off,
            connect,
            worker,
            // One game after the other, so that each comes from both sources: two at a time would
            // share the sources between them.
            settings: Settings {
                downloads_max: 1,
                ..Settings::default()
            },
        };
        let node = Box::pin(Node::start(config)).await;
        let node = node.map_err(|source| DemoError::Start {
            name,
            source: Box::new(source),
        })?;
        Ok(Self {
            name,
            games_dir,
            state_dir,
            node,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its games directory.
    #[must_use]
    pub fn games_dir(&self) -> &Path {
        &self.games_dir
    }

    /// Its state directory.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// A door to it.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.node.handle()
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        self.node.stop().await;
    }
}

/// Where the games of a peer are.
pub(crate) fn games_dir(root: &Path, name: &str) -> PathBuf {
    root.join(name).join("games")
}
