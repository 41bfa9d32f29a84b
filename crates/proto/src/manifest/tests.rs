use alloc::{string::ToString, vec};

use super::*;
use crate::{chunk_map::ChunkMap, hash};

fn file(path: &str, bytes: u64) -> FileEntry {
    let root = if bytes == 0 {
        Hash::of_empty()
    } else {
        Hash::from_bytes([7; 32])
    };
    FileEntry {
        path: RelPath::parse(path).unwrap(),
        bytes,
        root,
    }
}

fn draft(files: Vec<FileEntry>) -> ManifestDraft {
    ManifestDraft {
        game: GameId::parse("quake").unwrap(),
        version: VersionLabel::parse("1.0").unwrap(),
        layout: Layout::Tree,
        files,
        empty_dirs: vec![],
    }
}

fn valid() -> ManifestDraft {
    draft(vec![
        file("version.ini", 3),
        file("a/b.bin", 5_000_000),
        file("empty", 0),
    ])
}

#[test]
fn round_trip_and_stable_id() {
    let manifest = Manifest::new(valid()).unwrap();
    let bytes = manifest.encode();
    assert_eq!(Manifest::parse(&bytes).as_ref(), Ok(&manifest));
    // Golden: changing this changes every content id in the world.
    assert_eq!(
        manifest.content().to_string(),
        "f4dc950763de5224110ce2cc6b26373804242760f8b3441cc56cddab21ef0123",
    );
    let mut shuffled = valid();
    shuffled.files.reverse();
    assert_eq!(Manifest::new(shuffled), Ok(manifest));
}

#[test]
fn not_canonical_is_refused() {
    let manifest = Manifest::new(valid()).unwrap();
    let mut body = manifest.draft.clone();
    body.files.reverse();
    assert_eq!(
        Manifest::parse(&encode(20, &body).unwrap()),
        Err(ManifestError::NotCanonical)
    );
    assert_eq!(
        Manifest::parse(&encode(21, &manifest.draft).unwrap()),
        Err(ManifestError::NotCanonical)
    );
    let mut longer = manifest.encode();
    longer.push(0);
    assert!(Manifest::parse(&longer).is_err());
    assert_eq!(Manifest::parse(b"LSM2..."), Err(ManifestError::Encoding));
}

#[test]
fn hostile_lists_are_refused() {
    let path = |text| RelPath::parse(text).unwrap();
    let with = |extra: FileEntry| {
        let mut body = valid();
        body.files.push(extra);
        Manifest::new(body).map(|_| ())
    };
    let twin = Err(ManifestError::Twin {
        path: path("empty"),
        reason: TwinError::Twin,
    });
    assert_eq!(with(file("EMPTY", 1)), twin);
    assert_eq!(
        with(file("Local/save", 1)),
        Err(ManifestError::Excluded(path("Local/save")))
    );
    assert_eq!(
        with(file("kept/x", 1)),
        Err(ManifestError::Excluded(path("kept/x")))
    );
    assert_eq!(
        with(file("x/Thumbs.db", 1)),
        Err(ManifestError::Excluded(path("x/Thumbs.db")))
    );
    assert_eq!(
        with(file("big", 2 << 40)),
        Err(ManifestError::Limit("1 TiB for one file"))
    );
    let mut lie = file("nothing", 0);
    lie.root = Hash::from_bytes([1; 32]);
    assert_eq!(
        with(lie),
        Err(ManifestError::EmptyFileRoot(path("nothing")))
    );
    assert_eq!(
        Manifest::new(draft(vec![file("x", 1)])),
        Err(ManifestError::VersionIni)
    );
    let mut full_dir = valid();
    full_dir.empty_dirs.push(path("a"));
    assert_eq!(
        Manifest::new(full_dir),
        Err(ManifestError::DirectoryNotEmpty(path("a")))
    );
}

