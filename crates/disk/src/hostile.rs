//! For the fuzzer: what may lie in our state directory.

use crate::{index, partial, scan::ScannedFile, vfs::FileIdentity};

/// The journal of a download: as it is, and with records whose checksums hold.
///
/// # Panics
/// On a defect only.
pub fn journal(bytes: &[u8]) {
    partial::check_hostile_journal(bytes);
}

/// A file's hashes out of the index: as they are, and with a checksum that holds.
///
/// # Panics
/// On a defect only.
pub fn index_record(bytes: &[u8]) {
    let Ok(path) = lanspread_proto::RelPath::parse("a") else {
        return;
    };
    let file = ScannedFile {
        path,
        bytes: 3 << 20,
        identity: FileIdentity {
            modified_nanos: 1,
            file_id: 2,
        },
    };
    index::check_hostile_record(&file, bytes);
}
