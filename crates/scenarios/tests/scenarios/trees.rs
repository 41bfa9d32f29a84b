//! [`Tree`]: what lies below a directory, as sizes and hashes, so that two can be compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Relative path with `/` to the hash of its bytes; directories are not listed.
pub(crate) type Tree = BTreeMap<String, String>;

/// The marker of directories that are the program's own.
const MARKER: &str = ".lanspread_owned";

/// What is below a directory, without the program's marker; empty when there is none.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    walk(root, "", &mut found);
    found
}

/// The payload of a game as it lies on disk: without `local/`, `kept/` and what begins with a dot.
pub(crate) fn payload(root: &Path) -> Tree {
    let mut all = tree(root);
    all.retain(|path, _| {
        !["local/", "kept/", "."]
            .iter()
            .any(|own| path.starts_with(own))
    });
    all
}

/// The bytes of all files together.
pub(crate) fn bytes_of(tree: &Tree) -> u64 {
    let sizes = tree.values().map(|print| print.split(' ').next().unwrap());
    sizes.map(|size| size.parse::<u64>().unwrap()).sum()
}

/// Everything below a directory, directories and the program's own files too.
pub(crate) fn entries(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            found.extend(entries(&path));
        }
        found.insert(path);
    }
    found
}

/// As [`tree`] writes it down.
pub(crate) fn print(bytes: &[u8]) -> String {
    format!("{} {}", bytes.len(), blake3::hash(bytes).to_hex())
}

fn walk(dir: &Path, prefix: &str, found: &mut Tree) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if name == MARKER {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, print(&fs::read(entry.path()).unwrap()));
        }
    }
}