/// A list that goes on and on is given up at the first entry too many, long before its entries
/// fill the memory.
#[test]
fn a_list_is_given_up_where_it_breaks_its_bound() {
    const MOST: usize = limits::MANIFEST_FILES_MAX;
    let claim = |many: usize| postcard::to_allocvec(&many).unwrap();
    let name = &[1, b'a'][..];
    let file = postcard::to_allocvec(&file("a", 1)).unwrap();
    let full_set = [claim(MOST), name.repeat(MOST)].concat();
    let (endless, archives) = (claim(60_000_000), vec![1]);
    let cases: [(&str, Vec<u8>, &[u8], usize); 4] = [
        (
            "empty sets",
            [archives.clone(), endless.clone()].concat(),
            &[0],
            1,
        ),
        (
            "files",
            [vec![0], endless.clone()].concat(),
            &file,
            MOST + 1,
        ),
        (
            "directories",
            [vec![0, 0], endless.clone()].concat(),
            name,
            MOST + 1,
        ),
        (
            "a second set",
            [archives, endless, full_set].concat(),
            &[1, 1, b'a'],
            1,
        ),
    ];
    for (what, head, entry, read_max) in cases {
        let draft = draft(vec![]);
        let front = postcard::to_allocvec(&(20_u8, draft.game, draft.version)).unwrap();
        let head = [front, head].concat();
        let body = [&head[..], &entry.repeat(read_max + 100)].concat();
        let mut decoder = postcard::Deserializer::from_bytes(&body);
        assert!(Encoded::deserialize(&mut decoder).is_err(), "{what}");
        let read = body.len() - decoder.finalize().unwrap().len();
        assert!(
            read <= head.len() + read_max * entry.len(),
            "{what}: {read}"
        );
    }
}

#[test]
fn layout_names_root_files() {
    let set = |name| ArchiveSet {
        volumes: vec![RelPath::parse(name).unwrap()],
    };
    let with = |sets| {
        let mut body = valid();
        body.files.push(file("game.rar", 9));
        body.layout = Layout::Archives(sets);
        Manifest::new(body).map(|_| ())
    };
    assert_eq!(with(vec![set("game.rar")]), Ok(()));
    assert_eq!(with(vec![]), Err(ManifestError::EmptyArchiveSet));
    for bad in ["missing.rar", "a/b.bin", "version.ini"] {
        let named = RelPath::parse(bad).unwrap();
        assert_eq!(with(vec![set(bad)]), Err(ManifestError::Layout(named)));
    }
    assert!(with(vec![set("game.rar"), set("game.rar")]).is_err());
}

#[test]
fn chunk_map_must_merge_to_the_roots() {
    let bytes = vec![3_u8; (1 << 20) + 5];
    let place = |offset| hash::ChunkPlace {
        offset,
        whole_file: false,
    };
    let values = [
        hash::chunk_value(place(0), &bytes[..1 << 20]),
        hash::chunk_value(place(1 << 20), &bytes[1 << 20..]),
    ];
    let ini = b"1.0";
    let big = FileEntry {
        path: RelPath::parse("big").unwrap(),
        bytes: bytes.len() as u64,
        root: Hash::of(&bytes),
    };
    let sentinel = FileEntry {
        path: RelPath::parse("version.ini").unwrap(),
        bytes: 3,
        root: Hash::of(ini),
    };
    let manifest = Manifest::new(draft(vec![big, sentinel])).unwrap();
    let map = ChunkMap::new(vec![values[0], values[1], Hash::of(ini)], &manifest).unwrap();
    assert_eq!(ChunkMap::parse(&map.encode(), &manifest), Ok(map.clone()));
    let swapped = vec![values[1], values[0], Hash::of(ini)];
    assert!(ChunkMap::new(swapped, &manifest).is_err());
    assert!(ChunkMap::parse(&map.encode()[1..], &manifest).is_err());

    let piece = manifest.geometry().piece(crate::PieceIndex(1)).unwrap();
    let mut travelling = bytes[1 << 20..].to_vec();
    travelling.extend(ini);
    let geometry = manifest.geometry();
    assert_eq!(
        map.verify_piece(geometry, piece.chunks.clone(), &travelling),
        Ok(())
    );
    travelling[6] ^= 1;
    let bad = map.verify_piece(geometry, piece.chunks, &travelling);
    assert_eq!(bad, Err(crate::ChunkIndex(2)));
}

#[test]
fn chunk_size_follows_the_payload() {
    assert_eq!(chunk_size_log2(20_000_000_000), 20);
    assert_eq!(chunk_size_log2(20_000_000_001), 21);
    assert_eq!(chunk_size_log2(100_000_000_001), 22);
}
