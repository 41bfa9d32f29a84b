//! [`run`]: one scenario from beginning to end.
//!
//! The wire is a fluid in segments: an uplink sends one at a time, the cables between switches and
//! a downlink pass on one at a time, first come first served, and between them is latency. Messages
//! take the latency only.

mod act;
mod cable;
mod deliver;
mod fault;
mod lying;

use std::{collections::BTreeMap, time::Duration};

use lanspread_proto::{PieceIndex, wire::lane::RequestId};
use lanspread_swarm::{Instant, Random, neighbours};

use self::cable::{Cable, Trunks};
use crate::{
    clock::Queue,
    host::{Counts, Host, host_id, peer_id},
    scenario::{Defect, Fault, Scenario},
    wire::{HostId, Message, Role, Segment},
};

/// From the last byte to the stored piece: hash and write.
const STORE_TIME: Duration = Duration::from_millis(2);
/// Fresh pieces are announced so late at most, or when there are 16.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(100);
/// A dead host is noticed after this.
const DEATH_NOTICED: Duration = Duration::from_millis(1_500);
/// A broken link is back after this.
const RELINK_AFTER: Duration = Duration::from_millis(300);
/// A run that makes more events than this for each piece that somebody has to get is going in
/// circles.
const EVENTS_PER_PIECE_MAX: u64 = 4_000;

/// Something that happens.
#[derive(Debug)]
enum Event {
    Deliver(Letter),
    /// It is delivered when the downlink has delivered what came before it.
    Follow(Letter),
    UplinkFree(Segment),
    /// Its first byte comes to the next cable on its way.
    Comes(Segment, Cable),
    Received(Segment),
    Stored {
        host: HostId,
        from: HostId,
        request: RequestId,
        piece: PieceIndex,
    },
    Timer(HostId),
    Fault(HostId, Fault),
    Linked(HostId, HostId),
    Unlinked(HostId, HostId),
}

/// A message on its way.
#[derive(Debug)]
struct Letter {
    from: HostId,
    to: HostId,
    session: u32,
    message: Message,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Per host what was counted.
    pub hosts: BTreeMap<HostId, HostReport>,
    /// When the last one was done, or when the run was given up.
    pub took: Duration,
    /// Events that happened.
    pub events: u64,
    /// A number that depends on every event and its time.
    pub trace: u64,
    /// Who took bad pieces from whom.
    pub blames: Vec<Blame>,
    /// Bytes that entered each switch from others.
    pub inflow_bytes: Vec<u64>,
}

/// Somebody took bad pieces from somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// Who took them.
    pub by: HostId,
    /// Who sent them.
    pub liar: HostId,
    /// How many.
    pub pieces: u64,
    /// Whether the liar is refused now.
    pub refused: bool,
}

/// What came of one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostReport {
    /// What it was planned to be.
    pub role: Role,
    /// It was there at the end, and should have everything.
    pub must_finish: bool,
    /// When it had everything.
    pub done_at: Option<Instant>,
    /// Bytes of data that arrived.
    pub received_bytes: u64,
    /// Bytes of data that were sent.
    pub sent_bytes: u64,
    /// Bytes that it stored.
    pub stored_bytes: u64,
    /// Bad pieces that it stored.
    pub bad_stored: u64,
    /// Bad pieces that it saw.
    pub bad_seen: u64,
    /// Bytes that came without credit.
    pub ungranted_bytes: u64,
}

/// Whether a run is over has to be looked for only after something that may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Perhaps,
    No,
}

/// Everything there is.
struct World<'a> {
    scenario: &'a Scenario,
    queue: Queue<Event>,
    hosts: Vec<Host>,
    trunks: Trunks,
    ending: Ending,
    next_session: u32,
    random: Random,
    trace: u64,
    /// Look at every machine after every event: slow, thorough.
    thorough: bool,
}

