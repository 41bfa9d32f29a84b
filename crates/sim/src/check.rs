//! What must hold after a run, apart from what the scenario is.

use std::time::Duration;

use crate::{
    scenario::Scenario,
    wire::{HostId, Role},
    world::{Blame, HostReport, Report},
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
    /// The seeders sent so many per mille of the content.
    SeederSent(u64),
    /// So many per mille of the content entered one switch.
    Inflow(u64),
    /// The first took so many bad pieces from the second.
    Fooled(HostId, HostId, u64),
    /// The first took a bad piece from the second, and would take more.
    Forgave(HostId, HostId),
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
    violations.extend(report.blames.iter().filter_map(check_blame));
    // Not in whole per mille: half a per mille too much is too much.
    if waste(report) * 1_000 > scenario.waste_permille * received(report) {
        violations.push(Violation::Waste(waste_permille(report)));
    }
    let sent = seeder_permille(scenario, report);
    if scenario.seeder_permille.is_some_and(|most| sent > most) {
        violations.push(Violation::SeederSent(sent));
    }
    let inflow = inflow_permille(scenario, report);
    if scenario.inflow_permille.is_some_and(|most| inflow > most) {
        violations.push(Violation::Inflow(inflow));
    }
    violations
}

/// What was complete when the first lie was found is thrown away with it.
const BAD_PIECES_MAX: u64 = 2;

fn check_blame(blame: &Blame) -> Option<Violation> {
    if blame.pieces > BAD_PIECES_MAX {
        return Some(Violation::Fooled(blame.by, blame.liar, blame.pieces));
    }
    (!blame.refused).then_some(Violation::Forgave(blame.by, blame.liar))
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

/// When so many per cent of all that got everything had it, over the best possible time.
#[must_use]
pub fn done_permille(scenario: &Scenario, report: &Report, per_cent: usize) -> u64 {
    let done = report.hosts.values().filter_map(|host| host.done_at);
    let mut done: Vec<_> = done.collect();
    done.sort_unstable();
    let at = (done.len() * per_cent / 100).min(done.len().saturating_sub(1));
    let at = done.get(at).copied().unwrap_or_default();
    permille(at.since(lanspread_swarm::Instant::ZERO), scenario.bound)
}

/// Bytes that arrived and were not stored, in per mille of all that arrived.
#[must_use]
pub fn waste_permille(report: &Report) -> u64 {
    waste(report) * 1_000 / received(report).max(1)
}

/// Bytes that arrived and were not stored.
#[must_use]
pub fn waste(report: &Report) -> u64 {
    let stored: u64 = report.hosts.values().map(|host| host.stored_bytes).sum();
    received(report).saturating_sub(stored)
}

/// Bytes that arrived.
#[must_use]
pub fn received(report: &Report) -> u64 {
    report.hosts.values().map(|host| host.received_bytes).sum()
}

/// What the seeders of the beginning sent, over the content.
#[must_use]
pub fn seeder_permille(scenario: &Scenario, report: &Report) -> u64 {
    let seeders = report.hosts.values();
    let seeders = seeders.filter(|host| host.role == Role::Seeder);
    let sent: u64 = seeders.map(|host| host.sent_bytes).sum();
    sent * 1_000 / scenario.total_bytes().max(1)
}

/// The most that entered one switch from others, over the content.
#[must_use]
pub fn inflow_permille(scenario: &Scenario, report: &Report) -> u64 {
    let most = report.inflow_bytes.iter().max().copied().unwrap_or(0);
    most * 1_000 / scenario.total_bytes().max(1)
}

fn permille(time: Duration, bound: Duration) -> u64 {
    let permille = time.as_nanos() * 1_000 / bound.as_nanos().max(1);
    u64::try_from(permille).unwrap_or(u64::MAX)
}
