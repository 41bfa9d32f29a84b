//! A game that has no payload here: it is played, and replaced only when it was closed.

use lanspread_proto::library::Availability;

use super::*;
use crate::handle::{AfterDownload, GetRequest};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_straight_from_the_swarm_waits_until_the_game_is_closed() {
    let ann = Person::with(SLEEP).await;
    let bob = Person::start_in(tempfile::tempdir().unwrap()).await;
    let address = ann.handle().snapshot().me.addresses[0];
    bob.handle().connect(address).await.unwrap();
    let offered = |game: &GameView| game.newest.is_some();
    bob.until_game("offered", offered).await;
    let get = GetRequest {
        game: quake(),
        content: None,
        then: AfterDownload::InstallLowDisk,
        from: None,
    };
    bob.done(bob.handle().get(get).await.unwrap()).await;
    let hash = bob.plan().await.hash;
    bob.begin(Role::Game, hash, Agreed::Yes).await.unwrap();
    bob.until_state(PlayState::Running).await;

    ann.publish("2", SLEEP).await;
    let newer = |game: &GameView| game.update_available;
    bob.until_game("update available", newer).await;
    let operation = bob.handle().update(quake()).await.unwrap();
    let waits = |phase: &Phase| matches!(phase, Phase::CloseTheGame);
    bob.until_phase(operation, waits).await;
    let label = || std::fs::read_to_string(bob.local("version.ini")).unwrap();
    assert_eq!(label(), "1");
    let program = children(&bob.local("sleep"));
    assert_eq!(program.len(), 1);
    end(program[0]);
    bob.done(operation).await;
    assert_eq!(label(), "2");
    let local_only = |game: &GameView| game.local.availability == Some(Availability::LocalOnly);
    bob.until_game("no source", local_only).await;
    ann.node.stop().await;
    bob.node.stop().await;
}
