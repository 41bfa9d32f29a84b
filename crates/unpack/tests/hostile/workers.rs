//! Workers that say nothing, too much, or are none, and bytes that cannot be read.

use super::*;

fn start(command: &WorkerCommand, limits: Limits) -> Result<Unpacker, UnpackError> {
    let archive = Arc::new(MemoryArchive::single(zip(&[("a", b"x")])));
    Unpacker::start(
        command,
        archive,
        1,
        (Mode::Unpack, limits),
        NameTable::new(),
    )
}

#[test]
fn a_silent_worker_is_killed() {
    let limits = Limits {
        idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut unpacker = start(&pretender("silent"), limits).unwrap();
    let error = unpacker.next_event().expect_err("it said nothing");
    assert_eq!(error.code, ErrorCode::LimitTime);
    assert!(unpacker.next_event().is_err());
}

#[test]
fn a_worker_that_reads_over_and_over_is_killed() {
    let archive = Arc::new(MemoryArchive::single(vec![7; 1 << 20]));
    let request = (Mode::Unpack, Limits::default());
    let worker = pretender("greedy");
    let mut unpacker = Unpacker::start(&worker, archive, 1, request, NameTable::new()).unwrap();
    let error = unpacker.next_event().expect_err("it only reads");
    assert_eq!(error.code, ErrorCode::LimitTime, "{error}");
}

#[test]
fn a_cancelled_worker_is_killed() {
    let mut unpacker = start(&pretender("silent"), Limits::default()).unwrap();
    let canceller = unpacker.canceller();
    let cancelling = std::thread::spawn(move || canceller.cancel());
    let error = unpacker.next_event().expect_err("it said nothing");
    assert_eq!(error.code, ErrorCode::Cancelled);
    cancelling.join().unwrap();
}

#[test]
fn a_worker_that_is_none() {
    for what in ["garbage", "quits"] {
        let outcome = start(&pretender(what), Limits::default())
            .and_then(|mut unpacker| unpacker.next_event().map(|event| panic!("{event:?}")));
        let error: UnpackError = outcome.expect_err("it is no worker");
        assert_eq!(error.code, ErrorCode::Internal, "{what}: {error}");
    }
    let nowhere = WorkerCommand::inside("/nonexistent/lanspread".into());
    let error = start(&nowhere, Limits::default()).expect_err("there is no such program");
    assert_eq!(error.code, ErrorCode::Internal);
}

#[test]
fn unreadable_bytes() {
    let request = (Mode::Unpack, Limits::default());
    let mut unpacker = Unpacker::start(
        &worker(),
        Arc::new(Unreadable),
        1,
        request,
        NameTable::new(),
    )
    .unwrap();
    let error = unpacker.next_event().expect_err("nothing can be read");
    assert_eq!(error.code, ErrorCode::Io);
    assert_eq!(error.source.unwrap().to_string(), "the disk is on fire");
}
