//! [`OpenContent`]: a complete game on disk, opened to be read by peers and by the unpack worker.
//!
//! **Invariant:** bytes are handed out only if their file had the identity that was hashed, before
//! and after the read. Otherwise the content is *gone*: it is withdrawn and hashed anew.

use std::sync::Arc;

use lanspread_proto::{
    FileIndex, Manifest, RelPath,
    geometry::{Chunk, Geometry, Piece},
    manifest::FileEntry,
};

use crate::{
    error::DiskError,
    handles::Handles,
    scan::Payload,
    vfs::{Disk, FileIdentity, OpenMode, Place},
};

/// Where pieces are read for peers: a complete game, or the part of one that is here.
pub trait PieceSource: Send + Sync {
    /// Fills `buffer` with the bytes of a piece from `offset` on.
    ///
    /// # Errors
    /// The piece is not here, or its file changed or cannot be read.
    fn read_range(&self, piece: &Piece, offset: u32, buffer: &mut [u8]) -> Result<(), ServeError>;

    /// Fills `buffer` with a whole piece; it must be as long as the piece.
    ///
    /// # Errors
    /// As [`PieceSource::read_range`].
    fn read_piece(&self, piece: &Piece, buffer: &mut [u8]) -> Result<(), ServeError> {
        if buffer.len() != piece.bytes as usize {
            return Err(ServeError::Range);
        }
        self.read_range(piece, 0, buffer)
    }
}

/// Why bytes cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The file is not what was hashed: withdraw the content, hash it again.
    #[error("{0} is not the file that was hashed")]
    Gone(RelPath),
    /// The piece is not here (yet).
    #[error("the piece is not here")]
    Missing,
    /// The bytes asked for are not all in the piece or the file.
    #[error("the range is not within its piece")]
    Range,
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl ServeError {
    /// The content changed under us: it must be withdrawn.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Gone(_) => true,
            Self::Disk(error) => error.is_not_found() || error.is_link(),
            Self::Missing | Self::Range => false,
        }
    }
}

/// A complete game.
#[derive(Debug)]
pub struct OpenContent {
    disk: Arc<dyn Disk>,
    game_root: Place,
    seen: SeenContent,
    handles: Handles,
}

/// A content and the files that were seen to be it; no file is held open for this.
#[derive(Debug, Clone)]
pub struct SeenContent {
    manifest: Arc<Manifest>,
    /// Per file of the manifest.
    identities: Arc<[FileIdentity]>,
}

impl SeenContent {
    /// What it is.
    #[must_use]
    pub const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// The identity of the file that was seen to be this entry.
    #[must_use]
    pub fn identity(&self, entry: &FileEntry) -> Option<FileIdentity> {
        let files = self.manifest.files();
        let index = files.binary_search_by(|file| file.path.cmp(&entry.path));
        let index = index
            .ok()
            .filter(|index| files.get(*index) == Some(entry))?;
        self.identities.get(index).copied()
    }
}

impl OpenContent {
    /// Opens a game for reading. `payload` is the scan that the manifest was made of, or that was
    /// found equal to it; `None` when the two do not list the same files.
    #[must_use]
    pub fn new(
        disk: Arc<dyn Disk>,
        game_root: Place,
        manifest: Arc<Manifest>,
        payload: &Payload,
    ) -> Option<Self> {
        let same = manifest.files().len() == payload.files.len()
            && manifest
                .files()
                .iter()
                .zip(&payload.files)
                .all(|(entry, file)| entry.path == file.path && entry.bytes == file.bytes);
        same.then(|| Self {
            seen: SeenContent {
                identities: payload.files.iter().map(|file| file.identity).collect(),
                manifest,
            },
            disk,
            game_root,
            handles: Handles::default(),
        })
    }

    /// What it is.
    #[must_use]
    pub const fn manifest(&self) -> &Arc<Manifest> {
        &self.seen.manifest
    }

    /// Which files it is, to be known again when they are closed.
    #[must_use]
    pub const fn seen(&self) -> &SeenContent {
        &self.seen
    }

    /// Where a file of it lies.
    #[must_use]
    pub fn place_of(&self, path: &RelPath) -> Place {
        self.game_root.join(path)
    }

    /// Fills `buffer` from a file, for the unpack worker.
    ///
    /// # Errors
    /// The file changed, ends before the buffer, or cannot be read.
    pub fn read_at(
        &self,
        file: FileIndex,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), ServeError> {
        let entry = self.manifest().files().get(file.as_usize());
        let identity = self.seen.identities.get(file.as_usize());
        let (Some(entry), Some(identity)) = (entry, identity) else {
            return Err(ServeError::Range);
        };
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > entry.bytes) {
            return Err(ServeError::Range);
        }
        let opened = self.handles.of(file, || {
            let place = self.game_root.join(&entry.path);
            self.disk.open(&place, OpenMode::Read)
        })?;
        let check = || match opened.stat()? {
            now if now.bytes == entry.bytes && now.identity == *identity => Ok(()),
            _ => Err(ServeError::Gone(entry.path.clone())),
        };
        check()?;
        let read = opened.read_exact_at(buffer, offset);
        // A file that was cut short fails to read; that it changed is the better answer.
        check()?;
        Ok(read?)
    }
}

impl PieceSource for OpenContent {
    fn read_range(&self, piece: &Piece, offset: u32, buffer: &mut [u8]) -> Result<(), ServeError> {
        each_part(
            self.manifest().geometry(),
            piece,
            offset,
            buffer,
            |part, own| self.read_at(part.file, part.offset, own),
        )
    }
}

/// Calls `read` once per file that a range of a piece touches, with the part of the buffer that is
/// that file's.
pub(crate) fn each_part(
    geometry: &Geometry,
    piece: &Piece,
    offset: u32,
    buffer: &mut [u8],
    mut read: impl FnMut(Part, &mut [u8]) -> Result<(), ServeError>,
) -> Result<(), ServeError> {
    let mut skip = offset as usize;
    let mut rest = buffer;
    for chunk in geometry.chunks(piece.chunks.clone()) {
        let bytes = chunk.bytes as usize;
        if skip >= bytes {
            skip -= bytes;
            continue;
        }
        let len = rest.len().min(bytes - skip);
        if len == 0 {
            break;
        }
        let (own, after) = std::mem::take(&mut rest).split_at_mut(len);
        read(Part::of(&chunk, skip), own)?;
        (rest, skip) = (after, 0);
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ServeError::Range)
    }
}

/// Where a part of a piece lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) file: FileIndex,
    pub(crate) offset: u64,
}

impl Part {
    fn of(chunk: &Chunk, skip: usize) -> Self {
        Self {
            file: chunk.file,
            offset: chunk.offset + skip as u64,
        }
    }
}

#[cfg(test)]
mod tests;
