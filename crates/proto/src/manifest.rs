//! [`Manifest`]: the exact files of one version of a game, with one canonical encoding.
//!
//! No permissions and no times: the same bytes give the same [`ContentId`] on every OS.

mod bounds;

use alloc::{borrow::Cow, collections::BTreeSet, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    geometry::Geometry,
    hash::Hash,
    id::{ContentId, GameId},
    library::Size,
    limits,
    rel_path::{PathTable, RelPath, TwinError},
    version::VersionLabel,
};

/// First bytes of an encoded manifest; the digit is the version of the encoding.
const MAGIC: &[u8; 4] = b"LSM1";
/// The sentinel: present on disk exactly when the game is downloaded.
pub const VERSION_INI: &str = "version.ini";
/// Names at the root of a game that are never part of a payload, folded.
pub const ROOT_EXCLUDED: &[&str] = &["local", "kept", ".incoming", "version.ini.tmp"];
/// Files that operating systems leave behind, folded; not part of a payload anywhere.
pub const LITTER: &[&str] = &["thumbs.db", "desktop.ini", ".ds_store"];

/// Whether a name at the root of a game belongs to LanSpread or the machine, not to the payload.
#[must_use]
pub fn is_excluded_at_root(name: &str) -> bool {
    let folded = crate::rel_path::fold(name);
    ROOT_EXCLUDED.contains(&folded.as_str())
        || folded.starts_with(".local.")
        || folded.starts_with(".lanspread")
}

/// Whether a name is litter of an operating system.
#[must_use]
pub fn is_litter(name: &str) -> bool {
    LITTER.contains(&crate::rel_path::fold(name).as_str())
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it lies below the game root.
    pub path: RelPath,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its BLAKE3 root, as `b3sum` prints it.
    pub root: Hash,
}

/// How the payload becomes an installed game. Decided at publish; installs obey it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// The payload is the game: it is cloned into `local/`.
    Tree,
    /// These archives are unpacked into `local/`, in this order.
    Archives(#[serde(deserialize_with = "bounds::sets")] Vec<ArchiveSet>),
}

/// One archive: its volumes in order, at the root of the game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveSet {
    /// At least one.
    #[serde(deserialize_with = "bounds::list")]
    pub volumes: Vec<RelPath>,
}

/// What goes into a manifest; [`Manifest::new`] checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDraft {
    /// Which game.
    pub game: GameId,
    /// Which version, as its `version.ini` says.
    pub version: VersionLabel,
    /// How it is installed.
    pub layout: Layout,
    /// Every file, `version.ini` among them.
    #[serde(deserialize_with = "bounds::list")]
    pub files: Vec<FileEntry>,
    /// Directories without any file or directory in them.
    #[serde(deserialize_with = "bounds::list")]
    pub empty_dirs: Vec<RelPath>,
}

/// A checked manifest: files sorted by path, every rule of the paths kept, totals within limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    draft: ManifestDraft,
    geometry: Geometry,
    content: ContentId,
}

/// The encoded form behind [`MAGIC`]. A draft may be large: it is not copied to be written.
#[derive(Serialize, Deserialize)]
struct Encoded<'a> {
    chunk_size_log2: u8,
    draft: Cow<'a, ManifestDraft>,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not an encoded manifest, or of a later encoding.
    #[error("these are not the bytes of a manifest this version reads")]
    Encoding,
    /// The bytes decode, but are not the one canonical encoding.
    #[error("the manifest is not in its canonical form")]
    NotCanonical,
    /// More bytes, files or directories than the limits allow.
    #[error("the manifest is over a limit: {0}")]
    Limit(&'static str),
    /// Two entries cannot lie side by side.
    #[error("{path}: {reason}")]
    Twin {
        /// The second of the two.
        path: RelPath,
        /// Why.
        reason: TwinError,
    },
    /// A name at the root that LanSpread uses itself, or litter of an OS.
    #[error("{0}: this name does not belong to a payload")]
    Excluded(RelPath),
    /// An empty directory that is not empty.
    #[error("{0}: listed as an empty directory, but it is not")]
    DirectoryNotEmpty(RelPath),
    /// There is no `version.ini`, or it is larger than it may be.
    #[error("version.ini is missing or larger than 64 KiB")]
    VersionIni,
    /// The layout names a file that is not at the root, not there, or names one twice.
    #[error("the layout names {0}, which is no archive at the root of the game")]
    Layout(RelPath),
    /// The layout is `archives`, but a set is empty.
    #[error("the layout has an archive without volumes")]
    EmptyArchiveSet,
    /// An empty file with another root than that of nothing.
    #[error("{0}: an empty file has one possible hash, and this is another")]
    EmptyFileRoot(RelPath),
}

