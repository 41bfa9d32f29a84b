//! What our packers write comes out again, byte by byte, in every format.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test with helpers"
)]

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lanspread_proto::RelPath;
use lanspread_unpack::{
    ArchiveBytes, ErrorCode, Event, Format, Limits, Mode, NameTable, Unpacker, WorkerCommand,
    in_memory::{MemoryArchive, MemoryGame, unpack, unpack_into},
    list,
    pack::{PackFile, Packer, SameBytes, SevenZPacker, StoredRar5, TarPacker, TarZstd, ZipPacker},
};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod};

mod methods;
mod times;

fn worker() -> WorkerCommand {
    WorkerCommand::inside(env!("CARGO_BIN_EXE_unpack-test-worker").into())
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

/// Bytes that do not compress, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

type Tree = BTreeMap<String, (Vec<u8>, bool)>;

fn game() -> Tree {
    let long = format!("deep/{}/{}.dat", "directory".repeat(8), "name".repeat(20));
    let text: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| format!("{n}\n").into_bytes())
        .collect();
    let files: [(&str, Vec<u8>, bool); 7] = [
        ("empty.cfg", Vec::new(), false),
        ("one", vec![7], false),
        ("bin/start.sh", b"#!/bin/sh\n".to_vec(), true),
        ("maps/Ünïcode 名前.bsp", noise(300_000), false),
        ("text.txt", text, false),
        (&long, b"long".to_vec(), false),
        ("pak0.pk3", noise(1_000_000), false),
    ];
    files
        .map(|(name, bytes, executable)| (name.to_owned(), (bytes, executable)))
        .into()
}

fn fill(packer: &mut impl Packer, tree: &Tree) {
    packer.add_dir(&path("empty directory")).unwrap();
    for (name, (bytes, executable)) in tree {
        let path = path(name);
        let length = u64::try_from(bytes.len()).unwrap();
        let file = PackFile {
            path: &path,
            bytes: length,
            executable: *executable,
        };
        packer.add_file(file, &mut bytes.as_slice()).unwrap();
    }
}

fn rar(volume_bytes: Option<u64>, tree: &Tree) -> MemoryArchive {
    let mut packer = StoredRar5::new(volume_bytes, |_| Ok(Cursor::new(Vec::new()))).unwrap();
    fill(&mut packer, tree);
    let volumes = packer
        .finish()
        .unwrap()
        .into_iter()
        .map(Cursor::into_inner)
        .collect();
    MemoryArchive { volumes }
}

fn zip(tree: &Tree) -> MemoryArchive {
    let mut packer = ZipPacker::new(Cursor::new(Vec::new()));
    fill(&mut packer, tree);
    MemoryArchive::single(packer.finish().unwrap().into_inner())
}

fn zip64(tree: &Tree) -> MemoryArchive {
    let mut packer = ZipPacker::always_zip64(Cursor::new(Vec::new()));
    fill(&mut packer, tree);
    MemoryArchive::single(packer.finish().unwrap().into_inner())
}

fn seven_z(tree: &Tree) -> MemoryArchive {
    let mut packer = SevenZPacker::new(Cursor::new(Vec::new())).unwrap();
    fill(&mut packer, tree);
    MemoryArchive::single(packer.finish().unwrap().into_inner())
}

fn tar_zst(tree: &Tree) -> MemoryArchive {
    let mut packer = TarZstd::new(Vec::new()).unwrap();
    fill(&mut packer, tree);
    MemoryArchive::single(packer.finish().unwrap())
}

fn tar<W: Write>(tree: &Tree, output: W) -> W {
    let mut packer = TarPacker::new(output);
    fill(&mut packer, tree);
    packer.finish().unwrap()
}

fn tar_gz(tree: &Tree) -> MemoryArchive {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    MemoryArchive::single(tar(tree, encoder).finish().unwrap())
}

fn tar_xz(tree: &Tree) -> MemoryArchive {
    let encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    MemoryArchive::single(tar(tree, encoder).finish().unwrap())
}

/// The archive cut into slices.
fn sliced(archive: &MemoryArchive, bytes: usize) -> MemoryArchive {
    let slices = archive.volumes[0].chunks(bytes).map(<[u8]>::to_vec);
    MemoryArchive {
        volumes: slices.collect(),
    }
}

