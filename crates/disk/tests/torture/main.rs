//! The transactions on the file systems of this machine, with everything that can go wrong: killed
//! at each system call, each call failing, and the power cut in the middle.
//!
//! Run by `cargo test` it takes samples; `-- --long` (`cargo xtask torture`) takes them all. Each
//! suite first shows that it would notice: with a planted defect it must fail.
#![cfg(target_os = "linux")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops where the world is not as it should be"
)]

mod arena;
mod defects;
mod drive;
mod errors;
mod kills;
mod power;
#[expect(dead_code, reason = "shared with the tests on the disk in memory")]
#[path = "../transactions/scenario.rs"]
mod scenario;
#[path = "../transactions/seen.rs"]
mod seen;
mod trace;

use std::{
    panic::catch_unwind,
    process::ExitCode,
    time::{Duration, Instant},
};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A sample.
    Short,
    /// The figures that `docs/RELIABILITY.md` promises.
    Long,
}

/// What a suite did.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Score {
    /// Points that were tried; each ended old or new, whole.
    pub(crate) points: u64,
    /// Of them, ended new.
    pub(crate) new: u64,
    /// The longest recovery.
    pub(crate) recovery: Duration,
}

impl Score {
    pub(crate) fn add(&mut self, other: Self) {
        self.points += other.points;
        self.new += other.new;
        self.recovery = self.recovery.max(other.recovery);
    }
}

/// Tries everything; `None` where it cannot run, which was said.
type Suite = fn(Extent) -> Option<Score>;

const SUITES: [(&str, Suite); 6] = [
    ("kills_defect_is_noticed", kills::defect_is_noticed),
    ("kills", kills::run),
    ("errors_defect_is_noticed", errors::defect_is_noticed),
    ("errors", errors::run),
    ("power_ext4", power::ext4),
    ("power_xfs", power::xfs),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "drive") {
        return drive::run(&args[1..]);
    }
    if args.iter().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let long = args.iter().any(|arg| arg == "--long");
    let extent = if long { Extent::Long } else { Extent::Short };
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let chosen = SUITES.iter().filter(|(name, _)| {
        names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str()))
    });
    let (mut passed, mut failed) = (0, 0);
    for (name, suite) in chosen {
        let begun = Instant::now();
        match catch_unwind(|| suite(extent)) {
            Ok(score) => {
                passed += 1;
                tell(name, score, begun.elapsed());
            }
            Err(_) => {
                failed += 1;
                println!("test {name} ... FAILED");
            }
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored;");
    ExitCode::from(u8::from(failed > 0))
}

fn tell(name: &str, score: Option<Score>, took: Duration) {
    let Some(score) = score else {
        return println!("test {name} ... ok");
    };
    println!(
        "test {name} ... ok: {} points, {} new, the rest old, in {:.1} s; recovery at most {:.1} ms",
        score.points,
        score.new,
        took.as_secs_f64(),
        score.recovery.as_secs_f64() * 1e3,
    );
}

/// Says that a suite cannot run here, as the other tests do.
pub(crate) fn skip(name: &str, reason: &str) -> Option<Score> {
    eprintln!("skipped: {name}: {reason}");
    None
}
