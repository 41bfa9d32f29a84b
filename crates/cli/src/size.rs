//! Amounts as people type them: `500GB`, `20GiB`, `off`.

use std::{fmt, str::FromStr};

use lanspread_api::amount::Bytes;

use crate::rate;

/// An amount of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) u64);

/// A limit of an amount, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota(pub(crate) Option<u64>);

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SizeError(String);

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no amount; expected for example 500GB or 20GiB",
            self.0
        )
    }
}

impl std::error::Error for SizeError {}

impl FromStr for Amount {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let lower = text.trim().to_ascii_lowercase();
        let is_rate = lower.ends_with("bit") || lower.ends_with("/s");
        let bytes = rate::amount(&lower).filter(|_| !is_rate);
        bytes.map(Self).ok_or_else(|| SizeError(text.to_owned()))
    }
}

impl FromStr for Quota {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        match text.trim() {
            "off" => Ok(Self(None)),
            amount => amount.parse().map(|Amount(bytes)| Self(Some(bytes))),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes(self.0).fmt(f)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => Bytes(bytes).fmt(f),
            None => f.pad("off"),
        }
    }
}

impl Amount {
    /// The form that reads back as exactly the same.
    pub(crate) fn exact(self) -> String {
        format!("{}B", self.0)
    }
}

impl Quota {
    /// The form that reads back as exactly the same.
    pub(crate) fn exact(self) -> String {
        self.0
            .map_or_else(|| "off".to_owned(), |bytes| Amount(bytes).exact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let check = |text: &str, expected: Option<u64>| {
            let parsed = text.parse::<Amount>().ok().map(|amount| amount.0);
            assert_eq!(parsed, expected, "{text}");
        };
        check("500GB", Some(500_000_000_000));
        check("1.5 mb", Some(1_500_000));
        check("20GiB", Some(20 << 30));
        check("0B", Some(0));
        check("7B", Some(7));
        for text in ["", "7", "GB", "10MB/s", "100mbit", "-1GB", "off", "1e9B"] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for quota in [None, Some(0), Some(1_234_567)] {
            assert_eq!(Quota(quota).exact().parse(), Ok(Quota(quota)));
        }
    }
}
