//! Archives that end early, lack a part, or hold a wrong byte.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;

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
        let found = unpack(&worker(), MemoryArchive::single(with_more));
        assert_eq!(code(found), Some(ErrorCode::Damaged));
        let padded = [&whole[..], &[0; 700]].concat();
        let found = unpack(&worker(), MemoryArchive::single(padded)).unwrap();
        assert_eq!(found.files.len(), files.len());
    }
}

#[test]
fn tars_one_behind_the_other_are_one() {
    let (first, second) = (tar(&[("a", b"one")]), tar(&[("b", b"two"), ("c", b"")]));
    let joined = [first.clone(), vec![0; 512], second.clone()].concat();
    let found = unpack(&worker(), MemoryArchive::single(joined)).unwrap();
    assert_eq!(found.files.len(), 3);
    // The hole in front of it is damage, as is a cut second one.
    let holed = [vec![0; 1_024], first.clone()].concat();
    let found = unpack(&worker(), MemoryArchive::single(holed));
    assert_eq!(code(found), Some(ErrorCode::Damaged));
    let cut = [&first[..], &second[..second.len() - 1_024]].concat();
    let found = unpack(&worker(), MemoryArchive::single(cut));
    assert_eq!(code(found), Some(ErrorCode::Truncated));
}

/// By tapes and download tools; `gzip` takes it without a word.
#[test]
fn zeroes_behind_a_gzip() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&tar(&[("a", b"one")])).unwrap();
    let whole = packer.finish().unwrap();
    let padded = [&whole[..], &[0; 40_000]].concat();
    let found = unpack(&worker(), MemoryArchive::single(padded.clone())).unwrap();
    assert_eq!(found.files.len(), 1);
    let with_more = [&padded[..], b"more"].concat();
    let found = unpack(&worker(), MemoryArchive::single(with_more));
    assert_eq!(code(found), Some(ErrorCode::Damaged));
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
