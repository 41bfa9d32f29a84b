use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use lanspread_node::snapshot;
use tokio::sync::{broadcast, watch};

use super::*;
use crate::{
    from_node::tests as sample,
    front::{Around, Front},
    pairing::Sessions,
    types::Notice,
};

mod browsers;
mod guests;
mod idle;
mod playing;

/// A household that answers from a script and counts what it is asked.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) fronts: Arc<watch::Sender<Front>>,
    pub(crate) notices: broadcast::Sender<Notice>,
    calls: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        Self {
            fronts: Arc::new(watch::channel(front(3, sample::snapshot())).0),
            notices: broadcast::channel(64).0,
            calls: Arc::default(),
        }
    }
}

fn front(revision: u64, snapshot: snapshot::Snapshot) -> Front {
    Front {
        revision,
        node: Some(Arc::new(snapshot)),
        around: Arc::default(),
    }
}

impl Household for Scripted {
    async fn call(&self, command: Command) -> Result<Reply, Report> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Command::Get(get) = &command
            && get.game == "unknown"
        {
            return Err(Report::new("unknown-game", "no game unknown is known here"));
        }
        if command == Command::Snapshot {
            let front = self.fronts.borrow().clone();
            return Ok(Reply::Snapshot(Box::new((&front).into())));
        }
        Ok(Reply::Started { operation: 7 })
    }

    async fn cover(&self, game: &str) -> Result<Option<Cover>, Report> {
        Ok((game == "quake 3").then(|| Cover {
            kind: CoverKind::Png,
            bytes: b"png".to_vec(),
        }))
    }

    fn fronts(&self) -> watch::Receiver<Front> {
        self.fronts.subscribe()
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

/// A server on a free port of loopback, until dropped.
pub(crate) struct Running {
    pub(crate) household: Scripted,
    pub(crate) address: SocketAddr,
    pub(crate) token: Token,
    pub(crate) stop: CancellationToken,
    pub(crate) doorkeeper: Doorkeeper,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::start_at(Place::Loopback(None))
    }

    /// A server at another place, until dropped.
    fn start_at(place: Place) -> Self {
        Self::start_admitting(place, Admits::default())
    }

    /// A server that admits more than others do, until dropped.
    fn start_admitting(place: Place, admits: Admits) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (household, token) = (Scripted::new(), Token::generate().unwrap());
        let stop = CancellationToken::new();
        let bound = Server::bind(place, token.clone());
        let server = runtime.block_on(bound).unwrap().admitting(admits);
        let address = server.address();
        let doorkeeper = {
            let _in_it = runtime.enter();
            Doorkeeper::start(Sessions::default(), stop.clone())
        };
        runtime.spawn(server.run(household.clone(), doorkeeper.clone(), stop.clone()));
        Self {
            household,
            address,
            token,
            stop,
            doorkeeper,
            runtime,
        }
    }

    /// A code that lets a browser in.
    fn code(&self) -> String {
        let issued = self.runtime.block_on(self.doorkeeper.issue());
        issued.unwrap().for_people()
    }

    /// The cookie of a browser that was just paired.
    fn cookie(&self) -> String {
        let body = format!(r#"{{"code":"{}"}}"#, self.code());
        let unknown = [("Authorization", "")];
        let answer = self.answer(&self.request("POST /api/pair", &unknown, &body));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let line = answer.lines().find(|line| line.starts_with("set-cookie: "));
        let cookie = line.unwrap().trim_start_matches("set-cookie: ");
        cookie.split(';').next().unwrap().to_owned()
    }

    fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The whole answer to a request that asks for the end of the connection.
    fn answer(&self, request: &str) -> String {
        let mut answer = String::new();
        self.open(request).read_to_string(&mut answer).unwrap();
        answer
    }

    /// A request with the headers that a program of this machine sends; each can be replaced.
    fn request(&self, head: &str, changed: &[(&str, &str)], body: &str) -> String {
        let (host, bearer) = (
            self.address.to_string(),
            format!("Bearer {}", self.token.reveal()),
        );
        let length = body.len().to_string();
        let mut headers = vec![
            ("Host", host.as_str()),
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Content-Length", length.as_str()),
            ("Connection", "close"),
        ];
        headers.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        headers.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{head} HTTP/1.1\r\n{}\r\n{body}", lines.collect::<String>())
    }
}

const GET: &str = r#"{"command":"get","game":"quake"}"#;

