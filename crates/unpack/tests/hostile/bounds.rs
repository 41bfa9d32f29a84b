//! Archives that want more than they may.

use super::*;

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
