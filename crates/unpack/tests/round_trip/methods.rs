//! Every method of compression that is read.

use super::*;

/// Every method that others pack ZIPs with.
#[test]
fn zips_of_every_method() {
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    for method in [
        CompressionMethod::STORE,
        CompressionMethod::BZIP2,
        CompressionMethod::ZSTD,
        CompressionMethod::XZ,
        CompressionMethod::PPMD,
    ] {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        writer.add_directory("empty directory", options).unwrap();
        for (name, (bytes, executable)) in small_game() {
            let mode = if executable { 0o755 } else { 0o644 };
            writer
                .start_file(name, options.unix_permissions(mode))
                .unwrap();
            writer.write_all(&bytes).unwrap();
        }
        let archive = writer.finish().unwrap().into_inner();
        check_tree(Format::Zip, MemoryArchive::single(archive), &small_game());
    }
}

/// Packed by Python: no packer at hand writes LZMA into a ZIP.
const LZMA_ZIP: &str = "\
    504b03043f0002000e0000002100d069b8b422000000f40100000100000061090405005d00008000\
    0036184a223b1f37d86ff92a04d1e26eea86fbffffcf100000504b01023f033f0002000e00000021\
    00d069b8b422000000f401000001000000000000000000000080010000000061504b050600000000\
    010001002f000000410000000000";

#[test]
fn a_zip_of_lzma() {
    let digits = LZMA_ZIP.as_bytes().chunks(2);
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
    let archive = MemoryArchive::single(digits.map(byte).collect());
    let game = unpack(&worker(), archive).unwrap();
    assert_eq!(tree_of(&game)["a"].0, b"lanspread ".repeat(50));
}

fn seven_z_of(methods: &[EncoderMethod], tree: &Tree) -> MemoryArchive {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let methods = methods.iter().copied().map(EncoderConfiguration::from);
    writer.set_content_methods(methods.collect());
    let directory = ArchiveEntry::new_directory("empty directory");
    writer
        .push_archive_entry(directory, None::<std::io::Empty>)
        .unwrap();
    for (name, (bytes, executable)) in tree {
        let mut entry = ArchiveEntry::new_file(name);
        let mode: u32 = if *executable { 0o100_755 } else { 0o100_644 };
        (entry.has_windows_attributes, entry.windows_attributes) = (true, mode << 16 | 0x8000);
        let content = (!bytes.is_empty()).then_some(bytes.as_slice());
        writer.push_archive_entry(entry, content).unwrap();
    }
    MemoryArchive::single(writer.finish().unwrap().into_inner())
}

#[test]
fn seven_zs_of_every_method() {
    let stacks: [&[EncoderMethod]; 7] = [
        &[EncoderMethod::COPY],
        &[EncoderMethod::LZMA],
        &[EncoderMethod::PPMD],
        &[EncoderMethod::BZIP2],
        &[EncoderMethod::DEFLATE],
        &[EncoderMethod::ZSTD],
        &[EncoderMethod::BCJ_X86_FILTER, EncoderMethod::LZMA2],
    ];
    for methods in stacks {
        let archive = seven_z_of(methods, &small_game());
        check_tree(Format::SevenZ, archive, &small_game());
    }
}

/// What cannot be unpacked is refused before anybody shares it, with the entry.
#[test]
fn the_listing_refuses_methods_that_unpacking_would() {
    let tree = Tree::from([("one".to_owned(), (b"eins".to_vec(), false))]);
    let mut brotli = seven_z_of(&[EncoderMethod::ZSTD], &tree).volumes.remove(0);
    replace(
        &mut brotli,
        EncoderMethod::ID_ZSTD,
        EncoderMethod::ID_BROTLI,
    );
    let header = usize::try_from(u64::from_le_bytes(brotli[12..20].try_into().unwrap())).unwrap();
    let crc = crc32fast::hash(&brotli[32 + header..]).to_le_bytes();
    brotli[28..32].copy_from_slice(&crc);
    let crc = crc32fast::hash(&brotli[12..32]).to_le_bytes();
    brotli[8..12].copy_from_slice(&crc);

    let mut wavpack = zip(&tree).volumes.remove(0);
    // Of the local header and of the directory.
    for (mark, at) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let headers: Vec<_> = (wavpack.windows(4).enumerate())
            .filter(|(_, four)| four == mark)
            .map(|(index, _)| index + at)
            .collect();
        let file = *headers.last().unwrap();
        wavpack[file] = 97;
    }
    for archive in [brotli, wavpack] {
        let archive = MemoryArchive::single(archive);
        let listed = list(
            &worker(),
            Arc::new(archive.clone()),
            1,
            Limits::default(),
            NameTable::new(),
        );
        let refused = [
            listed.map(drop).unwrap_err(),
            unpack(&worker(), archive).map(drop).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code, ErrorCode::UnsupportedFormat, "{error}");
            assert_eq!(error.entry.as_deref(), Some("one"), "{error}");
        }
    }
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let found = bytes.windows(from.len()).position(|window| window == from);
    let at = found.unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
}
