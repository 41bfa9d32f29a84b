//! What lies in our own state directory, and what the unpack worker says: either may be anything.

use lanspread_install::{InstallRecord, Intent, Marker};
use lanspread_proto::Hash;

/// The intent of a transaction, the record of an install, and the marker of a directory: as they
/// are, and with a checksum that holds.
pub fn intent(bytes: &[u8]) {
    if let Some(marker) = Marker::parse(bytes) {
        assert_eq!(marker.encode().as_bytes(), bytes);
    }
    parse_intent(bytes);
    parse_record(bytes);
    parse_intent(&sealed(b"LSIN", bytes));
    parse_record(&sealed(b"LSIR", bytes));
}

fn parse_intent(bytes: &[u8]) {
    if let Ok(intent) = Intent::parse(bytes) {
        let again = intent.encode().unwrap();
        assert_eq!(Intent::parse(&again).unwrap(), intent);
    }
}

fn parse_record(bytes: &[u8]) {
    if let Ok(record) = InstallRecord::parse(bytes) {
        let again = record.encode().unwrap();
        assert_eq!(InstallRecord::parse(&again).unwrap(), record);
    }
}

/// What a defect of ours could write: right around, wrong within.
fn sealed(magic: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(body);
    let checksum = Hash::of(&bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// The journal of a download.
pub fn journal(bytes: &[u8]) {
    lanspread_disk::hostile::journal(bytes);
}

/// A file's hashes out of the index.
pub fn index_record(bytes: &[u8]) {
    lanspread_disk::hostile::index_record(bytes);
}

/// Frames of an unpack worker, as its parent reads them.
pub fn worker_frames(bytes: &[u8]) {
    lanspread_unpack::hostile::worker_frames(bytes);
}
