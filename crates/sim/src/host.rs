//! [`Host`]: one machine: the product's state machines, and what the simulator knows of its
//! sockets.

use std::collections::{BTreeMap, VecDeque};

use lanspread_proto::{ContentId, PeerId, PieceIndex, PieceSet, wire::lane::RequestId};
use lanspread_swarm::{
    Credit, Download, Injector, Instant, LaneId, Liars, ReadAhead, RequestKey, Reservation, Upload,
    credit::WINDOW_DEFAULT, time::transfer_time,
};

use crate::{
    scenario::{Defect, HostPlan, Scenario},
    wire::{HostId, Role, Segment},
    world::Blame,
};

/// The one content of a run.
pub const CONTENT: ContentId = ContentId::from_bytes([9; 32]);

/// One machine.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub id: HostId,
    /// What it was planned to be.
    pub plan: HostPlan,
    /// What it does now: a downloader that is done seeds.
    pub role: Role,
    /// Whether it is there.
    pub presence: Presence,
    /// Pieces on its disk.
    pub store: PieceSet,
    /// The receiving side.
    pub download: Option<Download>,
    /// On those who only take: who reads what comes, in order, and where.
    pub reader: Option<(ReadAhead, usize)>,
    /// The sending side.
    pub upload: Upload,
    /// The push side, on first seeders.
    pub injector: Option<Injector>,
    /// The receiver's budget.
    pub credit: Credit,
    /// What it asked for and has not seen the end of.
    pub requests: BTreeMap<(HostId, RequestId), OpenRequest>,
    /// Numbers its requests.
    pub next_request: u32,
    /// With whom it trades, linked or not.
    pub neighbours: Vec<HostId>,
    /// The linked ones, and what it may send them.
    pub lanes: BTreeMap<HostId, OutLane>,
    /// The uplink is taken.
    pub uplink: Uplink,
    /// When the segment on the uplink is written.
    pub uplink_free: Instant,
    /// When the downlink has delivered all that arrived.
    pub downlink_free: Instant,
    /// Stored and not announced.
    pub fresh: Vec<PieceIndex>,
    /// When the next announcement is due.
    pub announce_at: Option<Instant>,
    /// Whom it refuses.
    pub liars: Liars,
    /// Bad pieces that it took, by who sent them.
    pub bad_from: BTreeMap<HostId, u64>,
    /// When its timer fires, if one is set.
    pub timer_at: Option<Instant>,
    /// What its checker counts.
    pub counts: Counts,
}

/// Whether a host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Not yet.
    Away,
    /// Yes.
    Here,
    /// Its links stay, and nothing is sent.
    Stalled,
    /// No longer.
    Dead,
}

/// A request of a receiver.
#[derive(Debug, Clone, Copy)]
pub struct OpenRequest {
    /// Which piece.
    pub piece: PieceIndex,
    /// Bytes that arrived.
    pub got: u64,
    /// Some of them are not the content's.
    pub bad: bool,
    /// What it waits for.
    pub state: RequestState,
}

/// What an open request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Its data.
    Wanted,
    /// The answer to its cancel.
    Cancelled,
}

/// One way to one receiver.
#[derive(Debug, Default)]
pub struct OutLane {
    /// Bytes that may be sent.
    pub credit: u64,
    /// Pieces being sent, oldest first.
    pub sending: VecDeque<Sending>,
    /// The connection.
    pub session: u32,
}

/// A piece on its way out.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// What was asked for.
    pub reservation: Reservation,
    /// Bytes left.
    pub left: u64,
    /// The host lies about it.
    pub bad: bool,
}

/// What a sender waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The receiver's credit.
    Credit,
    /// Nothing, though it should.
    Nothing,
    /// Nothing: this wire knows no credit.
    Unknown,
}

/// What the uplink does.
#[derive(Debug, Clone, Copy)]
pub enum Uplink {
    /// Nothing. The receiver that was served last has its turn last.
    Idle(HostId),
    /// It sends this.
    Busy(Segment),
}

