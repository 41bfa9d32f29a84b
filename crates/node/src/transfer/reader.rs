//! [`SwarmReader`]: a content read straight from the swarm, by a thread that may wait.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lanspread_proto::{FileIndex, Manifest, PieceIndex};
use lanspread_swarm::ReadAhead;
use tokio::sync::oneshot;

use super::{Msg, reading::PieceBytes};
use crate::actor::Mailbox;

/// The order in which files are read, as pieces.
#[derive(Debug)]
pub(crate) struct ReadOrder {
    manifest: Arc<Manifest>,
    pieces: Vec<(PieceIndex, u32)>,
    /// Where each file begins: its first piece, that piece's place in `pieces`, and the bytes of
    /// the files before.
    files: BTreeMap<FileIndex, Start>,
    total_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    piece: PieceIndex,
    at: usize,
    before: u64,
}

/// The door of a thread to a transfer that has a reader.
#[derive(Debug)]
pub(crate) struct SwarmReader {
    order: ReadOrder,
    mailbox: Mailbox<Msg>,
    reached: Arc<Reached>,
}

/// How far a reader is, for those who show it.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Bytes before the end of what was read last.
    last: AtomicU64,
    done_bytes: AtomicU64,
    /// Bytes of all that is read.
    pub(crate) total_bytes: u64,
}

impl Reached {
    /// Bytes before the furthest place that was read.
    pub(crate) fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
    }
}

impl ReadOrder {
    /// Files in the order in which they are read. Empty and unknown ones have no bytes to read.
    pub(crate) fn new(
        manifest: &Arc<Manifest>,
        order: impl IntoIterator<Item = FileIndex>,
    ) -> Self {
        let mut found = Self {
            manifest: Arc::clone(manifest),
            pieces: Vec::new(),
            files: BTreeMap::new(),
            total_bytes: 0,
        };
        for file in order {
            found.add(file);
        }
        found
    }

    fn add(&mut self, file: FileIndex) {
        let geometry = self.manifest.geometry();
        let bytes = self.manifest.files().get(file.as_usize());
        let bytes = bytes.map_or(0, |entry| entry.bytes);
        let last = bytes.checked_sub(1).and_then(|at| geometry.find(file, at));
        let (Some((first, _)), Some((last, _))) = (geometry.find(file, 0), last) else {
            return;
        };
        // A piece that ends one file and begins the next is one place.
        let shared = self.pieces.last().is_some_and(|(piece, _)| *piece == first);
        let at = self.pieces.len() - usize::from(shared);
        self.pieces.truncate(at);
        let pieces = (first.0..=last.0).filter_map(|piece| geometry.piece(PieceIndex(piece)));
        self.pieces
            .extend(pieces.map(|piece| (piece.index, piece.bytes)));
        let start = Start {
            piece: first,
            at,
            before: self.total_bytes,
        };
        self.files.insert(file, start);
        self.total_bytes = self.total_bytes.saturating_add(bytes);
    }

    /// What the transfer needs of it.
    pub(crate) fn read_ahead(&self) -> ReadAhead {
        ReadAhead::new(self.pieces.clone())
    }
}

impl SwarmReader {
    pub(super) fn new(order: ReadOrder, mailbox: Mailbox<Msg>) -> Self {
        let reached = Reached {
            last: AtomicU64::new(0),
            done_bytes: AtomicU64::new(0),
            total_bytes: order.total_bytes,
        };
        Self {
            order,
            mailbox,
            reached: Arc::new(reached),
        }
    }

    /// Bytes of all files that are read.
    pub(crate) const fn total_bytes(&self) -> u64 {
        self.order.total_bytes
    }

    /// How far it is, as far as [`Self::count`] was told.
    pub(crate) fn reached(&self) -> Arc<Reached> {
        Arc::clone(&self.reached)
    }

    /// What was read up to now was a directory or headers, which lie anywhere.
    pub(crate) fn begin(&self) {
        self.reached.last.store(0, Ordering::Relaxed);
    }

