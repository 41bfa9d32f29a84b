//! Real labs: what the hosts of a LAN must and must not reach. Skipped visibly without root.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    io::{self, Read, Write},
    net::{
        IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket,
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lanspread_lab::{Addressing, Host, Lab, LabConfig, Process, Rate, Rule, Wiring, usable};

const SHORT: Duration = Duration::from_millis(500);
/// What must not come is waited for so long; what must come, as long as it takes.
const LONG: Duration = Duration::from_secs(60);

/// A listener on a free port of a host, and its address.
fn listen(host: &Host) -> (TcpListener, SocketAddr) {
    let at = host.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)));
    let listener = at.unwrap().unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, (host.ipv4(0), port).into())
}

fn connect(host: &Host, to: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    host.inside(|| TcpStream::connect_timeout(&to, limit))
        .unwrap()
}

/// Seconds that a host takes to send so many bytes to another.
fn send(from: &Host, to: &Host, bytes: usize) -> f64 {
    let (listener, address) = listen(to);
    let mut sender = connect(from, address, LONG).unwrap();
    let (mut receiver, _) = listener.accept().unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || sender.write_all(&vec![7; bytes]).unwrap());
        let read = receiver.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(read, bytes);
    });
    start.elapsed().as_secs_f64()
}

/// Whether a datagram to a group reaches another host, which waits so long for it.
fn multicast_reaches(from: &Host, to: &Host, limit: Duration) -> bool {
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
    let bind = || -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::UNSPECIFIED)?;
        socket.set_read_timeout(Some(limit))?;
        Ok(socket)
    };
    let listener = to.inside(bind).unwrap().unwrap();
    let port = listener.local_addr().unwrap().port();
    let sender = from.inside(|| UdpSocket::bind((from.ipv4(0), 0)));
    // A firewall on the way out says so at once.
    sender
        .unwrap()
        .unwrap()
        .send_to(b"hello", (GROUP, port))
        .ok();
    let received = listener.recv_from(&mut [0; 16]);
    received.is_ok_and(|(bytes, who)| bytes == 5 && who.ip() == IpAddr::V4(from.ipv4(0)))
}

#[test]
fn rates_counters_and_ping() {
    if !usable("rates_counters_and_ping") {
        return;
    }
    let lab = Lab::new(LabConfig::new(3).rate(Rate::mbit(100))).unwrap();
    let (one, two, three) = (&lab.hosts()[0], &lab.hosts()[1], &lab.hosts()[2]);
    let (before, idle) = (two.counters(0).unwrap(), three.counters(0).unwrap());
    let pings = three.ping(one, 100).unwrap();
    let seconds = send(one, two, 6_000_000);
    // A busy machine may be slower than a cable, and is never faster.
    let best = 6_000_000.0 / 12_500_000.0 * 1514.0 / 1448.0;
    assert!(seconds > 0.9 * best, "{seconds}");
    let moved = two.counters(0).unwrap() - before;
    assert!(
        (6_000_000..9_000_000).contains(&moved.received),
        "{moved:?}"
    );
    assert!(moved.sent < 1_000_000, "{moved:?}");
    let aside = three.counters(0).unwrap() - idle;
    assert!(aside.received < 3_000_000, "{aside:?}");

    two.limit(0, None, Some(Rate::mbit(20))).unwrap();
    let slow = send(one, two, 1_500_000);
    assert!(slow > 0.4, "{slow}");
    let trips = pings.stop().unwrap();
    assert!(trips.sorted.len() > 10, "{trips:?}");
    assert!(trips.percentile(50) < Some(Duration::from_secs(2)));
    // With these limits it would take a minute.
    two.limit(0, None, Some(Rate::mbit(1))).unwrap();
    one.limit(0, Some(Rate::mbit(1)), None).unwrap();
    two.limit(0, None, None).unwrap();
    one.limit(0, None, None).unwrap();
    assert!(send(one, two, 6_000_000) < 30.0);
}

#[test]
fn two_switches() {
    if !usable("two_switches") {
        return;
    }
    let wiring = Wiring::TwoSwitches {
        first: 2,
        uplink: Some(Rate::mbit(2)),
    };
    let lab = Lab::new(LabConfig::new(3).wiring(wiring)).unwrap();
    let (one, two, three) = (&lab.hosts()[0], &lab.hosts()[1], &lab.hosts()[2]);
    // Over the uplink this takes 40 seconds.
    assert!(send(one, two, 10_000_000) < 20.0);
    let across = send(one, three, 300_000);
    assert!(across > 0.6, "{across}");
    assert!(multicast_reaches(one, three, LONG));
    lab.limit_uplink(None).unwrap();
    assert!(send(one, three, 10_000_000) < 20.0);
}

