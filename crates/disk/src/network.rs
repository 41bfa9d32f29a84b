//! Whether a directory lies on another machine: what others do there is told to nobody here.

use std::path::Path;

/// Kinds of file systems, as Linux numbers them, on which a watch hears only what this machine
/// does.
#[cfg(any(test, target_os = "linux"))]
const KINDS: [(u32, &str); 14] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x786f_4256, "VirtualBox"),
    (0xbacb_acbc, "VMware"),
];

/// The kind of file system of a directory, if a watch on it would miss what other machines do.
/// `None` for a disk of this machine, and where the system does not tell.
#[must_use]
pub fn kind(directory: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    let found = rustix::fs::statfs(directory).ok().and_then(|volume| {
        // The width and the sign of this field differ between machines.
        name_of(u32::try_from(volume.f_type).ok()?)
    });
    #[cfg(not(target_os = "linux"))]
    let found = elsewhere(directory);
    found
}

#[cfg(any(test, target_os = "linux"))]
fn name_of(kind: u32) -> Option<&'static str> {
    let found = KINDS.iter().find(|(number, _)| *number == kind);
    found.map(|(_, name)| *name)
}

/// A path of the form `\\server\share` says it by itself.
#[cfg(not(target_os = "linux"))]
fn elsewhere(directory: &Path) -> Option<&'static str> {
    use std::path::{Component, Prefix};
    match directory.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("SMB"),
            Prefix::Verbatim(_)
            | Prefix::VerbatimDisk(_)
            | Prefix::DeviceNS(_)
            | Prefix::Disk(_) => None,
        },
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let check = |kind: u32, expected: Option<&str>| assert_eq!(name_of(kind), expected);
        check(0x6969, Some("NFS"));
        check(0xff53_4d42, Some("CIFS"));
        check(0x6573_5546, Some("FUSE"));
        check(0x0102_1997, Some("9P"));
        // ext4, XFS, Btrfs, memory, and layers over them are of this machine.
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630] {
            check(local, None);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let volume = rustix::fs::statfs(dir.path()).unwrap();
        let number = u32::try_from(volume.f_type).unwrap();
        assert_eq!(kind(dir.path()), name_of(number));
        assert_eq!(kind(&dir.path().join("gone")), None);
    }
}
