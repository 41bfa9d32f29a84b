//! Archives that lie, break off, or ask for too much: refused with the right code, and nothing
//! is accepted that does not belong.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test with helpers that reads fixtures"
)]

use std::{
    fs,
    io::{Cursor, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use lanspread_proto::RelPath;
use lanspread_unpack::{
    ArchiveBytes, ErrorCode, Limits, Mode, NameTable, SkipReason, UnpackError, Unpacker,
    WORKER_ARGUMENT, WorkerCommand,
    in_memory::{MemoryArchive, MemoryGame, unpack, unpack_into},
    list,
    pack::{
        PackFile, Packer, SevenZPacker, StoredRar5, TarPacker, TarZstd, ZipPacker,
        evil::{self, Evil},
    },
};

mod bounds;
mod cut;
mod workers;

fn worker() -> WorkerCommand {
    WorkerCommand::inside(env!("CARGO_BIN_EXE_unpack-test-worker").into())
}

fn pretender(what: &str) -> WorkerCommand {
    let program = env!("CARGO_BIN_EXE_unpack-test-worker").into();
    WorkerCommand {
        program,
        args: [WORKER_ARGUMENT, what].map(Into::into).to_vec(),
    }
}

fn fixture(name: &str) -> MemoryArchive {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    MemoryArchive::single(fs::read(root.join(name)).unwrap())
}

fn code(outcome: Result<MemoryGame, UnpackError>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.code)
}

fn with_limits(archive: MemoryArchive, limits: Limits) -> Result<MemoryGame, UnpackError> {
    let mut game = MemoryGame::default();
    unpack_into(&mut game, &worker(), archive, limits, NameTable::new())?;
    Ok(game)
}

fn add(packer: &mut impl Packer, name: &str, data: &[u8]) {
    let path = RelPath::parse(name).unwrap();
    let bytes = u64::try_from(data.len()).unwrap();
    let file = PackFile {
        path: &path,
        bytes,
        executable: false,
    };
    packer.add_file(file, &mut &*data).unwrap();
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = ZipPacker::new(Cursor::new(Vec::new()));
    files
        .iter()
        .for_each(|(name, data)| add(&mut packer, name, data));
    packer.finish().unwrap().into_inner()
}

fn rar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = StoredRar5::new(None, |_| Ok(Cursor::new(Vec::new()))).unwrap();
    files
        .iter()
        .for_each(|(name, data)| add(&mut packer, name, data));
    packer.finish().unwrap().remove(0).into_inner()
}

fn seven_z(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = SevenZPacker::new(Cursor::new(Vec::new())).unwrap();
    files
        .iter()
        .for_each(|(name, data)| add(&mut packer, name, data));
    packer.finish().unwrap().into_inner()
}

fn tar_zst(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = TarZstd::new(Vec::new()).unwrap();
    files
        .iter()
        .for_each(|(name, data)| add(&mut packer, name, data));
    packer.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = TarPacker::new(Vec::new());
    files
        .iter()
        .for_each(|(name, data)| add(&mut packer, name, data));
    packer.finish().unwrap()
}

fn expected_code(evil: Evil) -> ErrorCode {
    match evil {
        Evil::HardLinkOutside | Evil::FileCopyOutside | Evil::FileCopyForward => ErrorCode::Damaged,
        // A terabyte from a hundred bytes.
        Evil::SizeLie => ErrorCode::LimitRatio,
        Evil::DataChecksum | Evil::HeaderChecksum => ErrorCode::ChecksumMismatch,
        Evil::Truncated => ErrorCode::Truncated,
        _ => ErrorCode::UnsafeName,
    }
}

#[test]
fn every_evil_archive_is_refused() {
    for evil in Evil::ALL {
        let archive = MemoryArchive::single(evil.archive().unwrap());
        let mut game = MemoryGame::default();
        let limits = Limits::default();
        let error = unpack_into(&mut game, &worker(), archive, limits, NameTable::new())
            .expect_err("accepted");
        assert_eq!(error.code, expected_code(*evil), "{evil:?}: {error}");
        assert!(game.totals.is_none());
        for name in game.files.keys() {
            assert!(RelPath::parse(name).is_ok(), "{evil:?} passed {name:?}");
        }
    }
}

#[test]
fn entries_of_one_name_are_named() {
    let mut bytes = zip(&[("one", b"1"), ("two", b"")]);
    for at in 0..bytes.len() - 3 {
        if bytes[at..].starts_with(b"two") {
            bytes[at..at + 3].copy_from_slice(b"one");
        }
    }
    let refused = unpack(&worker(), MemoryArchive::single(bytes)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnsafeName);
    assert_eq!(refused.entry.as_deref(), Some("one"));
}

