//! [`decide`]: whether a game's payload is unpacked or is the game itself. Pure: names and first
//! bytes in, decision out.

use lanspread_proto::{
    RelPath,
    manifest::{ArchiveSet, Layout, VERSION_INI, is_excluded_at_root, is_litter},
    rel_path::fold,
};

use crate::{
    detect::{detect, is_empty_tar},
    volumes::{self, VolumeError},
};

/// Settings of the publisher, at the root of a game.
const SETTINGS: &str = "lanspread.toml";
/// Extensions of files that may lie beside archives without being payload: texts and images.
const BESIDE_ARCHIVES: &[&str] = &[
    "txt", "nfo", "md", "diz", "rtf", "pdf", "htm", "html", "url", "sfv", "md5", "sha1", "sha256",
    "jpg", "jpeg", "png", "gif", "bmp", "webp", "ico", "svg",
];

/// One name at the root of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its first [`crate::detect::PREFIX_BYTES`] bytes, or all if it is shorter.
    pub prefix: &'a [u8],
}

/// Why no layout can be decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The archives at the root are not complete.
    #[error(transparent)]
    Volumes(#[from] VolumeError),
    /// Everything is named like an archive, but this one is none that can be read.
    #[error("{0}: it has the name of an archive, but not the content of one that can be unpacked")]
    NotAnArchive(String),
    /// A name at the root that no manifest can hold.
    #[error("{name:?}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: lanspread_proto::rel_path::PathError,
    },
}

/// `archives` if every file at the root is an archive, by content and by name, or may lie beside
/// archives, and no directory holds payload; else `tree`. `has_payload_directory` says whether
/// any directory at the root, the excluded ones aside, is part of the payload.
///
/// # Errors
/// Everything is an archive by name, but a volume is missing, or one is none by content: cut,
/// damaged, or of a kind that cannot be unpacked. As a tree it would be "installed" as it is.
pub fn decide<'a>(
    files: impl IntoIterator<Item = RootFile<'a>>,
    has_payload_directory: bool,
) -> Result<Layout, LayoutError> {
    let mut archives = Vec::new();
    let mut broken = None;
    for file in files {
        if lies_beside(file.name) {
            continue;
        }
        if !has_archive_name(file.name) {
            return Ok(Layout::Tree);
        }
        if !is_archive(&file) {
            broken.get_or_insert(file.name);
        }
        archives.push(file.name);
    }
    if archives.is_empty() || has_payload_directory {
        return Ok(Layout::Tree);
    }
    // Later files of a split ZIP are no archives by content: names say first what is wrong.
    let sets = volumes::group(archives)?;
    if let Some(broken) = broken {
        return Err(LayoutError::NotAnArchive(broken.to_owned()));
    }
    let sets: Result<Vec<ArchiveSet>, LayoutError> = sets
        .into_iter()
        .map(|set| {
            let volumes: Result<Vec<RelPath>, LayoutError> =
                set.volumes.iter().map(|name| path(name)).collect();
            Ok(ArchiveSet { volumes: volumes? })
        })
        .collect();
    Ok(Layout::Archives(sets?))
}

fn lies_beside(name: &str) -> bool {
    let folded = fold(name);
    let extension = folded
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    folded == VERSION_INI
        || folded == SETTINGS
        || is_excluded_at_root(name)
        || is_litter(name)
        || BESIDE_ARCHIVES.contains(&extension)
}

/// Also tar archives in compressions that cannot be unpacked, as `.tar.bz2`.
fn has_archive_name(name: &str) -> bool {
    let folded = fold(name);
    let stem = folded.rsplit_once('.').map_or("", |(stem, _)| stem);
    volumes::has_archive_name(name) || stem.ends_with(".tar")
}

/// Later slices of a cut 7z or ZIP have no magic of their own: their name must do.
fn is_archive(file: &RootFile<'_>) -> bool {
    // Zeroes alone are an empty tar only where the name says tar.
    let is_hole = is_empty_tar(file.prefix) && !fold(file.name).ends_with(".tar");
    let has_content = !is_hole && detect(file.prefix).is_some();
    volumes::has_archive_name(file.name) && (volumes::is_later_slice(file.name) || has_content)
}

fn path(name: &str) -> Result<RelPath, LayoutError> {
    RelPath::parse(name).map_err(|reason| LayoutError::Name {
        name: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAR: &[u8] = b"Rar!\x1a\x07\x01\x00";
    const ZIP: &[u8] = b"PK\x03\x04";

    fn check(files: &[(&str, &[u8])], directory: bool, expected: Result<&[&[&str]], &str>) {
        let files = files.iter().map(|(name, prefix)| RootFile { name, prefix });
        let found = decide(files, directory).map_err(|error| error.to_string());
        let expected = expected
            .map(|sets| {
                let set = |names: &&[&str]| ArchiveSet {
                    volumes: names.iter().map(|n| RelPath::parse(n).unwrap()).collect(),
                };
                match sets {
                    [] => Layout::Tree,
                    sets => Layout::Archives(sets.iter().map(set).collect()),
                }
            })
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn archives() {
        check(
            &[
                ("version.ini", b"1"),
                ("game.eti", RAR),
                ("Cover.JPG", b""),
                ("lanspread.toml", b""),
            ],
            false,
            Ok(&[&["game.eti"]]),
        );
        check(
            &[
                ("b.zip", ZIP),
                ("a.part2.rar", RAR),
                ("a.part1.rar", RAR),
                ("Thumbs.db", b""),
            ],
            false,
            Ok(&[&["a.part1.rar", "a.part2.rar"], &["b.zip"]]),
        );
        check(
            &[("a.7z.001", b"7z\xbc\xaf\x27\x1c"), ("a.7z.002", b"\0\0")],
            false,
            Ok(&[&["a.7z.001", "a.7z.002"]]),
        );
    }

    #[test]
    fn trees() {
        // An archive by content alone, or by name alone beside what is none, is payload.
        check(&[("version.ini", b""), ("pak0.pk3", ZIP)], false, Ok(&[]));
        check(&[("game.eti", b"MZ"), ("game.exe", b"MZ")], false, Ok(&[]));
        check(&[("game.eti", b"MZ")], true, Ok(&[]));
        check(&[("a.zip", ZIP), ("game.exe", b"MZ")], false, Ok(&[]));
        check(&[("a.zip", ZIP)], true, Ok(&[]));
        check(&[("version.ini", b"")], false, Ok(&[]));
        check(&[], false, Ok(&[]));
    }

    #[test]
    fn archives_by_name_alone() {
        let check = |files: &[(&str, &[u8])], name: &str| {
            let expected = LayoutError::NotAnArchive(name.to_owned()).to_string();
            check(files, false, Err(&expected));
        };
        check(&[("version.ini", b""), ("game.eti", b"")], "game.eti");
        check(&[("a.zip", ZIP), ("b.7z", b"\0\0\0\0\0\0")], "b.7z");
        check(&[("a.tar.bz2", b"BZh91AY")], "a.tar.bz2");
        check(&[("a.zip", &[0; 512])], "a.zip");
    }

    #[test]
    fn a_split_zip() {
        let files: &[(&str, &[u8])] = &[("a.z01", b"PK\x07\x08"), ("a.z02", b"x"), ("a.zip", b"y")];
        let split = "a.z01: a split ZIP cannot be read; join it with `zip -s 0` or pack it anew";
        check(files, false, Err(split));
    }

    #[test]
    fn incomplete() {
        check(
            &[("a.part1.rar", RAR), ("a.part3.rar", RAR)],
            false,
            Err("the volume a.part2.rar is missing"),
        );
    }
}
