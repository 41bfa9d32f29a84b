//! What a program may ask for right after its answer came.

use super::*;

#[tokio::test]
async fn the_first_listing_can_be_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    write_game(&dir.path().join("games/quake"), "1.0");
    let person = Person::start_in(dir).await;
    let handle = person.handle();
    handle.until_listed().await;
    let snapshot = handle.snapshot();
    assert!(snapshot.me.is_listed);
    assert!(game_of(&snapshot).is_some(), "{:?}", snapshot.games);
    person.stop().await;
}

#[tokio::test]
async fn what_a_peer_has_is_known_when_it_was_heard_of() {
    let (anna, bert) = (Person::start().await, Person::start().await);
    anna.publish("1.0").await;
    let bert_handle = bert.handle();
    let peer = bert_handle.connect(anna.address()).await.unwrap();
    bert_handle.shown().await;
    bert_handle.until_heard_of(peer).await;
    let snapshot = bert_handle.snapshot();
    assert!(game_of(&snapshot).is_some(), "{:?}", snapshot.peers);
    // Nobody waits for a peer that is not there.
    bert_handle
        .until_heard_of(lanspread_proto::PeerId::from_bytes([9; 32]))
        .await;
    anna.stop().await;
    bert.stop().await;
}
