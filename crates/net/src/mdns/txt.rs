//! The TXT record of a peer: who it is. Pure, and everything in it is hostile until parsed.

use lanspread_proto::{PeerId, wire::PROTOCOL_NEWEST};

/// The longest record that is looked at.
pub(crate) const TXT_BYTES_MAX: usize = 400;

/// What a peer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// The newest protocol it speaks.
    pub protocol: u16,
    /// Who it says it is; a dial proves it.
    pub peer: PeerId,
    /// Drawn at random at each start.
    pub boot: u64,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Txt {
    /// One of ours.
    LanSpread(Announcement),
    /// Of the earlier program with the same service name: none of our keys.
    Old,
    /// Our keys, but not what belongs in them, or too long.
    Damaged,
}

impl Announcement {
    /// Of this program.
    #[must_use]
    pub const fn own(peer: PeerId, boot: u64) -> Self {
        Self {
            protocol: PROTOCOL_NEWEST,
            peer,
            boot,
        }
    }

    /// The record's keys and values.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, String); 3] {
        [
            ("v", self.protocol.to_string()),
            ("id", self.peer.to_string()),
            ("boot", format!("{:016x}", self.boot)),
        ]
    }
}

/// Parses a record. Keys compare without case, and of two the first counts (RFC 6763 §6.4).
pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>) -> Txt {
    let mut found: [Option<&[u8]>; 3] = [None; 3];
    let mut bytes = 0_usize;
    for (key, value) in pairs {
        let value = value.unwrap_or_default();
        // A length byte and an equals sign go with each pair.
        bytes = bytes.saturating_add(key.len() + value.len() + 2);
        if bytes > TXT_BYTES_MAX {
            return Txt::Damaged;
        }
        let place = ["v", "id", "boot"]
            .iter()
            .position(|own| key.eq_ignore_ascii_case(own));
        if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
            slot.get_or_insert(value);
        }
    }
    match found {
        [None, None, None] => Txt::Old,
        [Some(version), Some(peer), Some(boot)] => {
            parse_values(version, peer, boot).map_or(Txt::Damaged, Txt::LanSpread)
        }
        _ => Txt::Damaged,
    }
}

fn parse_values(version: &[u8], peer: &[u8], boot: &[u8]) -> Option<Announcement> {
    let version = digits(version, 1..=5, u8::is_ascii_digit)?;
    let boot = digits(boot, 16..=16, u8::is_ascii_hexdigit)?;
    Some(Announcement {
        protocol: version.parse().ok()?,
        peer: str::from_utf8(peer).ok()?.parse().ok()?,
        boot: u64::from_str_radix(boot, 16).ok()?,
    })
}

/// The standard parsers take a sign, too; a record does not.
fn digits(
    bytes: &[u8],
    len: std::ops::RangeInclusive<usize>,
    is_digit: fn(&u8) -> bool,
) -> Option<&str> {
    let fits = len.contains(&bytes.len()) && bytes.iter().all(is_digit);
    fits.then(|| str::from_utf8(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(announcement: &Announcement) -> Vec<(&'static str, Vec<u8>)> {
        let pairs = announcement.pairs();
        pairs.map(|(key, value)| (key, value.into_bytes())).to_vec()
    }

    fn parse_all(pairs: &[(&str, Vec<u8>)]) -> Txt {
        parse(pairs.iter().map(|(key, value)| (*key, Some(&value[..]))))
    }

    #[test]
    fn without_our_keys_it_is_the_old_program() {
        assert_eq!(parse([]), Txt::Old);
        assert_eq!(
            parse([("peer_id", Some(&b"x"[..])), ("proto", None)]),
            Txt::Old
        );
    }

    #[test]
    fn damaged_records() {
        let good = pairs(&Announcement::own(PeerId::from_bytes([5; 32]), 7));
        for (index, value) in [
            (0, ""),
            (0, "+1"),
            (0, "-1"),
            (0, "65536"),
            (0, "1.0"),
            (0, "000001"),
            (1, ""),
            (1, "05"),
            (1, "zz"),
            (2, ""),
            (2, "7"),
            (2, "+000000000000007"),
            (2, "00000000000000070"),
        ] {
            let mut bad = good.clone();
            bad[index].1 = value.as_bytes().to_vec();
            assert_eq!(parse_all(&bad), Txt::Damaged, "{index} {value:?}");
        }
        for missing in 0..3 {
            let mut bad = good.clone();
            bad.remove(missing);
            assert_eq!(parse_all(&bad), Txt::Damaged, "{missing}");
        }
        let mut long = good.clone();
        long.push(("future", vec![b'x'; 400]));
        assert_eq!(parse_all(&long), Txt::Damaged);
    }

    #[test]
    fn the_own_record_fits_well() {
        let own = Announcement::own(PeerId::from_bytes([0xff; 32]), u64::MAX);
        let bytes: usize = own.pairs().iter().map(|(k, v)| k.len() + v.len() + 2).sum();
        assert!(bytes * 2 < TXT_BYTES_MAX, "{bytes}");
    }

    proptest! {
        #[test]
        fn round_trip(id: [u8; 32], boot: u64, protocol: u16, upper: bool, more in ".{0,40}") {
            let announcement = Announcement { protocol, peer: PeerId::from_bytes(id), boot };
            let mut all = pairs(&announcement);
            if upper {
                for (pair, key) in all.iter_mut().zip(["V", "ID", "Boot"]) {
                    pair.0 = key;
                }
            }
            // Later twins and unknown keys change nothing.
            all.push(("id", b"twin".to_vec()));
            all.push(("future", more.into_bytes()));
            prop_assert_eq!(parse_all(&all), Txt::LanSpread(announcement));
        }

        #[test]
        fn anything_parses_to_something(
            all in proptest::collection::vec(
                ("(v|id|boot|x|[a-z]{0,9})", proptest::collection::vec(any::<u8>(), 0..80)), 0..9,
            )
        ) {
            let result = parse(all.iter().map(|(key, value)| (key.as_str(), Some(&value[..]))));
            if let Txt::LanSpread(announcement) = result {
                // What was accepted says the same when it is said again.
                prop_assert_eq!(parse_all(&pairs(&announcement)), result);
            }
        }
    }
}
