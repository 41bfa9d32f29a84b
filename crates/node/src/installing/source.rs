//! [`Source`]: where the bytes of a payload come from, and [`Volumes`]: those of an archive, for
//! the unpack worker.

use std::{io, sync::Arc};

use lanspread_disk::{content::OpenContent, scan::settings::LANSPREAD_TOML};
use lanspread_proto::{FileIndex, Manifest, RelPath, manifest::ArchiveSet};
use lanspread_unpack::ArchiveBytes;

use crate::transfer::reader::SwarmReader;

/// Where the bytes of a payload come from.
#[derive(Clone)]
pub(super) enum Source {
    /// It lies here.
    Payload(Arc<OpenContent>),
    /// Straight from the swarm; nothing of it is kept.
    Swarm(Arc<SwarmReader>),
}

impl Source {
    /// Fills the beginning of `buffer` from a file; 0 only at its end.
    pub(super) fn read_at(
        &self,
        file: FileIndex,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        match self {
            Self::Payload(content) => {
                let entry = content.manifest().files().get(file.as_usize());
                let left = entry.map_or(0, |entry| entry.bytes.saturating_sub(offset));
                let len = usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(buffer.len());
                let part = buffer.get_mut(..len).unwrap_or_default();
                content
                    .read_at(file, offset, part)
                    .map_err(io::Error::other)?;
                Ok(len)
            }
            Self::Swarm(reader) => reader.read_at(file, offset, buffer),
        }
    }

    /// An archive's directory is known; what is read from now on is data.
    pub(super) fn begin(&self) {
        if let Self::Swarm(reader) = self {
            reader.begin();
        }
    }

    /// So many bytes came out of what was read: it was more than a directory.
    pub(super) fn count(&self, bytes: u64) {
        match self {
            Self::Swarm(reader) if bytes > 0 => reader.count(),
            Self::Swarm(_) | Self::Payload(_) => {}
        }
    }

    /// The volumes of an archive.
    pub(super) fn volumes(&self, manifest: &Manifest, set: &ArchiveSet) -> Volumes {
        let files = manifest.files();
        let bytes = |file: FileIndex| files.get(file.as_usize()).map_or(0, |entry| entry.bytes);
        Volumes {
            source: self.clone(),
            files: files_of(manifest, set)
                .map(|file| (file, bytes(file)))
                .collect(),
        }
    }
}

/// The files of an archive, in the order in which they are read.
pub(super) fn files_of(
    manifest: &Manifest,
    set: &ArchiveSet,
) -> impl Iterator<Item = FileIndex> + use<> {
    let files = manifest.files();
    let find = |volume: &RelPath| {
        let found = files
            .binary_search_by(|entry| entry.path.cmp(volume))
            .ok()?;
        u32::try_from(found).ok().map(FileIndex)
    };
    let found: Vec<FileIndex> = set.volumes.iter().filter_map(find).collect();
    found.into_iter()
}

/// The file that says how the game is started.
pub(super) fn profile_of(manifest: &Manifest) -> Option<FileIndex> {
    let files = manifest.files();
    let found = files
        .iter()
        .position(|entry| entry.path.as_str() == LANSPREAD_TOML);
    u32::try_from(found?).ok().map(FileIndex)
}

/// The volumes of one archive.
pub(super) struct Volumes {
    source: Source,
    files: Vec<(FileIndex, u64)>,
}

impl ArchiveBytes for Volumes {
    fn len(&self, volume: usize) -> u64 {
        self.files.get(volume).map_or(0, |(_, bytes)| *bytes)
    }

    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some((file, _)) = self.files.get(volume) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        self.source.read_at(*file, offset, buf)
    }
}
