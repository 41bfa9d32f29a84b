//! For the fuzzer: what a worker says, as its parent reads it.

use crate::{
    detect::Format,
    events::{Checked, Checker, Event},
    frame::{
        Encryption, EndEntryFrame, EntryFrame, EntryKind, Frame, Isolation, Mode, StartFacts,
        read_frame,
    },
    limits::Limits,
    names::NameTable,
};

/// Reads frames until one is refused. Whatever was let through keeps the order and the sizes that
/// it promised.
///
/// # Panics
/// On a defect only.
pub fn worker_frames(bytes: &[u8]) {
    let Some((mode, mut rest)) = bytes.split_first() else {
        return;
    };
    let mode = if mode % 2 == 0 {
        Mode::Unpack
    } else {
        Mode::List
    };
    let limits = Limits {
        total_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut checker = Checker::new(limits, mode, 1 << 16, NameTable::new());
    let (mut payload, mut started, mut ended, mut passed) = (Vec::new(), false, false, 0_u64);
    while let Ok(kind) = read_frame(&mut rest, &mut payload) {
        let Ok(frame) = Frame::decode(kind, &payload) else {
            return;
        };
        let Ok(checked) = checker.on_frame(frame) else {
            return;
        };
        assert!(!ended, "something came behind the end");
        match checked {
            Checked::Data => {
                passed += payload.len() as u64;
                assert!(passed <= 1 << 20, "more than the limit was let through");
            }
            Checked::Event(Event::Start(_)) => {
                assert!(!started, "it started twice");
                started = true;
            }
            Checked::Event(event) => {
                assert!(started, "{event:?} came before the start");
                ended = matches!(event, Event::End(_));
            }
        }
    }
}

/// A short stream that a worker would send, with the byte before it that [`worker_frames`] wants.
#[must_use]
pub fn good_frames() -> Vec<u8> {
    let mut bytes = vec![0];
    let start = StartFacts {
        format: Format::Zip,
        entries: Some(1),
        bytes: Some(3),
        dictionary_bytes: None,
        solid: false,
        encryption: Encryption::None,
        isolation: Isolation::Full,
    };
    let entry = EntryFrame {
        name: "a/b",
        kind: EntryKind::File,
        bytes: Some(3),
        modified: None,
    };
    let end = EndEntryFrame {
        bytes: 3,
        crc32: crc32fast::hash(b"abc"),
        verified: true,
    };
    let frames = [
        Frame::Start(start),
        Frame::Entry(entry),
        Frame::Data(b"abc"),
        Frame::EndEntry(end),
        Frame::Progress(7, 3),
        Frame::End(1, 3),
    ];
    for frame in frames {
        let encoded = frame.encode(&mut bytes);
        debug_assert!(encoded.is_ok(), "none of them is too long");
    }
    bytes
}
