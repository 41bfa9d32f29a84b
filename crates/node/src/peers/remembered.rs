//! The peers of the last party, as a file: frames of the wire, so that there is one encoding and
//! one set of limits.
//!
//! Invariant: whatever the file holds, reading it gives valid hints or none. An unreadable rest is
//! only a peer that will be found again.

use lanspread_proto::{
    limits,
    wire::{
        Bounded, FrameHeader, LinkMessage,
        codec::HEADER_BYTES,
        link::{PeerHint, PeerHints},
    },
};

/// The bytes to keep.
pub(crate) fn encode(peers: &[PeerHint]) -> Vec<u8> {
    let groups = peers.chunks(limits::HINTS_MAX);
    let frames = groups.map(|group| {
        let peers = Bounded::cut(group.iter().cloned());
        LinkMessage::PeerHints(PeerHints { peers }).encode()
    });
    frames.collect::<Vec<_>>().concat()
}

/// What was kept; ends at the first frame that is none.
pub(crate) fn decode(mut bytes: &[u8]) -> Vec<PeerHint> {
    let mut peers = Vec::new();
    while let Some((hints, rest)) = decode_frame(bytes) {
        peers.extend(hints);
        bytes = rest;
    }
    peers.truncate(limits::PEERS_MAX);
    peers
}

fn decode_frame(bytes: &[u8]) -> Option<(Vec<PeerHint>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let header = FrameHeader::decode(*header).ok()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(header.body_bytes).ok()?)?;
    match LinkMessage::decode(header.kind, body) {
        Ok(Some(LinkMessage::PeerHints(hints))) => Some((hints.peers.into_vec(), rest)),
        Ok(Some(_) | None) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanspread_proto::PeerId;

    fn hints(count: u8) -> Vec<PeerHint> {
        let hint = |n| PeerHint {
            peer: PeerId::from_bytes([n; 32]),
            addresses: Bounded::cut([([10, 0, 0, n], 47_100).into()]),
        };
        (0..count).map(hint).collect()
    }

    #[test]
    fn round_trip() {
        for count in [0, 1, 16, 17, 40] {
            assert_eq!(decode(&encode(&hints(count))), hints(count), "{count}");
        }
    }

    #[test]
    fn a_damaged_file_gives_what_is_whole() {
        let bytes = encode(&hints(20));
        for end in 0..bytes.len() {
            let read = decode(&bytes[..end]);
            assert!(read.is_empty() || read == hints(16), "cut at {end}");
        }
        for index in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[index] ^= 0xff;
            assert!(decode(&torn).len() <= 20, "byte {index} changed");
        }
        assert!(decode(&[0xff; 100]).is_empty());
    }
}
