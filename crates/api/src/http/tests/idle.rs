//! Connections that ask for nothing.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// The clock of this test goes on when nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn who_asks_nothing_makes_way_for_who_does() {
    let stop = CancellationToken::new();
    let token = Token::generate().unwrap();
    let server = Server::bind(Place::Loopback(None), token).await.unwrap();
    let address = server.address();
    let doorkeeper = Doorkeeper::start(Sessions::default(), stop.clone());
    let serving = tokio::spawn(server.run(Scripted::new(), doorkeeper, stop.clone()));
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST /api/pair HTTP/1.1\r\n")
        .await
        .unwrap();
    let mut asking = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    asking.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    // And half a request holds its place no longer than none.
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.unwrap();
    drop(idle);
    stop.cancel();
    serving.await.unwrap();
}
