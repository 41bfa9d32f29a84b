//! [`Late`]: what downloads were too busy to hear waits here, in order.
//!
//! Invariant: that a peer left is never lost, and what one peer said never takes the place of what
//! another one says: who says more than a download hears is named, and must go.

use std::collections::{BTreeMap, VecDeque};

use lanspread_proto::{ContentId, PeerId, wire::LinkMessage};

use crate::transfer::Msg;

/// Bytes of one peer that wait, over all downloads: seconds of what the fastest peer has to say.
const BYTES_PER_PEER_MAX: usize = 4 * 1024 * 1024;
/// What a message costs besides its lists.
const MESSAGE_BYTES: usize = 128;

/// What waits, by download.
#[derive(Debug, Default)]
pub(super) struct Late {
    waiting: BTreeMap<ContentId, VecDeque<Msg>>,
    bytes: BTreeMap<PeerId, usize>,
}

/// This peer says more than can be heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flood(pub(super) PeerId);

impl Late {
    /// Something waits for this download, and what comes must queue behind it.
    pub(super) fn waits_for(&self, content: ContentId) -> bool {
        self.waiting.contains_key(&content)
    }

    /// The downloads that something waits for.
    pub(super) fn contents(&self) -> Vec<ContentId> {
        self.waiting.keys().copied().collect()
    }

    /// Puts a message behind the others.
    ///
    /// # Errors
    /// Too much of this peer waits already; the message is dropped.
    pub(super) fn push(&mut self, content: ContentId, message: Msg) -> Result<(), Flood> {
        if let Msg::PeerDown { peer } = &message {
            self.forget(content, *peer);
        }
        if let Some((peer, bytes)) = cost_of(&message) {
            let waiting = self.bytes.entry(peer).or_default();
            if *waiting + bytes > BYTES_PER_PEER_MAX {
                return Err(Flood(peer));
            }
            *waiting += bytes;
        }
        self.waiting.entry(content).or_default().push_back(message);
        Ok(())
    }

    /// Offers what waits for a download until it takes no more; `offer` gives back what it did not
    /// take.
    pub(super) fn flush(&mut self, content: ContentId, offer: impl Fn(Msg) -> Option<Msg>) {
        let Some(mut queue) = self.waiting.remove(&content) else {
            return;
        };
        while let Some(message) = queue.pop_front() {
            let cost = cost_of(&message);
            if let Some(message) = offer(message) {
                queue.push_front(message);
                self.waiting.insert(content, queue);
                return;
            }
            self.give_back(cost);
        }
    }

    /// What a peer said before it left is of no use any more.
    fn forget(&mut self, content: ContentId, peer: PeerId) {
        let Some(queue) = self.waiting.get_mut(&content) else {
            return;
        };
        let mut costs = Vec::new();
        queue.retain(|message| {
            let theirs = is_of(message, peer);
            if theirs {
                costs.push(cost_of(message));
            }
            !theirs
        });
        costs.into_iter().for_each(|cost| self.give_back(cost));
    }

    fn give_back(&mut self, cost: Option<(PeerId, usize)>) {
        let Some((peer, bytes)) = cost else { return };
        if let Some(waiting) = self.bytes.get_mut(&peer) {
            *waiting = waiting.saturating_sub(bytes);
            if *waiting == 0 {
                self.bytes.remove(&peer);
            }
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is not about a peer's link"
)]
fn is_of(message: &Msg, whose: PeerId) -> bool {
    match message {
        Msg::PeerUp { peer } | Msg::PeerDown { peer } | Msg::FromPeer { peer, .. } => {
            *peer == whose
        }
        _ => false,
    }
}

/// Whose message it is, and what it takes of memory.
fn cost_of(message: &Msg) -> Option<(PeerId, usize)> {
    let Msg::FromPeer { peer, message } = message else {
        return None;
    };
    let lists = if let LinkMessage::HaveMap(map) = message {
        map.bits.len()
    } else if let LinkMessage::Have(have) = message {
        have.pieces.len() * 4
    } else {
        0
    };
    Some((*peer, MESSAGE_BYTES + lists))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use lanspread_proto::{
        PieceIndex,
        wire::{Bounded, link::HaveMap},
    };

    use super::*;

    const CONTENT: ContentId = ContentId::from_bytes([9; 32]);

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn map(number: u8) -> Msg {
        let map = HaveMap {
            content: CONTENT,
            first: PieceIndex(0),
            last: true,
            bits: Bounded::cut([0; 32 * 1024]),
        };
        Msg::FromPeer {
            peer: peer(number),
            message: LinkMessage::HaveMap(map),
        }
    }

    /// Who is heard of, in order, and whether it is that they left.
    fn heard(late: &mut Late) -> Vec<(u8, bool)> {
        let heard = RefCell::new(Vec::new());
        late.flush(CONTENT, |message| {
            let whose = (1..=3).find(|number| is_of(&message, peer(*number)));
            let left = matches!(message, Msg::PeerDown { .. });
            heard.borrow_mut().push((whose.unwrap(), left));
            None
        });
        heard.into_inner()
    }

    #[test]
    fn a_flood_is_named_and_nobody_else_is_lost() {
        let mut late = Late::default();
        late.push(CONTENT, map(1)).unwrap();
        let flood = std::iter::repeat_with(|| late.push(CONTENT, map(2)));
        let flood: Vec<_> = flood.take(200).filter(Result::is_err).collect();
        assert_eq!(
            flood.len(),
            200 - BYTES_PER_PEER_MAX / (32 * 1024 + MESSAGE_BYTES)
        );
        assert_eq!(flood[0], Err(Flood(peer(2))));
        late.push(CONTENT, Msg::PeerDown { peer: peer(3) }).unwrap();
        late.push(CONTENT, map(1)).unwrap();
        late.push(CONTENT, Msg::PeerDown { peer: peer(1) }).unwrap();
        // The flooder is thrown out; what it said goes with it.
        late.push(CONTENT, Msg::PeerDown { peer: peer(2) }).unwrap();
        assert_eq!(heard(&mut late), [(3, true), (1, true), (2, true)]);
        assert!(!late.waits_for(CONTENT) && late.bytes.is_empty());
    }

    #[test]
    fn what_is_not_taken_stays_in_front() {
        let mut late = Late::default();
        late.push(CONTENT, map(1)).unwrap();
        late.push(CONTENT, map(2)).unwrap();
        late.flush(CONTENT, Some);
        assert!(late.waits_for(CONTENT));
        assert_eq!(late.contents(), [CONTENT]);
        assert_eq!(heard(&mut late), [(1, false), (2, false)]);
    }
}
