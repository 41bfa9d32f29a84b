//! The lists of a manifest while they are decoded: a few bytes of a peer must not become gigabytes
//! of entries before the first rule is checked.

use alloc::vec::Vec;
use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::ArchiveSet;
use crate::{limits::MANIFEST_FILES_MAX, wire::Bounded};

/// Reads a list that has no more entries than a manifest may have files.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Bounded::<T, MANIFEST_FILES_MAX>::deserialize(deserializer).map(Bounded::into_vec)
}

/// Reads the sets of a layout: none is empty, and together they name no more volumes than a
/// manifest may have files.
pub(super) fn sets<'de, D>(deserializer: D) -> Result<Vec<ArchiveSet>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(Sets)
}

struct Sets;

impl<'de> Visitor<'de> for Sets {
    type Value = Vec<ArchiveSet>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "archives with 1 to {MANIFEST_FILES_MAX} volumes together"
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut sets, mut volumes) = (Vec::new(), 0);
        while let Some(set) = seq.next_element::<ArchiveSet>()? {
            volumes += set.volumes.len();
            if set.volumes.is_empty() || volumes > MANIFEST_FILES_MAX {
                return Err(A::Error::invalid_length(volumes, &self));
            }
            sets.push(set);
        }
        Ok(sets)
    }
}
