//! Making games of folders, and what archives of the wild become.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    games::{Game, Kind, settle},
    party::{Party, is_there},
    peer::game_in,
    trees::{entries, payload, tree},
    wickedness::looked_at,
};

/// `publish` packs a folder, or moves it with `--move`, and others install exactly what it held. A
/// folder that nobody else could hold is refused with the name of the entry, and stays as it is.
#[test]
fn s30_publish() {
    let party = Party::on_loopback();
    let folder = party.folder("My Game");
    let game = Game::new("My Game", "2.5", 6);
    game.write_folder(&folder);
    fs::create_dir(folder.join("screenshots")).unwrap();
    settle(&folder);
    let mut first = party.start(1);
    let publish = |dir: &Path, more: &[&str]| {
        let mut args = vec![
            "publish",
            dir.to_str().unwrap(),
            "--version",
            "2.5",
            "--yes",
        ];
        args.extend(more);
        party.cli(1, &args)
    };
    let (code, out, err) = publish(&folder, &[]);
    assert_eq!(code, 0, "{out}{err}");
    let packed = game.clone().packed(Kind::TarZst).installed();
    assert_eq!(tree(&folder), packed, "the folder stays");
    let other = Game::new("Moved", "2.5", 6);
    let moved = party.folder("Moved");
    other.write_folder(&moved);
    let (code, out, err) = publish(&moved, &["--move"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!is_there(&moved));
    let own = party.folder("Own");
    Game::new("Own", "7.7", 1).write_folder(&own);
    fs::write(own.join("version.ini"), "7.7\n").unwrap();
    settle(&own);
    let (code, out, err) = publish(&own, &[]);
    assert_eq!(code, 2, "it says its version itself: {out}{err}");
    assert!(err.contains("says 7.7"), "{err}");
    let (code, out, err) = party.cli(1, &["publish", own.to_str().unwrap(), "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    first.until_shared("own");
    let local = first.game("own")["local"].clone();
    assert_eq!(local["downloaded"], "7.7", "{local:#}");
    let address = first.address().to_string();
    let mut second = party.start_with(2, &["--connect", &address]);
    for game in ["my game", "moved"] {
        first.until_shared(game);
        second.until_ready(game, 1);
        second.get(game);
    }
    let local = party.games(2).join("my game/local");
    assert_eq!(tree(&local), packed);
    assert!(
        is_there(&local.join("screenshots")),
        "empty directories too"
    );
    assert_eq!(tree(&party.games(2).join("moved/local")), other.installed());
}

/// See `s30_publish`: the refusals.
#[test]
fn s30_publish_refuses() {
    let party = Party::on_loopback();
    let _node = party.start(1);
    let check = |name: &str, entry: &str, prepare: &dyn Fn(&Path)| {
        let folder = party.folder(name);
        fs::write(folder.join("game.exe"), b"game").unwrap();
        prepare(&folder);
        settle(&folder);
        let before = entries(&folder);
        for more in [&["--yes"][..], &["--yes", "--move"]] {
            let mut args = vec!["publish", folder.to_str().unwrap(), "--version", "1"];
            args.extend(more);
            let (code, out, err) = party.cli(1, &args);
            assert_eq!(code, 1, "{name}: {out}{err}");
            assert!(err.contains(entry), "{name}: {out}{err}");
        }
        assert_eq!(entries(&folder), before);
    };
    check("Link", "link", &|folder| {
        std::os::unix::fs::symlink("game.exe", folder.join("link")).unwrap();
    });
    check("Device", "aux.txt", &|folder| {
        fs::write(folder.join("aux.txt"), b"").unwrap()
    });
    check("Twins", "readme.TXT", &|folder| {
        fs::write(folder.join("README.txt"), b"").unwrap();
        fs::write(folder.join("readme.TXT"), b"").unwrap();
    });
    check("Colon", "a:b", &|folder| {
        fs::write(folder.join("a:b"), b"").unwrap()
    });
    check("Pipe", "pipe", &|folder| {
        let made = std::process::Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status();
        assert!(made.unwrap().success());
    });
    // The node's own directories, and what holds them.
    let games = party.games(1);
    let node = games.parent().unwrap();
    for own in [&games, &party.state(1), node] {
        let args = ["publish", own.to_str().unwrap(), "--version", "1", "--yes"];
        let (code, out, err) = party.cli(1, &args);
        assert_eq!(code, 1, "{own:?}: {out}{err}");
        assert!(
            err.contains("directory of LanSpread"),
            "{own:?}: {out}{err}"
        );
    }
    assert_eq!(
        entries(&party.games(1)).len(),
        0,
        "{:?}",
        entries(&party.games(1))
    );
}

/// See `s30_publish`: archives that nobody could install are refused before anything is moved.
#[test]
fn s30_publish_refuses_archives() {
    let party = Party::on_loopback();
    let _node = party.start(1);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unpack/tests/fixtures/rar");
    let empty = party.folder("empty").join("game.zip");
    fs::write(&empty, [&b"PK\x05\x06"[..], &[0; 18]].concat()).unwrap();
    let check = |name: &str, from: &str, expected: &str| {
        let folder = party.folder(name);
        let from = fixtures.join(from);
        let archive = from.file_name().unwrap();
        fs::copy(&from, folder.join(archive)).unwrap();
        settle(&folder);
        let before = tree(&folder);
        let dir = folder.to_str().unwrap();
        let args = ["publish", dir, "--version", "1", "--yes", "--move"];
        let (code, out, err) = party.cli(1, &args);
        assert_eq!(code, 1, "{name}: {out}{err}");
        assert!(err.contains(expected), "{name}: {out}{err}");
        assert_eq!(tree(&folder), before);
    };
    check("Encrypted", "isc-rarfile/rar5-hpsw.rar", "password");
    check(
        "Damaged",
        "bsd-libarchive/test_read_format_rar_invalid1.rar",
        "test_read_format_rar_invalid1.rar",
    );
    check("Incomplete", "isc-rarfile/rar5-vols.part1.rar", "rar5-vols");
    for (kind, archive, missing) in [
        (Kind::SevenZ, "game.7z", "game.7z.003 is missing"),
        (Kind::Zip, "game.zip", "game.zip.003 is missing, or"),
    ] {
        let folder = party.folder(&format!("Sliced {archive}"));
        Game::new("Sliced", "1", 4)
            .packed(kind)
            .write_payload(&folder);
        let whole = folder.join(archive);
        let bytes = fs::read(&whole).unwrap();
        fs::remove_file(whole).unwrap();
        let slices = bytes.chunks(bytes.len().div_ceil(3));
        for (number, slice) in (1..=2).zip(slices) {
            fs::write(folder.join(format!("{archive}.{number:03}")), slice).unwrap();
        }
        settle(&folder);
        let args = [
            "publish",
            folder.to_str().unwrap(),
            "--version",
            "1",
            "--yes",
        ];
        let (code, out, err) = party.cli(1, &args);
        assert_eq!(code, 1, "{archive}: {out}{err}");
        assert!(err.contains(missing), "{archive}: {out}{err}");
    }
    check("Nothing", empty.to_str().unwrap(), "game.zip: no file");
    assert!(entries(&party.games(1)).is_empty());
    let (code, out, err) = party.cli(1, &["games"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("no games yet"), "{out}");
    let (_, out, err) = party.cli(1, &["games", "nothing"]);
    assert!(out.contains("no file is in the archives"), "{out}{err}");
}

/// See `s30_publish`: one byte of the data is not what the archive's checksum says, its listing is
/// fine. Refused before anything is moved, with archive and entry, wherever the folder lies.
#[test]
fn s30_publish_refuses_damaged_data() {
    let party = Party::on_loopback();
    let _node = party.start(1);
    let check = |kind: Kind, archive: &str, entry: &str| {
        let game = Game::new("Rotten", "1", 4).packed(kind);
        let elsewhere = party.folder("elsewhere").join(format!("{kind:?}"));
        let inside = party.games(1).join(format!("{kind:?} inside"));
        for folder in [&elsewhere, &inside] {
            fs::create_dir(folder).unwrap();
            game.write_payload(folder);
            flip(&folder.join(archive));
            settle(folder);
        }
        let set = archive.replace("part2", "part1");
        let ways: [(_, &[&str]); 3] =
            [(&elsewhere, &[]), (&elsewhere, &["--move"]), (&inside, &[])];
        for (folder, more) in ways {
            let before = entries(folder);
            let dir = folder.to_str().unwrap();
            let args = [&["publish", dir, "--version", "1", "--yes"], more].concat();
            let (code, out, err) = party.cli(1, &args);
            assert_eq!(code, 1, "{kind:?} {more:?}: {out}{err}");
            for word in [&set, entry, "damaged"] {
                assert!(err.contains(word), "{kind:?} {more:?}, {word}: {out}{err}");
            }
            assert_eq!(entries(folder), before, "{kind:?} {more:?}");
        }
    };
    check(Kind::Rar, "game.eti", "data/all.pak");
    check(Kind::RarVolumes, "game.part2.rar", "data/all.pak");
    check(Kind::Zip, "game.zip", "data/all.pak");
    check(Kind::SevenZ, "game.7z", "data/all.pak");
    check(Kind::TarZst, "game.tar.zst", "");
    let inside = entries(&party.games(1));
    let roots = inside
        .iter()
        .filter(|path| path.parent() == Some(&party.games(1)));
    assert_eq!(roots.count(), 5, "nothing came in from elsewhere");
}

/// Turns a bit of the byte in the middle of a file.
fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// The same files as a RAR, as one in volumes, as ZIP, 7z and tar.zst, and as they are: installed
/// at another peer they are equal.
#[test]
fn s35_every_kind_of_archive() {
    let party = Party::on_loopback();
    let kinds = [
        Kind::Tree,
        Kind::Rar,
        Kind::RarVolumes,
        Kind::Zip,
        Kind::SevenZ,
        Kind::TarZst,
    ];
    let game = |kind: Kind| {
        Game::new("Same", "1", 7)
            .called(format!("{kind:?}"))
            .packed(kind)
    };
    for kind in kinds {
        game(kind).write(&party.games(1));
    }
    let mut first = party.start(1);
    let address = first.address().to_string();
    let mut second = party.start_with(2, &["--connect", &address]);
    for game in kinds.map(game) {
        first.until_shared(&game.id());
        second.until_ready(&game.id(), 1);
        second.get(&game.id());
        let local = party.games(2).join(game.id()).join("local");
        assert_eq!(tree(&local), game.installed(), "{:?}", game.kind);
    }
}

/// Every set of the RAR fixtures in a games directory of its own: installed with the expected
/// files, or refused with the expected reason, when it is shared or when it is installed.
#[test]
fn s17_rar_fixtures() {
    let party = Party::on_loopback();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unpack/tests/fixtures/rar");
    let manifest = fs::read(fixtures.join("MANIFEST.json")).unwrap();
    let manifest: BTreeMap<String, Value> = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest.len(), 87);
    let sets: Vec<_> = (1..)
        .zip(manifest)
        .map(|(n, (key, set))| (format!("set{n:02}"), key, set))
        .collect();
    for (game, key, set) in &sets {
        let root = party.games(1).join(game);
        fs::create_dir(&root).unwrap();
        for volume in set["volumes"].as_array().unwrap() {
            let volume = volume.as_str().unwrap();
            let from = fixtures.join(key).with_file_name(volume);
            fs::copy(from, root.join(volume)).unwrap();
        }
        fs::write(root.join("version.ini"), "1\n").unwrap();
        settle(&root);
    }
    let mut owner = party.start(1);
    let mut faults = Vec::new();
    for (game, key, set) in &sets {
        let seen = owner.until(&format!("a look at {game}, {key}"), |s| looked_at(s, game));
        let local = game_in(&seen, game)["local"].clone();
        let outcome = if local["availability"] == "ready" {
            let operation = owner.begin(json!({"command": "install", "game": game}));
            let end = owner.ended(game, operation);
            if end["phase"] == "done" {
                None
            } else {
                Some(end["error"]["code"].clone())
            }
        } else {
            Some(local["not_shared"]["code"].clone())
        };
        let root = party.games(1).join(game);
        faults.extend(fault(&root, set, outcome).map(|fault| format!("{key}: {fault}")));
        assert_eq!(
            payload(&root).len(),
            set["volumes"].as_array().unwrap().len() + 1
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong with how a set ended, if anything; `code` is why it was refused.
fn fault(root: &Path, set: &Value, code: Option<Value>) -> Option<String> {
    let expected: &[&str] = match set["outcome"].as_str().unwrap() {
        "ok" => return installed_fault(root, set, code),
        "password-required" => &["password-required", "encrypted-headers"],
        _ => &[
            "damaged",
            "truncated",
            "checksum-mismatch",
            "unsupported-format",
        ],
    };
    let Some(code) = code else {
        return Some("was installed".to_owned());
    };
    let refused = expected.contains(&code.as_str().unwrap_or_default());
    let clean = !is_there(&root.join("local")) && !is_there(&root.join(".local.installing"));
    (!refused || !clean).then(|| format!("{code}, clean: {clean}"))
}

/// UnRAR wrote the expectations: it makes links and copies empty, and breaks characters outside
/// the BMP. Links are left out here, and copies are whole.
fn installed_fault(root: &Path, set: &Value, code: Option<Value>) -> Option<String> {
    if let Some(code) = code {
        return Some(format!("refused: {code}"));
    }
    let local = root.join("local");
    let mut found: Vec<String> = tree(&local).into_keys().collect();
    for file in set["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        if name.contains('\u{fffd}') || name.contains(';') {
            continue;
        }
        let empty = file["size"] == 0;
        let Ok(bytes) = fs::read(local.join(name)) else {
            if empty {
                continue;
            }
            return Some(format!("{name} is missing: {found:?}"));
        };
        let crc = format!("{:08x}", crc32fast::hash(&bytes));
        let same = file["size"] == bytes.len() && file["crc32"] == crc.as_str();
        if !same && !empty {
            return Some(format!("{name} has {} bytes, {crc}", bytes.len()));
        }
        found.retain(|path| path != name);
    }
    found.retain(|path| path.chars().all(|c| u32::from(c) < 0x1_0000));
    (!found.is_empty()).then(|| format!("more than expected: {found:?}"))
}
