use alloc::vec;
use core::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

mod addresses;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn key(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

fn address(n: u8) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::new(10, 0, 0, n).into(), 47_100)
}

fn mdns(n: u8, addresses: &[SocketAddr]) -> Sighting {
    Sighting {
        peer: Some(key(n)),
        boot: Some(u64::from(n)),
        addresses: addresses.to_vec(),
        source: Source::Mdns(address(n).ip()),
    }
}

fn hello(boot: u64) -> HelloFacts {
    HelloFacts {
        boot,
        addresses: Vec::new(),
        reachable: Reachability::Open,
    }
}

fn actions(peers: &mut Peers) -> Vec<PeersAction> {
    peers.assert_invariants();
    core::iter::from_fn(|| peers.poll_action()).collect()
}

fn dials(peers: &mut Peers) -> Vec<(DialId, Vec<SocketAddr>, Option<PeerId>)> {
    let dial = |action| {
        let PeersAction::Dial {
            dial,
            addresses,
            expected,
        } = action
        else {
            return None;
        };
        Some((dial, addresses, expected))
    };
    actions(peers).into_iter().filter_map(dial).collect()
}

/// A link to peer `n` that is up.
fn link(peers: &mut Peers, now: Instant, id: u64, n: u8, direction: Direction) -> Vec<PeersAction> {
    peers.on_link_up(now, LinkId(id), key(n), direction);
    peers.on_hello(now, LinkId(id), hello(u64::from(n)));
    actions(peers)
}

fn up(n: u8, id: u64) -> PeersAction {
    PeersAction::LinkUp {
        peer: key(n),
        link: LinkId(id),
    }
}

fn closed(id: u64, reason: Goodbye) -> PeersAction {
    PeersAction::CloseLink {
        link: LinkId(id),
        reason,
    }
}

#[test]
fn a_sighting_is_dialled_and_its_address_proven() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    let dialled = dials(&mut peers);
    let [(dial, addresses, Some(expected))] = &dialled[..] else {
        panic!("{dialled:?}");
    };
    assert_eq!((addresses, *expected), (&vec![address(2)], key(2)));
    assert!(peers.remembered().is_empty());
    let direction = Direction::Dialled(address(2));
    assert_eq!(link(&mut peers, at(10), 7, 2, direction), [up(2, 7)]);
    peers.on_dialled(at(10), *dial);
    assert_eq!(peers.link_of(key(2)), Some(LinkId(7)));
    assert_eq!(peers.remembered()[0].peer, key(2));
    assert!(dials(&mut peers).is_empty());
}

#[test]
fn our_own_announcement_is_not_dialled() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(1, &[address(1)]));
    assert!(dials(&mut peers).is_empty());
}

#[test]
fn of_two_links_the_one_dialled_by_the_lower_key_stays() {
    let check = |me: u8, other: u8, first_is_ours: bool, stays: u64| {
        let mut peers = Peers::new(key(me), u64::from(me), 0);
        let ours = Direction::Dialled(address(other));
        let order = if first_is_ours {
            [ours, Direction::Accepted]
        } else {
            [Direction::Accepted, ours]
        };
        link(&mut peers, at(0), 0, other, order[0]);
        let then = link(&mut peers, at(1), 1, other, order[1]);
        assert_eq!(
            peers.link_of(key(other)),
            Some(LinkId(stays)),
            "{me} {other}"
        );
        assert!(then.contains(&closed(1 - stays, Goodbye::Duplicate)));
    };
    check(1, 2, true, 0);
    check(1, 2, false, 1);
    check(2, 1, true, 1);
    check(2, 1, false, 0);
}

#[test]
fn a_restart_replaces_and_a_clone_is_told() {
    let mut peers = Peers::new(key(1), 1, 0);
    link(&mut peers, at(0), 0, 2, Direction::Accepted);
    peers.on_link_up(at(1_000), LinkId(1), key(2), Direction::Accepted);
    peers.on_hello(at(1_000), LinkId(1), hello(77));
    let replaced = actions(&mut peers);
    assert!(
        replaced.contains(&closed(0, Goodbye::Duplicate)),
        "{replaced:?}"
    );
    assert_eq!(peers.link_of(key(2)), Some(LinkId(1)));
    // The first boot is alive as well: the greater one goes.
    peers.on_link_up(at(5_000), LinkId(2), key(2), Direction::Accepted);
    peers.on_hello(at(5_000), LinkId(2), hello(2));
    let cloned = actions(&mut peers);
    assert!(cloned.contains(&PeersAction::PeerKeyCloned { peer: key(2) }));
    assert!(cloned.contains(&closed(1, Goodbye::Clone)), "{cloned:?}");
    assert_eq!(peers.link_of(key(2)), Some(LinkId(2)));
}

