//! Whole neighbourhoods on loopback: real sockets, real files, no discovery.
#![expect(
    clippy::disallowed_methods,
    reason = "the test looks at what was really written"
)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lanspread_net::{Carrier, Identity};
use lanspread_proto::{
    ContentId, GameId, VersionLabel,
    library::{Availability, LibraryEntry, Size},
    text::Title,
    wire::Extensions,
};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};

use super::{
    owner::{Announcement, PeersPorts, Start, bind, prepare},
    *,
};
use crate::{
    actor::{Tasks, mailbox},
    clock::Clock,
    exchange,
    library::{self, LibraryHandle, OwnGames},
    notice::Notice,
    random,
    restart::Parts,
    snapshot::PeerState,
    views::LibraryView,
};

/// Long enough for a loaded machine; a failure takes so long to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is written of the exchange's mailbox.
#[derive(Debug)]
enum Heard {
    Up(PeerId),
    Down(PeerId),
    Said(PeerId, LinkMessage),
    Lane(Lane),
}

/// One peer without games.
struct Household {
    tasks: Tasks,
    peers: PeersHandle,
    library: LibraryHandle,
    notices: broadcast::Receiver<Notice>,
    heard: mpsc::Receiver<Heard>,
    me: PeerId,
    address: SocketAddr,
    said: watch::Receiver<Announcement>,
    clock: Clock,
    timed: mpsc::Receiver<probes::RoundTrip>,
    dir: Arc<tempfile::TempDir>,
}

