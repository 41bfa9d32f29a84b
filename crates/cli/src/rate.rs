//! Rates as people type them: `10MB/s`, `100mbit`, `off`.

use std::{fmt, str::FromStr};

use lanspread_api::{amount::Bytes, types::command::RateLimit};

/// A limit in bytes per second, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) Option<u64>);

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateError(String);

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no rate; expected for example 10MB/s, 512KiB/s, 100mbit or off",
            self.0
        )
    }
}

impl std::error::Error for RateError {}

/// Unit in lower case, and what one of it is in bits per second.
const UNITS: [(&str, u64); 10] = [
    ("b", 8),
    ("kb", 8_000),
    ("mb", 8_000_000),
    ("gb", 8_000_000_000),
    ("kib", 8 << 10),
    ("mib", 8 << 20),
    ("gib", 8 << 30),
    ("kbit", 1_000),
    ("mbit", 1_000_000),
    ("gbit", 1_000_000_000),
];

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let lower = text.trim().to_ascii_lowercase();
        if matches!(lower.as_str(), "off" | "none" | "unlimited") {
            return Ok(Self(None));
        }
        let bytes = amount(&lower).filter(|&bytes| bytes > 0);
        bytes
            .map(|bytes| Self(Some(bytes)))
            .ok_or_else(|| RateError(text.to_owned()))
    }
}

/// Bytes, or bytes per second, of a number with a unit in lower case.
pub(crate) fn amount(lower: &str) -> Option<u64> {
    let split = lower.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = lower.split_at(split);
    let unit = unit.trim();
    let unit = unit
        .strip_suffix("/s")
        .or_else(|| unit.strip_suffix("ps"))
        .unwrap_or(unit);
    let (_, bits) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 3 {
        return None;
    }
    let thousandths = fraction.parse::<u64>().ok()? * 10_u64.pow(3 - digits(fraction)?);
    let amount = whole.parse::<u64>().ok()?.checked_mul(1_000)?;
    let bits = amount.checked_add(thousandths)?.checked_mul(*bits)?;
    Some(bits / 8_000)
}

fn digits(text: &str) -> Option<u32> {
    u32::try_from(text.len()).ok()
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rate) => f.pad(&format!("{}/s", Bytes(rate))),
            None => f.pad("off"),
        }
    }
}

impl Rate {
    /// The form that reads back as exactly the same, for `config.toml`.
    pub(crate) fn exact(self) -> String {
        self.0
            .map_or_else(|| "off".to_owned(), |rate| format!("{rate}B/s"))
    }
}

impl From<Rate> for RateLimit {
    fn from(rate: Rate) -> Self {
        rate.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(text.parse(), Ok(Rate(expected)), "{text}");
        };
        check("10MB/s", Some(10_000_000));
        check("10 mb/s", Some(10_000_000));
        check("1.5MB/s", Some(1_500_000));
        check("0.125GB", Some(125_000_000));
        check("512KiB/s", Some(512 << 10));
        check("100mbit", Some(12_500_000));
        check("1Gbit/s", Some(125_000_000));
        check("100Mbps", Some(12_500_000 * 8));
        check("7B/s", Some(7));
        check("off", None);
        check("OFF", None);
    }

    #[test]
    fn refused() {
        let too_much = format!("{}GB/s", u64::MAX);
        for text in [
            "",
            "10",
            "MB/s",
            "-1MB/s",
            "1.MB/s",
            "1.2345MB/s",
            "1.2.3MB",
            "0MB/s",
            "10MBs",
            "10 parsecs",
            "1e3MB/s",
            &too_much,
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn exact_form_reads_back() {
        for rate in [None, Some(1), Some(1_234_567), Some(u64::from(u32::MAX))] {
            assert_eq!(Rate(rate).exact().parse(), Ok(Rate(rate)));
        }
    }
}
