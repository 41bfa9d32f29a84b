//! What one lane sends: requests in the order of their admission, pieces read part by part.
//!
//! Invariant: nothing is read for a receiver that gives no credit, and at most [`PARTS_MAX`] parts
//! of a lane are in memory: whoever asks and does not take holds next to nothing of ours.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use lanspread_disk::content::PieceSource;
use lanspread_proto::{Piece, wire::lane::RequestId};

use crate::buffers::Buffer;

/// Parts read and not sent: one on its way, one read meanwhile.
const PARTS_MAX: usize = 2;
/// A part is as long as the credit there is, but not shorter ...
const PART_BYTES_MIN: u32 = 256 * 1024;
/// ... and not longer.
const PART_BYTES_MAX: u32 = 1024 * 1024;

/// The requests of one lane.
#[derive(Default)]
pub(super) struct Outgoing {
    queue: VecDeque<Item>,
    /// Parts being read.
    reading: usize,
    /// Tells requests apart; the receiver may use its numbers twice.
    next_serial: u64,
}

/// A part that is to be read.
pub(super) struct Part {
    /// Of which request.
    pub(super) serial: u64,
    pub(super) piece: Piece,
    pub(super) source: Arc<dyn PieceSource>,
    pub(super) offset: u32,
    pub(super) bytes: u32,
}

struct Item {
    serial: u64,
    request: RequestId,
    bytes: u32,
    sent: u32,
    body: Body,
}

enum Body {
    Piece {
        piece: Piece,
        source: Arc<dyn PieceSource>,
        /// Where the next part begins.
        next: u32,
        /// By where they begin.
        parts: BTreeMap<u32, Buffer>,
    },
    Blob(Bytes),
}

impl Outgoing {
    /// One more piece, after all others.
    pub(super) fn push_piece(
        &mut self,
        request: RequestId,
        piece: Piece,
        source: Arc<dyn PieceSource>,
    ) {
        let body = Body::Piece {
            source,
            next: 0,
            parts: BTreeMap::new(),
            piece: piece.clone(),
        };
        self.push(request, piece.bytes, body);
    }

    /// One more blob, after all others.
    pub(super) fn push_blob(&mut self, request: RequestId, bytes: Bytes) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.push(request, len, Body::Blob(bytes));
    }

    fn push(&mut self, request: RequestId, bytes: u32, body: Body) {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.queue.push_back(Item {
            serial,
            request,
            bytes,
            sent: 0,
            body,
        });
    }

    /// Drops a request.
    pub(super) fn remove(&mut self, request: RequestId) {
        self.queue.retain(|item| item.request != request);
    }

    /// Drops the request that a part was read for; its number.
    pub(super) fn remove_serial(&mut self, serial: u64) -> Option<RequestId> {
        let index = self.queue.iter().position(|item| item.serial == serial)?;
        self.queue.remove(index).map(|item| item.request)
    }

    /// The part to read next, if the receiver's credit and the memory allow one.
    pub(super) fn next_part(&mut self, credit: u64) -> Option<Part> {
        let held: usize = self.queue.iter().map(Item::part_count).sum();
        if credit == 0 || held + self.reading >= PARTS_MAX {
            return None;
        }
        let most = u32::try_from(credit).unwrap_or(u32::MAX);
        let most = most.clamp(PART_BYTES_MIN, PART_BYTES_MAX);
        let part = self.queue.iter_mut().find_map(|item| item.take_part(most));
        self.reading += usize::from(part.is_some());
        part
    }

    /// A part was read, or could not be. One that nobody wants any more is dropped.
    pub(super) fn on_read(&mut self, serial: u64, offset: u32, buffer: Option<Buffer>) {
        self.reading = self.reading.saturating_sub(1);
        let item = self.queue.iter_mut().find(|item| item.serial == serial);
        if let Some(Item {
            body: Body::Piece { parts, .. },
            ..
        }) = item
            && let Some(buffer) = buffer
        {
            parts.insert(offset, buffer);
        }
    }

    /// The bytes that can be sent next, without a gap: of which request, from where on, how many
    /// are left of the whole, and what is here of them.
    pub(super) fn front(&self) -> Option<(RequestId, u32, u32, &[u8])> {
        let item = self.queue.front()?;
        let here = item.here();
        let left = item.bytes - item.sent;
        (left == 0 || !here.is_empty()).then_some((item.request, item.sent, left, here))
    }

    /// So many bytes of the front were sent.
    pub(super) fn on_sent(&mut self, bytes: u32) {
        let Some(item) = self.queue.front_mut() else {
            return;
        };
        item.sent = item.sent.saturating_add(bytes);
        item.drop_sent();
        if item.sent >= item.bytes {
            self.queue.pop_front();
        }
    }
}

impl Item {
    fn part_count(&self) -> usize {
        match &self.body {
            Body::Piece { parts, .. } => parts.len(),
            Body::Blob(_) => 0,
        }
    }

    fn take_part(&mut self, most: u32) -> Option<Part> {
        let Body::Piece {
            piece,
            source,
            next,
            ..
        } = &mut self.body
        else {
            return None;
        };
        let bytes = self.bytes.saturating_sub(*next).min(most);
        let offset = *next;
        *next += bytes;
        (bytes > 0).then(|| Part {
            serial: self.serial,
            piece: piece.clone(),
            source: Arc::clone(source),
            offset,
            bytes,
        })
    }