#[test]
fn links_are_left_out() {
    let game = unpack(&worker(), MemoryArchive::single(evil::links().unwrap())).unwrap();
    let link = |name: &str| (name.to_owned(), SkipReason::Link);
    assert_eq!(game.skipped, [link("link"), link("up"), link("junction")]);
    assert_eq!(game.files.keys().collect::<Vec<_>>(), ["link/evil.txt"]);
}

#[test]
fn encrypted_archives() {
    let check = |name, unpacking, listing| {
        let archive = fixture(name);
        assert_eq!(
            code(unpack(&worker(), archive.clone())),
            Some(unpacking),
            "{name}"
        );
        let listed = list(
            &worker(),
            Arc::new(archive),
            1,
            Limits::default(),
            NameTable::new(),
        );
        let listed = match listed {
            Ok((listing, _)) => listing.check_installable().map_err(|error| error.code),
            Err(error) => Err(error.code),
        };
        assert_eq!(listed, Err(listing), "{name}");
    };
    let (password, headers) = (ErrorCode::PasswordRequired, ErrorCode::EncryptedHeaders);
    check("seven_z/encrypted-data.7z", password, password);
    check("seven_z/encrypted-headers.7z", headers, headers);
    check("rar/isc-rarfile/rar5-psw.rar", password, password);
    check("rar/isc-rarfile/rar5-hpsw.rar", headers, headers);

    // A ZIP says in the flags of both headers of an entry that it is encrypted.
    let mut bytes = zip(&[("a.txt", b"text")]);
    let directory = bytes
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    assert_eq!(
        code(unpack(&worker(), MemoryArchive::single(bytes))),
        Some(password)
    );
}

#[test]
fn zip_headers_must_agree() {
    let honest = zip(&[("a.txt", b"text"), ("b.txt", b"other")]);
    assert_eq!(
        code(unpack(&worker(), MemoryArchive::single(honest.clone()))),
        None
    );
    let mut renamed = honest.clone();
    let local = renamed
        .windows(5)
        .position(|five| five == b"a.txt")
        .unwrap();
    renamed[local] = b'c';
    assert_eq!(
        code(unpack(&worker(), MemoryArchive::single(renamed))),
        Some(ErrorCode::Damaged)
    );

    // Both entries of the directory name the same data.
    let mut overlapping = honest;
    let entries: Vec<usize> = (0..overlapping.len() - 4)
        .filter(|at| overlapping[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    overlapping.copy_within(entries[0] + 42..entries[0] + 46, entries[1] + 42);
    let outcome = unpack(&worker(), MemoryArchive::single(overlapping));
    assert_eq!(code(outcome), Some(ErrorCode::Damaged));
}

/// What a broken archive is called by, a terminal would obey.
#[test]
fn what_an_engine_says_holds_nothing_hidden() {
    let mut archive = tar(&[("a", b"one")]);
    archive[..12].copy_from_slice(b"\x1b]0;x\x07\r\nred\x1b");
    archive[148..156].copy_from_slice(b"\x1b[5mqq\0\0");
    let error = unpack(&worker(), MemoryArchive::single(archive)).unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

/// Its entry would be a map and the data behind it, under another name.
#[test]
fn a_sparse_file_that_would_be_delivered_wrong() {
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_pax_extensions([("GNU.sparse.major", b"1".as_slice())])
        .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    builder
        .append_data(&mut header, "GNUSparseFile.0/a", &b"1\n0\n"[..])
        .unwrap();
    let archive = MemoryArchive::single(builder.into_inner().unwrap());
    let refused = unpack(&worker(), archive).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnsupportedFormat);
    assert!(refused.detail.contains("without `--sparse`"), "{refused}");
}

#[test]
fn not_an_archive() {
    for bytes in [&b""[..], b"x", b"MZ\x90\0 this is a program", &[7; 2_000]] {
        let found = code(unpack(&worker(), MemoryArchive::single(bytes.to_vec())));
        assert_eq!(found, Some(ErrorCode::UnsupportedFormat));
    }
}

/// Bytes that cannot be had.
struct Unreadable;

impl ArchiveBytes for Unreadable {
    fn len(&self, _volume: usize) -> u64 {
        1_000
    }

    fn read_at(&self, _: usize, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is on fire"))
    }
}
