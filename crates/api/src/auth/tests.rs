use axum::http::Request;

use super::*;

const PORT: u16 = 4_711;

fn guard() -> Guard {
    guard_at(PORT)
}

fn guard_at(port: u16) -> Guard {
    guard_admitting(port, Admits::default())
}

fn guard_admitting(port: u16, admits: Admits) -> Guard {
    let sessions = watch::channel(Sessions::default()).1;
    let token = Token::parse(&"a7".repeat(32)).unwrap();
    Guard::new(port, token, sessions, admits)
}

fn admitted(method: &str, path: &str, headers: &[(&str, &str)]) -> Result<(), Refused> {
    let visitor = guard().admit(&parts(method, path, headers));
    visitor.map(|visitor| assert_eq!(visitor, Visitor::Owner))
}

fn parts(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn names_of_this_machine() {
    let names = ["seedbox.lan", "seedbox"].map(|name| name.parse().unwrap());
    let named = Admits {
        names: names.to_vec(),
        view: false,
    };
    let guard = guard_admitting(PORT, named);
    let check = |host: &str, ours: bool| assert_eq!(guard.is_ours(host), ours, "{host}");
    check("seedbox.lan:4711", true);
    check("SEEDBOX.lan:4711", true);
    check("seedbox:4711", true);
    check("127.0.0.1:4711", true);
    for host in [
        "seedbox.lan",
        "seedbox.lan:80",
        "seedbox.lan:4712",
        "seedbox.lan.evil.example:4711",
        "evil.seedbox.lan:4711",
        "evil-seedbox.lan:4711",
        "seedbox.lan.:4711",
        "lan:4711",
        "evil.example:4711",
    ] {
        check(host, false);
    }
    // A page that was reached by a name may only be that page.
    let from = |origin: &str| {
        let headers = [("host", "seedbox.lan:4711"), ("origin", origin)];
        guard.admit(&parts("GET", "/", &headers))
    };
    assert_eq!(from("http://seedbox.lan:4711"), Ok(Visitor::Owner));
    assert_eq!(from("http://127.0.0.1:4711"), Err(Refused::Origin));
    assert_eq!(from("http://seedbox.lan:4712"), Err(Refused::Origin));
}

#[test]
fn guests_look_and_nothing_else() {
    let view = Admits {
        names: Vec::new(),
        view: true,
    };
    let guard = guard_admitting(PORT, view);
    let check = |method: &str, path: &str, more: &[(&str, &str)], expected| {
        let mut headers = vec![("host", "127.0.0.1:4711")];
        headers.extend(more);
        let judged = guard.admit(&parts(method, path, &headers));
        assert_eq!(judged, expected, "{method} {path} {more:?}");
    };
    let (guest, none) = (Ok(Visitor::Guest), Err(Refused::Token));
    check("GET", "/api/snapshot", &[], guest);
    check("GET", "/api/events", &[], guest);
    check("GET", "/api/events?x", &[], guest);
    let stale = format!("lanspread_4711={}", "b8".repeat(32));
    check("GET", "/api/snapshot", &[("cookie", &stale)], guest);
    let (right, wrong) = ("a7".repeat(32), "b8".repeat(32));
    let bearer = |token: &str| format!("Bearer {token}");
    let right = [("authorization", bearer(&right))];
    let right = right
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    check("GET", "/api/snapshot", &right, Ok(Visitor::Owner));
    let wrong = bearer(&wrong);
    check("GET", "/api/snapshot", &[("authorization", &wrong)], none);
    for path in [
        "/api/rpc",
        "/api/cover/quake",
        "/api/",
        "/api/snapshot/",
        "/api/Snapshot",
    ] {
        check("GET", path, &[], none);
    }
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        check(method, "/api/snapshot", &[], none);
        check(method, "/api/events", &[], none);
    }
    let foreign = [("origin", "http://evil.example")];
    check("GET", "/api/snapshot", &foreign, Err(Refused::Origin));
    let site = [("sec-fetch-site", "cross-site")];
    check("GET", "/api/snapshot", &site, Err(Refused::Origin));
    assert_eq!(
        guard.admit(&parts(
            "GET",
            "/api/snapshot",
            &[("host", "evil.example:4711")]
        )),
        Err(Refused::Host)
    );
    // Nobody looks where it was not said.
    assert_eq!(
        admitted("GET", "/api/snapshot", &[("host", "127.0.0.1:4711")]),
        none.map(|_| ())
    );
}

