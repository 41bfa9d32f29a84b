//! How much may be outstanding at one peer: enough for its rate, and no more.

use core::time::Duration;

use crate::time::transfer_bytes;

/// A request waits about this long at its sender: long enough to hide any round trip, short
/// enough that the end of a download does not wait for a slow peer.
pub(super) const HORIZON: Duration = Duration::from_millis(250);
/// Before anything is measured, and while little is: keeps an unlimited link busy from the start.
pub(super) const WINDOW_START: u64 = 4 * 1024 * 1024;

/// Bytes that may be outstanding at a peer of this rate; at least two pieces.
pub(super) fn window(measured: Option<u64>, hint: Option<u64>, piece_max: u64, most: u64) -> u64 {
    let least = (2 * piece_max).min(most);
    let wish = match (measured, hint) {
        (Some(rate), _) => transfer_bytes(HORIZON, rate),
        (None, Some(hint)) => transfer_bytes(HORIZON, hint).min(4 * WINDOW_START),
        (None, None) => WINDOW_START,
    };
    wish.clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_with_the_rate() {
        const MIB: u64 = 1 << 20;
        let check = |measured, hint, expected| {
            assert_eq!(window(measured, hint, MIB, 64 * MIB), expected);
        };
        check(None, None, 4 * MIB);
        check(None, Some(1_250_000_000), 16 * MIB);
        check(Some(100_000), None, 2 * MIB);
        check(Some(40 * MIB), None, 10 * MIB);
        check(Some(4_000 * MIB), None, 64 * MIB);
        assert_eq!(window(None, None, MIB, MIB), MIB);
    }
}
