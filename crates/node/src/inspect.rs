//! [`inspect`]: what is in an archive, for a person who wonders. Needs no running node.

use std::{path::Path, sync::Arc};

use lanspread_disk::{Disk, Place, RealDisk, vfs::EntryKind};
use lanspread_proto::{RelPath, manifest::ArchiveSet, rel_path::fold};
use lanspread_unpack::{
    ArchiveBytes, Encryption, Isolation, Limits, NameTable, WorkerCommand, list,
    volumes::{self, VolumeError},
};

use crate::{error::OperationError, installing::archive_error, shelf::Files};

/// What an archive holds, as its headers say.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not exclude each other"
)]
pub struct Inspection {
    /// The format, for people.
    pub format: String,
    /// Its volumes, in order.
    pub volumes: Vec<RelPath>,
    /// Bytes of all volumes.
    pub packed_bytes: u64,
    /// Unpacked bytes; files of unknown size count as nothing.
    pub unpacked_bytes: u64,
    /// Files, directories, copies and what would be left out.
    pub entries: u64,
    /// Entries can only be decoded one after the other.
    pub solid: bool,
    /// A password is needed, so it cannot be installed.
    pub encrypted: bool,
    /// Largest dictionary that any entry asks for, in bytes, if the format tells.
    pub dictionary_bytes: Option<u64>,
    /// What would be left out on an install: its name and why.
    pub skipped: Vec<(String, String)>,
    /// Why the unpack worker is not fully locked in on this machine, if it is not.
    pub reduced_isolation: Option<String>,
}

/// Reads an archive's headers (a compressed tar is read whole); blocks.
///
/// # Errors
/// No archive, an encrypted list, damage, a missing volume, or the file cannot be read.
pub fn inspect(worker: &WorkerCommand, archive: &Path) -> Result<Inspection, OperationError> {
    let disk = RealDisk::new();
    let (root, set) = volumes_of(&disk, archive)?;
    let files = Files::open(&disk, &root, &set)?;
    let packed_bytes = (0..set.volumes.len()).map(|volume| files.len(volume)).sum();
    let source: Arc<dyn ArchiveBytes> = Arc::new(files);
    let count = set.volumes.len();
    let listed = list(worker, source, count, Limits::default(), NameTable::new());
    let (listing, _names) = listed.map_err(|error| archive_error(&set, &error))?;
    let skipped = listing.skipped.into_iter();
    Ok(Inspection {
        format: format!("{:?}", listing.start.format),
        volumes: set.volumes,
        packed_bytes,
        unpacked_bytes: listing.bytes,
        entries: listing.entries,
        solid: listing.start.solid,
        encrypted: listing.start.encryption == Encryption::Entries,
        dictionary_bytes: listing.start.dictionary_bytes,
        skipped: skipped
            .map(|(name, reason)| (name, format!("{reason:?}")))
            .collect(),
        reduced_isolation: match listing.start.isolation {
            Isolation::Full => None,
            Isolation::Reduced(why) => Some(why),
        },
    })
}

/// The volumes that belong to the named one, which lie beside it.
fn volumes_of(disk: &dyn Disk, archive: &Path) -> Result<(Place, ArchiveSet), OperationError> {
    let refused = |reason: String| OperationError::Archive {
        archive: archive.display().to_string(),
        entry: None,
        code: "unsupported-format",
        reason,
    };
    let name = archive
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let own = RelPath::parse(name).map_err(|error| refused(error.to_string()))?;
    let beside = archive.parent().filter(|dir| !dir.as_os_str().is_empty());
    let root = Place::root(beside.unwrap_or_else(|| Path::new(".")));
    let entries = disk.list(&root)?;
    let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let names = files.map(|entry| entry.name.as_str());
    let names: Vec<&str> = names
        .filter(|name| volumes::has_archive_name(name))
        .collect();
    check_split_zip(name, &names)?;
    // Another set in the same directory may be incomplete: that is not this one's fault.
    let set = volumes::group(names).unwrap_or_default();
    let set = set
        .into_iter()
        .find(|set| set.volumes.iter().any(|volume| volume == name));
    let volumes = match set {
        Some(set) => set
            .volumes
            .iter()
            .filter_map(|name| RelPath::parse(name).ok())
            .collect(),
        None => vec![own],
    };
    Ok((root, ArchiveSet { volumes }))
}

/// A part of a ZIP that its packer split is no archive that could be read alone.
fn check_split_zip(name: &str, beside: &[&str]) -> Result<(), OperationError> {
    let zip_stem = |name: &str| {
        let folded = fold(name);
        let (stem, extension) = folded.rsplit_once('.')?;
        extension.starts_with('z').then(|| stem.to_owned())
    };
    let Some(stem) = zip_stem(name) else {
        return Ok(());
    };
    let parts = beside.iter().copied();
    let parts = parts.filter(|other| zip_stem(other).as_ref() == Some(&stem));
    match volumes::group(parts) {
        Err(error @ VolumeError::SplitZip { .. }) => Err(OperationError::Archive {
            archive: name.to_owned(),
            entry: None,
            code: "split-zip",
            reason: error.to_string(),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_split_zip() {
        let beside = ["a.z01", "a.z02", "A.zip", "a.rar", "b.zip"];
        let check = |name: &str, expected: Option<&str>| {
            let refused = check_split_zip(name, &beside).err();
            assert_eq!(
                refused.as_ref().map(OperationError::code),
                expected,
                "{name}"
            );
        };
        check("a.z01", Some("split-zip"));
        check("A.zip", Some("split-zip"));
        check("a.rar", None);
        check("b.zip", None);
    }
}