/// What the checkers look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Bytes of data that arrived.
    pub received_bytes: u64,
    /// Bytes of data that were sent.
    pub sent_bytes: u64,
    /// Pieces stored that were not the content's.
    pub bad_stored: u64,
    /// Pieces found bad, by the receiver's look at them.
    pub bad_seen: u64,
    /// Bytes that were sent or arrived without credit.
    pub ungranted_bytes: u64,
    /// When everything was here.
    pub done_at: Option<Instant>,
}

impl Host {
    /// A host as planned.
    #[must_use]
    pub fn new(id: HostId, plan: HostPlan, scenario: &Scenario) -> Self {
        let now = Instant::ZERO;
        let seed = scenario.seed ^ (u64::from(id.0) << 32);
        let sizes = || vec![scenario.piece_bytes; scenario.piece_count as usize];
        let downloads = matches!(plan.role, Role::Downloader | Role::Taker);
        let who = (peer_id(id), seed);
        let takes = plan.role == Role::Taker;
        let download = downloads.then(|| match takes {
            true => Download::on_demand(now, who, sizes()),
            false => Download::new(now, who, sizes(), plan.has.clone()),
        });
        let reader = takes.then(|| {
            let pieces = (0..scenario.piece_count).map(PieceIndex);
            let order = pieces.map(|piece| (piece, scenario.piece_bytes));
            (ReadAhead::new(order.collect()), 0)
        });
        let seeders = scenario.hosts.iter();
        let seeders = seeders.filter(|host| host.role == Role::Seeder).count();
        let pushes = scenario.defect != Some(Defect::PushesNothing) && plan.lie.is_none();
        let injector = (plan.role == Role::Seeder && pushes).then(|| {
            let place = (id.0, u32::try_from(seeders).unwrap_or(1));
            Injector::new(scenario.piece_count, scenario.piece_bytes, place, seed)
        });
        let mut host = Self {
            id,
            role: plan.role,
            presence: Presence::Away,
            store: plan.has.clone(),
            download,
            reader,
            upload: Upload::new(now, plan.up),
            injector,
            credit: Credit::new(WINDOW_DEFAULT),
            requests: BTreeMap::new(),
            next_request: 0,
            neighbours: Vec::new(),
            lanes: BTreeMap::new(),
            uplink: Uplink::Idle(id),
            uplink_free: now,
            downlink_free: now,
            fresh: Vec::new(),
            announce_at: None,
            liars: Liars::default(),
            bad_from: BTreeMap::new(),
            timer_at: None,
            counts: Counts::default(),
            plan,
        };
        host.read_on(now);
        host
    }

    /// Reads what is here, and asks for what comes next.
    pub fn read_on(&mut self, now: Instant) {
        let (Some((reads, at)), Some(download)) = (&mut self.reader, &mut self.download) else {
            return;
        };
        while let Some(piece) = reads.piece(*at) {
            if reads.on_read(*at, download.have()) {
                download.demand(now, reads.demand().collect());
            }
            if !download.has(piece) {
                break;
            }
            *at += 1;
        }
    }

    /// Whether others can talk to it.
    #[must_use]
    pub const fn is_linked(&self) -> bool {
        matches!(self.presence, Presence::Here | Presence::Stalled)
    }

    /// Whether it should have everything at the end.
    #[must_use]
    pub const fn must_finish(&self) -> bool {
        self.is_linked() && matches!(self.plan.role, Role::Downloader | Role::Taker)
    }

