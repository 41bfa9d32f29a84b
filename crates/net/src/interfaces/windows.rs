//! What Windows tells of an interface: its kind and its speed.

#![expect(unsafe_code, reason = "this call has no safe form")]

use windows_sys::Win32::{
    Foundation::NO_ERROR,
    NetworkManagement::IpHelper::{
        GetIfEntry2, IF_TYPE_IEEE80211, IF_TYPE_PPP, IF_TYPE_PROP_VIRTUAL, IF_TYPE_TUNNEL,
        MIB_IF_ROW2,
    },
};

use super::{LinkClass, class_by_name};

/// What is said of an interface that has this number and name; `None` if it is not listed.
pub(super) fn class_and_speed(index: u32, name: &str) -> Option<(LinkClass, Option<u32>)> {
    let mut row = MIB_IF_ROW2 {
        InterfaceIndex: index,
        ..MIB_IF_ROW2::default()
    };
    // SAFETY: the row is of the right type and says which interface is meant.
    if unsafe { GetIfEntry2(&raw mut row) } != NO_ERROR {
        return None;
    }
    let class = match row.Type {
        IF_TYPE_IEEE80211 => LinkClass::Wifi,
        IF_TYPE_PPP | IF_TYPE_PROP_VIRTUAL | IF_TYPE_TUNNEL => LinkClass::Virtual,
        // People rename interfaces; the maker's name stays.
        _ => class_by_name(&described(&row.Description)).max(class_by_name(name)),
    };
    Some((class, speed_mbit(row.TransmitLinkSpeed)))
}

fn described(text: &[u16]) -> String {
    let end = text.iter().position(|unit| *unit == 0);
    let text = end.and_then(|end| text.get(..end)).unwrap_or(text);
    String::from_utf16_lossy(text)
}

/// Adapters that do not know say nothing or all ones.
fn speed_mbit(bits_per_second: u64) -> Option<u32> {
    let mbit = u32::try_from(bits_per_second / 1_000_000).ok()?;
    (mbit > 0).then_some(mbit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds() {
        for (bits, expected) in [(1_000_000_000, Some(1_000)), (0, None), (u64::MAX, None)] {
            assert_eq!(speed_mbit(bits), expected, "{bits}");
        }
    }
}
