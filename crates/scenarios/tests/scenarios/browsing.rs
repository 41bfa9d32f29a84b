//! The web door of the real program: the first start, pairing, a second start, quitting, and coming
//! back.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use lanspread_lab::{Host, LabConfig, Process};
use serde_json::{Value, json};

use crate::{
    party::{Party, is_there},
    peer::SOON,
};

/// The program as a double click starts it, with a browser that only writes down what it is shown.
pub(crate) struct Desktop<'a> {
    party: &'a Party,
    home: PathBuf,
}

/// A page in a browser on the same machine.
pub(crate) struct Page<'a> {
    host: &'a Host,
    pub(crate) address: String,
    pub(crate) cookie: String,
}

impl<'a> Desktop<'a> {
    pub(crate) fn new(party: &'a Party) -> Self {
        let home = party.folder("home");
        let browser = party.folder("bin").join("xdg-open");
        let script = "#!/bin/sh\necho \"$1\" >> \"$HOME/opened\"\n";
        fs::write(&browser, script).unwrap();
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
        Self { party, home }
    }

    /// A double click.
    pub(crate) fn click(&self) -> Process {
        let path = std::env::var("PATH").unwrap();
        let bin = self.party.folder("bin");
        let mut command = self.party.program_of(1);
        command
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", &self.home)
            .env("DISPLAY", ":9")
            .stdout(fs::File::create(self.home.join("out")).unwrap());
        Process::spawn(command).unwrap()
    }

    /// The addresses that the browser was shown so far, once there are so many.
    pub(crate) fn opened(&self, count: usize) -> Vec<String> {
        until("the browser was shown a page", || {
            let text = fs::read_to_string(self.home.join("opened")).unwrap_or_default();
            let links: Vec<String> = text.lines().map(str::to_owned).collect();
            (links.len() == count).then_some(links)
        })
    }
}

impl<'a> Page<'a> {
    /// Opens a pairing link, as the page does it.
    pub(crate) fn paired(host: &'a Host, link: &str) -> Self {
        let (address, code) = link
            .trim_start_matches("http://")
            .split_once("/#pair=")
            .unwrap();
        let mut page = Self {
            host,
            address: address.to_owned(),
            cookie: String::new(),
        };
        let answer = page.post("/api/pair", &json!({ "code": code }));
        let set = answer.lines().find_map(|l| l.strip_prefix("set-cookie: "));
        let cookie = set.unwrap_or_else(|| panic!("no session: {answer}"));
        page.cookie = cookie.split(';').next().unwrap().to_owned();
        page
    }

