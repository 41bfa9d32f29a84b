//! How much memory is free: a decoder may keep half of it.

/// Bytes of memory that programs can still get; `None` where the system does not tell.
#[must_use]
pub fn available_bytes() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
    }
    #[cfg(windows)]
    {
        crate::windows::available_memory_bytes()
    }
    #[cfg(not(any(target_os = "linux", windows)))]
    None
}

#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "no other system tells in this form")
)]
fn parse(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says() {
        let check = |text: &str, expected| assert_eq!(parse(text), expected, "{text}");
        check(
            "MemTotal: 9 kB\nMemAvailable:    2048 kB\nCached: 1 kB\n",
            Some(2 << 20),
        );
        check("MemTotal: 9 kB\n", None);
        check("MemAvailable: many kB\n", None);
        check("MemAvailable: 18446744073709551615 kB\n", None);
    }
}
