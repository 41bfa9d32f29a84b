//! Manifests and chunk maps on their way out.
//!
//! Invariant: of each blob there is one copy in memory, however many peers are being sent it or
//! wait for it, and it goes when nobody is. A lane has at most [`PER_LANE_MAX`] blobs open.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lanspread_proto::{
    ContentId,
    wire::lane::{BlobKind, RequestId},
};
use lanspread_swarm::{credit::LaneId, upload::RequestKey};

use super::Served;

/// A receiver asks for one after the other.
const PER_LANE_MAX: usize = 2;

/// The blobs that are being sent.
#[derive(Default)]
pub(super) struct Blobs {
    encoded: BTreeMap<(ContentId, BlobKind), Bytes>,
    /// Those that are being encoded, and who waits for them.
    awaited: BTreeMap<(ContentId, BlobKind), Vec<RequestKey>>,
    open: BTreeMap<LaneId, BTreeSet<RequestId>>,
}

/// What comes of asking for a blob.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// These bytes are to be sent.
    Here(Bytes),
    /// It is being encoded.
    Waits,
    /// It is to be encoded.
    Encode,
    /// The lane has too many open already.
    TooMany,
}

/// The bytes of a blob; takes long for the largest.
pub(super) fn encode(kind: BlobKind, served: &Served) -> Bytes {
    Bytes::from(match kind {
        BlobKind::Manifest => served.manifest.encode(),
        BlobKind::ChunkMap => served.chunk_map.encode(),
    })
}

impl Blobs {
    /// A lane asks for a blob.
    pub(super) fn open(&mut self, key: RequestKey, kind: BlobKind, served: &Served) -> Opened {
        let open = self.open.entry(key.lane).or_default();
        if open.len() >= PER_LANE_MAX || !open.insert(key.request) {
            return Opened::TooMany;
        }
        self.forget_unused();
        let of = (served.manifest.content(), kind);
        if let Some(bytes) = self.encoded.get(&of) {
            return Opened::Here(bytes.clone());
        }
        let waiting = self.awaited.entry(of).or_default();
        waiting.push(key);
        match waiting.as_slice() {
            [_] => Opened::Encode,
            _ => Opened::Waits,
        }
    }

    /// A blob is encoded: who still waits for it.
    pub(super) fn on_encoded(
        &mut self,
        of: (ContentId, BlobKind),
        bytes: &Bytes,
    ) -> Vec<RequestKey> {
        let mut waiting = self.awaited.remove(&of).unwrap_or_default();
        let is_open = |key: &RequestKey| {
            let open = self.open.get(&key.lane);
            open.is_some_and(|open| open.contains(&key.request))
        };
        waiting.retain(is_open);
        if !waiting.is_empty() {
            self.encoded.insert(of, bytes.clone());
        }
        waiting
    }

    /// A blob was sent to its end; nothing happens when it is none.
    pub(super) fn on_finished(&mut self, key: RequestKey) {
        if let Some(open) = self.open.get_mut(&key.lane) {
            open.remove(&key.request);
        }
        self.forget_unused();
    }

    /// A lane closed.
    pub(super) fn on_lane_down(&mut self, lane: LaneId) {
        self.open.remove(&lane);
        self.forget_unused();
    }

    fn forget_unused(&mut self) {
        self.encoded.retain(|_, bytes| !bytes.is_unique());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lanspread_disk::content::{PieceSource, ServeError};
    use lanspread_proto::{
        ChunkMap, GameId, Hash, Manifest, Piece, PieceSet, RelPath, VersionLabel,
        manifest::{FileEntry, Layout, ManifestDraft},
    };

    use super::*;

    struct Nothing;

    impl PieceSource for Nothing {
        fn read_range(&self, _: &Piece, _: u32, _: &mut [u8]) -> Result<(), ServeError> {
            Err(ServeError::Missing)
        }
    }

    fn served() -> Served {
        let root = Hash::of(b"1.0");
        let manifest = Manifest::new(ManifestDraft {
            game: GameId::parse("quake").unwrap(),
            version: VersionLabel::parse("1.0").unwrap(),
            layout: Layout::Tree,
            files: vec![FileEntry {
                path: RelPath::parse("version.ini").unwrap(),
                bytes: 3,
                root,
            }],
            empty_dirs: Vec::new(),
        });
        let manifest = Arc::new(manifest.unwrap());
        Served {
            game: manifest.game().clone(),
            chunk_map: Arc::new(ChunkMap::new(vec![root], &manifest).unwrap()),
            have: PieceSet::full(1),
            source: Arc::new(Nothing),
            manifest,
        }
    }

    fn key(lane: u64, request: u32) -> RequestKey {
        RequestKey {
            lane: LaneId(lane),
            request: RequestId(request),
        }
    }

    #[test]
    fn a_blob_is_in_memory_once_and_a_lane_has_few() {
        let served = served();
        let (manifest, map) = (BlobKind::Manifest, BlobKind::ChunkMap);
        let content = served.manifest.content();
        let mut blobs = Blobs::default();
        assert_eq!(blobs.open(key(1, 1), manifest, &served), Opened::Encode);
        assert_eq!(blobs.open(key(2, 1), manifest, &served), Opened::Waits);
        assert_eq!(blobs.open(key(3, 1), manifest, &served), Opened::Waits);
        assert_eq!(blobs.open(key(1, 1), map, &served), Opened::TooMany);
        // Who has gone meanwhile is not sent anything.
        blobs.on_lane_down(LaneId(3));
        let first = encode(manifest, &served);
        assert_eq!(first.as_ref(), served.manifest.encode());
        let waited = blobs.on_encoded((content, manifest), &first);
        assert_eq!(waited, [key(1, 1), key(2, 1)]);
        let Opened::Here(again) = blobs.open(key(2, 2), manifest, &served) else {
            panic!("it is here");
        };
        assert_eq!(again.as_ptr(), first.as_ptr());
        assert_eq!(blobs.open(key(1, 2), map, &served), Opened::Encode);
        assert_eq!(blobs.open(key(1, 3), manifest, &served), Opened::TooMany);
        blobs.on_finished(key(1, 2));
        let second = encode(map, &served);
        assert_eq!(second.as_ref(), served.chunk_map.encode());
        assert_eq!(blobs.on_encoded((content, map), &second), []);
        let here = Opened::Here(first.clone());
        assert_eq!(blobs.open(key(1, 3), manifest, &served), here);
        drop((first, again, here));
        blobs.on_lane_down(LaneId(1));
        assert!(blobs.encoded.is_empty() && blobs.awaited.is_empty());
    }
}
