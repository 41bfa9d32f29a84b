//! [`HostName`]: a name by which pages reach this machine besides its addresses.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

/// Names that a control server answers to at most.
pub const HOST_NAMES_MAX: usize = 16;
/// Letters of a name, and of each part of it, that DNS knows.
const LETTERS_MAX: usize = 253;
/// See [`LETTERS_MAX`].
const PART_LETTERS_MAX: usize = 63;

/// A name by which pages reach this machine besides its addresses, such as `seedbox.lan`: in small
/// letters, without a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is no name of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// It is empty or too long, or a part of it is.
    #[error("a name has 1 to 253 letters, and each part between dots 1 to 63")]
    Length,
    /// It holds something that no name holds, a port for example.
    #[error("a name has letters, digits and hyphens, in parts between dots, and no port")]
    Letter,
    /// Addresses are answered to anyhow.
    #[error("this is an address; addresses need not be named")]
    Address,
    /// There are more than [`HOST_NAMES_MAX`].
    #[error("at most 16 names are answered to")]
    TooMany,
}

impl HostName {
    /// As many as are answered to.
    ///
    /// # Errors
    ///
    /// There are more than [`HOST_NAMES_MAX`].
    pub fn check_count(names: Vec<Self>) -> Result<Vec<Self>, HostNameError> {
        if names.len() > HOST_NAMES_MAX {
            return Err(HostNameError::TooMany);
        }
        Ok(names)
    }

    /// The name in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request means it.
    pub(crate) fn is(&self, named: &str) -> bool {
        self.0.eq_ignore_ascii_case(named)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let fits = |part: &str, most: usize| (1..=most).contains(&part.len());
        if !fits(text, LETTERS_MAX) || !text.split('.').all(|part| fits(part, PART_LETTERS_MAX)) {
            return Err(HostNameError::Length);
        }
        let is_part = |part: &str| {
            let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            part.bytes().all(known) && !part.starts_with('-') && !part.ends_with('-')
        };
        if !text.split('.').all(is_part) {
            return Err(HostNameError::Letter);
        }
        // A browser may read any name that ends in a number as an IPv4 address.
        let last = text.rsplit('.').next().unwrap_or_default();
        if text.parse::<Ipv4Addr>().is_ok() || last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(HostNameError::Address);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, HostNameError> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, expected: Result<&str, HostNameError>| {
            let parsed = text.parse::<HostName>();
            assert_eq!(
                parsed.as_ref().map(HostName::as_str),
                expected.as_ref().copied(),
                "{text}"
            );
        };
        check("seedbox", Ok("seedbox"));
        check("SeedBox.LAN", Ok("seedbox.lan"));
        check("pc-7.party.example", Ok("pc-7.party.example"));
        check("", Err(HostNameError::Length));
        check("a..b", Err(HostNameError::Length));
        check("a.", Err(HostNameError::Length));
        check(&"a".repeat(64), Err(HostNameError::Length));
        check(&"a.".repeat(127), Err(HostNameError::Length));
        for text in [
            "a:80", "a b", "a/b", "*.lan", "-a", "a-", "ä.lan", "[::1]", "a_b", "u@a",
        ] {
            check(text, Err(HostNameError::Letter));
        }
        for text in ["192.168.0.1", "1", "0x7f.1", "pc.7"] {
            check(text, Err(HostNameError::Address));
        }
        assert!("seedbox.lan".parse::<HostName>().unwrap().is("SEEDBOX.lan"));
    }
}
