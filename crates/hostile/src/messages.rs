//! What peers say.

use lanspread_proto::{
    ChunkMap, GameId, Hash, Manifest, RelPath, VersionLabel, limits,
    manifest::{FileEntry, Layout, ManifestDraft},
    wire::{FrameHeader, LaneMessage, LinkMessage, codec::HEADER_BYTES},
};

/// A stream of frames, as it comes over a link or a lane.
pub fn frame(mut bytes: &[u8]) {
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let Ok(read) = FrameHeader::decode(*header) else {
            return;
        };
        assert_eq!(read.encode(), *header);
        let length = usize::try_from(read.body_bytes).unwrap();
        let Some((body, rest)) = rest.split_at_checked(length) else {
            return;
        };
        link_message(read.kind, body);
        lane_message(read.kind, body);
        bytes = rest;
    }
}

/// The first message of a peer, or the one that changes it.
pub fn hello(bytes: &[u8]) {
    link_message(0x0001, bytes);
    link_message(0x0003, bytes);
}

/// A page of a library, or what changed in one.
pub fn library_delta(bytes: &[u8]) {
    link_message(0x0011, bytes);
    link_message(0x0012, bytes);
}

fn link_message(kind: u16, body: &[u8]) {
    let Ok(Some(message)) = LinkMessage::decode(kind, body) else {
        return;
    };
    assert_eq!(message.kind(), kind);
    let again = message.encode();
    let (_, body) = again.split_at(HEADER_BYTES);
    assert_eq!(LinkMessage::decode(kind, body).unwrap(), Some(message));
}

fn lane_message(kind: u16, body: &[u8]) {
    let Ok(Some(message)) = LaneMessage::decode(kind, body) else {
        return;
    };
    assert_eq!(message.kind(), kind);
    let again = message.encode();
    let (_, body) = again.split_at(HEADER_BYTES);
    assert_eq!(LaneMessage::decode(kind, body).unwrap(), Some(message));
}

/// A list of files. There is one way only to write each, or two peers would disagree on its name.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::parse(bytes) else {
        return;
    };
    assert_eq!(manifest.encode(), bytes);
    assert!(manifest.files().len() <= limits::MANIFEST_FILES_MAX);
    let sum: u64 = manifest.files().iter().map(|file| file.bytes).sum();
    assert_eq!(sum, manifest.total_bytes());
    let geometry = manifest.geometry();
    let pieces: u64 = geometry
        .pieces()
        .take(10_000)
        .map(|piece| u64::from(piece.bytes))
        .sum();
    assert!(pieces <= sum);
}

/// The hashes of a manifest that is known.
pub fn chunk_map(bytes: &[u8]) {
    let manifest = known_manifest();
    let Ok(map) = ChunkMap::parse(bytes, &manifest) else {
        return;
    };
    assert_eq!(map.encode(), bytes);
    assert_eq!(
        map.values().len(),
        usize::try_from(manifest.geometry().chunk_count()).unwrap()
    );
}

/// Two files of one chunk each, and an empty one.
#[must_use]
pub fn known_manifest() -> Manifest {
    let file = |path: &str, bytes: &[u8]| FileEntry {
        path: RelPath::parse(path).unwrap(),
        bytes: bytes.len() as u64,
        root: Hash::of(bytes),
    };
    let files = vec![
        file("data/a.bin", b"some bytes"),
        file("empty", b""),
        file("version.ini", b"1.0\n"),
    ];
    Manifest::new(ManifestDraft {
        game: GameId::parse("quake").unwrap(),
        version: VersionLabel::parse("1.0").unwrap(),
        layout: Layout::Tree,
        files,
        empty_dirs: Vec::new(),
    })
    .unwrap()
}