fn tree_of(game: &MemoryGame) -> Tree {
    let files = game.files.iter();
    files
        .map(|(name, file)| (name.clone(), (file.bytes.clone(), file.executable)))
        .collect()
}

fn check(format: Format, archive: MemoryArchive) {
    check_tree(format, archive, &game());
}

fn check_tree(format: Format, archive: MemoryArchive, tree: &Tree) {
    let total: usize = tree.values().map(|(bytes, _)| bytes.len()).sum();
    let total = u64::try_from(total).unwrap();
    let found = unpack(&worker(), archive.clone()).unwrap();
    let start = found.start.clone().unwrap();
    assert_eq!(start.format, format);
    assert_eq!(start.bytes.unwrap_or(total), total);
    assert!(
        tree_of(&found) == *tree,
        "{format}: other files than were packed"
    );
    assert_eq!(found.directories, ["empty directory"]);
    assert_eq!(found.totals.unwrap().bytes, total);
    assert_eq!(found.totals.unwrap().entries, 8);
    let checksums = if start.entries.is_none() {
        0
    } else {
        tree.len()
    };
    let empty_7z = usize::from(format == Format::SevenZ);
    assert_eq!(
        found.verified,
        u64::try_from(checksums - empty_7z).unwrap(),
        "{format}"
    );

    let (volumes, limits) = (archive.volumes.len(), Limits::default());
    let names = NameTable::new();
    let (listing, _) = list(&worker(), Arc::new(archive), volumes, limits, names).unwrap();
    listing.check_installable().unwrap();
    assert_eq!((listing.entries, listing.bytes), (8, total));
    let listed: Vec<_> = listing
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes))
        .collect();
    let mut sorted = listed;
    sorted.sort_unstable();
    let expected: Vec<_> = tree
        .iter()
        .map(|(name, (bytes, _))| (name.as_str(), Some(u64::try_from(bytes.len()).unwrap())))
        .collect();
    assert_eq!(sorted, expected);
}

#[test]
fn rar_in_one_volume() {
    check(Format::Rar5, rar(None, &game()));
}

#[test]
fn rar_in_many_volumes() {
    let archive = rar(Some(30_000), &game());
    assert!(archive.volumes.len() > 40);
    assert!(archive.volumes.iter().all(|volume| volume.len() <= 30_000));
    check(Format::Rar5, archive);
}

#[test]
fn zips() {
    check(Format::Zip, zip(&game()));
    check(Format::Zip, zip64(&game()));
    check(Format::Zip, sliced(&zip(&game()), 500_000));
}

#[test]
fn seven_zs() {
    check(Format::SevenZ, seven_z(&game()));
    check(Format::SevenZ, sliced(&seven_z(&game()), 777_777));
}

/// Less of it, for decoders that are slow.
fn small_game() -> Tree {
    let mut tree = game();
    for (bytes, _) in tree.values_mut() {
        bytes.truncate(100_000);
    }
    tree
}

#[test]
fn tars() {
    check(Format::Tar, MemoryArchive::single(tar(&game(), Vec::new())));
    check(Format::TarZstd, tar_zst(&game()));
    check(Format::TarGzip, tar_gz(&game()));
    check(Format::TarXz, tar_xz(&game()));
}

/// The archive with a bit of one byte turned.
fn rotten(mut archive: MemoryArchive, volume: usize, at: usize) -> MemoryArchive {
    archive.volumes[volume][at] ^= 0x10;
    archive
}