impl Household {
    fn start(name: &str) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::start_as(name, Identity::generate().unwrap(), 0, dir)
    }

    fn start_as(name: &str, identity: Identity, port: u16, dir: Arc<tempfile::TempDir>) -> Self {
        let state = lanspread_disk::state::StateDir::open(dir.path()).unwrap();
        if state.load_identity().unwrap().is_none() {
            state.create_identity(identity.as_bytes()).unwrap();
        }
        let identity = Arc::new(identity);
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let socket = bind(Arc::clone(&identity), listen, Default::default()).unwrap();
        let tasks = Tasks::new();
        let (notices, heard_notices) = broadcast::channel(1_024);
        let (parts, _components) = Parts::start(&tasks, notices.clone());
        let (library, unstarted_library) = library::prepare(random::seed());
        let me = identity.peer_id();
        let address = socket.0.local_addr();
        let (peers, unstarted) = prepare(Start {
            identity,
            boot: random::seed(),
            name: PeerName::clean(name),
            state,
            connect: Vec::new(),
            interfaces: Vec::new(),
            socket,
        });
        let (exchange, inbox) = mailbox();
        let (tell, heard) = mpsc::channel(1_024);
        let clock = Clock::start();
        tasks.spawn_until_stop(tracing::Span::none(), overhear(inbox, tell));
        unstarted_library.start((&tasks, &parts), clock, peers.clone(), notices.clone());
        let (round_trips, timed) = mpsc::channel(64);
        let ports = PeersPorts {
            tasks: tasks.clone(),
            clock,
            exchange,
            library: library.clone(),
            notices,
            round_trips,
        };
        let said = unstarted.announcement();
        unstarted.start(&parts, ports);
        Self {
            tasks,
            peers,
            library,
            notices: heard_notices,
            heard,
            me,
            address,
            said,
            clock,
            timed,
            dir,
        }
    }

    async fn until(&self, what: &str, is_so: impl FnMut(&Arc<PeersView>) -> bool) {
        let mut view = self.peers.view();
        let seen = timeout(PATIENCE, view.wait_for(is_so)).await;
        assert!(
            seen.is_ok(),
            "not in time: {what}: {:?}",
            self.peers.view().borrow()
        );
    }

    async fn until_linked(&self, peer: PeerId) {
        let linked = |view: &Arc<PeersView>| state_of(view, peer) == Some(PeerState::Connected);
        self.until("linked", linked).await;
    }

    async fn until_gone(&self, peer: PeerId) {
        let gone = |view: &Arc<PeersView>| state_of(view, peer) != Some(PeerState::Connected);
        self.until("gone", gone).await;
    }

    async fn notice(&mut self, mut is_it: impl FnMut(&Notice) -> bool) -> Notice {
        let waiting = async {
            loop {
                let notice = self.notices.recv().await.unwrap();
                if is_it(&notice) {
                    return notice;
                }
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .expect("no such notice in time")
    }

    async fn next_heard(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("nothing was heard in time").unwrap()
    }

    async fn next_lane(&mut self) -> Lane {
        loop {
            if let Heard::Lane(lane) = self.next_heard().await {
                return lane;
            }
        }
    }

    async fn stop(self) {
        self.peers.leave().await;
        assert!(self.tasks.stop_all().await, "tasks hang");
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only peers speak here")]
async fn overhear(mut inbox: mpsc::Receiver<exchange::Msg>, tell: mpsc::Sender<Heard>) {
    while let Some(message) = inbox.recv().await {
        let heard = match message {
            exchange::Msg::PeerUp { peer } => Heard::Up(peer),
            exchange::Msg::PeerDown { peer } => Heard::Down(peer),
            exchange::Msg::FromPeer { peer, message } => Heard::Said(peer, message),
            exchange::Msg::Lane { lane } => Heard::Lane(lane),
            _ => continue,
        };
        tell.send(heard).await.unwrap();
    }
}

fn state_of(view: &PeersView, peer: PeerId) -> Option<PeerState> {
    view.peers.get(&peer).map(|info| info.state)
}

fn entry(game: &str, version: &str) -> LibraryEntry {
    LibraryEntry {
        game: GameId::parse(game).unwrap(),
        content: ContentId::from_bytes(*lanspread_proto::Hash::of(version.as_bytes()).as_bytes()),
        version: VersionLabel::parse(version).unwrap(),
        title: Title::clean(game),
        availability: Availability::Ready,
        payload: Size { bytes: 1, files: 1 },
        unpacked: None,
        extensions: Extensions::default(),
    }
}

#[tokio::test]
async fn a_link_is_seen_from_both_ends() {
    let (a, mut b) = (Household::start("anna"), Household::start("bert"));
    assert_eq!(a.peers.connect(b.address).await.unwrap(), b.me);
    a.until_linked(b.me).await;
    b.until_linked(a.me).await;
    let (of_a, of_b) = (a.peers.view(), b.peers.view());
    let (of_a, of_b) = (
        of_a.borrow().peers[&b.me].clone(),
        of_b.borrow().peers[&a.me].clone(),
    );
    assert_eq!((of_a.name.as_str(), of_b.name.as_str()), ("bert", "anna"));
    assert_eq!(of_a.address, Some(b.address));
    // The second connect finds the link.
    assert_eq!(a.peers.connect(b.address).await.unwrap(), b.me);
    let me = a.me;
    b.notice(|n| matches!(n, Notice::PeerConnected { peer, .. } if *peer == me))
        .await;
    b.notice(|n| matches!(n, Notice::PeerCount { count: 1 }))
        .await;
    a.stop().await;
    b.stop().await;
}

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
async fn probes_come_back() {
    let (mut a, b) = (Household::start("a"), Household::start("b"));
    a.peers.connect(b.address).await.unwrap();
    let echo = async {
        loop {
            a.peers.probe(b.me, a.clock);
            let wait = timeout(Duration::from_millis(50), a.timed.recv());
            if let Ok(Some(echo)) = wait.await {
                return echo;
            }
        }
    };
    let echo = timeout(PATIENCE, echo).await.unwrap();
    assert_eq!(echo.peer, b.me);
    assert!(echo.trip > Duration::ZERO);
    a.stop().await;
    b.stop().await;
}

/// Says something until it is heard, and checks that *up* and *down* alternate meanwhile.
async fn talk(from: &Household, to: &mut Household, content: ContentId) {
    let mut is_up = false;
    let waiting = async {
        loop {
            from.peers.tell(to.me, LinkMessage::HaveNot(content));
            let heard = timeout(Duration::from_millis(50), to.heard.recv()).await;
            match heard.ok().flatten() {
                Some(Heard::Up(peer)) => {
                    assert!(peer == from.me && !is_up, "up twice");
                    is_up = true;
                }
                Some(Heard::Down(peer)) => {
                    assert!(peer == from.me && is_up, "down twice");
                    is_up = false;
                }
                Some(Heard::Said(peer, message)) => {
                    assert!(is_up, "heard before up");
                    assert_eq!((peer, message), (from.me, LinkMessage::HaveNot(content)));
                    return;
                }
                Some(Heard::Lane(_)) => panic!("nobody opened a lane"),
                None => {}
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("nothing was heard");
}

#[tokio::test]
async fn lanes_go_over_tcp_and_come_back_when_asked_for() {
    let (mut a, mut b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.until_linked(a.me).await;
    let fetching = a.peers.open_lane(b.me).await.unwrap();
    assert_eq!(
        (fetching.path().carrier, fetching.sends()),
        (Carrier::Tcp, false)
    );
    let serving = b.next_lane().await;
    assert_eq!((serving.peer(), serving.sends()), (a.me, true));
    b.until("reachable", |view| view.reachable == Some(true))
        .await;
    // As if the other did not take TCP: it is asked to open the lane itself.
    let (peer, address) = (b.me, None);
    a.peers.mailbox.send(Msg::TcpTried { peer, address }).await;
    let fetching = a.peers.open_lane(b.me).await.unwrap();
    assert!(!fetching.sends() && !fetching.opened_here());
    let serving = b.next_lane().await;
    assert!(serving.sends() && serving.opened_here());
    let stranger = PeerId::from_bytes([9; 32]);
    let error = a.peers.open_lane(stranger).await.unwrap_err();
    assert!(matches!(error, LaneError::NotLinked(peer) if peer == stranger));
    assert!(matches!(a.next_heard().await, Heard::Up(peer) if peer == b.me));
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

#[tokio::test]
async fn a_defect_costs_the_links_for_a_moment_only() {
    let (mut a, b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.until_linked(a.me).await;
    a.peers.mailbox.send(Msg::Panic).await;
    let failed = a
        .notice(|n| matches!(n, Notice::ComponentFailed { .. }))
        .await;
    let Notice::ComponentFailed { reason, .. } = failed else {
        unreachable!()
    };
    assert_eq!(reason, "it panicked: planted");
    let peer = b.me;
    assert!(matches!(a.next_heard().await, Heard::Up(up) if up == peer));
    assert!(matches!(a.next_heard().await, Heard::Down(down) if down == peer));
    assert!(matches!(a.next_heard().await, Heard::Up(up) if up == peer));
    a.until_linked(b.me).await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_machine_that_slept_is_back() {
    let (mut a, mut b) = (Household::start("anna"), Household::start("bert"));
    a.peers.connect(b.address).await.unwrap();
    b.until_linked(a.me).await;
    let round = a.said.borrow().round;
    a.peers.mailbox.send(Msg::Slept).await;
    let (me_a, me_b) = (a.me, b.me);
    for (household, peer) in [(&mut a, me_b), (&mut b, me_a)] {
        assert!(matches!(household.next_heard().await, Heard::Up(up) if up == peer));
        assert!(matches!(household.next_heard().await, Heard::Down(down) if down == peer));
        assert!(matches!(household.next_heard().await, Heard::Up(up) if up == peer));
    }
    assert!(a.said.borrow().round > round, "multicast DNS was not told");
    a.stop().await;
    b.stop().await;
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
