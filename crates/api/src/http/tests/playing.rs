//! Who may start programs, and pictures.

use super::*;

const HASH: &str = "abababababababababababababababababababababababababababababababab";

fn commands() -> [String; 3] {
    [
        format!(r#"{{"command":"play","game":"quake","hash":"{HASH}"}}"#),
        format!(r#"{{"command":"start_server","game":"quake","hash":"{HASH}"}}"#),
        r#"{"command":"set_wine","program":"/usr/bin/wine"}"#.to_owned(),
    ]
}

fn check(server: &Running, request: &str, status: &str, calls: usize) {
    let before = server.household.calls.load(Ordering::SeqCst);
    let answer = server.answer(request);
    let expected = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&expected), "{request}: {answer}");
    let after = server.household.calls.load(Ordering::SeqCst);
    assert_eq!(after - before, calls, "{request}");
}

/// From this machine, a paired browser's own page and programs with the token may; nobody else.
#[test]
fn programs_are_started_from_this_machine_by_who_was_let_in() {
    let server = Running::start();
    let (cookie, ours) = (server.cookie(), format!("http://{}", server.address));
    let rpc = "POST /api/rpc";
    let port = server.address.port();
    let (rebound, foreign) = (format!("evil.example:{port}"), "http://evil.example");
    for body in &commands() {
        let from = |changed: &[(&str, &str)]| server.request(rpc, changed, body);
        let browser = |more: &[(&str, &str)]| {
            let mut changed = vec![("Authorization", ""), ("Cookie", cookie.as_str())];
            changed.extend(more);
            from(&changed)
        };
        check(&server, &from(&[]), "200", 1);
        check(&server, &browser(&[("Origin", &ours)]), "200", 1);
        check(&server, &browser(&[]), "403", 0);
        check(&server, &browser(&[("Origin", foreign)]), "403", 0);
        check(&server, &browser(&[("Origin", "null")]), "403", 0);
        let site = ("Sec-Fetch-Site", "same-site");
        check(&server, &browser(&[("Origin", &ours), site]), "403", 0);
        check(&server, &from(&[("Origin", foreign)]), "403", 0);
        check(&server, &from(&[("Authorization", "")]), "401", 0);
        check(&server, &from(&[("Host", &rebound)]), "421", 0);
        check(&server, &from(&[("Content-Type", "text/plain")]), "415", 0);
        check(
            &server,
            &server.request("GET /api/rpc", &[], body),
            "404",
            0,
        );
    }
    // The hash of the profile that was shown is no option.
    for command in ["play", "start_server"] {
        let without = format!(r#"{{"command":"{command}","game":"quake"}}"#);
        check(&server, &server.request(rpc, &[], &without), "400", 0);
    }
}

/// A server that other machines can reach starts nothing, whoever asks.
#[test]
fn programs_are_never_started_where_others_can_ask() {
    let server = Running::start_at(Place::At(([0, 0, 0, 0], 0).into()));
    let (cookie, ours) = (server.cookie(), format!("http://{}", server.address));
    for body in &commands() {
        let rpc = "POST /api/rpc";
        check(&server, &server.request(rpc, &[], body), "403", 0);
        let browser = [
            ("Authorization", ""),
            ("Cookie", cookie.as_str()),
            ("Origin", ours.as_str()),
        ];
        let answer = server.answer(&server.request(rpc, &browser, body));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("start-elsewhere"), "{answer}");
    }
    check(
        &server,
        &server.request("POST /api/rpc", &[], GET),
        "200",
        1,
    );
}

/// What the node refuses is forbidden, not merely in conflict.
#[test]
fn other_profiles_and_unasked_people_are_forbidden() {
    for code in ["other-profile", "consent-needed", "start-elsewhere"] {
        assert_eq!(
            status(&Report::new(code, "")),
            StatusCode::FORBIDDEN,
            "{code}"
        );
    }
    let running = Report::new("game-running", "");
    assert_eq!(status(&running), StatusCode::CONFLICT);
}

#[test]
fn pictures() {
    let server = Running::start();
    let get = |path: &str, changed: &[(&str, &str)]| {
        server.answer(&server.request(&format!("GET {path}"), changed, ""))
    };
    let answer = get("/api/cover/quake%203?1f", &[]).to_lowercase();
    assert!(answer.starts_with("http/1.1 200 "), "{answer}");
    assert!(answer.contains("content-type: image/png\r\n"), "{answer}");
    assert!(
        answer.contains("x-content-type-options: nosniff"),
        "{answer}"
    );
    assert!(answer.contains("immutable"), "{answer}");
    assert!(answer.ends_with("png"), "{answer}");
    let check = |path: &str, changed: &[(&str, &str)], status: &str| {
        let answer = get(path, changed);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {answer}"
        );
    };
    check("/api/cover/quake%203", &[("Authorization", "")], "401");
    check("/api/cover/doom", &[], "404");
    check("/api/cover/a/b", &[], "404");
    check("/api/cover/..%2f..%2fidentity.key", &[], "404");
}
