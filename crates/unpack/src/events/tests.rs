use proptest::prelude::*;

use super::*;
use crate::{
    detect::Format,
    frame::{ErrorFrame, Isolation, SkippedFrame},
};

fn facts() -> StartFacts {
    StartFacts {
        format: Format::Zip,
        solid: false,
        encryption: Encryption::None,
        entries: None,
        bytes: None,
        dictionary_bytes: None,
        isolation: Isolation::Full,
    }
}

fn limits() -> Limits {
    Limits {
        entries: 20,
        total_bytes: 1_000,
        file_bytes: 500,
        ratio: 10,
        ratio_from_bytes: 600,
        ..Limits::default()
    }
}

fn checker(mode: Mode) -> Checker {
    Checker::new(limits(), mode, 70, NameTable::new())
}

fn file(name: &str, bytes: Option<u64>) -> Frame<'_> {
    let kind = EntryKind::File;
    Frame::Entry(EntryFrame {
        kind,
        bytes,
        modified: None,
        name,
    })
}

fn end_of(data: &[u8]) -> Frame<'static> {
    Frame::EndEntry(EndEntryFrame {
        bytes: data.len() as u64,
        crc32: crc32fast::hash(data),
        verified: true,
    })
}

/// The code of the first refused frame.
fn outcome(mode: Mode, frames: &[Frame<'_>]) -> Option<ErrorCode> {
    let mut checker = checker(mode);
    let mut outcomes = frames.iter().map(|frame| checker.on_frame(frame.clone()));
    outcomes.find_map(Result::err).map(|error| error.code)
}

fn check(frames: &[Frame<'_>], expected: Option<ErrorCode>) {
    assert_eq!(outcome(Mode::Unpack, frames), expected, "{frames:?}");
}

const BROKEN: Option<ErrorCode> = Some(ErrorCode::Internal);

#[test]
fn an_honest_stream() {
    check(
        &[
            Frame::Start(facts()),
            file("a", Some(3)),
            Frame::Data(b"on"),
            Frame::Data(b"e"),
            end_of(b"one"),
            Frame::Copy(CopyFrame { from: 0, name: "b" }),
            Frame::Copy(CopyFrame { from: 1, name: "c" }),
            Frame::Progress(1, 2),
            Frame::End(3, 9),
        ],
        None,
    );
}

#[test]
fn frames_out_of_order() {
    let start = || Frame::Start(facts());
    check(&[file("a", None)], BROKEN);
    check(&[Frame::End(0, 0)], BROKEN);
    check(&[start(), start()], BROKEN);
    check(&[start(), Frame::Data(b"x")], BROKEN);
    check(&[start(), end_of(b"")], BROKEN);
    check(&[start(), file("a", None), file("b", None)], BROKEN);
    check(&[start(), file("a", None), Frame::End(1, 0)], BROKEN);
    check(&[start(), Frame::End(0, 0), Frame::Progress(0, 0)], BROKEN);
    check(
        &[start(), Frame::Copy(CopyFrame { from: 0, name: "b" })],
        BROKEN,
    );
    let link = SkippedFrame {
        name: "b",
        reason: SkipReason::Link,
    };
    check(&[start(), file("a", None), Frame::Skipped(link)], BROKEN);
}

#[test]
fn numbers_that_do_not_add_up() {
    let start = || Frame::Start(facts());
    check(
        &[start(), file("a", None), Frame::Data(b"x"), end_of(b"y")],
        BROKEN,
    );
    check(
        &[start(), file("a", None), Frame::Data(b"x"), end_of(b"xx")],
        BROKEN,
    );
    check(&[start(), Frame::End(1, 0)], BROKEN);
    check(&[start(), Frame::End(0, 1)], BROKEN);
    let damaged = Some(ErrorCode::Damaged);
    check(&[start(), file("a", Some(1)), Frame::Data(b"xy")], damaged);
    check(
        &[start(), file("a", Some(2)), Frame::Data(b"x"), end_of(b"x")],
        damaged,
    );
}

#[test]
fn limits_hold() {
    let start = || Frame::Start(facts());
    let half = [0_u8; 400];
    check(&[start(), file("a", Some(501))], Some(ErrorCode::LimitSize));
    check(
        &[
            start(),
            file("a", None),
            Frame::Data(&half),
            Frame::Data(&half),
        ],
        Some(ErrorCode::LimitSize),
    );
    let two = [
        start(),
        file("a", None),
        Frame::Data(&half),
        end_of(&half),
        file("b", None),
        Frame::Data(&half),
    ];
    // 800 bytes from 70 are too much, above 600.
    check(&two, Some(ErrorCode::LimitRatio));
    check(&two[..5], None);
    let declared = StartFacts {
        bytes: Some(1_001),
        ..facts()
    };
    check(&[Frame::Start(declared)], Some(ErrorCode::LimitSize));
    let declared = StartFacts {
        entries: Some(21),
        ..facts()
    };
    check(&[Frame::Start(declared)], Some(ErrorCode::LimitEntries));
}

#[test]
fn an_error_of_the_worker() {
    let error = ErrorFrame {
        code: ErrorCode::Truncated,
        entry: Some("a"),
        detail: "early",
    };
    check(
        &[Frame::Start(facts()), Frame::Error(error.clone())],
        Some(ErrorCode::Truncated),
    );
    check(&[Frame::Error(error)], Some(ErrorCode::Truncated));
}

#[test]
fn encrypted_entries_can_only_be_listed() {
    let encrypted = Frame::Start(StartFacts {
        encryption: Encryption::Entries,
        ..facts()
    });
    let frames = [encrypted, file("a", Some(100)), Frame::End(1, 100)];
    assert_eq!(
        outcome(Mode::Unpack, &frames),
        Some(ErrorCode::PasswordRequired)
    );
    assert_eq!(outcome(Mode::List, &frames), None);
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("A".to_owned()),
        Just("a/b".to_owned()),
        Just("../a".to_owned()),
        Just("con".to_owned()),
        "[a-c/.]{0,6}",
    ]
}

#[derive(Debug, Clone)]
enum Said {
    Start,
    File(String, Option<u64>),
    Directory(String),
    Data(Vec<u8>),
    /// The right end, or with another checksum.
    EndFile(bool),
    Copy(u32, String),
    Skipped(String),
    End(u64, u64),
}

fn any_said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => Just(Said::Start),
        4 => (any_name(), proptest::option::of(0..600_u64)).prop_map(|(n, b)| Said::File(n, b)),
        1 => any_name().prop_map(Said::Directory),
        4 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Said::Data),
        4 => any::<bool>().prop_map(Said::EndFile),
        1 => (0..3_u32, any_name()).prop_map(|(from, name)| Said::Copy(from, name)),
        1 => any_name().prop_map(Said::Skipped),
        1 => (0..5_u64, 0..900_u64).prop_map(|(entries, bytes)| Said::End(entries, bytes)),
    ]
}