    /// What was read last, if anything was since the beginning, was data.
    pub(crate) fn count(&self) {
        let last = self.reached.last.load(Ordering::Relaxed);
        self.reached.done_bytes.fetch_max(last, Ordering::Relaxed);
    }

    /// Fills the beginning of `buffer` with the bytes of a file from `offset` on, at most to the
    /// end of a piece; waits for them as long as it takes. 0 only at the end of the file.
    ///
    /// # Errors
    /// The transfer has ended.
    pub(crate) fn read_at(
        &self,
        file: FileIndex,
        offset: u64,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let manifest = &self.order.manifest;
        let found = manifest.geometry().find(file, offset);
        let (Some((piece, within)), Some(start)) = (found, self.order.files.get(&file)) else {
            return Ok(0);
        };
        let at = start.at + (piece.0 - start.piece.0) as usize;
        let bytes = self.piece(at)?;
        let entry = manifest.files().get(file.as_usize());
        let left = entry.map_or(0, |entry| entry.bytes.saturating_sub(offset));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let from = bytes.get(within as usize..).unwrap_or_default();
        let count = from.len().min(buffer.len()).min(left);
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        let last = start.before.saturating_add(offset);
        let last = last.saturating_add(u64::try_from(count).unwrap_or(0));
        self.reached.last.store(last, Ordering::Relaxed);
        Ok(count)
    }

    fn piece(&self, at: usize) -> io::Result<PieceBytes> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.blocking_send(Msg::Read { at, reply });
        let ended = |_gone| io::Error::new(io::ErrorKind::BrokenPipe, "the download has ended");
        answer.blocking_recv().map_err(ended)
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{
        GameId, Hash, RelPath, VersionLabel,
        manifest::{FileEntry, Layout, ManifestDraft},
    };

    use super::*;

    const MIB: u64 = 1 << 20;

    fn manifest(sizes: &[(&str, u64)]) -> Arc<Manifest> {
        let file = |(path, bytes): &(&str, u64)| FileEntry {
            path: RelPath::parse(path).unwrap(),
            bytes: *bytes,
            root: Hash::of_empty(),
        };
        let draft = ManifestDraft {
            game: GameId::parse("quake").unwrap(),
            version: VersionLabel::parse("1").unwrap(),
            layout: Layout::Tree,
            files: sizes.iter().map(file).collect(),
            empty_dirs: Vec::new(),
        };
        Arc::new(Manifest::new(draft).unwrap())
    }

    #[test]
    fn pieces_lie_in_the_order_in_which_files_are_read() {
        let sizes = [
            ("a.part1.rar", 2 * MIB + 5),
            ("b.part2.rar", 3 * MIB / 2),
            ("c.txt", 100),
            ("d.empty", 0),
            ("version.ini", 3),
        ];
        let manifest = manifest(&sizes);
        // The pieces: a, a, 5 bytes of a, b, half of b with the rest.
        assert_eq!(manifest.geometry().piece_count(), 5);
        let check = |files: &[u32], expected: &[u32], bytes: u64| {
            let files = files.iter().copied().map(FileIndex);
            let order = ReadOrder::new(&manifest, files);
            let pieces: Vec<u32> = order.pieces.iter().map(|(piece, _)| piece.0).collect();
            assert_eq!((pieces.as_slice(), order.total_bytes), (expected, bytes));
            for (file, start) in &order.files {
                let found = manifest.geometry().find(*file, 0).unwrap();
                assert_eq!((start.piece, order.pieces[start.at].0), (found.0, found.0));
            }
        };
        check(&[0, 1], &[0, 1, 2, 3, 4], 7 * MIB / 2 + 5);
        check(&[1, 0], &[3, 4, 0, 1, 2], 7 * MIB / 2 + 5);
        // A piece with two files is one place when they follow each other, else two.
        check(&[1, 2], &[3, 4], 3 * MIB / 2 + 100);
        check(&[2, 0, 4], &[4, 0, 1, 2, 4], 2 * MIB + 108);
        check(&[3, 9], &[], 0);
    }
}
