//! What Linux tells of an interface. It tells it in files below `/sys/class/net`: this is the one
//! place of the crate that reads any.
#![expect(
    clippy::disallowed_methods,
    reason = "these files are the kernel's answers, not anybody's data"
)]

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::LinkClass;

const INTERFACES: &str = "/sys/class/net";

/// Kind and speed; `None` if the interface is not listed.
pub(super) fn class_and_speed(name: &str) -> Option<(LinkClass, Option<u32>)> {
    let directory = directory_of(Path::new(INTERFACES), name)?;
    Some((class(&directory), speed(&directory)))
}

/// A name from the kernel is one path component, but that is for the kernel to keep.
fn directory_of(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = Path::new(name).file_name() == Some(OsStr::new(name));
    let directory = root.join(name);
    (plain && is_there(&directory)).then_some(directory)
}

fn class(directory: &Path) -> LinkClass {
    if is_there(&directory.join("wireless")) || is_there(&directory.join("phy80211")) {
        return LinkClass::Wifi;
    }
    if is_hardware(directory) {
        return LinkClass::Wired;
    }
    // A bridge, bond or VLAN is as good as the hardware in it.
    let best = below(directory).map(|lower| {
        if is_hardware(&lower) {
            class(&lower)
        } else {
            LinkClass::Virtual
        }
    });
    best.min().unwrap_or(LinkClass::Virtual)
}

fn is_hardware(directory: &Path) -> bool {
    is_there(&directory.join("device"))
}

/// The interfaces that this one is made of.
fn below(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"lower_"))
        .map(|entry| entry.path())
}

fn speed(directory: &Path) -> Option<u32> {
    // -1, or an error, where the driver does not know.
    let text = fs::read_to_string(directory.join("speed")).ok()?;
    text.trim().parse().ok().filter(|speed| *speed > 0)
}

fn is_there(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(_) => true,
        // Not allowed to look is not the same as not there.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_no_hardware_and_strange_names_are_nothing() {
        assert_eq!(class_and_speed("lo"), Some((LinkClass::Virtual, None)));
        for name in ["", ".", "..", "../net/lo", "lo/..", "nonesuch0"] {
            assert_eq!(class_and_speed(name), None, "{name:?}");
        }
    }
}
