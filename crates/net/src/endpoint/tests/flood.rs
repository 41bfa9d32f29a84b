//! Too many at the door, and peers that die without a word.

use std::{io, time::Duration};

use lanspread_proto::{PeerId, wire::lane::LaneRole};
use tokio::{io::AsyncReadExt, net::TcpStream, time::Instant};

use super::party::{Peer, party_of_two};
use crate::{LinkError, admission::Ticket, limits};

/// Takes every place at the QUIC door.
fn crowd(peer: &Peer) -> Vec<Ticket> {
    let admission = &peer.endpoint.core.udp_admission;
    let strangers = (0..=u8::MAX).map_while(|last| admission.admit([10, 0, 0, last].into()));
    strangers.collect()
}

#[tokio::test]
async fn links_wait_outside_while_the_door_is_full() {
    let (alice, bob) = party_of_two();
    let tickets = crowd(&bob);
    assert_eq!(tickets.len(), limits::HANDSHAKES_MAX);
    // Proving the address does not help while nobody leaves.
    let error = alice.endpoint.dial_link(bob.address, Some(bob.id)).await;
    let error = error.unwrap_err();
    let LinkError::Unreachable { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.is_retryable());
    drop(tickets);
    let link = alice.endpoint.dial_link(bob.address, Some(bob.id)).await;
    assert_eq!(link.unwrap().peer(), bob.id);
}

#[tokio::test]
async fn a_crowd_at_the_tcp_door_is_turned_away_and_forgotten() {
    let (alice, mut bob) = party_of_two();
    let mut silent = Vec::new();
    for _ in 0..limits::HANDSHAKES_MAX {
        silent.push(TcpStream::connect(bob.address).await.unwrap());
    }
    // The next one is closed at once, those before only when their time is up.
    let mut late = TcpStream::connect(bob.address).await.unwrap();
    assert!(matches!(late.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    let mut byte = [0];
    let first = silent[0].try_read(&mut byte).unwrap_err();
    assert_eq!(first.kind(), io::ErrorKind::WouldBlock);
    // The clock moves, the sockets do not: no test has to be fast.
    tokio::time::pause();
    tokio::time::advance(limits::HANDSHAKE_TIMEOUT + Duration::from_millis(500)).await;
    tokio::time::resume();
    for stream in &mut silent {
        assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)));
    }
    let lane = alice
        .endpoint
        .dial_lane(bob.address, bob.id, LaneRole::Fetch);
    let _held = lane.await.unwrap();
    assert_eq!(bob.lane().await.role(), LaneRole::Fetch);
}

#[tokio::test]
async fn accepted_lanes_are_counted_until_they_are_dropped() {
    let (alice, mut bob) = party_of_two();
    let places = || bob.endpoint.core.tcp_lanes.available_permits();
    assert_eq!(places(), limits::TCP_LANES_MAX);
    let dialled = alice
        .endpoint
        .dial_lane(bob.address, bob.id, LaneRole::Fetch);
    let _dialled = dialled.await.unwrap();
    let lane = match bob.incoming.recv().await.unwrap() {
        crate::Incoming::Lane { lane, .. } => lane,
        crate::Incoming::Link(link) => panic!("{link:?}"),
    };
    assert_eq!(places(), limits::TCP_LANES_MAX - 1);
    let (reader, writer) = lane.split();
    drop(writer);
    assert_eq!(places(), limits::TCP_LANES_MAX - 1);
    drop(reader);
    assert_eq!(places(), limits::TCP_LANES_MAX);
}

#[test]
fn a_peer_that_dies_without_a_word_is_noticed() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    // Bob lives in a runtime of his own, which is switched off like a machine.
    let bobs = tokio::runtime::Builder::new_multi_thread();
    let bobs = { bobs }.worker_threads(1).enable_all().build().unwrap();
    let mut bob = bobs.block_on(async { Peer::bind([127, 0, 0, 1].into()) });
    let (alice, (to_bob, mut from_bob), bobs_end) = runtime.block_on(async {
        let alice = Peer::bind([127, 0, 0, 1].into());
        let (here, there) = alice.link_to(&mut bob).await;
        (alice, here, there)
    });
    bobs.shutdown_background();
    let waited = runtime.block_on(async {
        // From here on time passes as fast as nothing happens.
        tokio::time::pause();
        let start = Instant::now();
        let error = from_bob.recv().await.unwrap_err();
        check_timed_out(&error, bob.id);
        check_timed_out(&to_bob.closed().await, bob.id);
        start.elapsed()
    });
    let limit = Duration::from_secs(10)..Duration::from_secs(20);
    assert!(limit.contains(&waited), "{waited:?}");
    drop((alice, bob, bobs_end));
}

fn check_timed_out(error: &LinkError, of: PeerId) {
    let LinkError::Lost { peer, source } = error else {
        panic!("{error}")
    };
    assert_eq!((*peer, source.kind()), (of, io::ErrorKind::TimedOut));
}
