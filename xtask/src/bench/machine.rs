//! What the machine is, for the page.

use std::{fs, process::Command};

use crate::process;

/// One line: processor, cores, memory, kernel.
pub(super) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let value = |text: &str, key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.trim().strip_prefix(':'))
            .map_or("unknown", str::trim)
            .to_string()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib = value(&memory, "MemTotal");
    let kib: u64 = kib.trim_end_matches(" kB").parse().unwrap_or(0);
    let kernel = process::output(Command::new("uname").arg("-sr")).unwrap_or_default();
    format!(
        "{}, {cores} cores for both hosts, {} GiB, {}",
        value(&processors, "model name"),
        (kib + (1 << 19)) >> 20,
        kernel.trim()
    )
}

/// Today, as `2026-01-31`.
pub(super) fn today() -> String {
    let printed = process::output(Command::new("date").args(["-u", "+%F"]));
    printed.unwrap_or_default().trim().to_string()
}

/// Bytes of memory that can still be used.
pub(super) fn free_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