#[test]
fn firewalls() {
    if !usable("firewalls") {
        return;
    }
    let lab = Lab::new(LabConfig::new(2)).unwrap();
    let (open, guest) = (&lab.hosts()[0], &lab.hosts()[1]);
    let (_at_guest, guest_address) = listen(guest);
    let (_at_open, open_address) = listen(open);
    assert!(connect(open, guest_address, LONG).is_ok());
    assert!(multicast_reaches(open, guest, LONG));

    guest.set_firewall(&[Rule::EstablishedOnly]).unwrap();
    let blocked = connect(open, guest_address, SHORT).unwrap_err();
    assert_eq!(blocked.kind(), io::ErrorKind::TimedOut);
    assert!(connect(guest, open_address, LONG).is_ok());
    assert!(!multicast_reaches(open, guest, SHORT));

    guest.set_firewall(&[Rule::RefuseTcp]).unwrap();
    let refused = connect(open, guest_address, LONG).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert!(connect(guest, open_address, LONG).is_ok());
    assert!(multicast_reaches(open, guest, LONG));

    guest.set_firewall(&[Rule::NoMulticast]).unwrap();
    assert!(connect(open, guest_address, LONG).is_ok());
    assert!(!multicast_reaches(open, guest, SHORT));
    assert!(!multicast_reaches(guest, open, SHORT));

    guest.set_firewall(&[Rule::DropTcp]).unwrap();
    assert!(connect(open, guest_address, SHORT).is_err());
    guest
        .set_firewall(&[Rule::Drop(open.ipv4(0).into())])
        .unwrap();
    assert!(connect(guest, open_address, SHORT).is_err());
    guest.set_firewall(&[Rule::DropUdp]).unwrap();
    assert!(!multicast_reaches(open, guest, SHORT));
    guest.set_firewall(&[]).unwrap();
    assert!(connect(open, guest_address, LONG).is_ok());
}

#[test]
fn link_local_only() {
    if !usable("link_local_only") {
        return;
    }
    for addressing in [Addressing::LinkLocalV6, Addressing::LinkLocalV4] {
        let config = LabConfig::new(2)
            .wiring(Wiring::Cable)
            .addressing(addressing);
        let lab = Lab::new(config).unwrap();
        let (one, two) = (&lab.hosts()[0], &lab.hosts()[1]);
        let bind = || TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0));
        let listener = two.inside(bind).unwrap().unwrap();
        let port = listener.local_addr().unwrap().port();
        let index = one.run("cat", ["/sys/class/net/eth0/ifindex"]).unwrap();
        let scope = index.trim().parse().unwrap();
        let scoped = SocketAddrV6::new(two.ipv6_link_local(0), port, 0, scope);
        assert!(connect(one, scoped.into(), LONG).is_ok());
        let has_ipv4 = addressing == Addressing::LinkLocalV4;
        let limit = if has_ipv4 { LONG } else { SHORT };
        let over_ipv4 = connect(one, (two.ipv4(0), port).into(), limit).is_ok();
        assert_eq!(over_ipv4, has_ipv4);
        assert!(one.pull_cable(0).is_err());
    }
}

#[test]
fn cables_and_addresses() {
    if !usable("cables_and_addresses") {
        return;
    }
    let lab = Lab::new(LabConfig::new(2).networks(2).gateway()).unwrap();
    let (one, two) = (&lab.hosts()[0], &lab.hosts()[1]);
    let (_listener, address) = listen(two);
    let port = address.port();
    assert!(connect(one, address, LONG).is_ok());
    let on_second = SocketAddr::from((two.ipv4(1), port));
    assert!(connect(one, on_second, LONG).is_ok());
    assert!(
        connect(one, (two.ipv6(1), port).into(), SHORT).is_err(),
        "listens on IPv4 only"
    );

    two.pull_cable(0).unwrap();
    assert!(connect(one, address, SHORT).is_err());
    assert!(connect(one, on_second, LONG).is_ok());
    two.plug_cable(0).unwrap();
    assert!(connect(one, address, LONG).is_ok());

    two.change_ipv4(0, Ipv4Addr::new(10, 77, 0, 99), 24)
        .unwrap();
    assert!(connect(one, address, SHORT).is_err());
    assert!(connect(one, (Ipv4Addr::new(10, 77, 0, 99), port).into(), LONG).is_ok());
    let way_out = SocketAddr::from(([192, 0, 2, 1], 80));
    assert!(connect(one, way_out, SHORT).is_err());
    assert!(two.counters(2).is_err());
}

#[test]
fn nothing_is_left() {
    if !usable("nothing_is_left") {
        return;
    }
    // Without lifetimes, which run down.
    let brief = ["-brief", "address"];
    let interfaces = || Command::new("ip").args(brief).output().unwrap().stdout;
    let before = interfaces();
    let lab = Lab::new(LabConfig::new(1)).unwrap();
    let host = &lab.hosts()[0];
    let namespace = host.namespace();
    // One that is held, and one whose starter forgot it.
    let mut held = host.spawn(Command::new("sleep").arg("600")).unwrap();
    assert_eq!(held.wait_at_most(Duration::ZERO).unwrap(), None);
    let mut shell = host.command("sh");
    shell
        .args(["-c", "sleep 600 & echo $!"])
        .stdout(Stdio::piped());
    let mut shell = Process::spawn(shell).unwrap();
    let mut line = String::new();
    let mut stdout = io::BufReader::new(shell.take_stdout().unwrap());
    io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let forgotten = format!("/proc/{}", line.trim());
    assert!(std::fs::metadata(&forgotten).is_ok());
    assert_eq!(
        before,
        interfaces(),
        "the machine's own network is untouched"
    );

    drop(lab);
    assert!(held.wait_at_most(LONG).unwrap().is_some());
    let is_alive = || {
        let stat = std::fs::read_to_string(format!("{forgotten}/stat"));
        stat.is_ok_and(|stat| !stat.contains(" Z "))
    };
    let end = Instant::now() + LONG;
    while is_alive() {
        assert!(Instant::now() < end, "{forgotten} lives on");
        std::thread::yield_now();
    }
    assert!(std::fs::metadata(format!("/run/netns/{namespace}")).is_err());
}
