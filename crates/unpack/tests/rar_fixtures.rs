//! Every archive of the fixtures is unpacked with the expected names, sizes and checksums, or
//! refused as expected.
//!
//! The expectations are UnRAR's. It delivers links, hard links and copies as empty files, and old
//! versions of files as files; we leave links and old versions out and deliver copies whole.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that reads fixtures"
)]

use std::{collections::BTreeMap, fs, path::Path};

use lanspread_unpack::{
    ErrorCode, SkipReason, UnpackError, WorkerCommand,
    in_memory::{MemoryArchive, MemoryGame, unpack},
};
use serde_json::Value;

fn worker() -> WorkerCommand {
    WorkerCommand::inside(env!("CARGO_BIN_EXE_unpack-test-worker").into())
}

fn archive(folder: &Path, set: &Value) -> MemoryArchive {
    let volumes = set["volumes"].as_array().unwrap().iter();
    let read = |name: &Value| fs::read(folder.join(name.as_str().unwrap())).unwrap();
    MemoryArchive {
        volumes: volumes.map(read).collect(),
    }
}

type Files = BTreeMap<String, (u64, String)>;

fn expected_files(set: &Value) -> Files {
    let fact = |file: &Value| {
        let crc = file["crc32"].as_str().unwrap().to_owned();
        let name = file["name"].as_str().unwrap().to_owned();
        (name, (file["size"].as_u64().unwrap(), crc))
    };
    set["files"].as_array().unwrap().iter().map(fact).collect()
}

fn found_files(game: &MemoryGame) -> Files {
    let fact = |bytes: &[u8]| {
        let length = u64::try_from(bytes.len()).unwrap();
        (length, format!("{:08x}", crc32fast::hash(bytes)))
    };
    let files = game.files.iter();
    files
        .map(|(name, file)| (name.clone(), fact(&file.bytes)))
        .collect()
}

/// What UnRAR would have delivered where we deliberately do something else.
fn as_unrar_sees_it(game: &MemoryGame) -> Files {
    let mut files = found_files(game);
    let empty = (0, "00000000".to_owned());
    for name in &game.copies {
        let copied = files.insert(name.clone(), empty.clone());
        assert_ne!(copied, Some(empty.clone()), "{name} was delivered empty");
    }
    for (name, reason) in &game.skipped {
        if *reason == SkipReason::Link {
            files.insert(name.clone(), empty.clone());
        }
    }
    files
}

fn is_expected_refusal(error: &UnpackError, outcome: &str) -> bool {
    match outcome {
        "password-required" => matches!(
            error.code,
            ErrorCode::PasswordRequired | ErrorCode::EncryptedHeaders
        ),
        "damaged" => matches!(
            error.code,
            ErrorCode::Damaged
                | ErrorCode::Truncated
                | ErrorCode::ChecksumMismatch
                | ErrorCode::UnsupportedFormat
        ),
        _ => false,
    }
}

/// What is wrong with the outcome, if anything.
fn fault(key: &str, set: &Value, outcome: &Result<MemoryGame, UnpackError>) -> Option<String> {
    match (outcome, set["outcome"].as_str().unwrap()) {
        (Ok(game), "ok") => {
            let mut found = as_unrar_sees_it(game);
            let mut expected = expected_files(set);
            // UnRAR on Linux breaks characters outside the BMP.
            expected.retain(|name, _| !name.contains('\u{fffd}'));
            if key.ends_with("unicode2.rar") {
                found.retain(|name, _| name.chars().all(|c| u32::from(c) < 0x1_0000));
            }
            // Junctions and links to directories are no files to UnRAR; versions are.
            expected.retain(|name, _| !name.contains(";"));
            found.retain(|name, _| expected.contains_key(name) || game.files.contains_key(name));
            (found != expected).then(|| format!("{found:?}, not {expected:?}"))
        }
        (Err(error), "ok") => Some(format!("refused: {error}")),
        (Err(error), other) if is_expected_refusal(error, other) => None,
        (Err(error), other) => Some(format!("{error}, not {other}")),
        (Ok(game), other) => Some(format!("{:?}, not {other}", found_files(game))),
    }
}

#[test]
fn every_set_of_the_manifest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rar");
    let manifest: Value =
        serde_json::from_slice(&fs::read(root.join("MANIFEST.json")).unwrap()).unwrap();
    let sets = manifest.as_object().unwrap();
    assert_eq!(sets.len(), 87);
    let mut faults = Vec::new();
    for (key, set) in sets {
        let folder = root.join(Path::new(key).parent().unwrap());
        let outcome = unpack(&worker(), archive(&folder, set));
        faults.extend(fault(key, set, &outcome).map(|fault| format!("{key}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