/// The chunk size for a payload, as a power of two: 1 MiB to 20 GB, 2 MiB to 100 GB, 4 MiB above.
#[must_use]
pub const fn chunk_size_log2(payload_bytes: u64) -> u8 {
    const GB: u64 = 1_000_000_000;
    if payload_bytes <= 20 * GB {
        20
    } else if payload_bytes <= 100 * GB {
        21
    } else {
        22
    }
}

impl Manifest {
    /// Sorts and checks a draft.
    ///
    /// # Errors
    /// The first rule that it breaks, with the entry.
    pub fn new(mut draft: ManifestDraft) -> Result<Self, ManifestError> {
        draft.files.sort_by(|a, b| a.path.cmp(&b.path));
        draft.empty_dirs.sort();
        let total = check_totals(&draft)?;
        check_paths(&draft)?;
        check_layout(&draft)?;
        let log2 = chunk_size_log2(total);
        let encoded = encode(log2, &draft)?;
        let content = ContentId::from_bytes(*Hash::of(&encoded).as_bytes());
        let geometry = Geometry::new(1 << log2, draft.files.iter().map(|file| file.bytes));
        Ok(Self {
            draft,
            geometry,
            content,
        })
    }

    /// Parses the bytes of a manifest from anywhere.
    ///
    /// # Errors
    /// Not the canonical encoding of a manifest that [`Manifest::new`] accepts.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > limits::MANIFEST_BYTES_MAX {
            return Err(ManifestError::Limit("64 MiB encoded"));
        }
        let body = bytes.strip_prefix(MAGIC).ok_or(ManifestError::Encoding)?;
        let decoded: Encoded<'_> =
            postcard::from_bytes(body).map_err(|_undecodable| ManifestError::Encoding)?;
        let manifest = Self::new(decoded.draft.into_owned())?;
        // Its id is the hash of its canonical bytes.
        if manifest.content.as_bytes() == Hash::of(bytes).as_bytes() {
            Ok(manifest)
        } else {
            Err(ManifestError::NotCanonical)
        }
    }

    /// The canonical bytes; their BLAKE3 is the [`ContentId`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let log2 = chunk_size_log2(self.total_bytes());
        // `new` encoded the same draft before.
        encode(log2, &self.draft).unwrap_or_default()
    }

    /// The id of these bytes.
    #[must_use]
    pub const fn content(&self) -> ContentId {
        self.content
    }

    /// Which game.
    #[must_use]
    pub const fn game(&self) -> &GameId {
        &self.draft.game
    }

    /// Which version.
    #[must_use]
    pub const fn version(&self) -> &VersionLabel {
        &self.draft.version
    }

    /// How it is installed.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.draft.layout
    }

    /// The files, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.draft.files
    }

    /// The empty directories, sorted by path.
    #[must_use]
    pub fn empty_dirs(&self) -> &[RelPath] {
        &self.draft.empty_dirs
    }

    /// The cut into chunks and pieces.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Bytes of all files.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.geometry.total_bytes()
    }

    /// Bytes and files of the payload, as libraries say them.
    #[must_use]
    pub fn size(&self) -> Size {
        Size {
            bytes: self.total_bytes(),
            files: u32::try_from(self.files().len()).unwrap_or(u32::MAX),
        }
    }
}

