//! What the scheduler wants of a peer: pieces, or nothing more.

use lanspread_proto::{PeerId, PieceIndex};
use lanspread_swarm::download::Outcome;

use super::{Transfer, paths::Asked, sources::NotAsked};
use crate::notice::Notice;

impl Transfer {
    pub(super) fn request(&mut self, peer: PeerId, index: PieceIndex) {
        let Some(piece) = self.manifest.geometry().piece(index) else {
            return;
        };
        match self.sources.request(peer, piece) {
            Ok(lane) => {
                // A lane is silent from when it was asked, not from when it last had work.
                if !self.asked.values().any(|other| other.lane == lane) {
                    let now = self.ports.clock.now();
                    self.sources.heard(peer, lane, now);
                }
                let begun = false;
                self.asked.insert((peer, index), Asked { lane, begun });
            }
            Err(why) => {
                // Without the lane the scheduler does not ask there again, at once and for ever.
                if let NotAsked::Closed(lane) = why {
                    self.on_lane_closed(peer, lane);
                }
                let now = self.ports.clock.now();
                self.download.on_piece(now, peer, index, Outcome::Lost);
            }
        }
    }

    pub(super) fn refuse(&mut self, peer: PeerId, everywhere: bool) {
        tracing::warn!(peer = %peer.short(), everywhere, "a peer sent bytes that do not match");
        self.sources.close_lanes(peer);
        self.asked.retain(|(asked, _), _| *asked != peer);
        self.update_facts(peer);
        self.notify(Notice::PeerRefused {
            peer,
            content: self.content(),
        });
        if everywhere {
            self.ports.peers.refuse(peer);
        }
    }
}
