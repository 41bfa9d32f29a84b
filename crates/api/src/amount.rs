//! [`Bytes`]: an amount as people read it, `59.6 GB`.

use std::fmt;

/// An amount of bytes; shown in decimal units with three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        let text = if self.0 < 1_000 {
            format!("{} B", self.0)
        } else {
            // Rounding may carry into the next unit: 999.96 kB is 1.0 MB.
            let mut unit_bytes = 1_000_u128;
            let mut shown = String::new();
            for unit in UNITS {
                let tenths = (u128::from(self.0) * 10 + unit_bytes / 2) / unit_bytes;
                let whole = (u128::from(self.0) + unit_bytes / 2) / unit_bytes;
                if tenths < 1_000 {
                    shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
                    break;
                }
                if whole < 1_000 {
                    shown = format!("{whole} {unit}");
                    break;
                }
                unit_bytes *= 1_000;
            }
            shown
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let check = |bytes: u64, expected: &str| assert_eq!(Bytes(bytes).to_string(), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(99_949, "99.9 kB");
        check(99_950, "100 kB");
        check(999_499, "999 kB");
        check(999_500, "1.0 MB");
        check(59_600_000_000, "59.6 GB");
        check(u64::MAX, "18.4 EB");
        assert_eq!(format!("{:>8}", Bytes(1_000)), "  1.0 kB");
    }
}