#[test]
fn of_two_with_our_key_exactly_one_changes() {
    let changes = |mine: u64, theirs: u64| {
        let mut peers = Peers::new(key(1), mine, 0);
        peers.on_link_up(at(0), LinkId(0), key(1), Direction::Accepted);
        peers.on_hello(at(0), LinkId(0), hello(theirs));
        actions(&mut peers)
            .iter()
            .any(|action| matches!(action, PeersAction::OwnKeyCloned { we_change: true }))
    };
    assert!(changes(9, 3) && !changes(3, 9));
    // A dial that came back to ourselves is no clone.
    assert!(!changes(3, 3));
}

fn checks(peers: &mut Peers) -> Vec<LinkId> {
    let check = |action| {
        let PeersAction::CheckLink { link } = action else {
            return None;
        };
        Some(link)
    };
    actions(peers).into_iter().filter_map(check).collect()
}

/// A link to a peer that may have moved is looked at, and when it is dead the peer is dialled at
/// once.
#[test]
fn a_link_is_checked_when_its_peer_may_have_moved() {
    let mut peers = Peers::new(key(1), 1, 0);
    link(&mut peers, at(0), 0, 2, Direction::Dialled(address(2)));
    peers.on_sighting(at(10_000), mdns(2, &[address(2)]));
    assert_eq!(checks(&mut peers), []);
    peers.on_sighting(at(20_000), mdns(2, &[address(3)]));
    assert_eq!(checks(&mut peers), [LinkId(0)]);
    peers.on_network_changed(at(30_000));
    assert_eq!(checks(&mut peers), [LinkId(0)]);
    // It dials us though the link that stays is ours: it may not hear us there.
    peers.on_link_up(at(31_000), LinkId(1), key(2), Direction::Accepted);
    peers.on_hello(at(31_000), LinkId(1), hello(2));
    let then = actions(&mut peers);
    assert!(
        then.contains(&PeersAction::CheckLink { link: LinkId(0) }),
        "{then:?}"
    );
    assert!(then.contains(&closed(1, Goodbye::Duplicate)), "{then:?}");
    peers.on_link_dead(at(32_000), LinkId(0));
    assert_eq!(dials(&mut peers).len(), 1);
}

#[test]
fn a_peer_that_was_started_again_is_dialled_soon() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    let mut now = at(0);
    for _ in 0..6 {
        let (dial, ..) = dials(&mut peers).remove(0);
        peers.on_dial_failed(now, dial, DialBlame::Network);
        now = peers.poll_timeout().unwrap();
        peers.on_timeout(now);
    }
    let (dial, ..) = dials(&mut peers).remove(0);
    peers.on_dial_failed(now, dial, DialBlame::Network);
    let again = Sighting {
        boot: Some(99),
        ..mdns(2, &[address(2)])
    };
    peers.on_sighting(now, again);
    assert!(peers.poll_timeout().unwrap().since(now) <= Duration::from_secs(5));
    // One that said goodbye and comes back is not made to wait either.
    let mut peers = Peers::new(key(1), 1, 0);
    link(&mut peers, at(0), 0, 2, Direction::Accepted);
    peers.on_goodbye(at(10), LinkId(0), Goodbye::Leaving);
    peers.on_link_down(at(11), LinkId(0));
    peers.on_sighting(at(3_000), mdns(2, &[address(2)]));
    assert_eq!(dials(&mut peers).len(), 1);
}

#[test]
fn blocked_peers_have_no_link() {
    let mut peers = Peers::new(key(1), 1, 0);
    link(&mut peers, at(0), 0, 2, Direction::Accepted);
    peers.set_blocked(at(1), key(2), true);
    assert!(actions(&mut peers).contains(&closed(0, Goodbye::Blocked)));
    let refused = link(&mut peers, at(2), 1, 2, Direction::Accepted);
    assert!(
        refused.contains(&closed(1, Goodbye::Blocked)),
        "{refused:?}"
    );
    peers.on_sighting(at(3), mdns(2, &[address(2)]));
    assert!(dials(&mut peers).is_empty());
    peers.set_blocked(at(4), key(2), false);
    peers.on_sighting(at(5), mdns(2, &[address(2)]));
    assert_eq!(dials(&mut peers).len(), 1);
}

