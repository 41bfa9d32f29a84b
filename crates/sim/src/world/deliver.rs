//! What arrives at a host: messages, bytes, and pieces on its own disk.

use lanspread_proto::{
    PieceIndex, PieceSet,
    wire::{
        lane::{GoneReason, RequestId},
        link::Sharing,
    },
};
use lanspread_swarm::{
    Admission, Outcome, PeerFacts, Reservation,
    download::{Path, Place},
};

use super::{Ending, Event, STORE_TIME, World};
use crate::{
    host::{CONTENT, OpenRequest, Presence, RequestState, lane_id, peer_id, request_key},
    scenario::Defect,
    wire::{HostId, Message, Role, Segment},
};

impl World<'_> {
    pub(super) fn deliver(&mut self, from: HostId, to: HostId, message: Message) {
        if !self.host(to).is_linked() {
            return;
        }
        match message {
            Message::HaveMap(set, role) => self.on_have_map(from, to, set, role),
            Message::Have(pieces, queued) => self.on_have(from, to, &pieces, queued),
            Message::HaveWanted => self.on_have_wanted(from, to),
            Message::Offer(piece) => self.on_offer(from, to, piece),
            Message::Decline(piece) => {
                let now = self.now();
                if let Some(injector) = &mut self.host(to).injector {
                    injector.on_declined(now, peer_id(from), piece);
                }
                self.offer_in_vain(to, from, piece);
            }
            Message::Sharing(sharing) => self.tell_peer(to, from, sharing),
            Message::Request(request, piece) => self.on_request(from, to, request, piece),
            Message::Cancel(request) => self.on_cancel(from, to, request),
            Message::Credit(bytes) => {
                if let Some(lane) = self.host(to).lanes.get_mut(&from) {
                    lane.credit += bytes;
                }
            }
            Message::Busy(request, queued_bytes) => {
                self.end_request(to, from, request, Outcome::Busy { queued_bytes });
            }
            Message::Gone(request, reason) => {
                self.end_request(to, from, request, Outcome::Gone(reason));
            }
        }
    }

    /// What a link says about the other end.
    pub(super) fn tell_peer(&mut self, id: HostId, peer: HostId, sharing: Sharing) {
        let now = self.now();
        let wireless = |path: Path| path == Path::Wireless;
        let path = match wireless(self.host(id).plan.path) || wireless(self.host(peer).plan.path) {
            true => Path::Wireless,
            false => Path::Wired,
        };
        let same = self.host(id).plan.switch == self.host(peer).plan.switch;
        let place = match same || self.has_defect(Defect::SeesNoSwitch) {
            true => Place::Near,
            false => Place::Far,
        };
        let facts = PeerFacts {
            rate_hint: None,
            path,
            place,
            sharing,
            lanes: 1,
            lied_before: false,
        };
        if self.host(id).liars.is_refused(peer_id(peer), CONTENT)
            && !self.has_defect(Defect::Forgets)
        {
            return;
        }
        if let Some(download) = &mut self.host(id).download {
            download.on_peer(now, peer_id(peer), facts);
        }
    }

    fn on_have_map(&mut self, from: HostId, to: HostId, set: PieceSet, role: Role) {
        let now = self.now();
        let host = self.host(to);
        if let Some(injector) = &mut host.injector {
            match role {
                // It answers that we want to hear it; before that it only says that it is there.
                Role::Downloader if injector.was_asked(peer_id(from)) => {
                    injector.on_downloader(now, peer_id(from), set.clone());
                }
                Role::Downloader => injector.on_interest(peer_id(from)),
                Role::Seeder => injector.on_downloader_done(now, peer_id(from)),
                Role::Taker | Role::Holder => injector.on_downloader_gone(now, peer_id(from)),
            }
        }
        if let Some(download) = &mut host.download
            && role != Role::Taker
        {
            download.on_have_map(now, peer_id(from), set);
        }
    }

    fn on_have(&mut self, from: HostId, to: HostId, pieces: &[PieceIndex], queued: u64) {
        let now = self.now();
        let host = self.host(to);
        if let Some(injector) = &mut host.injector {
            injector.on_have(now, peer_id(from), pieces);
        }
        if let Some(download) = &mut host.download {
            download.on_have(now, peer_id(from), pieces, queued);
        }
    }

    fn on_have_wanted(&mut self, from: HostId, to: HostId) {
        let now = self.now();
        let host = self.host(to);
        if let Some(download) = &mut host.download {
            download.on_pushing(now, peer_id(from));
        }
        let map = Message::HaveMap(host.store.clone(), host.role);
        self.send(to, from, map);
    }

    fn on_offer(&mut self, from: HostId, to: HostId, piece: PieceIndex) {
        let now = self.now();
        if let Some(download) = &mut self.host(to).download {
            download.on_offer(now, peer_id(from), piece);
        }
    }

    fn on_request(&mut self, from: HostId, to: HostId, request: RequestId, piece: PieceIndex) {
        if self.answer_falsely(from, to, request, piece) {
            return;
        }
        let now = self.now();
        let bytes = self.scenario.piece_bytes;
        let host = self.host(to);
        let peer = peer_id(from);
        let injector = host.injector.as_mut();
        let offered = injector
            .is_none_or(|i| i.admits(now, peer, piece))
            .then(|| {
                let injector = host.injector.as_ref();
                injector.is_some_and(|i| i.is_offered(peer, piece))
            });
        let Some(offered) = offered else {
            let queued_bytes = host.upload.queued_bytes();
            return self.send(to, from, Message::Busy(request, queued_bytes));
        };
        let reservation = Reservation {
            key: request_key(from, request),
            peer,
            content: CONTENT,
            piece,
            bytes,
            offered,
        };
        match host.upload.on_request(now, reservation) {
            Admission::Queued => {}
            Admission::Busy { queued_bytes } => {
                self.send(to, from, Message::Busy(request, queued_bytes));
            }
            Admission::Refused(reason) => self.send(to, from, Message::Gone(request, reason)),
        }
    }

    /// A cancel is always answered, also for a request that was lost or is done: after the answer
    /// nothing of it follows.
    fn on_cancel(&mut self, from: HostId, to: HostId, request: RequestId) {
        let now = self.now();
        let key = request_key(from, request);
        let host = self.host(to);
        host.upload.on_cancel(now, key);
        if let Some(lane) = host.lanes.get_mut(&from) {
            lane.sending
                .retain(|sending| sending.reservation.key != key);
        }
        self.send(to, from, Message::Gone(request, GoneReason::Cancelled));
    }

    pub(super) fn receive(&mut self, segment: Segment) {
        let now = self.now();
        let piece_bytes = u64::from(self.scenario.piece_bytes);
        let host = self.host(segment.to);
        if host.presence == Presence::Dead {
            return;
        }
        host.counts.received_bytes += segment.bytes;
        if !host
            .credit
            .on_bytes(now, lane_id(segment.from), segment.bytes)
        {
            host.counts.ungranted_bytes += segment.bytes;
        }
        let key = (segment.from, segment.request);
        let Some(open) = host.requests.get_mut(&key) else {
            return;
        };
        if let Some(download) = &mut host.download {
            let bytes = u32::try_from(segment.bytes).unwrap_or(u32::MAX);
            download.on_bytes(now, peer_id(segment.from), open.piece, bytes);
        }
        open.got += segment.bytes;
        open.bad |= segment.bad;
        if open.got >= piece_bytes {
            let event = Event::Stored {
                host: segment.to,
                from: segment.from,
                request: segment.request,
                piece: open.piece,
            };
            self.queue.at(now + STORE_TIME, event);
        }
    }

    /// All bytes of a piece are here and were looked at.
    pub(super) fn on_stored(
        &mut self,
        id: HostId,
        from: HostId,
        request: RequestId,
        piece: PieceIndex,
    ) {
        let now = self.now();
        let looks = !self.has_defect(Defect::StoresUnverified);
        let forgives = self.has_defect(Defect::Forgives);
        let host = self.host(id);
        let Some(open) = host.requests.remove(&(from, request)) else {
            return;
        };
        host.counts.bad_seen += u64::from(open.bad);
        // What was taken back is thrown away without a look.
        if open.bad && open.state == RequestState::Wanted {
            *host.bad_from.entry(from).or_default() += 1;
        }
        let outcome = match open.bad && looks {
            true if forgives => Outcome::Lost,
            true => Outcome::BadChunk,
            false => Outcome::Stored,
        };
        if outcome == Outcome::Stored && host.store.insert(piece) {
            host.counts.bad_stored += u64::from(open.bad);
            host.fresh.push(piece);
        }
        if let Some(download) = &mut host.download {
            download.on_piece(now, peer_id(from), piece, outcome);
        }
        host.read_on(now);
        self.note_done(id);
    }

    /// Everything is here: the host seeds from now on.
    fn note_done(&mut self, id: HostId) {
        let now = self.now();
        let host = self.host(id);
        if !host.store.is_full() || host.counts.done_at.is_some() {
            return;
        }
        host.counts.done_at = Some(now);
        let role = host.role;
        self.ending = Ending::Perhaps;
        if role == Role::Taker {
            return;
        }
        let host = self.host(id);
        host.role = Role::Seeder;
        host.fresh.clear();
        let map = Message::HaveMap(host.store.clone(), Role::Seeder);
        for to in self.linked(id) {
            self.send(id, to, map.clone());
        }
    }

    /// A request ends without its piece.
    fn end_request(&mut self, id: HostId, from: HostId, request: RequestId, outcome: Outcome) {
        let now = self.now();
        let piece_bytes = u64::from(self.scenario.piece_bytes);
        let host = self.host(id);
        // All bytes are here and on their way to the disk: nothing is left to end.
        let ends = |open: &OpenRequest| open.got < piece_bytes;
        if !host.requests.get(&(from, request)).is_some_and(ends) {
            return;
        }
        let Some(open) = host.requests.remove(&(from, request)) else {
            return;
        };
        host.credit
            .on_abandoned(lane_id(from), piece_bytes - open.got);
        if let Some(download) = &mut host.download
            && open.state == RequestState::Wanted
        {
            download.on_piece(now, peer_id(from), open.piece, outcome);
        }
    }
}