    /// The whole answer to a request; nothing when nobody is there.
    fn request(&self, head: &str, body: &str) -> String {
        let origin = format!("http://{}", self.address);
        let own = [
            ("Origin", origin.as_str()),
            ("Cookie", self.cookie.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.request_with(head, &own, body)
    }

    /// The same with other headers about who asks.
    pub(crate) fn request_with(&self, head: &str, who: &[(&str, &str)], body: &str) -> String {
        let (address, length) = (&self.address, body.len());
        let who = who
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let who: String = who.collect();
        let request = format!(
            "{head} HTTP/1.1\r\nHost: {address}\r\n{who}Connection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let exchange = || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_bytes| answer)
        };
        self.host.inside(exchange).unwrap().unwrap_or_default()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> String {
        self.request(&format!("POST {path}"), &body.to_string())
    }

    /// The reply to a command that must be accepted.
    pub(crate) fn ask(&self, command: &Value) -> Value {
        let answer = self.post("/api/rpc", command);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{command}: {answer}");
        body(&answer)
    }

    /// What it is shown, if it is let in.
    pub(crate) fn snapshot(&self) -> Option<Value> {
        let answer = self.request("GET /api/snapshot", "");
        answer.starts_with("HTTP/1.1 200 ").then(|| body(&answer))
    }

    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.snapshot().filter(|seen| holds(seen)))
    }
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// Looks until there is something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Local addresses that anybody on a host receives on, UDP and TCP, as the kernel writes them.
fn receiving(process: &Process) -> Vec<String> {
    let table = |name: &str| {
        let path = format!("/proc/{}/net/{name}", process.id());
        fs::read_to_string(path).unwrap()
    };
    let mut found = Vec::new();
    for name in ["udp", "udp6", "tcp", "tcp6"] {
        for line in table(name).lines().skip(1) {
            let mut fields = line.split_whitespace().skip(1);
            let (local, state) = (fields.next().unwrap(), fields.nth(1).unwrap());
            // 0A is a listener; UDP has none.
            if name.starts_with("udp") || state == "0A" {
                found.push(format!("{name} {local}"));
            }
        }
    }
    found
}

fn is_loopback(socket: &str) -> bool {
    socket.starts_with("tcp 0100007F:")
        || socket.starts_with("tcp6 00000000000000000000000001000000:")
}

/// A double click on a machine that never had LanSpread opens a page. Nothing but that page's
/// server on loopback listens until a person confirms games directory and name; then the node runs.
/// Another click shows the page again instead of a second node. What is chosen on the page is
/// remembered, and the browser is let in again after a restart, under the same address.
#[test]
fn s50_first_start_pairing_and_coming_back() {
    let Some(party) = Party::in_lab("s50_first_start", LabConfig::new(1)) else {
        return;
    };
    let (desktop, host) = (Desktop::new(&party), party.host(1));
    let mut node = desktop.click();
    let page = Page::paired(host, &desktop.opened(1)[0]);
    let seen = page.snapshot().unwrap();
    assert_eq!(seen["me"]["peer"], "", "{seen:#}");
    let proposed = seen["first_run"]["games_dir"].as_str().unwrap();
    assert_eq!(Path::new(proposed), desktop.home.join("Games/LanSpread"));
    let open = receiving(&node);
    assert!(
        !open.is_empty() && open.iter().all(|s| is_loopback(s)),
        "{open:?}"
    );
    let refused = page.post("/api/rpc", &json!({"command": "rescan"}));
    assert!(refused.contains("not-set-up"), "{refused}");

    // A folder that cannot be made is said, and asked for again.
    let in_the_way = desktop.home.join("file");
    fs::write(&in_the_way, "").unwrap();
    let finish =
        |folder: &Path| json!({"command": "finish_first_run", "folder": folder, "name": "Anna"});
    let refused = page.post("/api/rpc", &finish(&in_the_way.join("games")));
    assert!(refused.contains(r#""code":"folder""#), "{refused}");
    let games = desktop.home.join("my games");
    page.ask(&finish(&games));
    let seen = page.until("the node runs", |s| s["me"]["peer"] != "");
    assert_eq!(seen["me"]["name"], "Anna");
    assert!(seen["first_run"].is_null() && is_there(&games));
    until("it listens for peers", || {
        receiving(&node)
            .iter()
            .any(|s| !is_loopback(s))
            .then_some(())
    });

    // A second click ends well by itself, and the browser has another way in.
    let second = desktop.click().wait_at_most(SOON).unwrap();
    assert!(second.is_some_and(|status| status.success()));
    let links = desktop.opened(2);
    let other = Page::paired(host, &links[1]);
    assert_eq!(other.address, page.address);
    let stranger = Page {
        cookie: String::new(),
        ..other
    };
    assert_eq!(stranger.snapshot(), None, "nobody comes in without a code");

    page.ask(&json!({"command": "set_settings", "downloads_max": 3}));
    page.ask(&json!({"command": "quit", "when": "now"}));
    let status = node.wait_at_most(SOON).unwrap();
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    assert_eq!(page.request("GET /", ""), "", "nobody is there");

    let mut node = desktop.click();
    let seen = page.until("the browser is let in again", |s| s["me"]["peer"] != "");
    assert_eq!(seen["me"]["name"], "Anna");
    assert_eq!(seen["settings"]["downloads_max"], 3);
    assert_eq!(Path::new(seen["me"]["games_dir"].as_str().unwrap()), games);
    page.ask(&json!({"command": "quit", "when": "idle"}));
    let status = node.wait_at_most(SOON).unwrap();
    assert!(
        status.is_some_and(|status| status.success()),
        "nobody downloads"
    );
}
