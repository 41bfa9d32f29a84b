//! Who only looks, and who comes by a name.

use super::*;

fn viewed() -> Running {
    let admits = Admits {
        names: vec!["seedbox.lan".parse().unwrap()],
        view: true,
    };
    Running::start_admitting(Place::Loopback(None), admits)
}

const NOBODY: (&str, &str) = ("Authorization", "");

fn check(server: &Running, head: &str, changed: &[(&str, &str)], body: &str, status: &str) {
    let answer = server.answer(&server.request(head, changed, body));
    let expected = format!("HTTP/1.1 {status} ");
    assert!(
        answer.starts_with(&expected),
        "{head} {changed:?}: {answer}"
    );
}

/// The state and its changes are there for everybody, and nothing else is.
#[test]
fn a_guest_looks_and_does_nothing() {
    let server = viewed();
    let answer = server.answer(&server.request("GET /api/snapshot", &[NOBODY], ""));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let seen: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&seen["guest"], &seen["me"]["games_dir"]),
        (&true.into(), &"".into())
    );
    let before = server.household.calls.load(Ordering::SeqCst);
    check(&server, "POST /api/rpc", &[NOBODY], GET, "401");
    check(
        &server,
        "POST /api/rpc",
        &[NOBODY],
        r#"{"command":"snapshot"}"#,
        "401",
    );
    check(&server, "POST /api/snapshot", &[NOBODY], GET, "401");
    check(&server, "GET /api/cover/quake%203", &[NOBODY], "", "401");
    check(&server, "GET /api/rpc", &[NOBODY], "", "401");
    assert_eq!(server.household.calls.load(Ordering::SeqCst), before);
    // Whoever shows a secret sees all of it.
    let own = server.answer(&server.request("GET /api/snapshot", &[], ""));
    assert!(own.contains(r#""guest":false"#), "{own}");
    let cookie = server.cookie();
    let paired = [NOBODY, ("Cookie", cookie.as_str())];
    let own = server.answer(&server.request("GET /api/snapshot", &paired, ""));
    assert!(own.contains(r#""guest":false"#), "{own}");
}

#[test]
fn a_guest_follows_without_paths_and_addresses() {
    let server = viewed();
    let mut stream = server.open(&server.request("GET /api/events", &[NOBODY], ""));
    let first = read_until(&mut stream, |text| {
        text.contains("id: 1\n") && text.ends_with("\n\n\r\n")
    });
    assert_eq!(last_event(&first, "snapshot")["guest"], true);
    let mut changed = sample::snapshot();
    changed.me.games_dir = "/srv/secret".into();
    changed.me.down_rate = 77;
    server.household.fronts.send_replace(front(9, changed));
    let seen = Notice::PeerDiscovered {
        peer: None,
        address: "10.99.0.1:1".parse().unwrap(),
    };
    server.household.notices.send(seen).unwrap();
    let count = Notice::PeerCount { count: 3 };
    server.household.notices.send(count).unwrap();
    let text = read_until(&mut stream, |text| {
        text.contains("peer_count") && text.contains("77") && text.ends_with("\n\n\r\n")
    });
    assert!(
        !text.contains("secret") && !text.contains("10.99.0.1"),
        "{text}"
    );
}

/// A name that the owner said is a host of ours; any other is perhaps rebound.
#[test]
fn names() {
    let server = viewed();
    let port = server.address.port();
    let named = format!("seedbox.lan:{port}");
    check(&server, "GET /", &[("Host", &named)], "", "200");
    check(&server, "POST /api/rpc", &[("Host", &named)], GET, "200");
    let origin = format!("http://{named}");
    let own = [("Host", named.as_str()), ("Origin", origin.as_str())];
    check(&server, "POST /api/rpc", &own, GET, "200");
    let rebound = format!("evil.example:{port}");
    check(
        &server,
        "GET /api/snapshot",
        &[("Host", &rebound), NOBODY],
        "",
        "421",
    );
    let without = Running::start();
    let named = format!("seedbox.lan:{}", without.address.port());
    check(&without, "GET /", &[("Host", &named)], "", "421");
    check(&without, "GET /api/snapshot", &[NOBODY], "", "401");
}
