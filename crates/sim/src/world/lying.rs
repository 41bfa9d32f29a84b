//! What a peer that means ill does instead of what it should.

use core::time::Duration;

use lanspread_proto::{
    PieceIndex,
    wire::lane::{GoneReason, RequestId},
};
use lanspread_swarm::Reservation;

use super::{Event, World};
use crate::{
    host::{CONTENT, Sending, peer_id, request_key},
    lie::Lie,
    scenario::Fault,
    wire::{HostId, Message},
};

/// Long enough that what it sent is looked at.
const LEAVES_AFTER: Duration = Duration::from_millis(300);

impl World<'_> {
    /// Whether the next piece that it sends is bad.
    pub(super) fn lies_now(&mut self, id: HostId) -> bool {
        let piece_bytes = u64::from(self.scenario.piece_bytes);
        let host = self.host(id);
        let sent = host.counts.sent_bytes / piece_bytes.max(1);
        match host.plan.lie {
            Some(Lie::OneIn(pieces)) => self.random.one_in(pieces),
            Some(Lie::Sleeps(pieces)) => sent >= pieces,
            Some(Lie::Returns) => true,
            Some(_) | None => false,
        }
    }

    /// Answers a request as no honest peer would; `false` when it is answered as usual.
    pub(super) fn answer_falsely(
        &mut self,
        from: HostId,
        to: HostId,
        request: RequestId,
        piece: PieceIndex,
    ) -> bool {
        let Some(lie) = self.host(to).plan.lie else {
            return false;
        };
        match lie {
            Lie::OneIn(_) | Lie::Sleeps(_) | Lie::Returns => return false,
            Lie::HasNothing => self.send(to, from, Message::Gone(request, GoneReason::NotHere)),
            Lie::ClaimsAgain => {
                self.take_back_and_claim(to, from, (request, piece), GoneReason::NotHere)
            }
            Lie::DiskFault => {
                self.take_back_and_claim(to, from, (request, piece), GoneReason::DiskFault)
            }
            Lie::Busy => self.send(to, from, Message::Busy(request, 0)),
            Lie::OffersInVain => {
                self.send(to, from, Message::Busy(request, 0));
                self.offer_in_vain(to, from, piece);
            }
            Lie::Stalls => {}
            Lie::Trickles => self.take_in(from, to, (request, piece), 1),
            Lie::CutsShort | Lie::Withdraws => self.take_in(from, to, (request, piece), 2),
        }
        true
    }

    /// It offers the next piece.
    pub(super) fn offer_in_vain(&mut self, id: HostId, to: HostId, piece: PieceIndex) {
        if self.host(id).plan.lie == Some(Lie::OffersInVain) {
            let next = PieceIndex((piece.0 + 1) % self.scenario.piece_count.max(1));
            self.send(id, to, Message::HaveWanted);
            self.send(id, to, Message::Offer(next));
        }
    }

    /// A piece, or the part of it that it wanted to send, is written.
    pub(super) fn after_lying(&mut self, id: HostId, done: &Reservation) {
        let now = self.now();
        let to = super::act::receiver(done);
        let request = (done.key.request, done.piece);
        match self.host(id).plan.lie {
            Some(Lie::Returns) => {
                let leaves = Event::Fault(id, Fault::Flap);
                self.queue.at(now + LEAVES_AFTER, leaves);
            }
            Some(Lie::CutsShort) => {
                let cut = Message::Gone(done.key.request, GoneReason::Cancelled);
                self.send(id, to, cut);
            }
            Some(Lie::Withdraws) => {
                self.take_back_and_claim(id, to, request, GoneReason::NotHere);
            }
            Some(_) | None => {}
        }
    }

    /// It has the piece no more, and has it again.
    fn take_back_and_claim(
        &mut self,
        id: HostId,
        to: HostId,
        (request, piece): (RequestId, PieceIndex),
        reason: GoneReason,
    ) {
        self.send(id, to, Message::Gone(request, reason));
        self.send(id, to, Message::Have(vec![piece], 0));
    }

    /// It takes every request, and sends one part in so many of the piece.
    fn take_in(
        &mut self,
        from: HostId,
        to: HostId,
        (request, piece): (RequestId, PieceIndex),
        parts: u32,
    ) {
        let bytes = self.scenario.piece_bytes;
        let reservation = Reservation {
            key: request_key(from, request),
            peer: peer_id(from),
            content: CONTENT,
            piece,
            bytes,
            offered: false,
        };
        let sending = Sending {
            reservation,
            left: u64::from(bytes / parts),
            bad: false,
        };
        if let Some(lane) = self.host(to).lanes.get_mut(&from) {
            lane.sending.push_back(sending);
        }
    }
}