#[test]
fn attacks() {
    let server = Running::start();
    let calls = || server.household.calls.load(Ordering::SeqCst);
    let refused = |head: &str, changed: &[(&str, &str)], body: &str, status: &str| {
        let before = calls();
        let answer = server.answer(&server.request(head, changed, body));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head} {changed:?}: {answer}"
        );
        assert_eq!(
            calls(),
            before,
            "nothing is carried out: {head} {changed:?}"
        );
        let lower = answer.to_lowercase();
        assert!(!lower.contains("access-control-"), "{answer}");
        assert!(lower.contains("x-frame-options: deny"), "{answer}");
    };
    let rpc = "POST /api/rpc";
    let port = server.address.port();
    let rebound = format!("evil.example:{port}");
    let other_port = format!("127.0.0.1:{}", port ^ 1);
    let other_origin = format!("http://127.0.0.1:{}", port ^ 1);
    let wrong = format!("Bearer {}", "0".repeat(64));
    refused(rpc, &[("Host", &rebound)], GET, "421");
    refused(rpc, &[("Host", &other_port)], GET, "421");
    refused(rpc, &[("Host", "")], GET, "421");
    refused("GET /", &[("Host", &rebound)], "", "421");
    refused(
        &format!("GET http://{rebound}/api/snapshot"),
        &[],
        "",
        "421",
    );
    refused(rpc, &[("Origin", "http://evil.example")], GET, "403");
    refused(rpc, &[("Origin", &other_origin)], GET, "403");
    refused(rpc, &[("Origin", "null")], GET, "403");
    refused(rpc, &[("Sec-Fetch-Site", "same-site")], GET, "403");
    refused(rpc, &[("Sec-Fetch-Site", "cross-site")], GET, "403");
    refused(rpc, &[("Authorization", "")], GET, "401");
    refused(rpc, &[("Authorization", &wrong)], GET, "401");
    refused("GET /api/snapshot", &[("Authorization", "")], "", "401");
    refused("GET /api/events", &[("Authorization", "")], "", "401");
    refused("GET /api/no/such", &[("Authorization", "")], "", "401");
    refused("GET /no/such/page", &[("Authorization", "")], "", "404");
    refused(rpc, &[("Content-Type", "text/plain")], GET, "415");
    refused(rpc, &[("Content-Type", "")], GET, "415");
    let form = "application/x-www-form-urlencoded";
    refused(rpc, &[("Content-Type", form)], GET, "415");
    refused("GET /api/rpc?command=get", &[], "", "404");
    refused("PUT /api/rpc", &[], GET, "404");
    refused("POST /api/snapshot", &[], GET, "404");
    refused("OPTIONS /api/rpc", &[], "", "404");
    refused(rpc, &[], r#"{"command":"format_disk"}"#, "400");
    refused(
        rpc,
        &[],
        r#"{"command":"get","game":"q","install":false,"x":1}"#,
        "400",
    );
    refused(rpc, &[], "{", "400");
    refused(rpc, &[], "", "400");
    let long = format!(
        r#"{{"command":"get","game":"{}"}}"#,
        "x".repeat(BODY_BYTES_MAX)
    );
    refused(rpc, &[], &long, "413");
}

#[test]
fn what_is_served() {
    let server = Running::start();
    let check = |head: &str, changed: &[(&str, &str)], body: &str, status: &str, part: &str| {
        let answer = server.answer(&server.request(head, changed, body));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}: {answer}"
        );
        assert!(answer.contains(part), "{head}: {answer}");
    };
    let started = r#"{"reply":"started","operation":7}"#;
    check("POST /api/rpc", &[], GET, "200", started);
    let utf8 = [("Content-Type", "Application/JSON; charset=utf-8")];
    check("POST /api/rpc", &utf8, GET, "200", started);
    check("GET /api/snapshot", &[], "", "200", r#""revision":3"#);
    check(
        "GET /",
        &[("Authorization", "")],
        "",
        "200",
        "<title>LanSpread</title>",
    );
    let unknown = r#"{"command":"get","game":"unknown"}"#;
    check(
        "POST /api/rpc",
        &[],
        unknown,
        "404",
        r#""code":"unknown-game""#,
    );
    let german = [("Accept-Language", "de-DE,de;q=0.9")];
    check(
        "POST /api/rpc",
        &german,
        unknown,
        "404",
        "zeigt, was da ist",
    );
    let origin = format!("http://{}", server.address);
    let same = [
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    check("POST /api/rpc", &same, GET, "200", started);
    let policy = "content-security-policy: default-src 'none'; script-src 'self'; ";
    check("GET /", &[], "", "200", policy);
}

#[test]
fn both_loopback_addresses_have_the_port() {
    let server = Running::start();
    let (port, request) = (server.address.port(), "GET / HTTP/1.0\r\n\r\n");
    for host in ["127.0.0.1", "::1"] {
        let Ok(mut stream) = TcpStream::connect((host, port)) else {
            assert_eq!(host, "::1", "only IPv6 may be missing on a machine");
            println!("skipped: this machine has no IPv6 loopback");
            continue;
        };
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("421"), "no host, no service: {answer}");
    }
}

