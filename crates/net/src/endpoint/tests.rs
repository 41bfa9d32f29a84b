//! Links and lanes between real endpoints on loopback.

use std::{cell::Cell, future::Future as _, net::SocketAddr, task::Poll, time::Duration};

use crate::{
    AddressFilter, Blame, Carrier, Endpoint, Incoming, Lane, LaneEvent, LaneWriter, LinkError,
    limits,
};
use lanspread_proto::{
    PeerId,
    limits::DATA_BYTES_MAX,
    wire::{
        DataHeader, LaneMessage, LinkMessage,
        lane::{Credit, LaneRole, RequestId},
        link::{Goodbye, Sharing},
    },
};
use party::{Peer, hello, messages, party_of_two};

mod flood;
mod hostile;
mod party;

#[tokio::test]
async fn every_link_message_arrives() {
    let (alice, mut bob) = party_of_two();
    let (dialled, accepted) = alice.link_to(&mut bob).await;
    let ((to_bob, _), (to_alice, mut from_alice)) = (dialled, accepted);
    assert_eq!((to_bob.peer(), to_alice.peer()), (bob.id, alice.id));
    assert!(to_bob.dialled() && !to_alice.dialled());
    assert_eq!(to_bob.remote_addr(), bob.address);
    for message in messages() {
        to_bob.send(&message).await.unwrap();
    }
    for message in messages() {
        assert_eq!(from_alice.recv().await.unwrap(), message);
    }
    to_bob.close(Goodbye::Leaving).await;
    check_goodbye(&from_alice.recv().await.unwrap_err(), alice.id);
    check_goodbye(&to_alice.closed().await, alice.id);
}

