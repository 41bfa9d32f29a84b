//! What a swarm reached, and the tables of it.

use std::time::Duration;

use super::Plan;

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// When each host was done, shortest first.
    pub(super) done: Vec<Duration>,
    /// Payload bytes that the seeders sent.
    pub(super) sent_bytes: Vec<u64>,
    /// Bytes with headers that the first seeder sent.
    pub(super) sent_wire: u64,
    /// Median and 99 % of the round trips between two that fetch.
    pub(super) ping_between: Option<(Duration, Duration)>,
    /// The same from one that fetches to the seeder.
    pub(super) ping_seeder: Option<(Duration, Duration)>,
    /// Processor seconds of the whole machine.
    pub(super) cpu_seconds: f64,
}

/// The head of the table.
pub(super) const HEAD: &str = "\
| scenario | runs | last: s, of the bound | median host, of the bound | seeders send, in copies \
| on the wire | ping between two that fetch, p50/p99 ms | ping to the seeder \
| CPU s/GB delivered |\n\
|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";

/// One line of it: medians over the runs.
pub(super) fn line(plan: Plan, bytes: u64, outcomes: &[Outcome]) -> String {
    let bound = plan.bound(bytes).as_secs_f64();
    let copies = |sent: u64| as_f64(sent) / as_f64(bytes);
    let over = |of: &dyn Fn(&Outcome) -> f64| median(outcomes.iter().map(of));
    let last = over(&|o| o.done.last().map_or(f64::NAN, Duration::as_secs_f64));
    let middle = over(&|o| median(o.done.iter().map(Duration::as_secs_f64)));
    let seeders = outcomes.first().map_or(0, |o| o.sent_bytes.len());
    let sent: Vec<String> = (0..seeders)
        .map(|i| over(&|o| copies(o.sent_bytes.get(i).copied().unwrap_or(0))))
        .map(|copies| format!("{copies:.2}"))
        .collect();
    let delivered = as_f64(bytes * u64::from(plan.guests())) / 1e9;
    format!(
        "| {} | {} | {last:.2}, **{:.3}** | {:.3} | {} | {:.2} | {} | {} | {:.2} |\n",
        plan.name(),
        outcomes.len(),
        last / bound,
        middle / bound,
        sent.join(", "),
        over(&|o| copies(o.sent_wire)),
        pings(outcomes, |o| o.ping_between),
        pings(outcomes, |o| o.ping_seeder),
        over(&|o| o.cpu_seconds) / delivered,
    )
}

fn pings(outcomes: &[Outcome], of: impl Fn(&Outcome) -> Option<(Duration, Duration)>) -> String {
    let millis = |pick: fn((Duration, Duration)) -> Duration| {
        let trips = outcomes.iter().filter_map(&of).map(pick);
        median(trips.map(|trip| trip.as_secs_f64() * 1e3))
    };
    let (middle, most) = (millis(|p| p.0), millis(|p| p.1));
    match middle.is_nan() {
        true => "–".to_string(),
        false => format!("{middle:.2} / {most:.2}"),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied();
    match (lower, upper) {
        (Some(lower), Some(upper)) => f64::midpoint(lower, upper),
        _ => f64::NAN,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure of three digits is made of it"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_medians() {
        let bytes = 512 << 20;
        let bound = Plan::Swarm8.bound(bytes);
        let outcome = |slow: u32| Outcome {
            done: vec![bound, bound * slow],
            sent_bytes: vec![bytes * 2],
            sent_wire: bytes,
            ping_between: Some((Duration::from_millis(1), Duration::from_millis(5))),
            ping_seeder: None,
            cpu_seconds: 4.3,
        };
        let text = line(Plan::Swarm8, bytes, &[outcome(2), outcome(4), outcome(3)]);
        assert!(text.starts_with("| swarm8 | 3 | 67."), "{text}");
        assert!(
            text.contains("**3.000** | 2.000 | 2.00 | 1.00 | 1.00 / 5.00 | – | 1.00 |"),
            "{text}"
        );
    }
}