    /// Who sent it bad pieces.
    pub fn blames(&self) -> impl Iterator<Item = Blame> + '_ {
        self.bad_from.iter().map(|(liar, pieces)| Blame {
            by: self.id,
            liar: *liar,
            pieces: *pieces,
            refused: self.liars.is_refused(peer_id(*liar), CONTENT),
        })
    }

    /// When its machines want to be called.
    #[must_use]
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let download = self.download.as_ref().and_then(Download::poll_timeout);
        let injector = self.injector.as_ref().and_then(|i| i.poll_timeout(now));
        let machines = [
            download,
            injector,
            self.upload.poll_timeout(now),
            self.credit.poll_timeout(),
            self.announce_at,
        ];
        machines.into_iter().flatten().min()
    }

    /// Calls the machines whose time has come.
    pub fn on_timeout(&mut self, now: Instant) {
        if let Some(download) = &mut self.download
            && download.poll_timeout().is_some_and(|at| at <= now)
        {
            download.on_timeout(now);
        }
        if let Some(injector) = &mut self.injector
            && injector.poll_timeout(now).is_some_and(|at| at <= now)
        {
            injector.on_timeout(now);
        }
        if self.upload.poll_timeout(now).is_some_and(|at| at <= now) {
            self.upload.on_timeout(now);
        }
        self.credit.on_timeout(now);
    }

    /// The next bytes to send: receivers that have credit take turns.
    #[must_use]
    pub fn next_segment(&mut self, now: Instant, most: u64, needs: Needs) -> Option<Segment> {
        let Uplink::Idle(last) = self.uplink else {
            return None;
        };
        let from = self.id;
        let ready = |(_, lane): &(&HostId, &mut OutLane)| {
            !lane.sending.is_empty() && (lane.credit > 0 || needs != Needs::Credit)
        };
        let ready = self.lanes.iter_mut().filter(ready);
        let (to, lane) = ready.min_by_key(|(to, _)| (**to <= last, **to))?;
        let sending = lane.sending.front_mut()?;
        let bytes = most.min(sending.left);
        let bytes = match needs {
            Needs::Credit => bytes.min(lane.credit),
            Needs::Nothing | Needs::Unknown => bytes,
        };
        // The receiver grants again as soon as bytes arrive, so that only the sender can tell.
        if needs != Needs::Unknown {
            self.counts.ungranted_bytes += bytes.saturating_sub(lane.credit);
        }
        self.uplink_free = now + transfer_time(bytes, self.plan.up);
        lane.credit = lane.credit.saturating_sub(bytes);
        sending.left -= bytes;
        let segment = Segment {
            from,
            to: *to,
            request: sending.reservation.key.request,
            bytes,
            bad: sending.bad,
            session: lane.session,
            tail: self.uplink_free,
        };
        self.uplink = Uplink::Busy(segment);
        Some(segment)
    }

    /// Bytes of a segment are written. The piece, when it was its last.
    pub fn on_segment_sent(&mut self, now: Instant, segment: Segment) -> Option<Reservation> {
        self.uplink = Uplink::Idle(segment.to);
        self.counts.sent_bytes += segment.bytes;
        let key = request_key(segment.to, segment.request);
        self.upload.on_bytes(now, key, segment.bytes);
        let lane = self.lanes.get_mut(&segment.to)?;
        let done = lane
            .sending
            .front()
            .filter(|sending| sending.reservation.key == key && sending.left == 0)?;
        let reservation = done.reservation;
        lane.sending.pop_front();
        Some(reservation)
    }
}

/// How a host is called by others.
#[must_use]
pub fn peer_id(host: HostId) -> PeerId {
    let mut bytes = [0; 32];
    if let Some(start) = bytes.first_chunk_mut::<4>() {
        *start = host.0.to_be_bytes();
    }
    PeerId::from_bytes(bytes)
}

/// Who is called so.
#[must_use]
pub fn host_id(peer: PeerId) -> HostId {
    let start = peer.as_bytes().first_chunk::<4>();
    HostId(start.map_or(0, |start| u32::from_be_bytes(*start)))
}

/// The lane to or from a host: there is one each way.
#[must_use]
pub fn lane_id(other: HostId) -> LaneId {
    LaneId(u64::from(other.0))
}

/// A request as its sender names it.
#[must_use]
pub fn request_key(receiver: HostId, request: RequestId) -> RequestKey {
    RequestKey {
        lane: lane_id(receiver),
        request,
    }
}