fn check_goodbye(error: &LinkError, from: PeerId) {
    let LinkError::Goodbye { peer, reason } = error else {
        panic!("{error}")
    };
    assert_eq!((*peer, *reason), (from, Goodbye::Leaving));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn both_sides_introduce_themselves() {
    let (alice, mut bob) = party_of_two();
    let (dialled, accepted) = alice.link_to(&mut bob).await;
    let ((to_bob, mut from_bob), (to_alice, mut from_alice)) = (dialled, accepted);
    to_bob
        .send(&LinkMessage::Hello(hello("alice")))
        .await
        .unwrap();
    to_alice
        .send(&LinkMessage::Hello(hello("bob")))
        .await
        .unwrap();
    assert_eq!(
        from_alice.recv_hello().await.unwrap().name.as_str(),
        "alice"
    );
    assert_eq!(from_bob.recv_hello().await.unwrap().name.as_str(), "bob");
}

#[tokio::test]
async fn datagrams_arrive_and_are_bounded() {
    let (alice, mut bob) = party_of_two();
    let (dialled, accepted) = alice.link_to(&mut bob).await;
    let (to_bob, _hears_bob) = dialled;
    let (to_alice, _hears_alice) = accepted;
    to_bob.send_datagram(b"probe".as_slice().into()).unwrap();
    assert_eq!(to_alice.recv_datagram().await.unwrap(), b"probe".as_slice());
    let max = to_bob.datagram_bytes_max();
    assert!((1_000..=1_200).contains(&max), "{max}");
    let error = to_bob.send_datagram(vec![0; 1_201].into()).unwrap_err();
    assert!(matches!(error, LinkError::TooLong { bytes: 1_201, .. }));
}

#[tokio::test]
async fn another_key_fails_closed() {
    let (alice, mut bob) = party_of_two();
    let stranger = PeerId::from_bytes([9; 32]);
    let link = alice.endpoint.dial_link(bob.address, Some(stranger)).await;
    check_wrong_key(&link.unwrap_err(), stranger, bob.id);
    let lane = alice
        .endpoint
        .dial_lane(bob.address, stranger, LaneRole::Fetch);
    check_wrong_key(&lane.await.unwrap_err(), stranger, bob.id);
    // Without an expectation the same peer answers, and is who it is.
    let link = alice.endpoint.dial_link(bob.address, None).await.unwrap();
    assert_eq!(link.peer(), bob.id);
    // Nothing of the refused dials reached Bob's owner.
    assert!(bob.incoming.try_recv().is_err());
}

fn check_wrong_key(error: &LinkError, wanted: PeerId, is: PeerId) {
    let LinkError::WrongKey {
        expected, found, ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!((*expected, *found), (wanted, is));
    assert_eq!(error.blame(), Blame::Peer);
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn lanes_over_tcp_and_quic_carry_data_in_both_roles() {
    for carrier in [Carrier::Tcp, Carrier::Quic] {
        for role in [LaneRole::Fetch, LaneRole::Serve] {
            check_lane(carrier, role).await;
        }
    }
}

async fn check_lane(carrier: Carrier, role: LaneRole) {
    let (alice, mut bob) = party_of_two();
    // Held to the end: a lane on a link ends with it.
    let (link, _accepted) = alice.link_to(&mut bob).await;
    let (to_bob, _from_bob) = link;
    let opened = match carrier {
        Carrier::Tcp => alice.endpoint.dial_lane(bob.address, bob.id, role).await,
        Carrier::Quic => to_bob.open_lane(role).await,
    }
    .unwrap();
    let accepted = bob.lane().await;
    assert_eq!(
        (opened.path().carrier, accepted.path().carrier),
        (carrier, carrier)
    );
    assert_eq!((opened.peer(), accepted.peer()), (bob.id, alice.id));
    assert_eq!((opened.role(), accepted.role()), (role, role));
    assert!(opened.opened_here() && !accepted.opened_here());
    assert_ne!(opened.sends(), accepted.sends());
    let (sender, receiver) = if opened.sends() {
        (opened, accepted)
    } else {
        (accepted, opened)
    };
    check_transfer(sender, receiver).await;
}

async fn check_transfer(sender: Lane, receiver: Lane) {
    const FRAMES: u32 = 20;
    let ((mut hears, mut sends), (mut gets, mut asks)) = (sender.split(), receiver.split());
    let credit = LaneMessage::Credit(Credit { bytes: 7 });
    asks.send(&credit).await.unwrap();
    asks.flush().await.unwrap();
    assert_eq!(hears.next().await.unwrap(), LaneEvent::Message(credit));
    let payload: Vec<u8> = (0..DATA_BYTES_MAX).map(|i| (i % 251) as u8).collect();
    let expected = payload.clone();
    let sending = tokio::spawn(async move {
        for offset in 0..FRAMES {
            let header = DataHeader {
                request: RequestId(5),
                offset,
            };
            sends.send_data(header, &payload).await.unwrap();
        }
        sends.finish().await.unwrap();
    });
    let mut buffer = vec![0; expected.len()];
    for wanted in 0..FRAMES {
        let event = gets.next().await.unwrap();
        let LaneEvent::Data { header, bytes } = event else {
            panic!("{event:?}")
        };
        assert_eq!((header.request, header.offset), (RequestId(5), wanted));
        assert_eq!(bytes, DATA_BYTES_MAX);
        // Read in two parts, whole, not at all, or in part: the next frame is found in any case.
        match wanted % 4 {
            0 => {
                let (front, back) = buffer.split_at_mut(1_000);
                gets.read_data(front).await.unwrap();
                gets.read_data(back).await.unwrap();
            }
            1 => gets.read_data(&mut buffer).await.unwrap(),
            2 => continue,
            _ => {
                gets.read_data(&mut buffer[..77]).await.unwrap();
                let too_much = gets.read_data(&mut buffer).await.unwrap_err();
                assert!(matches!(too_much, LinkError::TooLong { .. }));
                gets.skip_data().await.unwrap();
            }
        }
        assert_eq!(buffer, expected);
    }
    assert!(matches!(gets.next().await, Err(LinkError::Ended(_))));
    sending.await.unwrap();
}

#[tokio::test]
async fn when_tcp_is_refused_the_lane_goes_over_the_link() {
    let (alice, mut bob) = party_of_two();
    let (link, _accepted) = alice.link_to(&mut bob).await;
    // A port on which nobody listens by TCP.
    let udp_only = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let nowhere = udp_only.local_addr().unwrap();
    let error = alice.endpoint.dial_lane(nowhere, bob.id, LaneRole::Fetch);
    let error = error.await.unwrap_err();
    assert!(matches!(error, LinkError::Unreachable { .. }), "{error}");
    assert_eq!(
        (error.blame(), error.is_retryable()),
        (Blame::Network, true)
    );
    let (to_bob, _from_bob) = link;
    let lane = to_bob.open_lane(LaneRole::Fetch).await.unwrap();
    assert_eq!(lane.path().carrier, Carrier::Quic);
    assert_eq!(bob.lane().await.role(), LaneRole::Fetch);
}

#[tokio::test]
async fn two_peers_may_dial_each_other_at_once() {
    let (mut alice, mut bob) = party_of_two();
    let (there, back) = tokio::join!(
        alice.endpoint.dial_link(bob.address, Some(bob.id)),
        bob.endpoint.dial_link(alice.address, Some(alice.id)),
    );
    let ((to_bob, mut from_bob), (to_alice, mut from_alice)) =
        (there.unwrap().split(), back.unwrap().split());
    // Both links work; which one stays is decided above.
    let paused = LinkMessage::Sharing(Sharing::Paused);
    to_bob.send(&paused).await.unwrap();
    to_alice.send(&paused).await.unwrap();
    let (at_bob, mut bob_hears) = bob.link().await.split();
    let (at_alice, mut alice_hears) = alice.link().await.split();
    assert_eq!(bob_hears.recv().await.unwrap(), paused);
    assert_eq!(alice_hears.recv().await.unwrap(), paused);
    at_bob.send(&paused).await.unwrap();
    at_alice.send(&paused).await.unwrap();
    assert_eq!(from_bob.recv().await.unwrap(), paused);
    assert_eq!(from_alice.recv().await.unwrap(), paused);
}

#[tokio::test]
async fn addresses_outside_are_neither_dialled_nor_believed() {
    let (alice, bob) = party_of_two();
    let outside: SocketAddr = "203.0.113.1:47100".parse().unwrap();
    let link = alice.endpoint.dial_link(outside, None).await.unwrap_err();
    assert!(matches!(link, LinkError::AddressRefused(address) if address == outside));
    let lane = alice.endpoint.dial_lane(outside, bob.id, LaneRole::Serve);
    assert!(matches!(lane.await, Err(LinkError::AddressRefused(_))));
    // The wrong family for this socket is said at once, not after a timeout.
    let v6 = alice.endpoint.dial_link("[::1]:1".parse().unwrap(), None);
    let error = v6.await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    alice.endpoint.set_filter(AddressFilter::default());
}

#[tokio::test]
async fn links_end_with_their_owner_and_with_the_endpoint() {
    let (alice, mut bob) = party_of_two();
    let (dialled, accepted) = alice.link_to(&mut bob).await;
    let (_, mut from_alice) = accepted;
    drop(dialled);
    let error = from_alice.recv().await.unwrap_err();
    assert!(matches!(error, LinkError::Lost { .. }), "{error}");

    let (dialled, accepted) = alice.link_to(&mut bob).await;
    let (_, mut from_alice) = accepted;
    alice.endpoint.close().await;
    check_goodbye(&from_alice.recv().await.unwrap_err(), alice.id);
    let (to_bob, _from_bob) = dialled;
    assert!(matches!(to_bob.closed().await, LinkError::Closed(_)));
    let again = alice.endpoint.dial_link(bob.address, None).await;
    assert!(matches!(again, Err(LinkError::EndpointClosed)));
    // The port is free again, for TCP too.
    let lane = bob
        .endpoint
        .dial_lane(alice.address, alice.id, LaneRole::Fetch);
    assert!(matches!(lane.await, Err(LinkError::Unreachable { .. })));
}

#[tokio::test]
async fn a_dropped_endpoint_closes_its_sockets() {
    let (mut alice, bob) = party_of_two();
    let address = alice.address;
    alice.incoming.close();
    drop(alice);
    let lane = bob.endpoint.dial_lane(address, bob.id, LaneRole::Fetch);
    assert!(matches!(
        lane.await,
        Err(LinkError::Unreachable { .. } | LinkError::Handshake { .. })
    ));
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_no_more_than_the_window() {
    let (alice, mut bob) = party_of_two();
    let (dialled, _accepted) = alice.link_to(&mut bob).await;
    let (to_bob, _from_bob) = dialled;
    let mut lanes = Vec::new();
    for _ in 0..8 {
        let lane = to_bob.open_lane(LaneRole::Serve).await.unwrap();
        lanes.push((lane.split(), bob.lane().await));
    }
    let block = vec![0; 64 * 1_024];
    let sent = Cell::new(0);
    let mut writing: Vec<_> = (lanes.iter_mut())
        .map(|((_, writer), _)| Box::pin(fill(writer, &block, &sent)))
        .collect();
    let all = std::future::poll_fn(|cx| {
        for one in &mut writing {
            assert!(
                one.as_mut().poll(cx).is_pending(),
                "a writer came to an end"
            );
        }
        Poll::<()>::Pending
    });
    // What was sent whole, without the block that each lane is stuck in.
    let window = usize::try_from(limits::CONNECTION_WINDOW_BYTES).unwrap();
    let full = async {
        while sent.get() < window - 9 * block.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // It is full; whoever takes more than the window takes it now.
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let full = tokio::time::timeout(Duration::from_secs(60), full);
    tokio::select! {
        () = all => unreachable!("writers do not end"),
        full = full => full.expect("the window is never full"),
    }
    assert!(sent.get() <= window, "{}", sent.get());
    drop(writing);
    let torn = lanes[0].0.1.flush().await.unwrap_err();
    assert!(matches!(torn, LinkError::Torn(_)), "{torn}");
}

/// Writes blocks as long as the lane takes them.
async fn fill(writer: &mut LaneWriter, block: &[u8], sent: &Cell<usize>) -> ! {
    let header = DataHeader {
        request: RequestId(0),
        offset: 0,
    };
    loop {
        writer.send_data(header, block).await.unwrap();
        sent.set(sent.get() + block.len());
    }
}

#[tokio::test]
async fn a_full_queue_is_said_and_not_waited_for() {
    let (alice, mut bob) = party_of_two();
    let (dialled, _accepted) = alice.link_to(&mut bob).await;
    let (to_bob, _from_bob) = dialled;
    let map = party::large_message();
    let mut sent = 0_usize;
    let error = loop {
        match to_bob.try_send(&map) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
        assert!(sent < 10_000, "the queue has no end");
    };
    assert!(matches!(error, LinkError::Full(_)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn the_owner_sees_who_opened_a_lane() {
    let (alice, mut bob) = party_of_two();
    let lane = alice
        .endpoint
        .dial_lane(bob.address, bob.id, LaneRole::Serve);
    let _held = lane.await.unwrap();
    match bob.incoming.recv().await.unwrap() {
        Incoming::Lane { peer, lane } => assert_eq!((peer, lane.peer()), (alice.id, alice.id)),
        Incoming::Link(link) => panic!("{link:?}"),
    }
}

#[tokio::test]
async fn both_families_work_on_one_wildcard_port() {
    let mut bob = Peer::bind("::".parse().unwrap());
    let alice = Peer::bind("0.0.0.0".parse().unwrap());
    let v4 = SocketAddr::new([127, 0, 0, 1].into(), bob.endpoint.local_port());
    let lane = alice.endpoint.dial_lane(v4, bob.id, LaneRole::Fetch);
    let _held = lane.await.unwrap();
    let path = bob.lane().await.path();
    assert!(path.remote.is_ipv4(), "{}", path.remote);
    let link = alice.endpoint.dial_link(v4, Some(bob.id)).await.unwrap();
    assert_eq!(link.remote_addr(), v4);
    check_v6(&bob.endpoint, &mut Peer::bind("::".parse().unwrap())).await;
}

async fn check_v6(from: &Endpoint, to: &mut Peer) {
    // A kernel may have IPv6 and give none of its addresses to anybody.
    let has_address = std::net::UdpSocket::bind("[::1]:0").is_ok();
    if !has_address || to.endpoint.local_addr().is_ipv4() || from.local_addr().is_ipv4() {
        lanspread_lab::skip("both_families_work_on_one_wildcard_port", &"no IPv6 here");
        return;
    }
    let v6 = SocketAddr::new([0, 0, 0, 0, 0, 0, 0, 1].into(), to.endpoint.local_port());
    let link = from.dial_link(v6, Some(to.id)).await.unwrap();
    assert_eq!(link.remote_addr(), v6);
    let _held = from.dial_lane(v6, to.id, LaneRole::Fetch).await.unwrap();
    assert!(to.lane().await.path().remote.is_ipv6());
}
