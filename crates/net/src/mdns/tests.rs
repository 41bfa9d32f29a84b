//! Two engines on loopback, on a port of their own.

use std::net::UdpSocket;

use super::*;

/// Far longer than two probes and an announcement take.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(byte: u8, port: u16) -> MdnsConfig {
    MdnsConfig {
        peer: PeerId::from_bytes([byte; 32]),
        boot: u64::from(byte),
        port,
        interface: Some("lo".to_string()),
    }
}

/// Sends one datagram to the mDNS group and receives it, without mDNS.
fn multicast_on_loopback() -> io::Result<()> {
    let (group, loopback) = ([224, 0, 0, 251].into(), [127, 0, 0, 1].into());
    let receiver = UdpSocket::bind("0.0.0.0:0")?;
    receiver.join_multicast_v4(&group, &loopback)?;
    receiver.set_read_timeout(Some(Duration::from_secs(10)))?;
    let sender = socket2::Socket::from(UdpSocket::bind("127.0.0.1:0")?);
    sender.set_multicast_if_v4(&loopback)?;
    let port = receiver.local_addr()?.port();
    UdpSocket::from(sender).send_to(b"x", (group, port))?;
    receiver.recv(&mut [0; 1]).map(|_count| ())
}

async fn next_of(events: &mut mpsc::Receiver<MdnsEvent>) -> Option<MdnsEvent> {
    timeout(PATIENCE, events.recv()).await.ok().flatten()
}

#[tokio::test]
async fn peers_see_each_other_come_and_go() {
    if let Err(error) = multicast_on_loopback() {
        lanspread_lab::skip("peers_see_each_other_come_and_go", &error);
        return;
    }
    let free = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mdns_port = free.local_addr().unwrap().port();
    drop(free);
    let (alice, mut alice_hears) = Mdns::start_on(mdns_port, &config(1, 5_001)).unwrap();
    let (bob, mut bob_hears) = Mdns::start_on(mdns_port, &config(2, 5_002)).unwrap();
    let Some(event) = next_of(&mut alice_hears).await else {
        panic!("nothing heard")
    };
    let MdnsEvent::Seen(sighting) = event else {
        panic!("{event:?}")
    };
    assert_eq!(sighting.peer, Some(PeerId::from_bytes([2; 32])));
    assert_eq!(
        (sighting.boot, sighting.kind),
        (Some(2), SightingKind::LanSpread)
    );
    assert!(
        sighting
            .addresses
            .contains(&"127.0.0.1:5002".parse().unwrap())
    );
    assert_eq!(sighting.seen_via, ["lo"]);
    let Some(MdnsEvent::Seen(of_alice)) = next_of(&mut bob_hears).await else {
        panic!("nothing heard")
    };
    assert_eq!(of_alice.peer, Some(PeerId::from_bytes([1; 32])));
    bob.shutdown().await.unwrap();
    check_gone(&mut alice_hears, &sighting.instance).await;
    alice.shutdown().await.unwrap();
    assert!(next_of(&mut alice_hears).await.is_none());
}

#[tokio::test]
async fn a_flood_of_names_makes_the_engine_forget_and_listen_anew() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mdns_port = free.local_addr().unwrap().port();
    drop(free);
    let engine = Engine(ServiceDaemon::new_with_port(mdns_port).unwrap());
    engine.restrict_to(Some("nonesuch0")).unwrap();
    let services = engine.0.browse(SERVICE).unwrap();
    let (events, _hears) = mpsc::channel(1);
    let mut listener = Listener {
        services: services.clone(),
        warnings: engine.0.monitor().unwrap(),
        engine: engine.0.clone(),
        table: Table::new(String::new()),
        names_heard: 0,
        events,
    };
    for number in 0..=NAMES_HEARD_MAX {
        assert_eq!(listener.names_heard, number);
        let name = format!("{number}.{SERVICE}");
        let found = ServiceEvent::ServiceFound(SERVICE.to_string(), name);
        assert!(listener.on_service(found).unwrap().is_none());
    }
    assert_eq!(listener.names_heard, 0);
    // The engine lets the old listener go and serves the new one.
    let ended = async { while services.recv_async().await.is_ok() {} };
    timeout(PATIENCE, ended).await.unwrap();
    assert!(matches!(
        timeout(PATIENCE, listener.services.recv_async())
            .await
            .unwrap(),
        Ok(ServiceEvent::SearchStarted(_))
    ));
}

async fn check_gone(events: &mut mpsc::Receiver<MdnsEvent>, instance: &str) {
    loop {
        match next_of(events).await {
            Some(MdnsEvent::Gone(gone)) => return assert_eq!(gone.instance, instance),
            // More addresses of the same entry.
            Some(MdnsEvent::Seen(again)) => assert_eq!(again.instance, instance),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn foreign_loopback_and_groups_are_not_dialled() {
    let eth = ["eth0".to_string()];
    let lo = ["lo".to_string()];
    for (ip, interfaces, expected) in [
        ("127.0.0.1", &eth, false),
        ("127.0.0.1", &lo, true),
        ("::1", &eth, false),
        ("10.0.0.1", &eth, true),
        ("fe80::1", &eth, true),
        ("0.0.0.0", &eth, false),
        ("224.0.0.251", &eth, false),
        ("ff02::fb", &lo, false),
    ] {
        assert_eq!(
            is_dialable(ip.parse().unwrap(), interfaces),
            expected,
            "{ip}"
        );
    }
}

#[test]
fn every_start_has_another_name() {
    let name = || {
        service_info(&config(1, 5))
            .unwrap()
            .get_fullname()
            .to_string()
    };
    assert_ne!(name(), name());
}
