//! [`run`]: one scenario from beginning to end.
//!
//! The wire is a fluid in segments of 64 KiB: an uplink sends one at a time, a downlink delivers
//! one at a time, and between them is latency. Messages take the latency only.

mod act;
mod deliver;
mod fault;

use std::{collections::BTreeMap, time::Duration};

use lanspread_proto::{PieceIndex, wire::lane::RequestId};
use lanspread_swarm::{Instant, Random, time::transfer_time};

use crate::{
    clock::Queue,
    host::{Counts, Host},
    scenario::{Defect, Fault, Scenario},
    wire::{HostId, Message, Segment},
};

/// Bytes that the wire carries at once.
const SEGMENT_BYTES: u64 = 64 * 1024;
/// From the last byte to the stored piece: hash and write.
const STORE_TIME: Duration = Duration::from_millis(2);
/// Fresh pieces are announced so late at most, or when there are 16.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(100);
/// A dead host is noticed after this.
const DEATH_NOTICED: Duration = Duration::from_millis(1_500);
/// A broken link is back after this.
const RELINK_AFTER: Duration = Duration::from_millis(300);
/// A run that makes more events than this is going in circles.
const EVENTS_MAX: u64 = 20_000_000;

/// Something that happens.
#[derive(Debug)]
enum Event {
    Deliver(Letter),
    /// It is delivered when the downlink has delivered what came before it.
    Follow(Letter),
    UplinkFree(Segment),
    Arrived(Segment),
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
}

/// What came of one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostReport {
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

/// Everything there is.
struct World<'a> {
    scenario: &'a Scenario,
    queue: Queue<Event>,
    hosts: BTreeMap<HostId, Host>,
    /// The connection between two hosts; absent while there is none.
    sessions: BTreeMap<(HostId, HostId), u32>,
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
    while let Some(event) = world.queue.take() {
        if world.queue.now() > end || world.queue.made() > EVENTS_MAX {
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
            hosts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next_session: 0,
            random: Random::new(scenario.seed),
            trace: 0,
            thorough,
        };
        for (plan, number) in scenario.hosts.iter().zip(0..) {
            let id = HostId(number);
            let host = Host::new(id, plan.clone(), scenario);
            world.hosts.insert(id, host);
            let joins =
                |(_, host, fault): &(Instant, HostId, Fault)| *host == id && *fault == Fault::Join;
            if !scenario.faults.iter().any(joins) {
                world.queue.at(Instant::ZERO, Event::Fault(id, Fault::Join));
            }
        }
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
            clippy::expect_used,
            reason = "hosts are made at the start and never removed"
        )]
        self.hosts.get_mut(&id).expect("a host of the scenario")
    }

    fn is_over(&self) -> bool {
        let faults_done = |host: &Host| !matches!(host.presence, crate::host::Presence::Away);
        let done = |host: &Host| !host.must_finish() || host.counts.done_at.is_some();
        self.hosts
            .values()
            .all(|host| faults_done(host) && done(host))
    }

    fn on_event(&mut self, event: Event) {
        let now = self.now();
        let touched = match event {
            Event::Deliver(letter) => {
                let Letter { from, to, .. } = letter;
                self.note(1, to.0, from.0);
                if self.sessions.get(&pair(from, to)) == Some(&letter.session) {
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
            Event::Arrived(segment) => {
                let host = self.host(segment.to);
                let start = host.downlink_free.max(now);
                host.downlink_free = start + transfer_time(segment.bytes, host.plan.down);
                let at = host.downlink_free;
                self.queue.at(at, Event::Received(segment));
                segment.to
            }
            Event::Received(segment) => {
                self.note(2, segment.to.0, segment.from.0);
                if self.sessions.get(&pair(segment.from, segment.to)) == Some(&segment.session) {
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
                .map(|(id, host)| (*id, report(host)))
                .collect(),
        }
    }
}

/// Two hosts in either order.
fn pair(a: HostId, b: HostId) -> (HostId, HostId) {
    (a.min(b), a.max(b))
}
