//! [`Goodbye`] as QUIC close codes: the reason arrives also when the control stream is stuck.

use lanspread_proto::wire::link::Goodbye;
use quinn::VarInt;

/// The close codes of QUIC that say the same as a [`Goodbye`]; 0 says nothing.
const GOODBYE_CODES: [(Goodbye, u32); 7] = [
    (Goodbye::Leaving, 1),
    (Goodbye::Duplicate, 2),
    (Goodbye::Version, 3),
    (Goodbye::Violation, 4),
    (Goodbye::Blocked, 5),
    (Goodbye::Full, 6),
    (Goodbye::Clone, 7),
];

pub(crate) fn goodbye_code(reason: Goodbye) -> u32 {
    let mut codes = GOODBYE_CODES.iter();
    codes
        .find(|(goodbye, _)| *goodbye == reason)
        .map_or(0, |(_, code)| *code)
}

pub(super) fn goodbye_of(code: VarInt) -> Option<Goodbye> {
    let mut codes = GOODBYE_CODES.iter();
    codes
        .find(|(_, known)| VarInt::from_u32(*known) == code)
        .map(|(goodbye, _)| *goodbye)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own() {
        for (reason, code) in GOODBYE_CODES {
            assert_eq!(
                goodbye_of(VarInt::from_u32(goodbye_code(reason))),
                Some(reason)
            );
            assert_ne!(code, 0, "0 says nothing");
        }
        assert_eq!(goodbye_of(VarInt::from_u32(0)), None);
        assert_eq!(goodbye_of(VarInt::MAX), None);
    }
}
