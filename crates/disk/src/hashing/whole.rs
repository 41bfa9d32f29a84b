//! The BLAKE3 root of one whole file, read from its begin to its end.

use lanspread_proto::{
    Hash,
    hash::{ChunkHasher, ChunkPlace},
};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{DiskFile, GoOn, Place},
};

/// Bytes read and hashed between two looks at whether it is to go on.
const READ_BYTES: usize = 1024 * 1024;

/// Why a file has no root.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WholeError {
    /// It was told to stop.
    #[error("hashing was stopped")]
    Stopped,
    /// A part of it cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl WholeError {
    /// As a failure of the disk, for who tells both alike.
    pub(crate) fn on(self, place: &Place) -> DiskError {
        match self {
            Self::Stopped => {
                let stopped = std::io::ErrorKind::Interrupted.into();
                DiskError::new(DiskOp::Read, place.path(), stopped)
            }
            Self::Disk(error) => error,
        }
    }
}

/// The root of the first `bytes` bytes of a file. Who calls sees that nobody changes it meanwhile.
///
/// # Errors
/// It is shorter, cannot be read, or `go_on` said no.
pub(crate) fn hash_whole(
    file: &dyn DiskFile,
    bytes: u64,
    go_on: GoOn<'_>,
) -> Result<Hash, WholeError> {
    let mut hasher = ChunkHasher::new(ChunkPlace {
        offset: 0,
        whole_file: true,
    });
    let size = usize::try_from(bytes).unwrap_or(READ_BYTES);
    let mut buffer = vec![0; size.min(READ_BYTES)];
    let (mut offset, mut done_bytes) = (0, 0);
    while go_on(done_bytes) {
        if offset == bytes {
            return Ok(hasher.finish());
        }
        let wanted = usize::try_from(bytes - offset).unwrap_or(READ_BYTES);
        let part = buffer.split_at_mut(wanted.min(READ_BYTES)).0;
        file.read_exact_at(part, offset)?;
        hasher.update(part);
        done_bytes = part.len() as u64;
        offset += done_bytes;
    }
    Err(WholeError::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RealDisk,
        vfs::{Disk, OpenMode},
    };

    #[test]
    fn a_file_is_read_in_parts_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        for bytes in [
            0,
            1,
            READ_BYTES - 1,
            READ_BYTES,
            READ_BYTES + 1,
            3 * READ_BYTES,
        ] {
            let content: Vec<u8> = (0..bytes).map(|at| (at / 3).to_le_bytes()[0]).collect();
            std::fs::write(dir.path().join("f"), &content).unwrap();
            let place = Place::root(dir.path()).own("f");
            let file = RealDisk::new().open(&place, OpenMode::Read).unwrap();
            let size = bytes as u64;

            let mut counted = 0;
            let mut count = |done| {
                counted += done;
                true
            };
            let root = hash_whole(file.as_ref(), size, &mut count).unwrap();
            assert_eq!((root, counted), (Hash::of(&content), size), "{bytes}");

            let longer = hash_whole(file.as_ref(), size + 1, &mut |_| true);
            assert!(matches!(longer, Err(WholeError::Disk(_))), "{bytes}");
            let mut asked = 0;
            let stopped = hash_whole(file.as_ref(), size, &mut |_| {
                asked += 1;
                false
            });
            assert!(matches!(stopped, Err(WholeError::Stopped)), "{bytes}");
            assert_eq!(asked, 1);
        }
    }
}
