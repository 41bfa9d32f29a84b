//! [`ManifestStore`]: manifests and chunk maps by content, one file each.
//!
//! **Invariant:** what is handed out was verified on the way: the manifest hashes to its content's
//! id, the chunk map merges to the manifest's roots.

use lanspread_proto::{
    ChunkMap, ContentId, Manifest, chunk_map::ChunkMapError, limits, manifest::ManifestError,
};

use super::Needed;
use crate::{
    error::DiskError,
    scan::{Small, read_small},
    vfs::{Disk, OpenMode, Place},
};

/// Manifests and chunk maps in a directory.
#[derive(Debug, Clone, Copy)]
pub struct ManifestStore<'a> {
    disk: &'a dyn Disk,
    place: &'a Place,
}

/// Why a stored manifest cannot be used. Saving it again mends all but a failing disk.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The manifest does not parse.
    #[error("the stored manifest of {0:?} is damaged: {1}")]
    Manifest(ContentId, ManifestError),
    /// The manifest is another one.
    #[error("the stored manifest of {0:?} is that of another content")]
    OtherContent(ContentId),
    /// The chunk map does not belong to the manifest.
    #[error("the stored chunk map of {0:?} is damaged: {1}")]
    ChunkMap(ContentId, ChunkMapError),
    /// A file is larger than any manifest or chunk map.
    #[error("a stored file of {0:?} is too large")]
    TooLarge(ContentId),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

const MANIFEST: &str = "manifest";
const CHUNKS: &str = "chunks";

impl<'a> ManifestStore<'a> {
    /// The store in a directory that is there.
    #[must_use]
    pub const fn new(disk: &'a dyn Disk, place: &'a Place) -> Self {
        Self { disk, place }
    }

    /// Keeps a manifest and its chunk map.
    ///
    /// # Errors
    /// The disk failed; what was stored before is whole.
    pub fn save(&self, manifest: &Manifest, chunk_map: &ChunkMap) -> Result<(), DiskError> {
        let content = manifest.content();
        self.write(content, CHUNKS, &chunk_map.encode())?;
        // The manifest comes last: where it is, its chunk map is.
        self.write(content, MANIFEST, &manifest.encode())?;
        self.disk.sync_dir(self.place)
    }

    /// Loads and verifies; `None` when it is not stored.
    ///
    /// # Errors
    /// It is stored, but damaged or unreadable.
    pub fn load(&self, content: ContentId) -> Result<Option<(Manifest, ChunkMap)>, StoredError> {
        let Some(bytes) = self.read(content, MANIFEST, limits::MANIFEST_BYTES_MAX)? else {
            return Ok(None);
        };
        let manifest =
            Manifest::parse(&bytes).map_err(|why| StoredError::Manifest(content, why))?;
        if manifest.content() != content {
            return Err(StoredError::OtherContent(content));
        }
        let Some(bytes) = self.read(content, CHUNKS, limits::CHUNK_MAP_BYTES_MAX)? else {
            return Ok(None);
        };
        let chunk_map = ChunkMap::parse(&bytes, &manifest)
            .map_err(|why| StoredError::ChunkMap(content, why))?;
        Ok(Some((manifest, chunk_map)))
    }

    /// Whether a manifest and its chunk map lie there, whatever they hold.
    ///
    /// # Errors
    /// The disk failed.
    pub fn holds(&self, content: ContentId) -> Result<bool, DiskError> {
        for kind in [MANIFEST, CHUNKS] {
            if self.disk.stat(&self.file(content, kind))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes what is not needed, and returns how many files that were. Names that are not ours
    /// stay, and drafts: somebody may be writing one.
    ///
    /// # Errors
    /// The disk failed.
    pub fn keep_only(&self, needed: &Needed) -> Result<u64, DiskError> {
        let mut count = 0;
        for entry in self.disk.list(self.place)? {
            let Some((id, kind)) = entry.name.split_once('.') else {
                continue;
            };
            let ours = [MANIFEST, CHUNKS].contains(&kind);
            let Ok(content) = id.parse::<ContentId>() else {
                continue;
            };
            if ours && !needed.contains(content) {
                self.disk.remove_file(&self.place.listed(&entry.name))?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn file(&self, content: ContentId, kind: &str) -> Place {
        self.place.listed(&format!("{content}.{kind}"))
    }

    fn write(&self, content: ContentId, kind: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let draft = self.file(content, &format!("{kind}.tmp"));
        match self.disk.remove_file(&draft) {
            Err(error) if !error.is_not_found() => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = self.disk.open(&draft, OpenMode::CreateNew)?;
        file.write_all_at(bytes, 0)?;
        file.sync()?;
        drop(file);
        self.disk.rename(&draft, &self.file(content, kind))
    }

    fn read(
        &self,
        content: ContentId,
        kind: &str,
        bytes_max: u64,
    ) -> Result<Option<Vec<u8>>, StoredError> {
        match read_small(self.disk, &self.file(content, kind), bytes_max)? {
            Small::Missing => Ok(None),
            Small::TooLarge => Err(StoredError::TooLarge(content)),
            Small::Bytes(bytes) => Ok(Some(bytes)),
        }
    }
}
