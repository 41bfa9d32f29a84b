//! Peers that lie, stall or do not speak our language.

use std::{io, sync::Arc, time::Duration};

use lanspread_proto::{
    limits::HELLO_TIMEOUT,
    wire::{
        CodecError, DataHeader, LaneMessage, LinkMessage,
        codec::FrameHeader,
        lane::{BlobKind, BlobRequest, DATA_BODY_MAX, DATA_KIND, LaneHello, LaneRole, RequestId},
        link::Goodbye,
    },
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::party::{Peer, party_of_two};
use crate::{
    Blame, Identity, LaneEvent, LaneReader, LinkError, limits, quic,
    tls::{SERVER_NAME, Tls},
};

/// So far the clock is moved beyond a limit.
const SLACK: Duration = Duration::from_millis(500);

fn someone() -> Peer {
    Peer::bind([127, 0, 0, 1].into())
}

/// Moves the clock, not the sockets, past every limit of the door: what a test must finish in time
/// has all of it, however busy the machine is, and nobody waits for the rest.
async fn until_patience_ends() {
    tokio::time::pause();
    tokio::time::advance(limits::HANDSHAKE_TIMEOUT.max(HELLO_TIMEOUT) + SLACK).await;
    tokio::time::resume();
}

fn frame(kind: u16, body: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        kind,
        body_bytes: u32::try_from(body.len()).unwrap(),
    };
    [header.encode().as_slice(), body].concat()
}

fn header(kind: u16, body_bytes: u32) -> Vec<u8> {
    FrameHeader { kind, body_bytes }.encode().to_vec()
}

/// TLS as a peer speaks it, and nothing of ours above it.
async fn raw_tls(to: &Peer) -> TlsStream<TcpStream> {
    let tls = Tls::new(&Identity::generate().unwrap()).unwrap();
    let (config, _seen) = tls.client(Some(to.id)).unwrap();
    let stream = TcpStream::connect(to.address).await.unwrap();
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .unwrap()
}

/// QUIC as a peer speaks it, and nothing of ours above it.
async fn raw_quic(to: &Peer) -> (quinn::Endpoint, quinn::Connection) {
    let tls = Tls::new(&Identity::generate().unwrap()).unwrap();
    let (config, _seen) = tls.client(Some(to.id)).unwrap();
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    let config = quic::client_config(config).unwrap();
    let connecting = endpoint.connect_with(config, to.address, SERVER_NAME);
    let connection = connecting.unwrap().await.unwrap();
    // A client may go ahead of the server; the clock of the hello runs from here on.
    while connection.stats().frame_rx.handshake_done == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (endpoint, connection)
}

fn lane_hello() -> Vec<u8> {
    LaneMessage::Hello(LaneHello {
        role: LaneRole::Serve,
    })
    .encode()
}

