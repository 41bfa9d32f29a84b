use axum::http::Request;

use super::*;

const PORT: u16 = 4_711;

fn guard() -> Guard {
    guard_at(PORT)
}

fn guard_at(port: u16) -> Guard {
    let sessions = watch::channel(Sessions::default()).1;
    Guard::new(port, Token::parse(&"a7".repeat(32)).unwrap(), sessions)
}

fn admitted(method: &str, path: &str, headers: &[(&str, &str)]) -> Result<(), Refused> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    guard().admit(&request.body(()).unwrap().into_parts().0)
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