#[test]
fn hints_introductions_and_silence() {
    let mut peers = Peers::new(key(1), 1, 0);
    link(&mut peers, at(0), 0, 2, Direction::Dialled(address(2)));
    link(&mut peers, at(0), 1, 3, Direction::Dialled(address(3)));
    peers.on_timeout(at(1_000));
    let hints = actions(&mut peers);
    let told = hints
        .iter()
        .filter(|action| matches!(action, PeersAction::Hint { .. }));
    assert_eq!(told.count(), 2, "{hints:?}");
    peers.on_timeout(at(60_000));
    assert!(actions(&mut peers).is_empty());
    peers.on_meet_wanted(at(60_000), key(2), key(3));
    let introduced = actions(&mut peers);
    assert_eq!(introduced.len(), 2, "{introduced:?}");
    // A hinted peer that cannot be dialled is met through the one who told of it.
    let hinted = Sighting {
        source: Source::Hint(key(2)),
        ..mdns(9, &[address(9)])
    };
    peers.on_sighting(at(61_000), hinted);
    let (dial, ..) = dials(&mut peers).remove(0);
    peers.on_dial_failed(at(62_000), dial, DialBlame::Network);
    let met = PeersAction::MeetVia {
        peer: key(9),
        common: key(2),
    };
    assert!(actions(&mut peers).contains(&met));
    // A link without a hello is closed.
    peers.on_link_up(at(70_000), LinkId(9), key(4), Direction::Accepted);
    peers.on_timeout(at(75_000));
    assert!(actions(&mut peers).contains(&closed(9, Goodbye::Violation)));
}

#[test]
fn neighbours_are_bounded() {
    let mut peers = Peers::new(key(0), 1, 0);
    for n in 1..=100 {
        link(&mut peers, at(0), u64::from(n), n, Direction::Accepted);
    }
    assert_eq!(peers.linked().count(), NEIGHBOURS_MAX);
    peers.on_sighting(at(1), mdns(200, &[address(200)]));
    assert!(dials(&mut peers).is_empty());
    peers.on_wake(at(2));
    assert_eq!(peers.linked().count(), 0);
}

/// A few machines and the connections between them: both ends of a link know it by one number.
struct Party {
    now: Instant,
    peers: Vec<Peers>,
    next_link: u64,
    /// Both ends of each open connection.
    open: BTreeMap<LinkId, (usize, usize)>,
    /// Connections that one end is yet to hear the end of.
    pending: VecDeque<Step>,
}

enum Step {
    Dialled(usize, DialId, PeerId),
    Ended(usize, LinkId),
}

impl Party {
    fn new(count: u8) -> Self {
        let peers = (0..count).map(|n| Peers::new(key(n), u64::from(n), u64::from(n)));
        Self {
            now: at(0),
            peers: peers.collect(),
            next_link: 0,
            open: BTreeMap::new(),
            pending: VecDeque::new(),
        }
    }

    fn collect(&mut self) {
        for i in 0..self.peers.len() {
            for action in actions(&mut self.peers[i]) {
                self.carry_out(i, action);
            }
        }
    }

    fn carry_out(&mut self, i: usize, action: PeersAction) {
        if let PeersAction::CloseLink { link, .. } = action
            && let Some((a, b)) = self.open.remove(&link)
        {
            let other = if a == i { b } else { a };
            self.pending.push_back(Step::Ended(other, link));
        } else if let PeersAction::Dial { dial, expected, .. } = action {
            let expected = expected.expect("nobody typed an address");
            self.pending.push_back(Step::Dialled(i, dial, expected));
        }
    }

    fn step(&mut self, which: usize) {
        self.now += Duration::from_millis(10);
        self.collect();
        let index = which % self.pending.len().max(1);
        match self.pending.remove(index) {
            Some(Step::Dialled(from, dial, to)) => self.connect(from, dial, to),
            Some(Step::Ended(at, link)) => self.peers[at].on_link_down(self.now, link),
            None => self.peers.iter_mut().for_each(|p| p.on_timeout(self.now)),
        }
        self.collect();
    }

