//! Pairing, and what a paired browser may and may not do.

use super::*;

#[test]
fn a_browser_is_paired_once() {
    let server = Running::start();
    let unknown = [("Authorization", "")];
    let pair = |code: &str, status: &str, part: &str| {
        let body = format!(r#"{{"code":"{code}"}}"#);
        let answer = server.answer(&server.request("POST /api/pair", &unknown, &body));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains(part), "{answer}");
        assert_eq!(answer.contains("set-cookie"), status == "200", "{answer}");
    };
    pair("ABCD-EFGH", "403", "no-code");
    let code = server.code();
    pair("ABCD-EFGH", "403", "bad-code");
    let cookie = format!("set-cookie: lanspread_{}=", server.address.port());
    pair(&code, "200", &cookie);
    pair(&code, "403", "no-code");
    let code = server.code();
    for _ in 0..crate::pairing::CODE_TRIES {
        pair("ABCD-EFGH", "403", "bad-code");
    }
    pair(&code, "403", "no-code");
}

#[test]
fn a_cookie_is_hidden_from_pages_and_sites() {
    let server = Running::start();
    let body = format!(r#"{{"code":"{}"}}"#, server.code());
    let answer = server.answer(&server.request("POST /api/pair", &[], &body));
    let cookie = answer
        .lines()
        .find(|line| line.starts_with("set-cookie"))
        .unwrap();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/api;"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

/// A paired browser, and what a page in it may try.
struct Browser {
    server: Running,
    cookie: String,
}

impl Browser {
    fn paired() -> Self {
        let server = Running::start();
        let cookie = server.cookie();
        Self { server, cookie }
    }

    fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// A request with the browser's cookie is answered like this, and carried out only if it is a
    /// command that was accepted.
    fn check(&self, head: &str, with: &[(&str, &str)], body: &str, status: &str) {
        let calls = || self.server.household.calls.load(Ordering::SeqCst);
        let before = calls();
        let mut headers = vec![("Authorization", ""), ("Cookie", self.cookie.as_str())];
        headers.retain(|(name, _)| !with.iter().any(|(other, _)| other == name));
        headers.extend(with);
        let answer = self
            .server
            .answer(&self.server.request(head, &headers, body));
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{head} {with:?}: {answer}");
        let accepted = head.contains("rpc") && status == "200";
        assert_eq!(calls() > before, accepted, "{with:?}");
        assert!(!answer.to_lowercase().contains("access-control-"));
    }
}

const RPC: &str = "POST /api/rpc";

/// What a paired browser sends by itself is not enough to change something.
#[test]
fn attacks_through_a_paired_browser() {
    let browser = Browser::paired();
    let check = |head: &str, with: &[(&str, &str)], body, status| {
        browser.check(head, with, body, status);
    };
    let origin = format!("http://{}", browser.server.address);
    let ours = ("Origin", origin.as_str());
    check(RPC, &[ours], GET, "200");
    check(RPC, &[ours, ("Sec-Fetch-Site", "same-origin")], GET, "200");
    check("GET /api/snapshot", &[], "", "200");
    let same_origin = ("Sec-Fetch-Site", "same-origin");
    check("GET /api/snapshot", &[same_origin], "", "200");
    // A page of another server of this machine: the cookie comes along, for it knows no port.
    let neighbour = format!("http://127.0.0.1:{}", browser.port() ^ 1);
    let same_site = ("Sec-Fetch-Site", "same-site");
    let cross_site = ("Sec-Fetch-Site", "cross-site");
    check(RPC, &[("Origin", &neighbour)], GET, "403");
    check(RPC, &[ours, same_site], GET, "403");
    check(RPC, &[], GET, "403");
    check(RPC, &[("Origin", "null")], GET, "403");
    check(RPC, &[ours, cross_site], GET, "403");
    check("GET /api/snapshot", &[same_site], "", "403");
    check("GET /api/events", &[cross_site], "", "403");
    let evil = ("Origin", "http://evil.example");
    check("GET /api/snapshot", &[evil], "", "403");
    // Forms and simple requests.
    check(RPC, &[ours, ("Content-Type", "text/plain")], GET, "415");
    let form = ("Content-Type", "multipart/form-data");
    check(RPC, &[ours, form], GET, "415");
    // Rebinding.
    let rebound = format!("evil.example:{}", browser.port());
    let rebound_origin = format!("http://{rebound}");
    let host = ("Host", rebound.as_str());
    check(RPC, &[host, ("Origin", &rebound_origin)], GET, "421");
    check("GET /api/snapshot", &[host], "", "421");
    check("POST /api/pair", &[host], "{}", "421");
    check("POST /api/pair", &[("Origin", &neighbour)], "{}", "403");
    let text = ("Content-Type", "text/plain");
    check("POST /api/pair", &[ours, text], "{}", "415");
    check("POST /api/pair", &[ours], r#"{"code":"x","y":1}"#, "400");
    check("GET /api/pair", &[], "", "404");
}

#[test]
fn only_the_whole_cookie_of_this_port_counts() {
    let browser = Browser::paired();
    let origin = format!("http://{}", browser.server.address);
    let ours = ("Origin", origin.as_str());
    let name = format!("lanspread_{}", browser.port());
    let (_, secret) = browser.cookie.split_once('=').unwrap();
    for wrong in [
        format!("{name}="),
        format!("{name}={}", "0".repeat(64)),
        format!("{name}={}", secret.to_uppercase()),
        format!("{name}={}", &secret[..63]),
        format!("{name}={secret}0"),
        format!("lanspread_{}={secret}", browser.port() ^ 1),
        format!("x{name}={secret}"),
        secret.to_owned(),
        String::new(),
    ] {
        let cookie = ("Cookie", wrong.as_str());
        browser.check(RPC, &[ours, cookie], GET, "401");
        browser.check("GET /api/events", &[cookie], "", "401");
    }
    let among = format!("a=b; {name}=; {};c", browser.cookie);
    browser.check(RPC, &[ours, ("Cookie", &among)], GET, "200");
    let as_token = format!("Bearer {secret}");
    let bearer = ("Authorization", as_token.as_str());
    browser.check(RPC, &[("Cookie", ""), bearer], GET, "401");
}
