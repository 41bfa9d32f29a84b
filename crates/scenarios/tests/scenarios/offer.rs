//! [`Offer`]: a content made in memory, as a peer that is not the product's own would make it.

use std::collections::BTreeMap;

use lanspread_proto::{
    Chunk, ChunkMap, ContentId, GameId, Manifest, Piece, PieceIndex, RelPath, VersionLabel,
    hash::{Hash, chunk_value},
    library::{Availability, LibraryEntry, Size},
    manifest::{ArchiveSet, FileEntry, Layout, ManifestDraft},
    text::Title,
    wire::Extensions,
};

/// A content with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) manifest: Manifest,
    pub(crate) map: ChunkMap,
    /// What the library calls its version.
    pub(crate) label: VersionLabel,
    /// What the library says comes out of its archives.
    pub(crate) unpacked: Option<Size>,
    /// In the order of the manifest.
    files: Vec<Vec<u8>>,
}

impl Offer {
    /// A game whose payload is these files and a `version.ini`; `archives` are to be unpacked.
    pub(crate) fn new(
        game: &str,
        version: &str,
        mut files: BTreeMap<String, Vec<u8>>,
        archives: &[&str],
    ) -> Self {
        let label = format!("{version}\n").into_bytes();
        files.insert("version.ini".to_owned(), label);
        let path = |text: &str| RelPath::parse(text).unwrap();
        let set = |name: &&str| ArchiveSet {
            volumes: vec![path(name)],
        };
        let entry = |(name, bytes): (&String, &Vec<u8>)| FileEntry {
            path: path(name),
            bytes: bytes.len() as u64,
            root: Hash::of(bytes),
        };
        let manifest = Manifest::new(ManifestDraft {
            game: GameId::parse(game).unwrap(),
            version: VersionLabel::parse(version).unwrap(),
            layout: match archives {
                [] => Layout::Tree,
                some => Layout::Archives(some.iter().map(set).collect()),
            },
            files: files.iter().map(entry).collect(),
            empty_dirs: Vec::new(),
        });
        let manifest = manifest.unwrap();
        let in_order = manifest.files().iter();
        let files: Vec<_> = in_order
            .map(|file| files[file.path.as_str()].clone())
            .collect();
        let geometry = manifest.geometry();
        let chunks = geometry.chunks(0..geometry.chunk_count());
        let values = chunks.map(|chunk| chunk_value(chunk.place(), part(&files, &chunk)));
        let map = ChunkMap::new(values.collect(), &manifest).unwrap();
        Self {
            label: manifest.version().clone(),
            unpacked: None,
            manifest,
            map,
            files,
        }
    }

    /// Its id.
    pub(crate) fn content(&self) -> ContentId {
        self.manifest.content()
    }

    /// What a library says of it.
    pub(crate) fn entry(&self) -> LibraryEntry {
        LibraryEntry {
            game: self.manifest.game().clone(),
            content: self.content(),
            version: self.label.clone(),
            title: Title::clean(self.manifest.game().as_str()),
            availability: Availability::Ready,
            payload: Size {
                bytes: self.manifest.total_bytes(),
                files: u32::try_from(self.files.len()).unwrap(),
            },
            unpacked: self.unpacked,
            extensions: Extensions::default(),
        }
    }

    /// A piece with its chunks' bytes.
    pub(crate) fn piece(&self, index: PieceIndex) -> Option<(Piece, Vec<u8>)> {
        let geometry = self.manifest.geometry();
        let piece = geometry.piece(index)?;
        let chunks = geometry.chunks(piece.chunks.clone());
        let bytes = chunks.flat_map(|chunk| part(&self.files, &chunk).to_vec());
        let bytes = bytes.collect();
        Some((piece, bytes))
    }

    /// A map in which every piece is there.
    pub(crate) fn full_map(&self) -> Vec<u8> {
        let count = usize::try_from(self.manifest.geometry().piece_count()).unwrap();
        let mut bits = vec![0xFF; count / 8];
        if !count.is_multiple_of(8) {
            bits.push((1 << (count % 8)) - 1);
        }
        bits
    }
}

fn part<'a>(files: &'a [Vec<u8>], chunk: &Chunk) -> &'a [u8] {
    let start = usize::try_from(chunk.offset).unwrap();
    let end = start + usize::try_from(chunk.bytes).unwrap();
    &files[chunk.file.as_usize()][start..end]
}