    fn connect(&mut self, from: usize, dial: DialId, to: PeerId) {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        let target = usize::from(to.as_bytes()[0]);
        self.open.insert(link, (from, target));
        let there = address(to.as_bytes()[0]);
        let me = self.peers[from].me;
        self.peers[from].on_link_up(self.now, link, to, Direction::Dialled(there));
        self.peers[from].on_dialled(self.now, dial);
        self.peers[target].on_link_up(self.now, link, me, Direction::Accepted);
        for (here, other) in [(from, target), (target, from)] {
            let boot = self.peers[other].boot;
            self.peers[here].on_hello(self.now, link, hello(boot));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn everybody_ends_with_one_link_to_everybody(
        count in 2_u8..7,
        order in prop::collection::vec(any::<usize>(), 400),
    ) {
        let mut party = Party::new(count);
        for n in 0..count {
            for other in 0..count {
                party.peers[usize::from(n)].on_sighting(at(0), mdns(other, &[address(other)]));
            }
        }
        for which in order {
            party.step(which);
        }
        for _ in 0..200 {
            party.step(0);
        }
        for (i, peers) in party.peers.iter().enumerate() {
            prop_assert_eq!(peers.linked().count(), usize::from(count) - 1);
            for (peer, link) in peers.linked() {
                let other = &party.peers[usize::from(peer.as_bytes()[0])];
                prop_assert_eq!(other.link_of(key(u8::try_from(i).unwrap())), Some(link));
            }
        }
    }
}

#[test]
fn forged_announcers_bring_no_more_than_a_party() {
    let mut peers = Peers::new(key(0), 1, 7);
    let announce = |peers: &mut Peers, now, numbers: core::ops::Range<u32>| {
        for number in numbers {
            let ip = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number));
            let mut name = [1; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            let sighting = Sighting {
                peer: Some(PeerId::from_bytes(name)),
                boot: None,
                addresses: vec![SocketAddr::new(ip, 47_100)],
                source: Source::Mdns(ip),
            };
            peers.on_sighting(now, sighting);
        }
        peers.views().count()
    };
    let burst = usize::try_from(ADDRESSES_PER_MULTICAST_BURST).unwrap();
    assert_eq!(announce(&mut peers, at(0), 1..3_000), burst);
    let more = usize::try_from(ADDRESSES_PER_MULTICAST / 60).unwrap();
    assert_eq!(announce(&mut peers, at(1_000), 3_000..6_000), burst + more);
}

#[test]
fn who_is_blocked_is_shown_though_nothing_is_heard_of_it() {
    let mut peers = Peers::new(key(0), 1, 7);
    peers.set_blocked(at(0), key(5), true);
    let shown: Vec<(PeerId, PeerState)> = peers.views().map(|v| (v.peer, v.state)).collect();
    assert_eq!(shown, [(key(5), PeerState::Blocked)]);
    peers.set_blocked(at(1), key(5), false);
    assert_eq!(peers.views().count(), 0);
}

/// Of two that both want their link somewhere else the lower key has the last word.
#[test]
fn a_link_is_moved_by_the_lower_key_or_by_who_may_replace_it() {
    let check = |me: u8, other: u8, by_us: bool, moves: bool| {
        let mut peers = Peers::new(key(me), 1, 7);
        let direction = match by_us {
            true => Direction::Dialled(address(other)),
            false => Direction::Accepted,
        };
        link(&mut peers, at(0), 1, other, direction);
        actions(&mut peers);
        let better = address(200);
        peers.on_better_way(at(1), key(other), vec![better]);
        peers.on_better_way(at(1), key(other), vec![better]);
        let dials = dials(&mut peers);
        assert_eq!(dials.len(), usize::from(moves), "{me} {other} {by_us}");
        let Some((dial, addresses, expected)) = dials.first().cloned() else {
            return;
        };
        assert_eq!((addresses, expected), (vec![better], Some(key(other))));
        // It takes the place of the first.
        peers.on_link_up(at(2), LinkId(2), key(other), Direction::Dialled(better));
        peers.on_hello(at(2), LinkId(2), hello(u64::from(other)));
        peers.on_dialled(at(2), dial);
        assert_eq!(peers.link_of(key(other)), Some(LinkId(2)));
    };
    check(1, 2, true, true);
    check(1, 2, false, true);
    check(2, 1, true, true);
    check(2, 1, false, false);
}
