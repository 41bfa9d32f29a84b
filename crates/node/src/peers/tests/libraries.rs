//! What peers have and how they are called, as others see it.

use super::*;

fn offered(entries: impl IntoIterator<Item = LibraryEntry>) -> OwnGames {
    OwnGames {
        offered: entries.into_iter().collect(),
        ..OwnGames::default()
    }
}

#[tokio::test]
async fn libraries_are_shared_and_go_with_their_peer() {
    let (a, b) = (Household::start("anna"), Household::start("bert"));
    a.library.set_local(offered([entry("quake", "1.0")])).await;
    a.peers.connect(b.address).await.unwrap();
    let mut view = b.library.view();
    let quake = GameId::parse("quake").unwrap();
    let seen = |view: &Arc<LibraryView>| view.merged.game(&quake).is_some();
    timeout(PATIENCE, view.wait_for(seen))
        .await
        .unwrap()
        .unwrap();
    // A delta while the link is up.
    a.library
        .set_local(offered([entry("quake", "1.1"), entry("unreal", "2")]))
        .await;
    let both = |view: &Arc<LibraryView>| {
        let versions = view.merged.games().flat_map(|game| &game.contents);
        let mut versions: Vec<&str> = versions.map(|c| c.version.as_str()).collect();
        versions.sort_unstable();
        versions == ["1.1", "2"] && view.game_counts.get(&a.me) == Some(&2)
    };
    timeout(PATIENCE, view.wait_for(both))
        .await
        .unwrap()
        .unwrap();
    let content = entry("unreal", "2").content;
    assert_eq!(
        view.borrow().holders(content),
        [(a.me, Availability::Ready)]
    );
    a.stop().await;
    let empty =
        |view: &Arc<LibraryView>| view.merged.games().next().is_none() && view.holders.is_empty();
    timeout(PATIENCE, view.wait_for(empty))
        .await
        .unwrap()
        .unwrap();
    b.stop().await;
}

#[tokio::test]
async fn a_library_of_many_pages_arrives_whole() {
    let (a, b) = (Household::start("anna"), Household::start("bert"));
    let many = (0..1_000).map(|n| entry(&format!("game{n}"), &n.to_string()));
    a.library.set_local(offered(many)).await;
    a.peers.connect(b.address).await.unwrap();
    let mut view = b.library.view();
    let all = |view: &Arc<LibraryView>| view.merged.games().count() == 1_000;
    timeout(PATIENCE, view.wait_for(all))
        .await
        .unwrap()
        .unwrap();
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_name_and_a_pause_reach_everybody() {
    let (a, mut b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.until_linked(a.me).await;
    a.peers.set_name(PeerName::clean("annabel")).await.unwrap();
    a.peers.set_sharing(Sharing::Paused).await;
    let me = a.me;
    let told = |view: &Arc<PeersView>| {
        let info = view.peers.get(&me);
        info.is_some_and(|i| i.name.as_str() == "annabel" && i.sharing == Sharing::Paused)
    };
    b.until("told", told).await;
    assert!(matches!(b.next_heard().await, Heard::Up(peer) if peer == me));
    let Heard::Said(peer, message) = b.next_heard().await else {
        panic!("the pause was not passed on");
    };
    assert_eq!((peer, message), (me, LinkMessage::Sharing(Sharing::Paused)));
    // Who comes later hears it too.
    let mut c = Household::start("carl");
    c.peers.connect(a.address).await.unwrap();
    assert!(matches!(c.next_heard().await, Heard::Up(peer) if peer == me));
    assert!(matches!(c.next_heard().await, Heard::Said(..)));
    for household in [a, b, c] {
        household.stop().await;
    }
}
