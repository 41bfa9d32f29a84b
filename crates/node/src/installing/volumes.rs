//! [`Volumes`]: the bytes of an archive, for the unpack worker.

use std::{io, sync::Arc};

use lanspread_disk::content::OpenContent;
use lanspread_proto::{FileIndex, RelPath, manifest::ArchiveSet};
use lanspread_unpack::ArchiveBytes;

/// The volumes of one archive, read from the payload.
pub(crate) struct Volumes {
    content: Arc<OpenContent>,
    files: Vec<(FileIndex, u64)>,
}

impl Volumes {
    pub(crate) fn new(content: &Arc<OpenContent>, set: &ArchiveSet) -> Self {
        let files = (0..).map(FileIndex).zip(content.manifest().files());
        let files: Vec<_> = files.collect();
        let find = |volume: &RelPath| {
            let found = files
                .binary_search_by(|(_, entry)| entry.path.cmp(volume))
                .ok()?;
            files.get(found).map(|(index, entry)| (*index, entry.bytes))
        };
        let files = set.volumes.iter().filter_map(find).collect();
        Self {
            content: Arc::clone(content),
            files,
        }
    }
}

impl ArchiveBytes for Volumes {
    fn len(&self, volume: usize) -> u64 {
        self.files.get(volume).map_or(0, |(_, bytes)| *bytes)
    }

    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some((file, bytes)) = self.files.get(volume) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let left = usize::try_from(bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(buf.len());
        let part = buf.get_mut(..len).unwrap_or_default();
        self.content
            .read_at(*file, offset, part)
            .map_err(io::Error::other)?;
        Ok(len)
    }
}
