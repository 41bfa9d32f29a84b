//! Lots that everybody can draw for everybody: the same input gives the same lot everywhere, so
//! that peers agree without a word who does what.

use lanspread_proto::PeerId;

use crate::random::Random;

/// What a peer's lots are drawn from.
#[must_use]
pub(crate) fn of_peer(peer: PeerId) -> u64 {
    let words = peer.as_bytes().chunks_exact(8);
    let words = words.filter_map(|word| word.first_chunk::<8>());
    words.fold(0, |lot, word| draw(lot ^ u64::from_le_bytes(*word)))
}

/// A lot out of a number.
#[must_use]
pub(crate) fn draw(from: u64) -> u64 {
    Random::new(from).bits()
}
