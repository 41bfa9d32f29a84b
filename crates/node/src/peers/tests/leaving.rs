//! Peers that leave, are gone, or are kept out.

use super::*;

#[tokio::test]
async fn a_goodbye_removes_at_once() {
    let (a, mut b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.until_linked(a.me).await;
    let me = a.me;
    a.stop().await;
    b.until_gone(me).await;
    // Not lost, which takes until silence is long enough.
    b.notice(|n| matches!(n, Notice::PeerDisconnected { peer } if *peer == me))
        .await;
    b.stop().await;
}

#[tokio::test]
async fn a_killed_peer_is_lost() {
    let mut b = Household::start("bert");
    let (tell, told) = oneshot::channel();
    let address = b.address;
    // A runtime that is torn down sends nothing more, like a process that is killed.
    let victim = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let a = runtime.block_on(async {
            let a = Household::start("anna");
            a.peers.connect(address).await.unwrap();
            a
        });
        tell.send((a.me, a.dir.path().to_owned())).unwrap();
        // What is left is leaked: dropping it would say goodbye.
        std::mem::forget(a);
        runtime.shutdown_background();
    });
    let (me, leaked) = told.await.unwrap();
    victim.join().unwrap();
    b.until_linked(me).await;
    b.until_gone(me).await;
    b.notice(|n| matches!(n, Notice::PeerLost { peer } if *peer == me))
        .await;
    b.stop().await;
    std::fs::remove_dir_all(leaked).unwrap();
}

#[tokio::test]
async fn a_blocked_peer_has_no_link_until_it_is_let_in() {
    let (a, b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.peers.block(a.me, true).await.unwrap();
    a.until_gone(b.me).await;
    b.until("blocked", |view| {
        state_of(view, a.me) == Some(PeerState::Blocked)
    })
    .await;
    assert_eq!(
        a.peers.connect(b.address).await.unwrap_err().code(),
        "refused-by-peer"
    );
    assert_eq!(
        b.peers.connect(a.address).await.unwrap_err().code(),
        "blocked"
    );
    b.peers.block(a.me, false).await.unwrap();
    assert_eq!(b.peers.connect(a.address).await.unwrap(), a.me);
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn who_is_blocked_stays_so_after_a_restart() {
    let (a, b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.peers.block(a.me, true).await.unwrap();
    let dir = Arc::clone(&b.dir);
    b.stop().await;
    let state = lanspread_disk::state::StateDir::open(dir.path()).unwrap();
    let key = state.load_identity().unwrap().unwrap();
    let again = Household::start_as("bert", Identity::from_bytes(&key).unwrap(), 0, dir);
    let blocked = Some(PeerState::Blocked);
    again
        .until("blocked", |view| state_of(view, a.me) == blocked)
        .await;
    let refused = a.peers.connect(again.address).await.unwrap_err();
    assert_eq!(refused.code(), "refused-by-peer");
    again.peers.block(a.me, false).await.unwrap();
    assert_eq!(again.peers.connect(a.address).await.unwrap(), a.me);
    a.stop().await;
    again.stop().await;
}