/// One wrong bit in the data is always noticed, and the entry is named where the format has a
/// checksum for each, although the list of entries is as it was.
#[test]
fn a_wrong_bit_in_the_data_is_noticed() {
    let tree = Tree::from([("data/all.pak".to_owned(), (noise(1_000_000), false))]);
    let fixture = |names: &[&str]| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rar");
        let volumes = names
            .iter()
            .map(|name| std::fs::read(root.join(name)).unwrap());
        MemoryArchive {
            volumes: volumes.collect(),
        }
    };
    let rar4 = "apache-rars/ppmd_mixed_rar300.rar";
    let rar4_solid = "apache-rars/solid_rar300.rar";
    let rar4_volumes = ["1", "2", "3"].map(|n| format!("isc-rarfile/rar3-vols.part{n}.rar"));
    let rar4_volumes = rar4_volumes.each_ref().map(String::as_str);
    let rar5_packed = "apache-rars/m5_max.rar";
    let rar5_blake = "isc-rarfile/rar5-blake.rar";
    for (archive, volume, entry) in [
        (rar(None, &tree), 0, "data/all.pak"),
        (rar(Some(300_000), &tree), 2, "data/all.pak"),
        (zip(&tree), 0, "data/all.pak"),
        (zip64(&tree), 0, "data/all.pak"),
        (sliced(&zip(&tree), 300_000), 1, "data/all.pak"),
        (seven_z(&tree), 0, "data/all.pak"),
        (tar_zst(&tree), 0, ""),
        (tar_gz(&tree), 0, ""),
        (tar_xz(&tree), 0, ""),
        (fixture(&[rar4]), 0, "."),
        (fixture(&[rar4_solid]), 0, "."),
        (fixture(&rar4_volumes), 1, "."),
        (fixture(&[rar5_packed]), 0, "."),
        (fixture(&[rar5_blake]), 0, "."),
    ] {
        let start = unpack(&worker(), archive.clone()).unwrap().start.unwrap();
        let at = archive.volumes[volume].len() / 2;
        let outcome = unpack(&worker(), rotten(archive, volume, at));
        let error = outcome.map(drop).unwrap_err();
        let named = error.entry.as_deref().unwrap_or_default();
        assert!(named.contains(entry), "{start:?}: {error}");
        assert!(
            matches!(error.code, ErrorCode::Damaged | ErrorCode::ChecksumMismatch),
            "{start:?}: {error}"
        );
    }
}

#[test]
fn the_same_files_give_the_same_archive() {
    for pack in [zip, seven_z, tar_zst] {
        assert!(pack(&game()).volumes == pack(&game()).volumes);
    }
    assert!(rar(None, &game()).volumes == rar(None, &game()).volumes);
}

#[test]
fn several_compressed_parts_are_one_tar() {
    let whole = tar(&game(), Vec::new());
    let (first, second) = whole.split_at(1_000_000);
    let mut zstd = zstd::encode_all(first, 1).unwrap();
    zstd.extend(zstd::encode_all(second, 1).unwrap());
    check(Format::TarZstd, MemoryArchive::single(zstd));
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    check(
        Format::TarGzip,
        MemoryArchive::single([gzip(first), gzip(second)].concat()),
    );
}

#[test]
fn shared_bytes_become_copies() {
    let mut packer = StoredRar5::new(None, |_| Ok(Cursor::new(Vec::new()))).unwrap();
    fill(
        &mut packer,
        &Tree::from([("a/real.bin".to_owned(), (noise(5_000), false))]),
    );
    packer
        .add_same(
            &path("b/link.bin"),
            &path("a/real.bin"),
            SameBytes::HardLink,
        )
        .unwrap();
    packer
        .add_same(&path("copy.bin"), &path("b/link.bin"), SameBytes::FileCopy)
        .unwrap();
    let bytes = packer.finish().unwrap().remove(0).into_inner();
    let found = unpack(&worker(), MemoryArchive::single(bytes)).unwrap();
    assert_eq!(found.copies, ["b/link.bin", "copy.bin"]);
    assert!(found.files.values().all(|file| file.bytes == noise(5_000)));
    assert_eq!(found.totals.unwrap().bytes, 15_000);
}

