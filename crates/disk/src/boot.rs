//! [`BootId`]: tells whether the machine was restarted since something was written down.
//!
//! Bytes that were written but not synced survive a killed process, not a restart.

/// One run of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId([u8; 16]);

impl BootId {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The current run; `None` where the system does not tell, which must be taken for *restarted*.
    #[must_use]
    pub fn current() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
            Self::parse(text.trim())
        }
        #[cfg(windows)]
        {
            crate::windows::run_id().ok().map(Self)
        }
        #[cfg(not(any(target_os = "linux", windows)))]
        None
    }

    /// A UUID in its usual form.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "no other system tells in this form")
    )]
    fn parse(uuid: &str) -> Option<Self> {
        let digits: String = uuid.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 || digits.starts_with('+') {
            return None;
        }
        let number = u128::from_str_radix(&digits, 16).ok()?;
        Some(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids() {
        let id = BootId::parse("00112233-4455-6677-8899-aabbccddeeff").unwrap();
        assert_eq!(id.as_bytes()[..3], [0, 0x11, 0x22]);
        for bad in ["", "+0112233-4455-6677-8899-aabbccddeeff", "0-1", "äö"] {
            assert_eq!(BootId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn one_run_has_one_id() {
        assert!(BootId::current().is_some());
        assert_eq!(BootId::current(), BootId::current());
    }
}
