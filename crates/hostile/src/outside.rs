//! What comes in from outside the swarm: multicast DNS, and programs at the control server.

use lanspread_api::Command;
use lanspread_net::mdns::txt::{self, Txt};

/// The TXT record of an answer: pairs with a length byte each, as on the wire.
pub fn mdns_txt(bytes: &[u8]) {
    let mut pairs: Vec<(&str, Option<&[u8]>)> = Vec::new();
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first() {
        let Some((pair, behind)) = behind.split_at_checked(usize::from(*length)) else {
            break;
        };
        rest = behind;
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (key, value) = pair.split_at(equals.unwrap_or(pair.len()));
        if let Ok(key) = str::from_utf8(key) {
            pairs.push((key, value.split_first().map(|(_, value)| value)));
        }
    }
    if let Txt::LanSpread(announcement) = txt::parse(pairs) {
        let said = announcement.pairs();
        let again = said
            .iter()
            .map(|(key, value)| (*key, Some(value.as_bytes())));
        assert_eq!(txt::parse(again), Txt::LanSpread(announcement));
    }
}

/// A command as JSON.
pub fn control_api(bytes: &[u8]) {
    if let Ok(command) = serde_json::from_slice::<Command>(bytes) {
        let again = serde_json::to_vec(&command).unwrap();
        assert_eq!(serde_json::from_slice::<Command>(&again).unwrap(), command);
    }
}
