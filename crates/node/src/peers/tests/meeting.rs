//! How peers are found, told apart, and met once.

use super::*;

#[tokio::test]
async fn nobody_and_wrong_peers_are_told_apart() {
    let a = Household::start("anna");
    let b = Household::start("bert");
    let code = |result: Result<PeerId, OperationError>| result.unwrap_err().code();
    // The port of a peer that left: nobody is there.
    let left = Household::start("left");
    let (free, dir) = (left.address, left.dir.clone());
    left.stop().await;
    let nobody = code(a.peers.connect(free).await);
    assert!(["unreachable", "no-answer"].contains(&nobody), "{nobody}");
    assert_eq!(code(a.peers.connect(a.address).await), "own-address");
    // A typed address pins the first key that answered there.
    assert_eq!(a.peers.connect(b.address).await.unwrap(), b.me);
    let address = b.address;
    let me = b.me;
    b.stop().await;
    a.until_gone(me).await;
    let other = Identity::generate().unwrap();
    let c = Household::start_as("carl", other, address.port(), dir);
    assert_eq!(code(a.peers.connect(address).await), "wrong-key");
    a.stop().await;
    c.stop().await;
}

#[tokio::test]
async fn peers_of_a_peer_are_met() {
    let (a, b, c) = (
        Household::start("anna"),
        Household::start("bert"),
        Household::start("carl"),
    );
    a.peers.connect(b.address).await.unwrap();
    c.peers.connect(b.address).await.unwrap();
    a.until_linked(c.me).await;
    c.until_linked(a.me).await;
    for household in [a, b, c] {
        household.stop().await;
    }
}

#[tokio::test]
async fn two_that_dial_at_once_have_one_link() {
    for _ in 0..5 {
        let (mut a, mut b) = (Household::start("anna"), Household::start("bert"));
        let (to_b, to_a) = tokio::join!(a.peers.connect(b.address), b.peers.connect(a.address));
        assert_eq!((to_b.unwrap(), to_a.unwrap()), (b.me, a.me));
        // What one says the other hears, once the dust has settled.
        let content = ContentId::from_bytes([7; 32]);
        talk(&a, &mut b, content).await;
        talk(&b, &mut a, content).await;
        let (me_a, me_b) = (a.me, b.me);
        a.stop().await;
        b.stop().await;
        assert_ne!(me_a, me_b);
    }
}

#[tokio::test]
async fn a_clone_gets_a_key_of_its_own() {
    let original = Household::start("anna");
    let dir = Arc::clone(&original.dir);
    let key = std::fs::read(dir.path().join("identity.key")).unwrap();
    let other_dir = Arc::new(tempfile::tempdir().unwrap());
    let copy = Identity::from_bytes(&key).unwrap();
    let copy = Household::start_as("copy", copy, 0, other_dir);
    assert_eq!(original.me, copy.me);
    // They meet: somebody types an address, or multicast DNS does it.
    drop(copy.peers.connect(original.address).await);
    let changed = |view: &Arc<PeersView>| view.me != original.me;
    let mut views = [
        (original.peers.view(), &original),
        (copy.peers.view(), &copy),
    ];
    let [(of_original, _), (of_copy, _)] = &mut views;
    tokio::select! {
        seen = timeout(PATIENCE, of_original.wait_for(changed)) => drop(seen.unwrap().unwrap()),
        seen = timeout(PATIENCE, of_copy.wait_for(changed)) => drop(seen.unwrap().unwrap()),
    }
    let keys: BTreeMap<PeerId, &Household> = views
        .iter()
        .map(|(view, household)| (view.borrow().me, *household))
        .collect();
    assert_eq!(keys.len(), 2, "exactly one of the two changed its key");
    let (new, changer) = keys.iter().find(|(key, _)| **key != original.me).unwrap();
    let kept = std::fs::read(changer.dir.path().join("identity.key.old-1")).unwrap();
    assert_eq!(kept, key, "the old key is put aside");
    let now = std::fs::read(changer.dir.path().join("identity.key")).unwrap();
    assert_eq!(Identity::from_bytes(&now).unwrap().peer_id(), *new);
    assert_eq!(changer.said.borrow().peer, *new);
    // And now they are two, who can talk.
    let stayer = keys[&original.me];
    stayer.until_linked(*new).await;
    original.stop().await;
    copy.stop().await;
}

#[tokio::test]
async fn peers_of_the_last_party_are_found_again() {
    let (a, b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    a.until_linked(b.me).await;
    let (dir, port) = (Arc::clone(&a.dir), a.address.port());
    let key = std::fs::read(dir.path().join("identity.key")).unwrap();
    a.stop().await;
    b.until("gone", |view| view.connected().next().is_none())
        .await;
    let again = Household::start_as("anna", Identity::from_bytes(&key).unwrap(), port, dir);
    again.until_linked(b.me).await;
    again.stop().await;
    b.stop().await;
}