fn encode(chunk_size_log2: u8, draft: &ManifestDraft) -> Result<Vec<u8>, ManifestError> {
    let encoded = Encoded {
        chunk_size_log2,
        draft: Cow::Borrowed(draft),
    };
    let bytes = postcard::to_extend(&encoded, MAGIC.to_vec())
        .map_err(|_too_large| ManifestError::Encoding)?;
    if bytes.len() as u64 > limits::MANIFEST_BYTES_MAX {
        return Err(ManifestError::Limit("64 MiB encoded"));
    }
    Ok(bytes)
}

fn check_totals(draft: &ManifestDraft) -> Result<u64, ManifestError> {
    if draft.files.len().saturating_add(draft.empty_dirs.len()) > limits::MANIFEST_FILES_MAX {
        return Err(ManifestError::Limit("500,000 files and empty directories"));
    }
    let mut total = 0_u64;
    for file in &draft.files {
        if file.bytes > limits::FILE_BYTES_MAX {
            return Err(ManifestError::Limit("1 TiB for one file"));
        }
        if file.bytes == 0 && file.root != Hash::of_empty() {
            return Err(ManifestError::EmptyFileRoot(file.path.clone()));
        }
        total = total.saturating_add(file.bytes);
    }
    if total > limits::PAYLOAD_BYTES_MAX {
        return Err(ManifestError::Limit("4 TiB in all"));
    }
    Ok(total)
}

fn check_paths(draft: &ManifestDraft) -> Result<(), ManifestError> {
    let mut table = PathTable::default();
    let mut parents = BTreeSet::new();
    let all = draft
        .files
        .iter()
        .map(|file| &file.path)
        .chain(&draft.empty_dirs);
    for path in all.clone() {
        if is_excluded_at_root(path.first()) || path.components().any(is_litter) {
            return Err(ManifestError::Excluded(path.clone()));
        }
        let mut above = path.parent();
        while let Some(parent) = above {
            above = parent.parent();
            if !parents.insert(parent) {
                // Those above it came with it.
                break;
            }
        }
    }
    for file in &draft.files {
        table
            .add_file(&file.path)
            .map_err(|reason| ManifestError::Twin {
                path: file.path.clone(),
                reason,
            })?;
    }
    let mut previous: Option<&RelPath> = None;
    for dir in &draft.empty_dirs {
        if parents.contains(dir) || previous == Some(dir) {
            return Err(ManifestError::DirectoryNotEmpty(dir.clone()));
        }
        previous = Some(dir);
        table
            .add_directory(dir)
            .map_err(|reason| ManifestError::Twin {
                path: dir.clone(),
                reason,
            })?;
    }
    let sentinel = draft
        .files
        .iter()
        .find(|file| file.path.as_str() == VERSION_INI);
    match sentinel {
        Some(ini) if ini.bytes <= limits::VERSION_INI_BYTES_MAX => Ok(()),
        Some(_) | None => Err(ManifestError::VersionIni),
    }
}

fn check_layout(draft: &ManifestDraft) -> Result<(), ManifestError> {
    let Layout::Archives(sets) = &draft.layout else {
        return Ok(());
    };
    let mut named = BTreeSet::new();
    for set in sets {
        if set.volumes.is_empty() {
            return Err(ManifestError::EmptyArchiveSet);
        }
        for volume in &set.volumes {
            let at_root = volume.parent().is_none() && volume.as_str() != VERSION_INI;
            let known = draft
                .files
                .binary_search_by(|file| file.path.cmp(volume))
                .is_ok();
            if !at_root || !known || !named.insert(volume) {
                return Err(ManifestError::Layout(volume.clone()));
            }
        }
    }
    if sets.is_empty() {
        Err(ManifestError::EmptyArchiveSet)
    } else {
        Ok(())
    }
}

/// The name of a game directory as a title, when nothing better is known.
#[must_use]
pub fn title_of(directory_name: &str) -> String {
    directory_name.replace('_', " ")
}

#[cfg(test)]
mod tests;