#[test]
fn hosts() {
    let check = |host: &str, ours: bool| assert_eq!(guard().is_ours(host), ours, "{host}");
    check("127.0.0.1:4711", true);
    check("localhost:4711", true);
    check("LocalHost:4711", true);
    check("[::1]:4711", true);
    check("192.168.0.9:4711", true);
    for host in [
        "evil.example:4711",
        "localhost.evil.example:4711",
        "127.0.0.1.evil.example:4711",
        "127.0.0.1:4712",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:+4711",
        "127.0.0.1:04711x",
        "0x7f.1:4711",
        "127.1:4711",
        "2130706433:4711",
        "user@127.0.0.1:4711",
        "[::1]",
        "[::1:4711",
        "::1:4711",
        "[localhost]:4711",
        "",
        ":4711",
    ] {
        check(host, false);
    }
}

#[test]
fn a_port_of_80_may_be_left_out() {
    let guard = guard_at(80);
    assert!(guard.is_ours("127.0.0.1") && guard.is_ours("[::1]") && guard.is_ours("localhost:80"));
}

#[test]
fn what_browsers_say() {
    let check = |path: &str, headers: &[(&str, &str)], expected| {
        let token = format!("Bearer {}", "a7".repeat(32));
        let mut all = vec![
            ("host", "127.0.0.1:4711"),
            ("authorization", token.as_str()),
        ];
        all.extend(headers);
        assert_eq!(admitted("GET", path, &all), expected, "{path} {headers:?}");
    };
    let refused = Err(Refused::Origin);
    check("/api/snapshot", &[], Ok(()));
    check(
        "/api/snapshot",
        &[("origin", "http://127.0.0.1:4711")],
        Ok(()),
    );
    check(
        "/api/snapshot",
        &[("origin", "http://localhost:4711")],
        refused,
    );
    check(
        "/api/snapshot",
        &[("origin", "http://127.0.0.1:4712")],
        refused,
    );
    check("/api/snapshot", &[("origin", "null")], refused);
    check("/api/snapshot", &[("origin", "")], refused);
    check(
        "/api/snapshot",
        &[("sec-fetch-site", "same-origin")],
        Ok(()),
    );
    check("/api/snapshot", &[("sec-fetch-site", "none")], Ok(()));
    check("/api/snapshot", &[("sec-fetch-site", "same-site")], refused);
    check(
        "/api/snapshot",
        &[("sec-fetch-site", "cross-site")],
        refused,
    );
    check("/api/snapshot", &[("sec-fetch-site", "odd")], refused);
    let link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    check("/", &link, Ok(()));
    check("/api/snapshot", &link, refused);
    check(
        "/",
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
        refused,
    );
}

#[test]
fn tokens() {
    let check = |authorization: Option<&str>, expected| {
        let mut headers = vec![("host", "127.0.0.1:4711")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        assert_eq!(
            admitted("GET", "/api/snapshot", &headers),
            expected,
            "{authorization:?}"
        );
    };
    let right = "a7".repeat(32);
    check(Some(&format!("Bearer {right}")), Ok(()));
    check(Some(&format!("bearer  {right}")), Ok(()));
    check(None, Err(Refused::Token));
    check(Some(&right), Err(Refused::Token));
    check(Some(&format!("Basic {right}")), Err(Refused::Token));
    check(Some("Bearer"), Err(Refused::Token));
    check(Some("Bearer "), Err(Refused::Token));
    check(
        Some(&format!("Bearer {}", "a8".repeat(32))),
        Err(Refused::Token),
    );
    check(
        Some(&format!("Bearer {}", "a7".repeat(31))),
        Err(Refused::Token),
    );
    check(Some(&format!("Bearer {right}00")), Err(Refused::Token));
}

#[test]
fn two_headers_where_one_belongs() {
    let twice = [("host", "127.0.0.1:4711"), ("host", "evil.example")];
    assert_eq!(admitted("GET", "/", &twice), Err(Refused::Host));
    let target = [("host", "127.0.0.1:4711")];
    assert_eq!(
        admitted("GET", "http://evil.example/", &target),
        Err(Refused::Host)
    );
    assert_eq!(admitted("GET", "http://127.0.0.1:4711/", &target), Ok(()));
    assert_eq!(admitted("GET", "/", &[]), Err(Refused::Host));
}

#[test]
fn tokens_are_random_and_stay_secret() {
    let (one, two) = (Token::generate().unwrap(), Token::generate().unwrap());
    assert_ne!(one, two);
    assert_eq!(one.reveal().len(), 64);
    assert_eq!(Token::parse(one.reveal()), Some(one.clone()));
    assert!(!format!("{one:?}").contains(one.reveal()));
    assert_eq!(Token::parse("short"), None);
}