proptest! {
    /// Whatever is said, what passes is a possible game: names side by side, data inside files,
    /// sizes as counted, within the limits.
    #[test]
    fn any_frames(said in proptest::collection::vec(any_said(), 0..40)) {
        let mut checker = checker(Mode::Unpack);
        let mut table = lanspread_proto::rel_path::PathTable::default();
        let mut open: Option<Vec<u8>> = None;
        let mut total = 0_u64;
        prop_assert!(checker.on_frame(Frame::Start(facts())).is_ok());
        for said in &said {
            let bytes = open.clone().unwrap_or_default();
            let frame = match said {
                Said::Start => Frame::Start(facts()),
                Said::File(name, bytes) => file(name, *bytes),
                Said::Directory(name) => Frame::Entry(EntryFrame {
                    kind: EntryKind::Directory, bytes: None, modified: None, name,
                }),
                Said::Data(data) => Frame::Data(data),
                Said::EndFile(true) => end_of(&bytes),
                Said::EndFile(false) => end_of(b"something else"),
                Said::Copy(from, name) => Frame::Copy(CopyFrame { from: *from, name }),
                Said::Skipped(name) => {
                    Frame::Skipped(SkippedFrame { name, reason: SkipReason::Link })
                }
                Said::End(entries, bytes) => Frame::End(*entries, *bytes),
            };
            // A refused frame ends the stream: the worker is killed.
            let Ok(checked) = checker.on_frame(frame) else { return Ok(()) };
            match (checked, said) {
                (Checked::Data, Said::Data(data)) => {
                    open.as_mut().unwrap().extend_from_slice(data);
                    total += data.len() as u64;
                }
                (Checked::Event(Event::File(facts)), _) => {
                    prop_assert!(open.is_none());
                    prop_assert_eq!(table.add_file(&facts.path), Ok(()));
                    open = Some(Vec::new());
                }
                (Checked::Event(Event::Directory(path)), _) => {
                    prop_assert_eq!(table.add_directory(&path), Ok(()));
                }
                (Checked::Event(Event::EndFile(end)), _) => {
                    let bytes = open.take().unwrap();
                    prop_assert_eq!(end.bytes, bytes.len() as u64);
                    prop_assert_eq!(end.crc32, crc32fast::hash(&bytes));
                }
                (Checked::Event(Event::Copy { to, bytes, .. }), _) => {
                    prop_assert_eq!(table.add_file(&to), Ok(()));
                    total += bytes;
                }
                (Checked::Event(Event::End(totals)), _) => {
                    prop_assert!(open.is_none());
                    prop_assert_eq!(totals.bytes, total);
                }
                _ => {}
            }
            prop_assert!(total <= 1_000);
        }
    }
}
