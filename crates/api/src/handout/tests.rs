use std::io::{Read, Write};

use super::*;

const ITEM: &[u8] = b"the program";

fn item(name: &str, bytes: &[u8]) -> Result<Item, ItemError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    io::Seek::rewind(&mut file).unwrap();
    Item::read(name, file)
}

/// A hand-out on a free port of loopback, until dropped.
struct Running {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Running {
    fn start(items: Vec<Item>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let loopback = Some(([127, 0, 0, 1], 0).into());
        let handout = runtime.block_on(Handout::bind(loopback, items)).unwrap();
        let address = handout.address();
        runtime.spawn(handout.run(CancellationToken::new()));
        Self {
            address,
            _runtime: runtime,
        }
    }

    fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(self.address).unwrap();
        let limit = Some(Duration::from_secs(60));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// Head and body of the answer.
    fn ask(&self, request: &str) -> (String, Vec<u8>) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.unwrap_or(answer.len()));
        let head = String::from_utf8(head.to_vec()).unwrap();
        (head, body.get(4..).unwrap_or_default().to_vec())
    }

    /// The answer, as far as there is one.
    fn try_get(&self, path: &str) -> Vec<u8> {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let _reset = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        answer
    }

    fn get(&self, path: &str) -> (String, Vec<u8>) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }
}

fn stocked() -> Running {
    Running::start(vec![
        item("lanspread", ITEM).unwrap(),
        item("LanSpread für Windows & co.zip", b"zip").unwrap(),
        item("empty", b"").unwrap(),
    ])
}

#[test]
fn what_is_served() {
    let server = stocked();
    let (head, body) = server.get("/files/lanspread");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, ITEM);
    let lower = head.to_lowercase();
    for part in [
        "content-length: 11",
        "content-type: application/octet-stream",
        "content-disposition: attachment; filename*=utf-8''lanspread",
        "content-security-policy: default-src 'none';",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "connection: close",
    ] {
        assert!(lower.contains(part), "{part}: {head}");
    }
    let encoded = "/files/LanSpread%20f%C3%BCr%20Windows%20%26%20co.zip";
    assert_eq!(server.get(encoded).1, b"zip");
    assert_eq!(server.get("/files/empty").1, b"");
    assert!(server.get("/style.css").0.contains("text/css"));
    let (head, page) = server.get("/");
    let page = String::from_utf8(page).unwrap();
    assert!(head.contains("text/html; charset=utf-8"), "{head}");
    let hash = blake3::hash(ITEM).to_hex();
    assert!(page.contains(hash.as_str()), "{page}");
    assert!(page.contains(&format!("href=\"{encoded}\"")), "{page}");
    assert!(page.contains("Windows &amp; co.zip"), "{page}");
    assert!(page.contains("11 B") && page.contains("lang=\"en\""));
    let german = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Language: de-AT,de\r\n\r\n";
    let page = String::from_utf8(server.ask(german).1).unwrap();
    assert!(page.contains("lang=\"de\""), "{page}");
}

#[test]
fn everything_else_is_refused() {
    let server = stocked();
    let check = |head: &str, status: &str| {
        let (answer, _) = server.ask(&format!("{head} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{head}: {answer}");
        let lower = answer.to_lowercase();
        assert!(!lower.contains("access-control"), "{answer}");
    };
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"] {
        check(&format!("{method} /"), "405");
        check(&format!("{method} /files/lanspread"), "405");
        check(&format!("{method} /api/rpc"), "405");
    }
    for path in [
        "/files/",
        "/files",
        "/files/lanspread/",
        "/files/LANSPREAD",
        "/files/%6canspread",
        "/files/../files/lanspread",
        "/files/../../../etc/passwd",
        "/files/..%2f..%2fetc%2fpasswd",
        "/files/%2e%2e/identity.key",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/.hidden",
        "//etc/passwd",
        "/etc/passwd",
        "/identity.key",
        "/api.json",
        "/api/snapshot",
        "/api/rpc",
        "http://evil.example/",
        "http://evil.example/files/lanspread",
    ] {
        check(&format!("GET {path}"), "404");
    }
}

#[test]
fn names_that_are_not_handed_out() {
    let check = |name: &str| assert!(item(name, b"x").is_err(), "{name}");
    for name in [
        ".hidden", "..", ".", "", "a/b", "/etc", r"a\b", "a:b", "nul", "a\n", "a<b",
    ] {
        check(name);
    }
    assert!(item("LanSpread für Windows.zip", b"x").is_ok());
}

#[test]
fn heads_are_bounded() {
    let server = stocked();
    let long = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(2 * HEAD_BYTES_MAX)
    );
    let mut stream = server.connect();
    // The server may hang up before it has all of it.
    let _cut = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    let many = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "A: b\r\n".repeat(HEADERS_MAX + 1)
    );
    let (answer, _) = server.ask(&many);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn one_guest_cannot_take_all_connections() {
    let server = stocked();
    let silent: Vec<_> = (0..CONNECTIONS_OF_ONE_MAX)
        .map(|_| server.connect())
        .collect();
    // Closed without an answer, or reset because it was asked.
    assert_eq!(server.try_get("/"), b"");
    drop(silent);
    // As soon as the others are gone, the next one is served.
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !server.try_get("/files/lanspread").ends_with(ITEM) {
        assert!(std::time::Instant::now() < end, "never served again");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_file_that_became_shorter_is_not_taken_for_whole() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut own = file.reopen().unwrap();
    own.write_all(ITEM).unwrap();
    let item = Item::read("lanspread", file.reopen().unwrap()).unwrap();
    own.set_len(3).unwrap();
    let body = item.response().into_body();
    assert!(axum::body::to_bytes(body, 99).await.is_err());
}

#[tokio::test]
async fn the_default_port_gives_way() {
    let one = Handout::bind(None, Vec::new()).await.unwrap();
    let two = Handout::bind(None, Vec::new()).await.unwrap();
    assert_ne!(one.address().port(), two.address().port());
    assert!(one.address().port() >= PORT_DEFAULT);
    let taken = Handout::bind(Some(one.address()), Vec::new()).await;
    assert_eq!(taken.unwrap_err().code, "http-listen");
}
