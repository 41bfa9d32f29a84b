//! Probes: datagrams on a link that show how long a packet waits on the way.
//!
//! Whoever gets an *ask* sends its stamp back at once as an *echo*. The stamp is the asker's own
//! business. A datagram of any other form is skipped.

/// Bytes of a probe.
pub const PROBE_BYTES: usize = 9;
const ASK: u8 = 1;
const ECHO: u8 = 2;

/// One probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Send it back.
    Ask(u64),
    /// It is back.
    Echo(u64),
}

impl Probe {
    /// The datagram.
    #[must_use]
    pub fn encode(self) -> [u8; PROBE_BYTES] {
        let (kind, stamp) = match self {
            Self::Ask(stamp) => (ASK, stamp),
            Self::Echo(stamp) => (ECHO, stamp),
        };
        let [a, b, c, d, e, f, g, h] = stamp.to_le_bytes();
        [kind, a, b, c, d, e, f, g, h]
    }

    /// Reads a datagram; `None` when it is no probe.
    #[must_use]
    pub fn decode(datagram: &[u8]) -> Option<Self> {
        let (kind, stamp) = datagram.split_first()?;
        let stamp = u64::from_le_bytes(stamp.try_into().ok()?);
        match *kind {
            ASK => Some(Self::Ask(stamp)),
            ECHO => Some(Self::Echo(stamp)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let ask = Probe::Ask(0x0102_0304_0506_0708).encode();
        assert_eq!(ask, [1, 8, 7, 6, 5, 4, 3, 2, 1]);
        for probe in [Probe::Ask(7), Probe::Echo(u64::MAX)] {
            assert_eq!(Probe::decode(&probe.encode()), Some(probe));
        }
        for other in [&[][..], &[0], &[1; 8], &[1; 10], &[3; 9]] {
            assert_eq!(Probe::decode(other), None);
        }
    }
}
