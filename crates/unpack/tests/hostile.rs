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

#[test]
fn rotten_bytes_are_noticed() {
    // Incompressible, so that every format stores it as it is.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(2_000)
    .collect();
    let data = noise.as_slice();
    for mut bytes in [
        rar(&[("a", data)]),
        zip(&[("a", data)]),
        seven_z(&[("a", data)]),
    ] {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let found = code(unpack(&worker(), MemoryArchive::single(bytes)));
        // A compressed stream may break before its checksum is reached.
        assert!(matches!(
            found,
            Some(ErrorCode::ChecksumMismatch | ErrorCode::Damaged)
        ));
    }
}

#[test]
fn limits() {
    let zeroes = vec![0_u8; 2_000_000];
    let files: &[(&str, &[u8])] = &[("a", &zeroes), ("b", b"x"), ("c/d", b"y")];
    let packed = [zip(files), rar(files), seven_z(files), tar_zst(files)];
    let default = Limits::default;
    for (limits, expected) in [
        (
            Limits {
                entries: 2,
                ..default()
            },
            ErrorCode::LimitEntries,
        ),
        (
            Limits {
                header_bytes: 4,
                ..default()
            },
            ErrorCode::LimitEntries,
        ),
        (
            Limits {
                name_bytes: 2,
                ..default()
            },
            ErrorCode::LimitName,
        ),
        (
            Limits {
                file_bytes: 1_999_999,
                ..default()
            },
            ErrorCode::LimitSize,
        ),
        (
            Limits {
                total_bytes: 2_000_001,
                ..default()
            },
            ErrorCode::LimitSize,
        ),
    ] {
        for bytes in &packed {
            let found = code(with_limits(
                MemoryArchive::single(bytes.clone()),
                limits.clone(),
            ));
            assert_eq!(found, Some(expected), "{limits:?} {:?}", bytes.get(..4));
        }
    }
    for (at, bytes) in packed.iter().enumerate().filter(|(at, _)| *at != 1) {
        let limits = Limits {
            ratio: 10,
            ratio_from_bytes: 1_000_000,
            ..default()
        };
        let found = code(with_limits(MemoryArchive::single(bytes.clone()), limits));
        assert_eq!(found, Some(ErrorCode::LimitRatio), "{at}");
        let exact = Limits {
            entries: 3,
            total_bytes: 2_000_002,
            ..default()
        };
        assert_eq!(
            code(with_limits(MemoryArchive::single(bytes.clone()), exact)),
            None,
            "{at}"
        );
    }
}

#[test]
fn copies_count_as_bytes() {
    let mut packer = StoredRar5::new(None, |_| Ok(Cursor::new(Vec::new()))).unwrap();
    add(&mut packer, "a", &[7; 1_000]);
    for n in 0..9 {
        let name = RelPath::parse(&format!("copy{n}")).unwrap();
        let kind = lanspread_unpack::pack::SameBytes::FileCopy;
        packer
            .add_same(&name, &RelPath::parse("a").unwrap(), kind)
            .unwrap();
    }
    let archive = MemoryArchive::single(packer.finish().unwrap().remove(0).into_inner());
    let limits = |total_bytes| Limits {
        total_bytes,
        ..Limits::default()
    };
    assert_eq!(
        code(with_limits(archive.clone(), limits(9_999))),
        Some(ErrorCode::LimitSize)
    );
    assert_eq!(code(with_limits(archive, limits(10_000))), None);
}

#[test]
fn dictionaries() {
    let limits = Limits {
        dictionary_bytes: 64 * 1024,
        ..Limits::default()
    };
    let data: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    let files: &[(&str, &[u8])] = &[("a", &data)];
    let mut xz = liblzma::read::XzEncoder::new(Cursor::new(tar(files)), 6);
    let mut xz_bytes = Vec::new();
    xz.read_to_end(&mut xz_bytes).unwrap();
    let mut zstd = zstd::Encoder::new(Vec::new(), 19).unwrap();
    zstd.window_log(24).unwrap();
    std::io::copy(&mut tar(files).as_slice(), &mut zstd).unwrap();
    for archive in [
        fixture("rar/apache-rars/m5_max.rar"),
        MemoryArchive::single(seven_z(files)),
        MemoryArchive::single(xz_bytes),
        MemoryArchive::single(zstd.finish().unwrap()),
    ] {
        assert_eq!(code(with_limits(archive.clone(), Limits::default())), None);
        let found = with_limits(archive, limits.clone());
        assert_eq!(code(found), Some(ErrorCode::LimitDictionary));
    }
}

#[test]
fn many_entries() {
    let archive = MemoryArchive::single(evil::many(20_000).unwrap());
    let game = unpack(&worker(), archive).unwrap();
    assert_eq!(game.files.len(), 20_000);
}

#[test]
fn missing_volumes() {
    let mut packer = StoredRar5::new(Some(2_000), |_| Ok(Cursor::new(Vec::new()))).unwrap();
    add(&mut packer, "a", &[7; 9_000]);
    let volumes: Vec<_> = packer
        .finish()
        .unwrap()
        .into_iter()
        .map(Cursor::into_inner)
        .collect();
    for gone in 0..volumes.len() {
        let mut rest = volumes.clone();
        rest.remove(gone);
        let found = code(unpack(&worker(), MemoryArchive { volumes: rest }));
        assert_eq!(
            found,
            Some(ErrorCode::MissingVolume),
            "without volume {gone}"
        );
    }
    let mut swapped = volumes;
    swapped.swap(1, 2);
    let found = code(unpack(&worker(), MemoryArchive { volumes: swapped }));
    assert_eq!(found, Some(ErrorCode::MissingVolume));
    let none = unpack(&worker(), MemoryArchive::default());
    assert_eq!(code(none), Some(ErrorCode::MissingVolume));
}

