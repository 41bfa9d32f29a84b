//! Whose file is it? Ours are those whose bytes are what we wrote; everything else is the user's.

use lanspread_proto::Hash;

use crate::record::Stamp;

/// What a file of ours must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 root.
    pub root: Hash,
    /// The identity under which these bytes were last seen, if it is known.
    pub stamp: Option<Stamp>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundFile {
    /// Size in bytes.
    pub bytes: u64,
    /// Its identity now.
    pub stamp: Stamp,
    /// Its BLAKE3 root, once somebody has hashed it.
    pub root: Option<Hash>,
}

/// Whether a file is the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is, byte for byte.
    Same,
    /// It is not.
    Different,
    /// Only its bytes can tell: hash it and ask again.
    HashIt,
}

/// Compares a file with what it should be; the cheapest evidence first.
#[must_use]
pub fn prove(expected: &Expected, found: &FoundFile) -> Proof {
    if expected.bytes != found.bytes {
        return Proof::Different;
    }
    match found.root {
        Some(root) if root == expected.root => Proof::Same,
        Some(_) => Proof::Different,
        None if expected.stamp == Some(found.stamp) => Proof::Same,
        None => Proof::HashIt,
    }
}
