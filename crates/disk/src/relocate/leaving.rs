//! What is deleted of a directory that was copied to another volume, written down before the first
//! of it goes: who is killed meanwhile deletes the rest at the next start.
//!
//! **Invariant:** a file goes only if it is as it was when it was copied, and its copy is there.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use lanspread_proto::Hash;

use super::{Tree, below, delete_dirs, failed};
use crate::{
    atomic_file,
    error::{DiskError, DiskOp},
    vfs::{Disk, EntryKind, FileIdentity, Place, Stat},
};

/// The only file in the directory of a move.
const NAME: &str = "leaving";
/// How it begins.
const HEAD: &str = "lanspread leaving 1";
/// Far more than the most files of a game need.
const BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Moves at the same time, and such that could not be brought to an end.
const NUMBERS_MAX: u32 = 1_000;

/// One move, as it was written down.
struct Leaving {
    from: PathBuf,
    to: PathBuf,
    tree: Tree,
}

/// Writes down what will be deleted, in a directory of its own, which is the result; `None` for
/// paths that no text can hold.
pub(super) fn write(
    disk: &dyn Disk,
    records: &Place,
    (from, to): (&Place, &Place),
    tree: &Tree,
) -> Result<Option<Place>, DiskError> {
    let Some(text) = encode((&from.path(), &to.path()), tree) else {
        return Ok(None);
    };
    atomic_file::ensure_dir(disk, records)?;
    for number in 0..NUMBERS_MAX {
        let record = records.listed(&number.to_string());
        match disk.create_dir(&record) {
            Err(error) if error.is_already_there() => {}
            Err(error) => return Err(error),
            Ok(()) => {
                disk.sync_dir(records)?;
                atomic_file::write(disk, &record, NAME, text.as_bytes())?;
                return Ok(Some(record));
            }
        }
    }
    Err(failed(records, ErrorKind::AlreadyExists))
}

/// Nothing of it is left to do.
pub(super) fn clear(disk: &dyn Disk, record: Option<&Place>) -> Result<(), DiskError> {
    let Some(record) = record else {
        return Ok(());
    };
    atomic_file::remove(disk, record, NAME)?;
    disk.remove_dir(record)
}

/// Deletes what moves that a kill interrupted left of their originals, and says how many moves that
/// were. What cannot be done now is tried again at the next call; the first error is the result.
/// Nobody may be moving anything.
///
/// # Errors
/// The disk fails, or a record cannot be believed: then nothing of it is touched.
pub fn finish_left(disk: &dyn Disk, records: &Place) -> Result<u32, DiskError> {
    if disk.stat(records)?.is_none() {
        return Ok(0);
    }
    let mut count = 0;
    let mut first = None;
    for entry in disk.list(records)? {
        if entry.kind == EntryKind::Directory {
            match finish(disk, &records.listed(&entry.name)) {
                Ok(was_left) => count += u32::from(was_left),
                Err(error) => first = first.or(Some(error)),
            }
        }
    }
    first.map_or(Ok(count), Err)
}

fn finish(disk: &dyn Disk, record: &Place) -> Result<bool, DiskError> {
    let place = record.own(NAME);
    let Some(bytes) = atomic_file::read(disk, &place, BYTES_MAX)? else {
        // Killed before it was written, so nothing had begun.
        let draft = record.listed(&format!("{NAME}.tmp"));
        if disk.stat(&draft)?.is_some() {
            disk.remove_file(&draft)?;
        }
        disk.remove_dir(record)?;
        return Ok(false);
    };
    let leaving = parse(&bytes)
        .ok_or_else(|| DiskError::new(DiskOp::Read, place.path(), ErrorKind::InvalidData.into()))?;
    let (from, to) = (Place::root(&leaving.from), Place::root(&leaving.to));
    if !has_parent(disk, &leaving.from)? || !has_parent(disk, &leaving.to)? {
        // A disk that is not plugged in.
        return Ok(false);
    }
    let begun = disk.stat(&to)?.is_some();
    if begun {
        delete(disk, (&from, &to), &leaving.tree)?;
    }
    clear(disk, Some(record))?;
    Ok(begun)
}

fn has_parent(disk: &dyn Disk, path: &Path) -> Result<bool, DiskError> {
    match path.parent() {
        Some(parent) => Ok(disk.stat(&Place::root(parent))?.is_some()),
        None => Ok(false),
    }
}

fn delete(disk: &dyn Disk, (from, to): (&Place, &Place), tree: &Tree) -> Result<(), DiskError> {
    for (names, stat) in &tree.files {
        let copy = disk.stat(&below(to, names))?;
        let is_copied =
            copy.is_some_and(|copy| copy.kind == EntryKind::File && copy.bytes == stat.bytes);
        let original = below(from, names);
        if is_copied && disk.stat(&original)? == Some(*stat) {
            disk.remove_file(&original)?;
        }
    }
    delete_dirs(disk, from, tree)
}

fn encode((from, to): (&Path, &Path), tree: &Tree) -> Option<String> {
    let mut fields = vec![HEAD.to_owned()];
    fields.push(from.to_str()?.to_owned());
    fields.push(to.to_str()?.to_owned());
    for (names, stat) in &tree.files {
        let FileIdentity {
            modified_nanos,
            file_id,
        } = stat.identity;
        let path = names.join("/");
        fields.push(format!(
            "f {} {modified_nanos} {file_id} {path}",
            stat.bytes
        ));
    }
    let dirs = tree.dirs.iter();
    fields.extend(dirs.map(|names| format!("d {}", names.join("/"))));
    // No name holds a NUL.
    let text = fields.join("\0");
    Some(format!("{text}\0{}", Hash::of(text.as_bytes())))
}

/// `None` when it is not whole.
fn parse(bytes: &[u8]) -> Option<Leaving> {
    let (text, hash) = std::str::from_utf8(bytes).ok()?.rsplit_once('\0')?;
    if Hash::of(text.as_bytes()).to_string() != hash {
        return None;
    }
    let mut fields = text.split('\0');
    if fields.next()? != HEAD {
        return None;
    }
    let (from, to) = (PathBuf::from(fields.next()?), PathBuf::from(fields.next()?));
    let mut tree = Tree::default();
    for field in fields {
        match field.split_once(' ')? {
            ("d", path) => tree.dirs.push(names(path)?),
            ("f", file) => tree.files.push(parse_file(file)?),
            _ => return None,
        }
    }
    Some(Leaving { from, to, tree })
}

fn parse_file(text: &str) -> Option<(Vec<String>, Stat)> {
    let mut parts = text.splitn(4, ' ');
    let bytes = parts.next()?.parse().ok()?;
    let identity = FileIdentity {
        modified_nanos: parts.next()?.parse().ok()?,
        file_id: parts.next()?.parse().ok()?,
    };
    let stat = Stat {
        kind: EntryKind::File,
        bytes,
        identity,
    };
    Some((names(parts.next()?)?, stat))
}

/// The way down; that to the directory itself is empty.
fn names(path: &str) -> Option<Vec<String>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let names = path.split('/').map(|name| {
        let goes_down = !name.is_empty() && name != "." && name != "..";
        goes_down.then(|| name.to_owned())
    });
    names.collect()
}