/// Runs a scenario. With `thorough` the invariants of all machines are asserted on the way.
#[must_use]
pub fn run(scenario: &Scenario, thorough: bool) -> Report {
    let mut world = World::new(scenario, thorough);
    let end = Instant::ZERO + world.patience();
    let pieces = u64::from(scenario.piece_count) * scenario.hosts.len() as u64;
    let events_max = EVENTS_PER_PIECE_MAX * pieces.max(1_000);
    while let Some(event) = world.queue.take() {
        if world.queue.now() > end || world.queue.made() > events_max {
            break;
        }
        world.on_event(event);
        if world.is_over() {
            break;
        }
    }
    world.report()
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, thorough: bool) -> Self {
        let mut world = Self {
            scenario,
            queue: Queue::default(),
            hosts: Vec::new(),
            trunks: Trunks::default(),
            ending: Ending::Perhaps,
            next_session: 0,
            random: Random::new(scenario.seed),
            trace: 0,
            thorough,
        };
        for (plan, number) in scenario.hosts.iter().zip(0..) {
            let id = HostId(number);
            world.hosts.push(Host::new(id, plan.clone(), scenario));
            let joins =
                |(_, host, fault): &(Instant, HostId, Fault)| *host == id && *fault == Fault::Join;
            if !scenario.faults.iter().any(joins) {
                world.queue.at(Instant::ZERO, Event::Fault(id, Fault::Join));
            }
        }
        world.choose_neighbours();
        for (at, host, fault) in &scenario.faults {
            world.queue.at(*at, Event::Fault(*host, *fault));
        }
        world
    }

    /// Twice what is allowed: a run that is late is measured, one that hangs is ended.
    fn patience(&self) -> Duration {
        let allowed = u32::try_from(self.scenario.allowed_permille).unwrap_or(u32::MAX);
        self.scenario.bound * allowed / 500 + Duration::from_secs(30)
    }

    fn now(&self) -> Instant {
        self.queue.now()
    }

    fn host(&mut self, id: HostId) -> &mut Host {
        #[expect(
            clippy::indexing_slicing,
            reason = "hosts are made at the start and never removed"
        )]
        &mut self.hosts[id.0 as usize]
    }

    /// The connection between two hosts, while there is one.
    fn session(&self, from: HostId, to: HostId) -> Option<u32> {
        let host = self.hosts.get(from.0 as usize)?;
        host.lanes.get(&to).map(|lane| lane.session)
    }

    fn is_over(&mut self) -> bool {
        if std::mem::replace(&mut self.ending, Ending::No) == Ending::No {
            return false;
        }
        let faults_done = |host: &Host| !matches!(host.presence, crate::host::Presence::Away);
        let done = |host: &Host| !host.must_finish() || host.counts.done_at.is_some();
        self.hosts
            .iter()
            .all(|host| faults_done(host) && done(host))
    }

    /// Everybody chooses as the product does.
    fn choose_neighbours(&mut self) {
        let ids: Vec<HostId> = self.hosts.iter().map(|host| host.id).collect();
        for id in ids.iter().copied() {
            let switch = self.host(id).plan.switch;
            let others = self.hosts.iter();
            let others = others.map(|host| (peer_id(host.id), host.plan.switch == switch));
            for other in neighbours::choose(peer_id(id), others) {
                self.host(id).neighbours.push(host_id(other));
                self.host(host_id(other)).neighbours.push(id);
            }
        }
        for host in &mut self.hosts {
            host.neighbours.sort_unstable();
            host.neighbours.dedup();
        }
    }

    fn on_event(&mut self, event: Event) {
        let now = self.now();
        let touched = match event {
            Event::Deliver(letter) => {
                let Letter { from, to, .. } = letter;
                self.note(1, to.0, from.0);
                if self.session(from, to) == Some(letter.session) {
                    self.deliver(from, to, letter.message);
                }
                to
            }
            Event::Follow(letter) => {
                let to = letter.to;
                let at = self.host(to).downlink_free.max(now);
                self.queue.at(at, Event::Deliver(letter));
                to
            }
            Event::UplinkFree(segment) => {
                self.on_uplink_free(segment);
                segment.from
            }
            // Nobody notices before its last byte is here.
            Event::Comes(segment, cable) => return self.pass_on(segment, cable),
            Event::Received(segment) => {
                self.note(2, segment.to.0, segment.from.0);
                if self.session(segment.from, segment.to) == Some(segment.session) {
                    self.receive(segment);
                }
                segment.to
            }
            Event::Stored {
                host,
                from,
                request,
                piece,
            } => {
                self.note(3, host.0, piece.0);
                self.on_stored(host, from, request, piece);
                host
            }
            Event::Timer(host) => {
                self.on_timer(host);
                host
            }
            Event::Fault(host, fault) => {
                self.note(4, host.0, 0);
                self.on_fault(host, fault);
                host
            }
            Event::Linked(a, b) => {
                self.link(a, b);
                self.act(a);
                b
            }
            Event::Unlinked(a, b) => {
                self.unlink(a, b);
                self.act(a);
                b
            }
        };
        self.act(touched);
    }

    /// Mixes an event into the trace.
    fn note(&mut self, kind: u64, a: u32, b: u32) {
        let event = kind ^ (u64::from(a) << 8) ^ (u64::from(b) << 40);
        let mixed = self.trace ^ event ^ self.now().as_nanos().rotate_left(20);
        self.trace = Random::new(mixed).bits();
    }

    fn on_timer(&mut self, id: HostId) {
        let now = self.now();
        let host = self.host(id);
        if host.timer_at != Some(now) {
            return;
        }
        host.timer_at = None;
        host.on_timeout(now);
    }

    fn has_defect(&self, defect: Defect) -> bool {
        self.scenario.defect == Some(defect)
    }

    fn report(self) -> Report {
        let piece_bytes = u64::from(self.scenario.piece_bytes);
        let report = |host: &Host| {
            let Counts {
                received_bytes,
                sent_bytes,
                bad_stored,
                bad_seen,
                ungranted_bytes,
                done_at,
            } = host.counts;
            let stored = host.store.len() - host.plan.has.len();
            HostReport {
                role: host.plan.role,
                must_finish: host.must_finish(),
                done_at,
                received_bytes,
                sent_bytes,
                stored_bytes: u64::from(stored) * piece_bytes,
                bad_stored,
                bad_seen,
                ungranted_bytes,
            }
        };
        Report {
            took: self.now().since(Instant::ZERO),
            events: self.queue.made(),
            trace: self.trace,
            hosts: self
                .hosts
                .iter()
                .map(|host| (host.id, report(host)))
                .collect(),
            blames: self.hosts.iter().flat_map(Host::blames).collect(),
            inflow_bytes: self.trunks.inflows().collect(),
        }
    }
}
