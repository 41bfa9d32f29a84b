//! Where a peer may be: who said it, and what is believed.

use super::*;

#[test]
fn back_off_grows_and_a_new_address_ends_it() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let (dial, ..) = dials(&mut peers).remove(0);
        peers.on_dial_failed(now, dial, DialBlame::Network);
        let next = peers.poll_timeout().unwrap();
        waits.push(next.since(now).as_secs());
        now = next;
        peers.on_timeout(now);
    }
    assert_eq!(waits, [4, 8, 16, 32, 60, 60, 60, 60]);
    let (dial, ..) = dials(&mut peers).remove(0);
    peers.on_dial_failed(now, dial, DialBlame::Network);
    peers.on_sighting(now, mdns(2, &[address(2)]));
    assert!(peers.poll_timeout().unwrap().since(now) > Duration::from_secs(50));
    peers.on_sighting(now, mdns(2, &[address(3)]));
    assert!(peers.poll_timeout().unwrap().since(now) <= Duration::from_secs(5));
}

/// The dial to where it was may still run, and fail late: neither makes the new address wait.
#[test]
fn an_address_sighted_during_a_dial_is_dialled_beside_it() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    let (old, ..) = dials(&mut peers).remove(0);
    peers.on_sighting(at(2_000), mdns(2, &[address(3)]));
    let beside = dials(&mut peers);
    assert_eq!(beside.len(), 1);
    assert_eq!(beside[0].1, [address(3)]);
    // No third one, whatever is said.
    peers.on_sighting(at(4_000), mdns(2, &[address(4)]));
    assert!(dials(&mut peers).is_empty());
    peers.on_dial_failed(at(5_000), old, DialBlame::Network);
    assert_eq!(dials(&mut peers)[0].1.first(), Some(&address(4)));
}

/// Who only says that an address is its own does not own it.
#[test]
fn hearsay_claims_no_typed_address() {
    let mut peers = Peers::new(key(1), 1, 0);
    let boast = HelloFacts {
        addresses: vec![address(9)],
        ..hello(2)
    };
    peers.on_link_up(at(0), LinkId(0), key(2), Direction::Accepted);
    peers.on_hello(at(0), LinkId(0), boast);
    actions(&mut peers);
    let typed = Sighting {
        peer: None,
        boot: None,
        addresses: vec![address(9)],
        source: Source::Typed,
    };
    peers.on_sighting(at(10), typed);
    let dialled = dials(&mut peers);
    assert_eq!(dialled.len(), 1);
    assert_eq!(dialled[0].2, None, "whoever answers there");
    assert_eq!(peers.found_at(address(9)), None);
}

#[test]
fn a_victim_is_not_shot_at() {
    let mut peers = Peers::new(key(1), 1, 0);
    // One announcer claims 200 peers at one address each.
    for n in 2..=201 {
        let mut claim = mdns(n, &[address(200)]);
        claim.source = Source::Mdns(address(66).ip());
        peers.on_sighting(at(u64::from(n)), claim);
    }
    assert_eq!(dials(&mut peers).len(), 3);
    // A minute later it may bring three more.
    for n in 100..=201 {
        let mut claim = mdns(n, &[address(200)]);
        claim.source = Source::Mdns(address(66).ip());
        peers.on_sighting(at(61_000), claim);
    }
    assert!(dials(&mut peers).len() <= 6);
    let many: Vec<SocketAddr> = (0..100).map(address).collect();
    peers.on_sighting(at(0), mdns(9, &many));
    peers.assert_invariants();
}

#[test]
fn a_typed_address_pins_the_first_key() {
    let mut peers = Peers::new(key(1), 1, 0);
    let typed = Sighting {
        peer: None,
        boot: None,
        addresses: vec![address(2)],
        source: Source::Typed,
    };
    peers.on_sighting(at(0), typed.clone());
    let (dial, _, expected) = dials(&mut peers).remove(0);
    assert_eq!(expected, None);
    link(&mut peers, at(10), 0, 2, Direction::Dialled(address(2)));
    peers.on_dialled(at(10), dial);
    peers.on_link_down(at(20), LinkId(0));
    peers.on_sighting(at(30), typed);
    let again = dials(&mut peers);
    assert_eq!(again[0].2, Some(key(2)));
}

#[test]
fn a_wrong_answer_takes_the_address_away() {
    let mut peers = Peers::new(key(1), 1, 0);
    peers.on_sighting(at(0), mdns(2, &[address(2)]));
    let (dial, ..) = dials(&mut peers).remove(0);
    peers.on_dial_failed(at(1), dial, DialBlame::Peer);
    assert_eq!(peers.poll_timeout(), None);
    peers.on_network_changed(at(2));
    assert_eq!(dials(&mut peers).len(), 1);
}
