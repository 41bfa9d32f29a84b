//! Lanes over a pipe in memory: what any bytes do, however they are cut.

use lanspread_proto::wire::{
    DataHeader,
    lane::{Credit, RequestId},
};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn path() -> LanePath {
    LanePath {
        peer: PeerId::from_bytes([1; 32]),
        remote: ([127, 0, 0, 1], 1).into(),
        local: None,
        carrier: Carrier::Tcp,
    }
}

fn stream(pipe: DuplexStream) -> Stream {
    let (source, sink) = tokio::io::split(pipe);
    Stream {
        source: Box::new(source),
        sink: Box::new(sink),
        permit: None,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

async fn both_ends(pipe_bytes: usize) -> (Lane, Lane) {
    let (here, there) = tokio::io::duplex(pipe_bytes);
    let (opened, accepted) = tokio::join!(
        Lane::open(stream(here), path(), LaneRole::Serve),
        Lane::accept(stream(there), path(), LONG),
    );
    (opened.unwrap(), accepted.unwrap())
}

/// What is sent on a lane.
#[derive(Debug, Clone)]
enum Sent {
    Credit(u32),
    Data(u32, Vec<u8>),
    Flush,
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        any::<u32>().prop_map(Sent::Credit),
        (
            any::<u32>(),
            proptest::collection::vec(any::<u8>(), 0..3_000)
        )
            .prop_map(|(offset, bytes)| Sent::Data(offset, bytes)),
        Just(Sent::Flush),
    ]
}

async fn send_all(mut writer: LaneWriter, all: &[Sent]) {
    for sent in all {
        match sent {
            Sent::Credit(bytes) => {
                let message = LaneMessage::Credit(Credit { bytes: *bytes });
                writer.send(&message).await.unwrap();
            }
            Sent::Data(offset, bytes) => {
                let header = DataHeader {
                    request: RequestId(9),
                    offset: *offset,
                };
                writer.send_data(header, bytes).await.unwrap();
            }
            Sent::Flush => writer.flush().await.unwrap(),
        }
    }
    writer.finish().await.unwrap();
}

async fn check_all(mut reader: LaneReader, all: &[Sent]) {
    for sent in all {
        match sent {
            Sent::Credit(bytes) => {
                let message = LaneMessage::Credit(Credit { bytes: *bytes });
                assert_eq!(reader.next().await.unwrap(), LaneEvent::Message(message));
            }
            Sent::Data(offset, expected) => {
                let event = reader.next().await.unwrap();
                let LaneEvent::Data { header, bytes } = event else {
                    panic!("{event:?}")
                };
                assert_eq!(header.offset, *offset);
                let mut got = vec![0; bytes as usize];
                reader.read_data(&mut got).await.unwrap();
                assert_eq!(got, *expected);
            }
            Sent::Flush => {}
        }
    }
    assert!(matches!(reader.next().await, Err(LinkError::Ended(_))));
}

proptest! {
    #[test]
    fn whatever_is_sent_arrives_in_order(
        all in proptest::collection::vec(sent(), 0..30),
        pipe_bytes in 1_usize..5_000,
    ) {
        block_on(async {
            let (opened, accepted) = both_ends(pipe_bytes).await;
            let ((_hears, writer), (reader, _says)) = (opened.split(), accepted.split());
            tokio::join!(send_all(writer, &all), check_all(reader, &all));
        });
    }

    #[test]
    fn any_bytes_end_in_an_error_and_not_in_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        kind in prop_oneof![Just(None), (0x0100_u16..0x0112).prop_map(Some)],
    ) {
        let mut bytes = bytes;
        if let (Some(kind), Some(header)) = (kind, bytes.first_chunk_mut::<6>()) {
            // Likely frames: a known type and a short length.
            let [k0, k1] = kind.to_le_bytes();
            *header = [header[0], header[1] % 4, 0, 0, k0, k1];
        }
        block_on(async {
            let mut all = LaneMessage::Hello(LaneHello { role: LaneRole::Fetch }).encode();
            all.extend(bytes);
            let (mut here, there) = tokio::io::duplex(all.len());
            here.write_all(&all).await.unwrap();
            drop(here);
            let lane = Lane::accept(stream(there), path(), LONG).await.unwrap();
            let (mut reader, _writer) = lane.split();
            // Every frame takes at least its header, so this ends.
            while reader.next().await.is_ok() {}
        });
    }
}

#[tokio::test]
async fn a_flush_given_up_in_the_middle_goes_on_where_it_was() {
    let (opened, accepted) = both_ends(8).await;
    let ((_hears, mut writer), (mut reader, _says)) = (opened.split(), accepted.split());
    let messages = [7, 70_000, 7_000_000].map(|bytes| LaneMessage::Credit(Credit { bytes }));
    for message in &messages {
        writer.send(message).await.unwrap();
    }
    let (mut heard, mut flushed) = (Vec::new(), false);
    while heard.len() < messages.len() {
        // The pipe holds less than a frame, so each flush is given up half way.
        tokio::select! {
            biased;
            result = writer.flush(), if !flushed => flushed = result.is_ok(),
            event = reader.next() => heard.push(event.unwrap()),
        }
    }
    assert_eq!(heard, messages.map(LaneEvent::Message));
}

#[tokio::test]
async fn data_given_up_in_the_middle_tears_the_lane() {
    let (opened, _accepted) = both_ends(100).await;
    let (_hears, mut writer) = opened.split();
    let header = DataHeader {
        request: RequestId(1),
        offset: 0,
    };
    let bytes = [0; 1_000];
    tokio::select! {
        biased;
        result = writer.send_data(header, &bytes) => panic!("{result:?}"),
        () = std::future::ready(()) => {}
    }
    let credit = LaneMessage::Credit(Credit { bytes: 1 });
    assert!(matches!(
        writer.send(&credit).await,
        Err(LinkError::Torn(_))
    ));
    assert!(matches!(
        writer.send_data(header, &bytes).await,
        Err(LinkError::Torn(_))
    ));
    assert!(matches!(writer.finish().await, Err(LinkError::Torn(_))));
}

#[tokio::test]
async fn data_beyond_the_limit_is_not_sent() {
    let (opened, accepted) = both_ends(4_096).await;
    let ((_hears, mut writer), (mut reader, _says)) = (opened.split(), accepted.split());
    let header = DataHeader {
        request: RequestId(1),
        offset: 0,
    };
    let too_many = vec![0; lanspread_proto::limits::DATA_BYTES_MAX as usize + 1];
    let error = writer.send_data(header, &too_many).await.unwrap_err();
    assert!(matches!(error, LinkError::TooLong { max: 262_144, .. }));
    // Nothing of it went out: the lane is as good as before.
    writer.send_data(header, &[5]).await.unwrap();
    writer.flush().await.unwrap();
    let event = reader.next().await.unwrap();
    assert_eq!(event, LaneEvent::Data { header, bytes: 1 });
}
