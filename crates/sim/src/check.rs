//! What must hold after a run, apart from what the scenario is.

use std::time::Duration;

use crate::{
    scenario::Scenario,
    wire::HostId,
    world::{HostReport, Report},
};

/// Something that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Bad pieces were stored.
    BadStored(HostId, u64),
    /// It was there to the end and never had everything.
    NotDone(HostId),
    /// It took so many per mille of the best possible time.
    Late(HostId, u64),
    /// So many per mille of what arrived was in vain.
    Waste(u64),
    /// Bytes came that were not granted.
    Ungranted(HostId, u64),
}

/// All that is wrong with a run.
#[must_use]
pub fn check(scenario: &Scenario, report: &Report) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, host) in &report.hosts {
        if host.bad_stored > 0 {
            violations.push(Violation::BadStored(*id, host.bad_stored));
        }
        if host.ungranted_bytes > 0 {
            violations.push(Violation::Ungranted(*id, host.ungranted_bytes));
        }
        violations.extend(check_time(scenario, *id, host));
    }
    let waste = waste_permille(report);
    if waste > scenario.waste_permille {
        violations.push(Violation::Waste(waste));
    }
    violations
}

fn check_time(scenario: &Scenario, id: HostId, host: &HostReport) -> Option<Violation> {
    if !host.must_finish {
        return None;
    }
    let Some(done_at) = host.done_at else {
        return Some(Violation::NotDone(id));
    };
    let took = permille(
        done_at.since(lanspread_swarm::Instant::ZERO),
        scenario.bound,
    );
    (took > scenario.allowed_permille).then_some(Violation::Late(id, took))
}

/// The slowest host's time over the best possible one.
#[must_use]
pub fn time_permille(scenario: &Scenario, report: &Report) -> u64 {
    let done = report.hosts.values().filter_map(|host| host.done_at);
    let last = done.max().unwrap_or_default();
    permille(last.since(lanspread_swarm::Instant::ZERO), scenario.bound)
}

/// Bytes that arrived and were not stored.
#[must_use]
pub fn waste_permille(report: &Report) -> u64 {
    let received: u64 = report.hosts.values().map(|host| host.received_bytes).sum();
    let stored: u64 = report.hosts.values().map(|host| host.stored_bytes).sum();
    received.saturating_sub(stored) * 1_000 / received.max(1)
}

fn permille(time: Duration, bound: Duration) -> u64 {
    let permille = time.as_nanos() * 1_000 / bound.as_nanos().max(1);
    u64::try_from(permille).unwrap_or(u64::MAX)
}
