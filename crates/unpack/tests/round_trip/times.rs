//! When files were written.

use super::*;

fn tar_with_time() -> MemoryArchive {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    header.set_mtime(A_TIME.into());
    builder
        .append_data(&mut header, "one", &b"eins"[..])
        .unwrap();
    MemoryArchive::single(builder.into_inner().unwrap())
}

/// A ZIP whose only file has one field besides what every ZIP has.
fn zip_with_field(kind: u16, field: Vec<u8>) -> MemoryArchive {
    use zip::{ZipWriter, write::FullFileOptions};

    let mut options = FullFileOptions::default();
    options.add_extra_field(kind, field, false).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("one", options).unwrap();
    writer.write_all(b"eins").unwrap();
    MemoryArchive::single(writer.finish().unwrap().into_inner())
}

fn zip_from_unix() -> MemoryArchive {
    zip_with_field(0x5455, [&[1][..], &A_TIME.to_le_bytes()].concat())
}

fn zip_from_windows() -> MemoryArchive {
    let ticks = (11_644_473_600 + u64::from(A_TIME)) * 10_000_000;
    let times = [ticks; 3].map(u64::to_le_bytes).concat();
    let field = [
        &[0; 4][..],
        &1_u16.to_le_bytes(),
        &24_u16.to_le_bytes(),
        &times,
    ]
    .concat();
    zip_with_field(0x000A, field)
}

fn seven_z_with_time() -> MemoryArchive {
    let mut entry = ArchiveEntry::new_file("one");
    entry.has_last_modified_date = true;
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(A_TIME.into());
    entry.last_modified_date = time.try_into().unwrap();
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer
        .push_archive_entry(entry, Some(&b"eins"[..]))
        .unwrap();
    MemoryArchive::single(writer.finish().unwrap().into_inner())
}

#[test]
fn the_time_of_a_file_is_told_where_the_archive_has_it_in_utc() {
    let one = Tree::from([("one".to_owned(), (b"eins".to_vec(), false))]);
    for (archive, modified) in [
        (tar_with_time(), Some(A_TIME)),
        (zip_from_unix(), Some(A_TIME)),
        (zip_from_windows(), Some(A_TIME)),
        (seven_z_with_time(), Some(A_TIME)),
        (tar_zst(&one), None),
        (zip(&one), None),
        (seven_z(&one), None),
        // What that packer writes into every archive.
        (rar(None, &one), Some(1_700_000_000)),
    ] {
        let game = unpack(&worker(), archive).unwrap();
        let format = game.start.as_ref().unwrap().format;
        assert_eq!(
            game.files["one"].modified,
            modified.map(i64::from),
            "{format}"
        );
    }
}