/// Reads a stream of events until `enough`.
fn read_until(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let (mut text, mut bytes) = (String::new(), [0; 8_192]);
    while !enough(&text) {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    text
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// The body of the last whole event of this kind.
fn last_event(text: &str, kind: &str) -> serde_json::Value {
    let events: Vec<_> = text
        .split("\n\n")
        .filter(|e| e.contains("\ndata: "))
        .collect();
    let name = format!("event: {kind}\n");
    let last = events.iter().rev().find(|event| event.contains(&name));
    let data = last.and_then(|event| event.split("\ndata: ").nth(1));
    serde_json::from_str(data.unwrap_or_else(|| panic!("no {kind} in {text}"))).unwrap()
}

#[test]
fn events_come_numbered_and_end_at_the_stop() {
    let server = Running::start();
    let mut stream = server.open(&server.request("GET /api/events", &[], ""));
    let first = read_until(&mut stream, |text| {
        text.contains("id: 1\n") && text.ends_with("\n\n\r\n")
    });
    assert!(
        first
            .to_lowercase()
            .contains("content-type: text/event-stream")
    );
    assert_eq!(last_event(&first, "snapshot")["revision"], 3);
    server
        .household
        .notices
        .send(Notice::PeerCount { count: 3 })
        .unwrap();
    let second = read_until(&mut stream, |text| {
        text.contains("id: 2\n") && text.ends_with("\n\n\r\n")
    });
    let delta = last_event(&second, "delta");
    let expected = serde_json::json!({
        "revision": 3,
        "previous": 3,
        "notices": [{"notice": "peer_count", "count": 3}],
    });
    assert_eq!(delta, expected);
    server.stop.cancel();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("event: end"), "{rest}");
}

#[test]
fn deltas_lead_to_what_is() {
    let server = Running::start();
    let mut stream = server.open(&server.request("GET /api/events", &[], ""));
    read_until(&mut stream, |text| text.contains("id: 1\n"));
    let mut changed = sample::snapshot();
    changed.me.down_rate = 77;
    changed.games.clear();
    server.household.fronts.send_replace(front(9, changed));
    let text = read_until(&mut stream, |text| {
        text.contains("id: 2\n") && text.ends_with("\n\n\r\n")
    });
    let delta = last_event(&text, "delta");
    assert_eq!(
        (&delta["previous"], &delta["revision"]),
        (&3.into(), &9.into())
    );
    assert_eq!(delta["me"]["down_rate"], 77);
    assert_eq!(delta["gone_games"], serde_json::json!(["quake"]));
    assert_eq!(delta.get("peers"), None, "what did not change is not sent");
    let unset = Around {
        first_run: Some(crate::types::snapshot::FirstRun {
            games_dir: "/g".to_owned(),
            name: "n".to_owned(),
        }),
        ..Around::default()
    };
    let unset = Front {
        revision: 10,
        node: None,
        around: Arc::new(unset),
    };
    server.household.fronts.send_replace(unset);
    let text = read_until(&mut stream, |text| {
        text.contains("id: 3\n") && text.ends_with("\n\n\r\n")
    });
    assert_eq!(last_event(&text, "snapshot")["first_run"]["name"], "n");
}

#[test]
fn events_come_often_but_not_without_limit() {
    let server = Running::start();
    let mut stream = server.open(&server.request("GET /api/events", &[], ""));
    read_until(&mut stream, |text| text.contains("id: 1\n"));
    let fronts = Arc::clone(&server.household.fronts);
    let started = Instant::now();
    let done = CancellationToken::new();
    let (changed, changing) = (
        done.clone(),
        std::thread::spawn(move || {
            let mut revision = 10;
            while !done.is_cancelled() {
                revision += 1;
                let mut snapshot = sample::snapshot();
                snapshot.me.down_rate = revision;
                fronts.send_replace(front(revision, snapshot));
                std::thread::yield_now();
            }
            revision
        }),
    );
    let text = read_until(&mut stream, |text| count(text, "event: delta") >= 6);
    let took = started.elapsed();
    changed.cancel();
    let revisions = changing.join().unwrap();
    assert!(
        took >= Duration::from_millis(450),
        "six deltas need five pauses: {took:?}"
    );
    assert!(
        revisions > 22,
        "{revisions} changes became few deltas: {}",
        text.len()
    );
}

#[test]
fn a_slow_reader_is_told_what_it_missed() {
    let server = Running::start();
    // More than the channel holds, before the stream exists and can read any.
    let receiver = server.household.notices.subscribe();
    drop(receiver);
    let mut stream = server.open(&server.request("GET /api/events", &[], ""));
    read_until(&mut stream, |text| text.contains("id: 1\n"));
    for count in 0..10_000 {
        server
            .household
            .notices
            .send(Notice::PeerCount { count })
            .unwrap();
    }
    let text = read_until(&mut stream, |text| text.contains(r#""count":9999}"#));
    assert!(
        text.contains(r#""notice":"missed""#),
        "some were missed, and it says so"
    );
}

#[test]
fn a_port_is_taken_again_or_gives_way() {
    let server = Running::start();
    let bind = |port| {
        let token = server.token.clone();
        let bound = server
            .runtime
            .block_on(Server::bind(Place::Loopback(port), token));
        bound.unwrap().address().port()
    };
    let taken = server.address.port();
    assert_ne!(bind(Some(taken)), taken, "it gives way");
    let free = bind(None);
    assert_eq!(bind(Some(free)), free);
}

#[test]
fn a_taken_address_is_reported() {
    let server = Running::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bound = Server::bind(Place::At(server.address), server.token.clone());
    let report = runtime.block_on(bound).unwrap_err();
    assert_eq!(report.code, "http-listen");
}
