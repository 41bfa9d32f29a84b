//! Medians and the table of them.

use super::meter::Cost;

/// All runs of one contender.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) costs: Vec<Cost>,
}

/// The table of one set of files, in Markdown; the first row is what others are compared with.
pub(super) fn table(bytes: u64, rows: &[Row]) -> String {
    let floor = rows.first().map_or(f64::NAN, |row| rate(bytes, row).1);
    let mut text = String::from(
        "| | runs | GB/s: median (least to most) | of raw | CPU s/GB | peak MiB: sender, receiver \
         |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        text.push_str(&line(bytes, floor, row));
    }
    text
}

fn line(bytes: u64, floor: f64, row: &Row) -> String {
    let (least, middle, most) = rate(bytes, row);
    let cpu = median(row.costs.iter().map(|cost| cost.cpu_seconds / giga(bytes)));
    let peak = |of: fn(&Cost) -> u64| row.costs.iter().map(of).max().unwrap_or(0) / 1024;
    format!(
        "| {} | {} | **{middle:.2}** ({least:.2} to {most:.2}) | {:.2} | {cpu:.2} | {}, {} |\n",
        row.name,
        row.costs.len(),
        middle / floor,
        peak(|cost| cost.sender_kib),
        peak(|cost| cost.receiver_kib),
    )
}

/// Least, median and most GB/s.
fn rate(bytes: u64, row: &Row) -> (f64, f64, f64) {
    let rates = || row.costs.iter().map(|cost| giga(bytes) / cost.seconds);
    let least = rates().fold(f64::INFINITY, f64::min);
    let most = rates().fold(0.0, f64::max);
    (least, median(rates()), most)
}

/// 10⁹ bytes.
fn giga(bytes: u64) -> f64 {
    // Up to 2⁵³ exactly.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a figure of three digits is made of it"
    )]
    let bytes = bytes as f64;
    bytes / 1e9
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or(f64::NAN);
    let lower = middle.checked_sub(1).and_then(|index| sorted.get(index));
    match lower {
        Some(lower) if sorted.len() & 1 == 0 => f64::midpoint(*lower, upper),
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let check = |values: &[f64], expected: f64| {
            assert_eq!(median(values.iter().copied()).to_bits(), expected.to_bits());
        };
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        check(&[7.0], 7.0);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn compared_with_the_first() {
        let row = |name, seconds: f64| Row {
            name,
            costs: vec![Cost {
                seconds,
                cpu_seconds: 2.0,
                sender_kib: 2048,
                receiver_kib: 10_240,
            }],
        };
        let text = table(2_000_000_000, &[row("raw", 1.0), row("other", 4.0)]);
        assert!(text.contains("| raw | 1 | **2.00** (2.00 to 2.00) | 1.00 | 1.00 | 2, 10 |\n"));
        assert!(text.contains("| other | 1 | **0.50** (0.50 to 0.50) | 0.25 | 1.00 | 2, 10 |\n"));
    }
}