#[test]
fn tar_links() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |kind, name: &str, target: &str, data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(u64::try_from(data.len()).unwrap());
        header.set_mode(0o644);
        if target.is_empty() {
            builder.append_data(&mut header, name, data).unwrap();
        } else {
            builder.append_link(&mut header, name, target).unwrap();
        }
    };
    add(tar::EntryType::Regular, "./real.bin", "", b"bytes");
    add(tar::EntryType::Link, "hard.bin", "./real.bin", b"");
    add(tar::EntryType::Symlink, "soft.bin", "/etc/passwd", b"");
    add(tar::EntryType::Char, "device", "", b"");
    let bytes = builder.into_inner().unwrap();
    let found = unpack(&worker(), MemoryArchive::single(bytes)).unwrap();
    assert_eq!(found.copies, ["hard.bin"]);
    assert_eq!(found.files["hard.bin"].bytes, b"bytes");
    let skipped: Vec<_> = found
        .skipped
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(skipped, ["soft.bin", "device"]);
    assert_eq!(found.files.len(), 2);
}

#[test]
fn two_archives_of_one_game_share_their_names() {
    let one = |name: &str| zip(&Tree::from([(name.to_owned(), (b"x".to_vec(), false))]));
    let mut names = NameTable::new();
    for (name, expected) in [
        ("a.txt", None),
        ("b.txt", None),
        ("A.TXT", Some(ErrorCode::UnsafeName)),
    ] {
        let mut game = MemoryGame::default();
        let outcome = unpack_into(&mut game, &worker(), one(name), Limits::default(), names);
        names = match (outcome, expected) {
            (Ok(names), None) => names,
            (Err(error), Some(code)) if error.code == code => return,
            (outcome, _) => panic!("{name}: {outcome:?}"),
        };
    }
}

/// Counts what the worker asks for.
struct Counted {
    archive: MemoryArchive,
    bytes: AtomicU64,
    questions: AtomicU64,
}

impl ArchiveBytes for Counted {
    fn len(&self, volume: usize) -> u64 {
        self.archive.len(volume)
    }

    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = self.archive.read_at(volume, offset, buf)?;
        self.bytes
            .fetch_add(u64::try_from(count).unwrap(), Ordering::Relaxed);
        self.questions.fetch_add(1, Ordering::Relaxed);
        Ok(count)
    }
}

/// Bytes asked for per byte of the archive, and questions per megabyte.
fn appetite(archive: MemoryArchive) -> (f64, f64) {
    let size = archive.volumes.iter().map(Vec::len).sum::<usize>();
    let size = f64::from(u32::try_from(size).unwrap());
    let volumes = archive.volumes.len();
    let (bytes, questions) = (AtomicU64::new(0), AtomicU64::new(0));
    let counted = Arc::new(Counted {
        archive,
        bytes,
        questions,
    });
    let request = (Mode::Unpack, Limits::default());
    let sources = Arc::clone(&counted);
    let mut unpacker =
        Unpacker::start(&worker(), sources, volumes, request, NameTable::new()).unwrap();
    while !matches!(unpacker.next_event().unwrap(), Event::End(_)) {}
    let load =
        |counter: &AtomicU64| f64::from(u32::try_from(counter.load(Ordering::Relaxed)).unwrap());
    (
        load(&counted.bytes) / size,
        load(&counted.questions) / (size / 1_048_576.0),
    )
}

/// Bytes may come straight from other peers, so none should be asked for twice. RAR has no list of
/// its entries: their headers are looked up first, and small files lie in the same read-ahead.
#[test]
fn every_byte_is_asked_for_once() {
    let large = Tree::from([("large.pak".to_owned(), (noise(3_000_000), false))]);
    let one = noise(3_000_000);
    let pieces = (0_u32..).zip(one.chunks(20_000));
    let small: Tree = pieces
        .map(|(n, bytes)| (format!("small/{n}.dat"), (bytes.to_vec(), false)))
        .collect();
    for (name, pack, most) in [
        ("zip", zip as fn(&Tree) -> MemoryArchive, 1.02),
        ("7z", seven_z, 1.02),
        ("tar.zst", tar_zst, 1.02),
        ("rar", |tree| rar(None, tree), 1.3),
    ] {
        let (bytes, questions) = appetite(pack(&large));
        assert!(
            bytes < 1.02 && questions < 3.0,
            "{name}: {bytes} bytes, {questions} questions"
        );
        let (bytes, _) = appetite(pack(&small));
        assert!(bytes < most, "{name}, small files: {bytes} bytes");
    }
}

/// 2001-09-09 01:46:40 UTC.
const A_TIME: u32 = 1_000_000_000;
