use super::*;
use crate::{http::tests::Running, types::command::GetCommand};

fn client(server: &Running, token: &str) -> Client {
    Client::new(ApiFile {
        address: server.address,
        token: token.to_owned(),
        pid: 7,
    })
}

fn get(game: &str) -> Command {
    Command::Get(GetCommand {
        game: game.to_owned(),
        content: None,
        install: true,
        low_disk: false,
        from: None,
    })
}

#[test]
fn asks_and_is_told() {
    let server = Running::start();
    let client = client(&server, server.token.reveal());
    assert_eq!(
        client.call(&get("quake")),
        Ok(Reply::Started { operation: 7 })
    );
    assert_eq!(client.snapshot().unwrap().revision, 3);
    let report = client.call(&get("unknown")).unwrap_err();
    assert_eq!(report.code, "unknown-game");
    assert!(!report.hints.is_empty());
}

#[test]
fn a_file_of_a_node_that_is_gone() {
    let server = Running::start();
    let other_node = client(&server, &"0".repeat(64));
    assert_eq!(other_node.snapshot().unwrap_err().code, "no-node");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let gone = Client::new(ApiFile {
        address,
        ..other_node.file.clone()
    });
    let report = gone.snapshot().unwrap_err();
    assert_eq!(report.code, "no-node");
    assert!(report.message.contains("process 7"), "{report}");
}

#[test]
fn something_else_at_the_address() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _request = stream.read(&mut [0; 4_096]).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        stream.write_all(answer).unwrap();
    });
    let stranger = Client::new(ApiFile {
        address,
        token: "t".to_owned(),
        pid: 7,
    });
    assert_eq!(stranger.snapshot().unwrap_err().code, "bad-reply");
    answering.join().unwrap();
}

#[test]
fn the_token_stays_out_of_debug_output() {
    let file = ApiFile {
        address: ([127, 0, 0, 1], 1).into(),
        token: "secret".to_owned(),
        pid: 7,
    };
    assert!(!format!("{file:?}").contains("secret"));
}