/// What a lane's owner sees after these bytes.
async fn lane_after(bytes: Vec<u8>) -> Result<LaneEvent, LinkError> {
    let mut bob = someone();
    let mut stream = raw_tls(&bob).await;
    stream.write_all(&lane_hello()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let (mut reader, _writer) = bob.lane().await.split();
    reader.next().await
}

fn codec_error(result: Result<LaneEvent, LinkError>) -> CodecError {
    match result {
        Err(error @ LinkError::Protocol { source, .. }) => {
            assert_eq!((error.blame(), error.is_retryable()), (Blame::Peer, false));
            source
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bad_frames_on_a_lane_are_refused_before_their_body() {
    let too_long = |kind, bytes| CodecError::TooLong { kind, bytes };
    for (bytes, expected) in [
        (header(0x0102, 129), too_long(0x0102, 129)),
        (header(0x0105, u32::MAX - 2), too_long(0x0105, u32::MAX - 2)),
        (
            header(DATA_KIND, DATA_BODY_MAX + 1),
            too_long(DATA_KIND, DATA_BODY_MAX + 1),
        ),
        (frame(DATA_KIND, &[0; 7]), CodecError::Body(DATA_KIND)),
        (header(0x7fff, 1), CodecError::UnknownType(0x7fff)),
        (header(0x8001, 64 * 1_024 + 1), too_long(0x8001, 65_537)),
        (frame(0x0104, &[0xff; 9]), CodecError::Body(0x0104)),
        (lane_hello(), CodecError::UnknownType(0x0101)),
        (vec![1, 0, 0, 0, 0, 0], CodecError::TooShort),
    ] {
        assert_eq!(codec_error(lane_after(bytes).await), expected);
    }
}

#[tokio::test]
async fn unknown_frames_that_may_be_skipped_are_skipped() {
    let request = LaneMessage::BlobRequest(BlobRequest {
        request: RequestId(1),
        content: lanspread_proto::ContentId::from_bytes([1; 32]),
        kind: BlobKind::Manifest,
    });
    let bytes = [frame(0x8001, b"from the future"), request.encode()].concat();
    let event = lane_after(bytes).await.unwrap();
    assert_eq!(event, LaneEvent::Message(request));
}

#[tokio::test]
async fn a_lane_that_ends_within_a_frame_is_lost_and_not_ended() {
    let cut = lane_after(header(0x0102, 40)).await.unwrap_err();
    assert!(matches!(cut, LinkError::Lost { .. }), "{cut}");
    let whole = lane_after(Vec::new()).await.unwrap_err();
    assert!(matches!(whole, LinkError::Ended(_)), "{whole}");
}

#[tokio::test]
async fn data_that_ends_early_is_lost() {
    let data = DataHeader {
        request: RequestId(1),
        offset: 0,
    };
    let mut bob = someone();
    let mut stream = raw_tls(&bob).await;
    stream.write_all(&lane_hello()).await.unwrap();
    stream.write_all(&data.encode(100)).await.unwrap();
    stream.write_all(&[7; 60]).await.unwrap();
    stream.shutdown().await.unwrap();
    let (mut reader, _writer) = bob.lane().await.split();
    let event = reader.next().await.unwrap();
    assert_eq!(
        event,
        LaneEvent::Data {
            header: data,
            bytes: 100
        }
    );
    check_cut(&mut reader).await;
}

async fn check_cut(reader: &mut LaneReader) {
    let mut buffer = [0; 100];
    let error = reader.read_data(&mut buffer).await.unwrap_err();
    assert!(matches!(error, LinkError::Lost { .. }), "{error}");
    assert_eq!(buffer[..60], [7; 60]);
    assert!(reader.next().await.is_err());
}

#[tokio::test]
async fn who_says_nothing_is_shown_out() {
    let mut bob = someone();
    // No TLS at all; TLS and no hello; half a hello; another message instead.
    let mut silent = TcpStream::connect(bob.address).await.unwrap();
    let mut garbage = TcpStream::connect(bob.address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut mute = raw_tls(&bob).await;
    let mut half = raw_tls(&bob).await;
    half.write_all(&lane_hello()[..5]).await.unwrap();
    let mut early = raw_tls(&bob).await;
    early.write_all(&frame(DATA_KIND, &[0; 8])).await.unwrap();
    // Two of them need no clock.
    check_shown_out(&mut garbage).await;
    check_shown_out(&mut early).await;
    until_patience_ends().await;
    check_shown_out(&mut silent).await;
    for stream in [&mut mute, &mut half] {
        check_shown_out(stream).await;
    }
    assert!(bob.incoming.try_recv().is_err());
}

/// Reads until the other side has closed.
async fn check_shown_out(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut waste = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut waste));
    match read.await.expect("still open after a minute") {
        Ok(_) => {}
        Err(error) => assert!(
            matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            ),
            "{error}"
        ),
    }
}

#[tokio::test]
async fn a_link_without_hello_is_shown_out() {
    let mut bob = someone();
    // No control stream at all: nobody is told of the link.
    let (_endpoint, mute) = raw_quic(&bob).await;
    until_patience_ends().await;
    let closed = mute.closed().await;
    let by_bob = matches!(closed, quinn::ConnectionError::ApplicationClosed(_));
    assert!(by_bob, "{closed}");
    assert!(bob.incoming.try_recv().is_err());
    // Half a hello: the owner hears that it did not come.
    let (_endpoint, slow) = raw_quic(&bob).await;
    let (mut control, _back) = slow.open_bi().await.unwrap();
    control.write_all(&[9, 0]).await.unwrap();
    let (_sender, mut receiver) = bob.link().await.split();
    let (heard, ()) = tokio::join!(receiver.recv_hello(), until_patience_ends());
    let error = heard.unwrap_err();
    assert!(matches!(error, LinkError::HelloTimeout(_)), "{error}");
}

#[tokio::test]
async fn bad_frames_on_a_link_are_refused() {
    let mut bob = someone();
    let goodbye = LinkMessage::Goodbye(Goodbye::Leaving).encode();
    for (bytes, expected) in [
        (
            header(0x0001, 4_097),
            CodecError::TooLong {
                kind: 1,
                bytes: 4_097,
            },
        ),
        (header(DATA_KIND, 9), CodecError::UnknownType(DATA_KIND)),
        (frame(0x0001, &[0xff; 20]), CodecError::Body(1)),
        (goodbye[..6].to_vec(), CodecError::TooShort),
    ] {
        let (_endpoint, connection) = raw_quic(&bob).await;
        let (mut control, _back) = connection.open_bi().await.unwrap();
        control.write_all(&bytes).await.unwrap();
        let (_sender, mut receiver) = bob.link().await.split();
        if expected == CodecError::TooShort {
            control.finish().unwrap();
            let error = receiver.recv().await.unwrap_err();
            assert!(matches!(error, LinkError::Lost { .. }), "{error}");
            continue;
        }
        let error = receiver.recv_hello().await.unwrap_err();
        let LinkError::Protocol { source, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(source, expected);
    }
}

#[tokio::test]
async fn something_else_before_the_hello_is_refused() {
    let (alice, mut bob) = party_of_two();
    let link = alice.endpoint.dial_link(bob.address, Some(bob.id)).await;
    let (sender, _receiver) = link.unwrap().split();
    let bytes = LinkMessage::HaveNot(lanspread_proto::ContentId::from_bytes([1; 32]));
    sender.send(&bytes).await.unwrap();
    let (_sender, mut receiver) = bob.link().await.split();
    let error = receiver.recv_hello().await.unwrap_err();
    assert!(matches!(error, LinkError::HelloMissing { kind: 0x23, .. }));
}

#[tokio::test]
async fn a_peer_without_key_or_with_another_protocol_gets_nowhere() {
    let mut bob = someone();
    let tls = Tls::new(&Identity::generate().unwrap()).unwrap();
    let (config, _seen) = tls.client(Some(bob.id)).unwrap();
    let mut other = rustls::ClientConfig::clone(&config);
    other.alpn_protocols = vec![b"h2".to_vec()];
    let mut none = rustls::ClientConfig::clone(&config);
    none.alpn_protocols = Vec::new();
    let mut keyless = rustls::ClientConfig::clone(&config);
    keyless.client_auth_cert_resolver = Arc::new(NoKey);
    for config in [other, none, keyless] {
        let stream = TcpStream::connect(bob.address).await.unwrap();
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream);
        // TLS 1.3 lets a client finish before it is refused.
        if let Ok(mut stream) = connected.await {
            let _refused = stream.write_all(&lane_hello()).await;
            check_shown_out_by_alert(&mut stream).await;
        }
    }
    assert!(bob.incoming.try_recv().is_err());
}

async fn check_shown_out_by_alert(stream: &mut TlsStream<TcpStream>) {
    let mut byte = [0];
    let read = stream.read(&mut byte).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[derive(Debug)]
struct NoKey;

impl rustls::client::ResolvesClientCert for NoKey {
    fn resolve(
        &self,
        _hints: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}
