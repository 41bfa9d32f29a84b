//! A download of the damaged files of a payload, and of nothing else.

use lanspread_proto::{FileIndex, PieceSet, manifest::VERSION_INI};

use super::{PartialContent, PartialSpec, StoreError, discard_incoming};
use crate::hashing::Progress;

impl PartialContent {
    /// Begins the repair of a payload: the sound chunks of its damaged files are taken over into
    /// `.incoming`, which holds those files only and the sentinel. Returns it with the pieces that
    /// need not be fetched.
    ///
    /// A download that was left in `.incoming` is discarded; a repair is never taken up again,
    /// because the damage may be another one by then.
    ///
    /// # Errors
    /// `.incoming` is not ours, the disk failed, or `progress` was cancelled.
    pub fn repair(
        spec: PartialSpec,
        damaged: &[FileIndex],
        progress: &Progress,
    ) -> Result<(Self, PieceSet), StoreError> {
        discard_incoming(spec.disk.as_ref(), &spec.game_root)?;
        let source = spec.game_root.clone();
        let (mut partial, _nothing) = Self::create_or_resume(spec, progress)?;
        let files = partial.spec.manifest.files();
        let numbered = (0..).map(FileIndex).zip(files);
        // It is what a commit moves last, so it must be there.
        let sentinel = numbered.filter(|(_, entry)| entry.path.as_str() == VERSION_INI);
        let only = damaged
            .iter()
            .copied()
            .chain(sentinel.map(|(file, _)| file));
        partial.only = Some(only.collect());
        let have = partial.adopt_from(&source, progress)?;
        Ok((partial, have))
    }
}
