//! Times as archives hold them.

/// From 1601 to 1970, in seconds.
const SECONDS_TO_1970: i64 = 11_644_473_600;

/// What packers write that keep no time, ours among them.
pub(super) const UNTOLD: u32 = 0;

/// Seconds since 1970 of a count of 100 ns since 1601, as Windows counts.
pub(super) fn since_1970(ticks: u64) -> Option<i64> {
    let seconds = i64::try_from(ticks / 10_000_000).ok()?;
    Some(seconds - SECONDS_TO_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_windows_are_read() {
        assert_eq!(since_1970(0), Some(-SECONDS_TO_1970));
        assert_eq!(since_1970(116_444_736_000_000_000), Some(0));
        // 2001-09-09 01:46:40 UTC.
        assert_eq!(since_1970(126_444_736_000_000_000), Some(1_000_000_000));
        assert!(since_1970(u64::MAX).is_some());
    }
}
