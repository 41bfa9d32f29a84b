use proptest::prelude::*;

use super::*;

fn check(frame: &Frame<'_>) {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    let mut payload = Vec::new();
    let kind = read_frame(&mut bytes.as_slice(), &mut payload).unwrap();
    assert_eq!(Frame::decode(kind, &payload).as_ref(), Ok(frame));
}

#[test]
fn there_and_back() {
    check(&Frame::Read(ReadFrame {
        volume: 3,
        offset: 1 << 40,
        length: 1 << 20,
    }));
    check(&Frame::Entry(EntryFrame {
        kind: EntryKind::Executable,
        bytes: None,
        modified: Some(-1),
        name: "bin/ü",
    }));
    check(&Frame::Data(&[9; DATA_BYTES_MAX]));
    check(&Frame::Data(b""));
    check(&Frame::EndEntry(EndEntryFrame {
        bytes: 7,
        crc32: u32::MAX,
        verified: false,
    }));
    check(&Frame::Copy(CopyFrame { from: 9, name: "c" }));
    check(&Frame::Progress(1, u64::MAX));
    check(&Frame::End(0, 0));
    let error = ErrorFrame {
        code: ErrorCode::LimitRatio,
        entry: None,
        detail: "much",
    };
    check(&Frame::Error(error));
}

#[test]
fn too_long() {
    let mut bytes = Vec::new();
    assert_eq!(
        Frame::Data(&[0; DATA_BYTES_MAX + 1]).encode(&mut bytes),
        Err(FrameError)
    );
    let name = "x".repeat(FRAME_BYTES_MAX);
    assert_eq!(
        Frame::Copy(CopyFrame {
            from: 0,
            name: &name
        })
        .encode(&mut bytes),
        Err(FrameError)
    );
    // A length is refused before anything is allocated for it.
    let header = [0x11, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    let mut payload = Vec::new();
    assert!(read_frame(&mut header.as_slice(), &mut payload).is_err());
    assert_eq!(payload.capacity(), 0);
}

proptest! {
    #[test]
    fn any_bytes(kind: u8, payload in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(frame) = Frame::decode(kind, &payload) {
            let mut bytes = Vec::new();
            prop_assert!(frame.encode(&mut bytes).is_ok());
        }
    }
}
