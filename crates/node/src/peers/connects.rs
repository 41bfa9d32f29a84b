//! People who wait for a typed address to answer.
//!
//! Invariant: everybody gets one answer, at the latest after [`WAIT_MAX`].

use std::{net::SocketAddr, time::Duration};

use lanspread_net::LinkError;
use lanspread_proto::PeerId;
use lanspread_swarm::time::Instant;

use super::dial::code_of;
use crate::{actor::Reply, error::OperationError};

/// Longest wait for an address: a handshake, a hello, and some.
const WAIT_MAX: Duration = Duration::from_secs(12);

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Connects {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    address: SocketAddr,
    until: Instant,
    reply: Reply<PeerId>,
}

impl Connects {
    /// Somebody waits for an address.
    pub(super) fn add(&mut self, now: Instant, address: SocketAddr, reply: Reply<PeerId>) {
        self.waiting.push(Waiting {
            address,
            until: now + WAIT_MAX,
            reply,
        });
    }

    /// A peer answered at one of these addresses, and its link is up.
    pub(super) fn on_up(&mut self, addresses: &[SocketAddr], peer: PeerId) {
        self.answer(|waiting| addresses.contains(&waiting.address), |_| Ok(peer));
    }

    /// A dial of these addresses failed.
    pub(super) fn on_failed(&mut self, addresses: &[SocketAddr], error: &LinkError) {
        let failed = |address| OperationError::Connect {
            address,
            code: code_of(error),
            reason: error.to_string(),
        };
        self.answer(
            |waiting| addresses.contains(&waiting.address),
            |address| Err(failed(address)),
        );
    }

    /// Who answers there cannot be used.
    pub(super) fn on_refused(
        &mut self,
        address: SocketAddr,
        code: &'static str,
        reason: &'static str,
    ) {
        let refused = |address| OperationError::Connect {
            address,
            code,
            reason: reason.to_owned(),
        };
        self.answer(
            |waiting| waiting.address == address,
            |address| Err(refused(address)),
        );
    }

    /// Time passed.
    pub(super) fn on_time(&mut self, now: Instant) {
        let late = |address| OperationError::Connect {
            address,
            code: "no-answer",
            reason: "no link came up in time".to_owned(),
        };
        self.answer(|waiting| waiting.until <= now, |address| Err(late(address)));
    }

    fn answer(
        &mut self,
        is_meant: impl Fn(&Waiting) -> bool,
        answer: impl Fn(SocketAddr) -> Result<PeerId, OperationError>,
    ) {
        for waiting in self.waiting.extract_if(.., |waiting| is_meant(waiting)) {
            // Who asked may have gone.
            drop(waiting.reply.send(answer(waiting.address)));
        }
    }
}
