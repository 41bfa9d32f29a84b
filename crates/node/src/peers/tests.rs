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

mod leaving;
mod libraries;
mod meeting;

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
