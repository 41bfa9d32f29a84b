//! What a host does after something happened: it carries out the actions of its machines.

use lanspread_proto::{
    PieceIndex,
    wire::{
        lane::{GoneReason, RequestId},
        link::Sharing,
    },
};
use lanspread_swarm::{DownloadAction, InjectAction, Reservation, UploadAction};

use super::{ANNOUNCE_AFTER, Event, Letter, World, cable::Cable};
use crate::{
    host::{CONTENT, Needs, OpenRequest, Presence, RequestState, Sending, host_id},
    scenario::{Defect, Grain},
    wire::{HostId, Message, Role, Segment},
};

/// Bytes that the wire carries at once where it knows credit.
const SEGMENT_BYTES: u64 = 64 * 1024;

impl World<'_> {
    pub(super) fn act(&mut self, id: HostId) {
        if !self.host(id).is_linked() {
            return;
        }
        while let Some(action) = self.next_download_action(id) {
            self.on_download_action(id, action);
        }
        while let Some(action) = self.host(id).upload.poll_action() {
            self.on_upload_action(id, action);
        }
        while let Some(action) = self.next_inject_action(id) {
            match action {
                InjectAction::Offer { peer, piece } => {
                    self.send(id, host_id(peer), Message::Offer(piece));
                }
                InjectAction::WantHave { peer } => {
                    self.send(id, host_id(peer), Message::HaveWanted);
                }
            }
        }
        while let Some((lane, bytes)) = self.host(id).credit.poll_grant() {
            let to = HostId(u32::try_from(lane.0).unwrap_or(u32::MAX));
            self.send(id, to, Message::Credit(u64::from(bytes)));
        }
        self.announce(id);
        self.pump(id);
        self.set_timer(id);
        if self.thorough {
            self.assert_invariants(id);
        }
    }

    fn next_download_action(&mut self, id: HostId) -> Option<DownloadAction> {
        self.host(id).download.as_mut()?.poll_action()
    }

    fn next_inject_action(&mut self, id: HostId) -> Option<InjectAction> {
        self.host(id).injector.as_mut()?.poll_action()
    }

    fn on_download_action(&mut self, id: HostId, action: DownloadAction) {
        match action {
            DownloadAction::Request { peer, piece } => self.request(id, host_id(peer), piece),
            DownloadAction::Cancel { peer, piece } => self.cancel(id, host_id(peer), piece),
            DownloadAction::DeclineOffer { peer, piece } => {
                self.send(id, host_id(peer), Message::Decline(piece));
            }
            // The liar is not told: it would stop lying.
            DownloadAction::Refuse { peer, .. } => self.host(id).liars.on_lie(peer, CONTENT),
            DownloadAction::State(_) => {}
        }
    }

    fn request(&mut self, id: HostId, to: HostId, piece: PieceIndex) {
        let now = self.now();
        let bytes = u64::from(self.scenario.piece_bytes);
        let host = self.host(id);
        let request = RequestId(host.next_request);
        host.next_request += 1;
        let open = OpenRequest {
            piece,
            got: 0,
            bad: false,
            state: RequestState::Wanted,
        };
        host.requests.insert((to, request), open);
        // Without a lane, on a wire without credit, it counts nothing.
        host.credit
            .on_requested(now, crate::host::lane_id(to), bytes);
        self.send(id, to, Message::Request(request, piece));
    }

    fn cancel(&mut self, id: HostId, to: HostId, piece: PieceIndex) {
        let host = self.host(id);
        let open = host.requests.iter_mut().find(|((from, _), open)| {
            *from == to && open.piece == piece && open.state == RequestState::Wanted
        });
        if let Some(((_, request), open)) = open {
            open.state = RequestState::Cancelled;
            let request = *request;
            self.send(id, to, Message::Cancel(request));
        }
    }

    fn on_upload_action(&mut self, id: HostId, action: UploadAction) {
        match action {
            UploadAction::Start(reservation) => self.start(id, reservation),
            UploadAction::Stop(reservation, reason) => {
                let to = receiver(&reservation);
                if let Some(lane) = self.host(id).lanes.get_mut(&to) {
                    lane.sending
                        .retain(|s| s.reservation.key != reservation.key);
                }
                self.send(id, to, Message::Gone(reservation.key.request, reason));
            }
        }
    }

    fn start(&mut self, id: HostId, reservation: Reservation) {
        let now = self.now();
        let to = receiver(&reservation);
        let bad = self.lies_now(id);
        let host = self.host(id);
        if !host.store.contains(reservation.piece) {
            host.upload.on_finished(now, reservation.key);
            let gone = Message::Gone(reservation.key.request, GoneReason::NotHere);
            self.send(id, to, gone);
            return;
        }
        let sending = Sending {
            reservation,
            left: u64::from(reservation.bytes),
            bad,
        };
        if let Some(lane) = host.lanes.get_mut(&to) {
            lane.sending.push_back(sending);
        }
    }

    /// Sends a message, unless it gets lost.
    pub(super) fn send(&mut self, from: HostId, to: HostId, message: Message) {
        let Some(session) = self.session(from, to) else {
            return;
        };
        if message.may_be_lost() && self.random.one_in(self.scenario.loss) {
            return;
        }
        let latency = self.host(from).plan.latency + self.host(to).plan.latency;
        let follows_data = message.follows_data();
        let letter = Letter {
            from,
            to,
            session,
            message,
        };
        if follows_data {
            // Just after the segment that is on the uplink.
            let behind = latency + core::time::Duration::from_nanos(1);
            let at = self.host(from).uplink_free.max(self.now()) + behind;
            self.queue.at(at, Event::Follow(letter));
        } else {
            self.queue.at(self.now() + latency, Event::Deliver(letter));
        }
    }

    /// Tells everybody of fresh pieces, in batches.
    fn announce(&mut self, id: HostId) {
        let now = self.now();
        let quiet = self.has_defect(Defect::KeepsQuiet);
        let host = self.host(id);
        let due = host.announce_at.is_some_and(|at| at <= now) || host.fresh.len() >= 16;
        if host.fresh.is_empty() || host.role == Role::Taker {
            host.announce_at = None;
            return;
        }
        if !due {
            host.announce_at = Some(host.announce_at.unwrap_or(now + ANNOUNCE_AFTER));
            return;
        }
        host.announce_at = None;
        let pieces = core::mem::take(&mut host.fresh);
        if quiet {
            return;
        }
        let queued_bytes = host.upload.queued_bytes();
        for to in self.linked(id) {
            self.send(id, to, Message::Have(pieces.clone(), queued_bytes));
        }
    }

    /// Puts the next segment on the uplink.
    fn pump(&mut self, id: HostId) {
        let now = self.now();
        let (most, needs) = match (self.scenario.grain, self.has_defect(Defect::IgnoresCredit)) {
            (Grain::Credit, false) => (SEGMENT_BYTES, Needs::Credit),
            (Grain::Credit, true) => (SEGMENT_BYTES, Needs::Nothing),
            (Grain::Pieces, _) => (u64::MAX, Needs::Unknown),
        };
        let host = self.host(id);
        if host.presence != Presence::Here {
            return;
        }
        let most = host
            .plan
            .lie
            .map_or(most, |lie| most.min(lie.segment_bytes()));
        let Some(segment) = host.next_segment(now, most, needs) else {
            return;
        };
        let latency = host.plan.latency;
        self.queue.at(segment.tail, Event::UplinkFree(segment));
        self.queue
            .at(now + latency, Event::Comes(segment, Cable::Out));
    }

    pub(super) fn on_uplink_free(&mut self, segment: Segment) {
        let now = self.now();
        let host = self.host(segment.from);
        if let Some(done) = host.on_segment_sent(now, segment) {
            host.upload.on_finished(now, done.key);
            if let Some(injector) = &mut host.injector {
                injector.on_sent(now, done.peer, done.piece);
            }
            self.after_lying(segment.from, &done);
        }
    }

    /// The neighbours that are linked now.
    pub(super) fn linked(&self, id: HostId) -> Vec<HostId> {
        let host = self.hosts.get(id.0 as usize);
        host.map_or_else(Vec::new, |host| host.lanes.keys().copied().collect())
    }

    fn set_timer(&mut self, id: HostId) {
        if self.has_defect(Defect::IgnoresTimers) {
            return;
        }
        let now = self.now();
        let host = self.host(id);
        let next = host.next_timeout(now).map(|at| at.max(now));
        if let Some(at) = next
            && host.timer_at.is_none_or(|set| at < set)
        {
            host.timer_at = Some(at);
            self.queue.at(at, Event::Timer(id));
        }
    }

    fn assert_invariants(&mut self, id: HostId) {
        let host = self.host(id);
        host.upload.assert_invariants();
        if let Some(injector) = &host.injector {
            injector.assert_invariants();
        }
        if let Some(download) = &host.download {
            download.assert_invariants();
            let kept = host.reader.is_none().then_some(&host.store);
            assert!(
                kept.is_none_or(|kept| kept == download.have()),
                "{id:?} stores what it says"
            );
            assert!(
                download
                    .have()
                    .iter()
                    .all(|piece| host.store.contains(piece))
            );
        }
    }

    /// The person pauses or resumes sharing.
    pub(super) fn set_sharing(&mut self, id: HostId, sharing: Sharing) {
        self.host(id).upload.set_paused(sharing == Sharing::Paused);
        for to in self.linked(id) {
            self.send(id, to, Message::Sharing(sharing));
        }
    }
}

/// Who asked.
pub(super) fn receiver(reservation: &Reservation) -> HostId {
    host_id(reservation.peer)
}
