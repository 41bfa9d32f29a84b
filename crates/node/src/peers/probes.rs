//! The probes of one link: answers those of the peer, and tells how long ours took.
//!
//! Invariant: a peer gets at most [`ANSWERS_PER_SECOND`] answers a second; an answer is as long as
//! its question.

use std::time::Duration;

use bytes::Bytes;
use lanspread_net::LinkSender;
use lanspread_proto::{PeerId, wire::Probe};
use lanspread_swarm::{bucket::Bucket, time::Instant};
use tokio::sync::mpsc;

use crate::clock::Clock;

/// Twice what one peer asks for at most.
const ANSWERS_PER_SECOND: u32 = 400;
/// An echo later than this says nothing about a queue.
const TRIP_MAX: Duration = Duration::from_secs(2);

/// How long a probe took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoundTrip {
    pub(crate) peer: PeerId,
    pub(crate) trip: Duration,
}

/// Sends a probe; it may be lost.
pub(super) fn ask(link: &LinkSender, clock: Clock) {
    send(link, Probe::Ask(clock.now().as_nanos()));
}

/// Runs until the link ends.
pub(super) async fn run(link: LinkSender, clock: Clock, told: mpsc::Sender<RoundTrip>) {
    let span = Duration::from_secs(1);
    let mut answers = Bucket::new(ANSWERS_PER_SECOND, span, ANSWERS_PER_SECOND);
    while let Ok(datagram) = link.recv_datagram().await {
        let now = clock.now();
        match Probe::decode(&datagram) {
            Some(Probe::Ask(stamp)) if answers.take(now) => send(&link, Probe::Echo(stamp)),
            Some(Probe::Echo(stamp)) => {
                let trip = now.since(Instant::from_nanos(stamp));
                if trip > Duration::ZERO && trip < TRIP_MAX {
                    let peer = link.peer();
                    // One of many: when nobody has time for it, nothing is lost.
                    told.try_send(RoundTrip { peer, trip }).ok();
                }
            }
            Some(Probe::Ask(_)) | None => {}
        }
    }
}

fn send(link: &LinkSender, probe: Probe) {
    // Whoever takes no datagrams is not measured.
    drop(link.send_datagram(Bytes::copy_from_slice(&probe.encode())));
}