    fn here(&self) -> &[u8] {
        match &self.body {
            Body::Blob(bytes) => bytes.get(self.sent as usize..).unwrap_or_default(),
            Body::Piece { parts, .. } => {
                let last = parts.range(..=self.sent).next_back();
                last.and_then(|(offset, part)| part.get((self.sent - offset) as usize..))
                    .unwrap_or_default()
            }
        }
    }

    fn drop_sent(&mut self) {
        let sent = self.sent as usize;
        if let Body::Piece { parts, .. } = &mut self.body {
            parts.retain(|offset, part| *offset as usize + part.len() > sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use lanspread_disk::content::ServeError;
    use lanspread_proto::PieceIndex;

    use super::*;
    use crate::buffers::Buffers;

    /// Each byte says where in the piece it lies.
    struct Numbers;

    impl PieceSource for Numbers {
        fn read_range(&self, _: &Piece, offset: u32, out: &mut [u8]) -> Result<(), ServeError> {
            for (at, byte) in (offset..).zip(out) {
                *byte = at.to_le_bytes()[at as usize % 3];
            }
            Ok(())
        }
    }

    const MIB: u32 = 1024 * 1024;

    fn piece(index: u32, bytes: u32) -> Piece {
        Piece {
            index: PieceIndex(index),
            chunks: 0..1,
            bytes,
        }
    }

    fn outgoing(pieces: &[u32]) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for (index, bytes) in (0..).zip(pieces) {
            outgoing.push_piece(RequestId(index), piece(index, *bytes), Arc::new(Numbers));
        }
        outgoing
    }

    async fn read(outgoing: &mut Outgoing, part: Part) {
        let mut buffer = Buffers::new(64 << 20).take(part.bytes).await.unwrap();
        part.source
            .read_range(&part.piece, part.offset, &mut buffer)
            .unwrap();
        outgoing.on_read(part.serial, part.offset, Some(buffer));
    }

    #[tokio::test]
    async fn without_credit_nothing_is_read_and_with_it_two_parts_at_most() {
        let mut outgoing = outgoing(&[4 * MIB, 4 * MIB]);
        assert!(outgoing.next_part(0).is_none());
        let first = outgoing.next_part(1).unwrap();
        assert_eq!((first.offset, first.bytes), (0, PART_BYTES_MIN));
        let second = outgoing.next_part(u64::MAX).unwrap();
        assert_eq!((second.offset, second.bytes), (PART_BYTES_MIN, MIB));
        assert!(outgoing.next_part(u64::MAX).is_none());
        read(&mut outgoing, second).await;
        assert!(outgoing.next_part(u64::MAX).is_none());
        // There is a gap before it.
        assert!(outgoing.front().is_none());
        read(&mut outgoing, first).await;
        assert!(outgoing.next_part(u64::MAX).is_none());
        assert_eq!(outgoing.front().unwrap().3.len(), PART_BYTES_MIN as usize);
        outgoing.on_sent(PART_BYTES_MIN);
        assert!(outgoing.next_part(1).is_some());
    }

    #[tokio::test]
    async fn every_byte_is_sent_once_and_in_order() {
        let sizes = [MIB + 7, 3, 3 * MIB];
        let mut outgoing = outgoing(&sizes);
        let mut credit = 1;
        let mut sent: BTreeMap<RequestId, Vec<u8>> = BTreeMap::new();
        loop {
            credit = (credit * 7 + 1) % (2 * u64::from(MIB));
            if let Some(part) = outgoing.next_part(credit.max(1)) {
                read(&mut outgoing, part).await;
            }
            let Some((request, at, _, here)) = outgoing.front() else {
                break;
            };
            let some = here.len().min(100_000);
            let all = sent.entry(request).or_default();
            assert_eq!(all.len(), at as usize);
            all.extend(&here[..some]);
            outgoing.on_sent(u32::try_from(some).unwrap());
        }
        for (index, bytes) in (0..).zip(sizes) {
            let mut expected = vec![0; bytes as usize];
            Numbers.read_range(&piece(0, 0), 0, &mut expected).unwrap();
            assert!(sent[&RequestId(index)] == expected, "{index}");
        }
    }

    #[tokio::test]
    async fn what_was_dropped_while_it_was_read_is_not_kept() {
        let mut outgoing = outgoing(&[MIB, MIB]);
        let late = outgoing.next_part(1).unwrap();
        outgoing.remove(RequestId(0));
        // The number is used again at once.
        outgoing.push_piece(RequestId(0), piece(9, MIB), Arc::new(Numbers));
        read(&mut outgoing, late).await;
        assert!(outgoing.front().is_none());
        let next = outgoing.next_part(1).unwrap();
        assert_eq!((next.piece.index, next.offset), (PieceIndex(1), 0));
        assert_eq!(outgoing.remove_serial(next.serial), Some(RequestId(1)));
        assert_eq!(outgoing.remove_serial(next.serial), None);
        outgoing.on_read(next.serial, next.offset, None);
        outgoing.push_blob(RequestId(5), Bytes::new());
        outgoing.remove(RequestId(0));
        assert_eq!(outgoing.front(), Some((RequestId(5), 0, 0, &[][..])));
    }
}
