#![expect(clippy::disallowed_methods, reason = "the test prepares files by hand")]

use std::{net::Ipv4Addr, path::Path};

use lanspread_proto::text::PeerName;
use lanspread_unpack::WorkerCommand;

use super::*;
use crate::{
    config::{Discovery, Settings},
    handle::GamesMove,
    snapshot::PeerState,
};

/// Long enough for a loaded machine; a failure takes so long to show.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(dir: &Path) -> Config {
    let games_dir = dir.join("games");
    std::fs::create_dir_all(&games_dir).unwrap();
    Config {
        games_dir,
        state_dir: dir.join("state"),
        name: PeerName::clean("anna"),
        listen: Listen {
            ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: 0,
        },
        discovery: Discovery::Off,
        connect: Vec::new(),
        worker: WorkerCommand::inside("/nonexistent/worker".into()),
        settings: Settings::default(),
    }
}

async fn start(dir: &Path) -> Node {
    Node::start(config(dir)).await.unwrap()
}

fn address(node: &Node) -> SocketAddr {
    node.handle().snapshot().me.addresses[0]
}

#[tokio::test]
async fn a_node_listens_when_its_start_returns() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let mut notices = node.handle().notices();
    let ready = timeout(PATIENCE, notices.recv()).await.unwrap().unwrap();
    let first = node.handle().snapshot();
    assert!(matches!(ready, Notice::Ready { peer, .. } if peer == first.me.peer));
    assert_ne!(first.me.addresses[0].port(), 0);
    assert_eq!(first.me.name.as_str(), "anna");
    let other = tempfile::tempdir().unwrap();
    let other = start(other.path()).await;
    let peer = other.handle().connect(address(&node)).await.unwrap();
    assert_eq!(peer, first.me.peer);
    let mut views = node.handle().watch();
    let me = other.handle().snapshot().me.peer;
    let linked = |snapshot: &Arc<crate::Snapshot>| {
        let mut peers = snapshot.peers.iter();
        peers.any(|peer| peer.peer == Some(me) && peer.state == PeerState::Connected)
    };
    timeout(PATIENCE, views.wait_for(linked))
        .await
        .unwrap()
        .unwrap();
    other.stop().await;
    let gone = |snapshot: &Arc<crate::Snapshot>| !linked(snapshot);
    timeout(PATIENCE, views.wait_for(gone))
        .await
        .unwrap()
        .unwrap();
    node.stop().await;
}

#[tokio::test]
async fn a_stop_leaves_nothing_running_and_answers_who_still_asks() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let handle = node.handle();
    assert!(node.end().await, "something had to be given up on");
    let asked = timeout(PATIENCE, handle.connect(([127, 0, 0, 1], 9).into()))
        .await
        .unwrap();
    assert_eq!(asked.unwrap_err().code(), "stopping");
}

#[tokio::test]
async fn a_state_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let error = Node::start(config(dir.path())).await.unwrap_err();
    assert!(
        matches!(&error, StartError::AlreadyRunning { pid, .. } if *pid == Some(std::process::id()))
    );
    let me = node.handle().snapshot().me.peer;
    node.stop().await;
    // Then it is free, and the key is the same.
    let again = start(dir.path()).await;
    assert_eq!(again.handle().snapshot().me.peer, me);
    again.stop().await;
}

#[tokio::test]
async fn a_games_directory_has_one_node() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let node = start(dir.path()).await;
    let games = dir.path().join("games");
    let wish = Config {
        games_dir: games.clone(),
        ..config(other.path())
    };
    let error = Node::start(wish.clone()).await.unwrap_err();
    let me = Some(std::process::id());
    assert!(
        matches!(&error, StartError::GamesDirInUse { path, pid } if *path == games && *pid == me),
        "{error}"
    );
    // Nor by changing to it, from a directory that stays and can be changed to another.
    let second = start(other.path()).await;
    let change = async |dir: &Path| {
        let handle = second.handle();
        handle
            .set_games_dir(dir.to_owned(), GamesMove::UseAsItIs)
            .await
    };
    let error = change(&games).await.unwrap_err();
    assert_eq!(error.code(), "games-dir-in-use", "{error}");
    assert!(
        error.to_string().contains(games.to_str().unwrap()),
        "{error}"
    );
    change(&other.path().join("games")).await.unwrap();
    second.handle().rescan().await.unwrap();
    change(&other.path().join("third")).await.unwrap();
    second.handle().rescan().await.unwrap();
    let error = Node::start(Config {
        games_dir: other.path().join("third"),
        state_dir: other.path().join("state two"),
        ..wish.clone()
    });
    assert_eq!(error.await.unwrap_err().code(), "games-dir-in-use");
    second.stop().await;
    node.stop().await;
    // Then it is free.
    Node::start(wish).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_stops_the_start_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).await.stop().await;
    let key = dir.path().join("state").join("identity.key");
    let whole = std::fs::read(&key).unwrap();
    let mut torn = whole.clone();
    *torn.last_mut().unwrap() ^= 1;
    for bad in [Vec::new(), b"no key".to_vec(), torn, whole[..40].to_vec()] {
        std::fs::write(&key, &bad).unwrap();
        let error = Node::start(config(dir.path())).await.unwrap_err();
        assert!(
            matches!(&error, StartError::Identity { path, .. } if *path == key),
            "{error}"
        );
        assert_eq!(std::fs::read(&key).unwrap(), bad);
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_of_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let node = start(dir.path()).await;
    let taken = address(&node).port();
    let other = tempfile::tempdir().unwrap();
    let mut wish = config(other.path());
    wish.listen.port = taken;
    let error = Node::start(wish).await.unwrap_err();
    assert!(matches!(&error, StartError::Listen { address, .. } if address.port() == taken));
    node.stop().await;
}
