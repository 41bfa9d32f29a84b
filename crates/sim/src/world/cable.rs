//! The cables behind an uplink: those between switches, and a host's downlink.
//!
//! Each passes on what comes first, at its rate; a segment's first byte goes on before its last is
//! there, as through a switch.

use std::collections::BTreeMap;

use lanspread_swarm::{Instant, time::transfer_time};

use super::{Event, World};
use crate::wire::Segment;

/// Where a segment is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cable {
    /// From the sender's switch to the others.
    Out,
    /// To the receiver's switch.
    In,
    /// To the receiver.
    Down,
}

/// The cables between switches.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    free: BTreeMap<(Cable, u32), Instant>,
    inflow: BTreeMap<u32, u64>,
}

impl Trunks {
    /// Bytes that entered each switch from others.
    pub(super) fn inflows(&self) -> impl Iterator<Item = u64> + '_ {
        self.inflow.values().copied()
    }
}

impl World<'_> {
    /// The first byte of a segment comes to a cable.
    pub(super) fn pass_on(&mut self, mut segment: Segment, cable: Cable) {
        let now = self.now();
        let from = self.host(segment.from).plan.switch;
        let to = self.host(segment.to).plan.switch;
        let (next, rate, switch) = match cable {
            Cable::Out => (Cable::In, self.scenario.trunk, from),
            Cable::In => (Cable::Down, self.scenario.trunk, to),
            Cable::Down => return self.come_down(segment),
        };
        if from == to {
            return self.pass_on(segment, Cable::Down);
        }
        if cable == Cable::In {
            *self.trunks.inflow.entry(to).or_default() += segment.bytes;
        }
        let free = self.trunks.free.entry((cable, switch)).or_default();
        let start = now.max(*free);
        if let Some(rate) = rate {
            *free = start + transfer_time(segment.bytes, rate);
            segment.tail = segment.tail.max(*free);
        }
        self.queue.at(start, Event::Comes(segment, next));
    }

    fn come_down(&mut self, segment: Segment) {
        let now = self.now();
        let sender_latency = self.host(segment.from).plan.latency;
        let host = self.host(segment.to);
        let start = now.max(host.downlink_free);
        host.downlink_free = start + transfer_time(segment.bytes, host.plan.down);
        let latency = host.plan.latency + sender_latency;
        let at = host.downlink_free.max(segment.tail + latency);
        self.queue.at(at, Event::Received(segment));
    }
}
