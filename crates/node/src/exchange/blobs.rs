//! Manifests and chunk maps on their way out.
//!
//! Invariant: of each blob there is one copy in memory, however many peers are being sent it, and
//! it
//! goes when nobody is. A lane has at most [`PER_LANE_MAX`] blobs open.

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
    open: BTreeMap<LaneId, BTreeSet<RequestId>>,
}

impl Blobs {
    /// The bytes to send; `None` when the lane has too many open already.
    pub(super) fn open(
        &mut self,
        key: RequestKey,
        kind: BlobKind,
        served: &Served,
    ) -> Option<Bytes> {
        let open = self.open.entry(key.lane).or_default();
        if open.len() >= PER_LANE_MAX || !open.insert(key.request) {
            return None;
        }
        self.forget_unused();
        let encoded = self
            .encoded
            .entry((served.manifest.content(), kind))
            .or_insert_with(|| {
                Bytes::from(match kind {
                    BlobKind::Manifest => served.manifest.encode(),
                    BlobKind::ChunkMap => served.chunk_map.encode(),
                })
            });
        Some(encoded.clone())
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
        let mut blobs = Blobs::default();
        let first = blobs.open(key(1, 1), BlobKind::Manifest, &served).unwrap();
        let second = blobs.open(key(2, 1), BlobKind::Manifest, &served).unwrap();
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(first.as_ref(), served.manifest.encode());
        assert!(blobs.open(key(1, 1), BlobKind::ChunkMap, &served).is_none());
        let map = blobs.open(key(1, 2), BlobKind::ChunkMap, &served).unwrap();
        assert_eq!(map.as_ref(), served.chunk_map.encode());
        assert!(blobs.open(key(1, 3), BlobKind::Manifest, &served).is_none());
        blobs.on_finished(key(1, 2));
        assert!(blobs.open(key(1, 3), BlobKind::Manifest, &served).is_some());
        drop((first, second, map));
        blobs.on_lane_down(LaneId(1));
        assert!(blobs.encoded.is_empty());
    }
}
