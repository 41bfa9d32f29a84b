//! The hand-out of the real program: what a neighbour gets is what runs here.

use std::{
    fs,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Stdio},
};

use lanspread_lab::{Process, process::Signal};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    party::{Party, program},
    peer::SOON,
};

/// Head and body of the answer to a request.
fn ask(address: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(end.unwrap() + 4);
    (String::from_utf8(answer).unwrap(), body)
}

/// A hand-out serves this very program and the plain files of `handout/`: what comes over HTTP has
/// the bytes and the BLAKE3 sum that are told, and runs. Links and hidden files are not handed out,
/// nor is anything else that a path could name; nothing can be put there; the control API is not
/// behind it. Ctrl+C ends it well.
#[test]
fn s70_a_neighbour_gets_the_program() {
    let party = Party::on_loopback();
    let state = party.state(1);
    let folder = state.join("handout");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("lanspread-windows-x64.zip"), "zip").unwrap();
    fs::write(folder.join(".hidden"), "secret").unwrap();
    fs::write(state.join("identity.key"), "secret").unwrap();
    symlink(state.join("identity.key"), folder.join("link")).unwrap();

    let mut command = party.program_of(1);
    command
        .args(["--json", "handout", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped());
    let mut process = Process::spawn(command).unwrap();
    let stdout = BufReader::new(process.take_stdout().unwrap());
    let mut told = serde_json::Deserializer::from_reader(stdout);
    let told = Value::deserialize(&mut told).unwrap();
    let page = told["pages"][0].as_str().unwrap();
    let address: SocketAddr = (page.trim_start_matches("http://").trim_end_matches('/'))
        .parse()
        .unwrap();
    let names: Vec<&str> = (told["files"].as_array().unwrap().iter())
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["lanspread", "lanspread-windows-x64.zip"]);
    assert_eq!(told["left_out"].as_array().unwrap().len(), 2, "{told:#}");

    let (head, body) = ask(address, "GET /files/lanspread");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let own = fs::read(program()).unwrap();
    assert!(body == own, "{} bytes, not {}", body.len(), own.len());
    let sum = blake3::hash(&own).to_hex();
    assert_eq!(told["files"][0]["blake3"], sum.as_str());
    let (_, page) = ask(address, "GET /");
    assert!(String::from_utf8(page).unwrap().contains(sum.as_str()));
    let copy = party.folder("neighbour").join("lanspread");
    fs::write(&copy, &body).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let version = |program| {
        let output = Command::new(program).arg("--version").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(version(copy.clone()).starts_with("lanspread "));
    assert_eq!(version(copy), version(program()));

    for request in [
        "POST /",
        "PUT /files/x",
        "POST /api/rpc",
        "DELETE /files/lanspread",
    ] {
        let (head, _) = ask(address, request);
        assert!(head.starts_with("HTTP/1.1 405 "), "{request}: {head}");
    }
    let absolute = format!("/files/{}", state.join("identity.key").display());
    for path in [
        "/files/../identity.key",
        "/files/..%2fidentity.key",
        "/files/.hidden",
        "/files/link",
        "/files/",
        "/../../../../etc/passwd",
        "//etc/passwd",
        "/api/snapshot",
        absolute.as_str(),
    ] {
        let (head, body) = ask(address, &format!("GET {path}"));
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
        assert!(!body.windows(6).any(|six| six == b"secret"), "{path}");
    }

    process.signal(Signal::INT);
    let status = process.wait_at_most(SOON).unwrap();
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
