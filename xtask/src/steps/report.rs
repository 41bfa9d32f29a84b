//! What came of the steps: counts, times, and the table of them.

use std::{fmt, time::Duration};

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Tally {
    /// One check that passed or failed.
    pub(crate) fn one(passed: bool) -> Self {
        Self {
            passed: u32::from(passed),
            failed: u32::from(!passed),
            skipped: 0,
        }
    }

    /// Some checks that could not run.
    pub(crate) fn skipped(count: u32) -> Self {
        Self {
            skipped: count,
            ..Self::default()
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The table that ends a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(&'static str, Tally, Duration)>,
}

impl Report {
    /// Notes what came of a step.
    pub(crate) fn add(&mut self, step: &'static str, tally: Tally, took: Duration) {
        self.rows.push((step, tally, took));
    }

    /// All steps together.
    pub(crate) fn total(&self) -> Tally {
        self.rows
            .iter()
            .fold(Tally::default(), |sum, (_, tally, _)| sum + *tally)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, seconds) = ("step", "seconds");
        writeln!(f, "{step:<16} passed failed skipped {seconds:>8}")?;
        for (step, tally, took) in &self.rows {
            let Tally {
                passed,
                failed,
                skipped,
            } = tally;
            let seconds = took.as_secs_f64();
            writeln!(
                f,
                "{step:<16} {passed:>6} {failed:>6} {skipped:>7} {seconds:>8.1}"
            )?;
        }
        let seconds: f64 = self
            .rows
            .iter()
            .map(|(_, _, took)| took.as_secs_f64())
            .sum();
        writeln!(f, "{:<16} {:>21} {seconds:>8.1}", "all", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line() {
        let mut report = Report::default();
        report.add("a", Tally::one(true), Duration::from_millis(1500));
        report.add("b", Tally::one(false), Duration::ZERO);
        report.add("c", Tally::skipped(3), Duration::ZERO);
        let total = report.total().to_string();
        assert_eq!(total, "1 passed, 1 failed, 3 skipped");
        let table = report.to_string();
        assert!(table.contains("a                     1      0       0      1.5\n"));
        assert!(table.lines().all(|line| line.len() == 47), "{table}");
    }
}