/// A 7z says how long it is; a ZIP does not, and what is left of it has no list of entries.
#[test]
fn missing_slices() {
    let files: &[(&str, &[u8])] = &[("a", &[7; 9_000]), ("b", b"end")];
    for (whole, code) in [
        (seven_z(files), ErrorCode::Truncated),
        (zip(files), ErrorCode::Damaged),
    ] {
        let slices: Vec<Vec<u8>> = whole.chunks(40).map(<[u8]>::to_vec).collect();
        for kept in 1..slices.len() {
            let volumes = slices[..kept].to_vec();
            let refused = unpack(&worker(), MemoryArchive { volumes }).unwrap_err();
            assert_eq!(refused.code, code, "{kept} of {}: {refused}", slices.len());
        }
    }
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let text: Vec<u8> = (0..800_u32)
        .flat_map(|n| format!("{n} ").into_bytes())
        .collect();
    let files: &[(&str, &[u8])] = &[
        ("one.txt", &text),
        ("dir/two.bin", b"\x01\x02\x03"),
        ("z", b""),
    ];
    vec![
        ("rar", rar(files)),
        (
            "rar compressed",
            fixture("rar/apache-rars/solid.rar").volumes.remove(0),
        ),
        (
            "rar 4",
            fixture("rar/apache-rars/ppmd_solid_rar300.rar")
                .volumes
                .remove(0),
        ),
        ("zip", zip(files)),
        ("7z", seven_z(files)),
        ("tar.zst", tar_zst(files)),
        ("tar", tar(files)),
    ]
}

/// Cut between two entries, an archive looks whole but for its end mark.
#[test]
fn cut_at_every_byte() {
    let files: &[(&str, &[u8])] = &[("a", b"one"), ("b", b"two")];
    let rar4 = fixture("rar/apache-rars/solid_rar300.rar")
        .volumes
        .remove(0);
    for (name, whole) in [
        ("rar", rar(files)),
        ("rar 4", rar4),
        ("zip", zip(files)),
        ("7z", seven_z(files)),
        ("tar.zst", tar_zst(files)),
    ] {
        assert_eq!(
            code(unpack(&worker(), MemoryArchive::single(whole.clone()))),
            None
        );
        for cut in whole.len().saturating_sub(400)..whole.len() {
            let found = unpack(&worker(), MemoryArchive::single(whole[..cut].to_vec()));
            assert!(found.is_err(), "{name} cut at {cut} of {}", whole.len());
        }
    }
}

/// Files of zeroes look like the end mark, of whose two blocks one will do.
#[test]
fn a_tar_cut_between_two_blocks_is_truncated() {
    let zeroes = [0; 3_000];
    for files in [
        &[("a", &b"one"[..]), ("b", b"two")][..],
        &[("a", &zeroes), ("b", b"two")],
        &[("a", b"one"), ("b", &zeroes), ("c", &zeroes[..1_024])],
    ] {
        let whole = tar(files);
        for cut in (0..whole.len() - 512).step_by(256) {
            let found = unpack(&worker(), MemoryArchive::single(whole[..cut].to_vec()));
            assert!(found.is_err(), "cut at {cut} of {}", whole.len());
        }
        let with_more = [&whole[..], b"what somebody appended"].concat();
        let found = unpack(&worker(), MemoryArchive::single(with_more)).unwrap();
        assert_eq!(found.files.len(), files.len());
    }
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

/// A cut archive is refused for what it is: the fault of the archive, not of the worker.
#[test]
fn cut_anywhere() {
    for (name, whole) in samples() {
        let complete = unpack(&worker(), MemoryArchive::single(whole.clone())).unwrap();
        let step = (whole.len() / 60).max(1);
        for cut in (0..whole.len())
            .step_by(step)
            .chain(whole.len() - 12..whole.len())
        {
            let part = MemoryArchive::single(whole[..cut].to_vec());
            match unpack(&worker(), part) {
                Ok(game) => assert!(game.files == complete.files, "{name} cut at {cut}"),
                Err(error) => {
                    assert!(error.code.blames_archive(), "{name} cut at {cut}: {error}");
                }
            }
        }
    }
}

/// A flipped bit is refused or changes nothing that a checksum covers; the worker survives it.
#[test]
fn flipped_anywhere() {
    let contents = |game: &MemoryGame| -> Vec<(String, Vec<u8>)> {
        let files = game.files.iter();
        files
            .map(|(name, file)| (name.clone(), file.bytes.clone()))
            .collect()
    };
    for (name, whole) in samples() {
        let complete = unpack(&worker(), MemoryArchive::single(whole.clone())).unwrap();
        let step = (whole.len() / 150).max(1);
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            match unpack(&worker(), MemoryArchive::single(bytes)) {
                Err(error) => {
                    assert!(
                        error.code.blames_archive(),
                        "{name} flipped at {at}: {error}"
                    );
                }
                // Plain tar has checksums of its headers only.
                Ok(game) if name != "tar" => {
                    assert!(
                        contents(&game) == contents(&complete),
                        "{name} flipped at {at}"
                    );
                }
                Ok(_) => {}
            }
        }
    }
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
    for bytes in [&b""[..], b"x", b"MZ\x90\0 this is a program", &[0; 2_000]] {
        let found = code(unpack(&worker(), MemoryArchive::single(bytes.to_vec())));
        assert_eq!(found, Some(ErrorCode::UnsupportedFormat));
    }
}

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
