//! Decides the layout of a payload, and refuses archives that nobody could install.

use std::{io, sync::Arc};

use lanspread_disk::{
    Disk, Place,
    scan::{
        Payload,
        settings::{self, LayoutWish},
    },
    vfs::{DiskFile, OpenMode},
};
use lanspread_proto::{
    RelPath,
    library::Size,
    manifest::{ArchiveSet, Layout, VERSION_INI},
};
use lanspread_unpack::{
    ArchiveBytes, ErrorCode, Limits, NameTable, WorkerCommand, detect,
    layout::{self, LayoutError, RootFile},
    list,
    volumes::{self, VolumeError},
};

use super::refusal::not;
use crate::{error::OperationError, snapshot::NotShared};

/// What reads files, and what reads archives.
pub(crate) type Tools<'a> = (&'a dyn Disk, &'a WorkerCommand);

/// The layout, and what comes out of it.
pub(crate) struct Judged {
    pub(crate) layout: Layout,
    pub(crate) unpacked: Option<Size>,
}

/// Refuses what could not be shared as far as its listing tells: encrypted or incomplete archives,
/// damaged headers. `None` where nothing can be said of the layout.
pub(crate) fn check_layout(
    tools: Tools<'_>,
    game_root: &Place,
    payload: &Payload,
) -> Result<Option<Judged>, OperationError> {
    match decide(tools, game_root, payload) {
        Err(NotShared::Refused {
            entry,
            code,
            reason,
        }) => Err(OperationError::Publish {
            entry,
            code,
            reason,
        }),
        Ok(listed) => Ok(Some(listed)),
        // Nothing else is a verdict on archives.
        Err(_) => Ok(None),
    }
}

/// Decides the layout and lists the archives.
pub(super) fn decide(
    tools: Tools<'_>,
    game_root: &Place,
    payload: &Payload,
) -> Result<Judged, NotShared> {
    let wishes =
        settings::read_settings(tools.0, game_root).map_err(|error| not("settings", &error))?;
    let layout = match wishes.layout {
        Some(LayoutWish::Tree) => Layout::Tree,
        Some(LayoutWish::Archives) => Layout::Archives(sets(payload, None)?),
        Some(LayoutWish::Named(names)) => Layout::Archives(sets(payload, Some(&names))?),
        None => by_content(tools, game_root, payload)?,
    };
    let Layout::Archives(sets) = &layout else {
        let files = u32::try_from(payload.files.len()).unwrap_or(u32::MAX);
        return Ok(Judged {
            layout,
            unpacked: Some(Size {
                bytes: payload.bytes,
                files,
            }),
        });
    };
    let mut total = Size::default();
    let mut names = NameTable::new();
    for set in sets {
        let (size, after) = list_one(tools, game_root, set, names)?;
        names = after;
        total.bytes = total.bytes.saturating_add(size.bytes);
        total.files = total.files.saturating_add(size.files);
    }
    if total.files == 0 {
        return Err(NotShared::Refused {
            entry: name_of(sets.first()),
            code: "no-files",
            reason: "no file is in the archives".to_owned(),
        });
    }
    Ok(Judged {
        unpacked: Some(total),
        layout,
    })
}

fn by_content(tools: Tools<'_>, game_root: &Place, payload: &Payload) -> Result<Layout, NotShared> {
    let mut prefixes = Vec::new();
    let at_root = |path: &RelPath| path.parent().is_none();
    for file in payload.files.iter().filter(|file| at_root(&file.path)) {
        let place = game_root.join(&file.path);
        let prefix =
            read_prefix(tools.0, &place, file.bytes).map_err(|error| not("disk", &error))?;
        prefixes.push((file.path.as_str(), prefix));
    }
    let deeper = payload.files.iter().any(|file| !at_root(&file.path));
    let files = prefixes
        .iter()
        .map(|(name, prefix)| RootFile { name, prefix });
    layout::decide(files, deeper || !payload.empty_dirs.is_empty()).map_err(|error| {
        let code = match error {
            LayoutError::NotAnArchive(_) => "unsupported-format",
            LayoutError::Volumes(ref error) => code_of(error),
            LayoutError::Name { .. } => "missing-volume",
        };
        not(code, &error)
    })
}

const fn code_of(error: &VolumeError) -> &'static str {
    match error {
        VolumeError::SplitZip { .. } => "split-zip",
        VolumeError::Missing { .. } | VolumeError::SameVolume { .. } => "missing-volume",
    }
}

fn read_prefix(
    disk: &dyn Disk,
    place: &Place,
    bytes: u64,
) -> Result<Vec<u8>, lanspread_disk::DiskError> {
    let len = usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .min(detect::PREFIX_BYTES);
    let mut prefix = vec![0; len];
    disk.open(place, OpenMode::Read)?
        .read_exact_at(&mut prefix, 0)?;
    Ok(prefix)
}

/// The archives at the root as sets; with names, these in their order.
fn sets(payload: &Payload, named: Option<&[RelPath]>) -> Result<Vec<ArchiveSet>, NotShared> {
    let at_root = payload
        .files
        .iter()
        .map(|file| &file.path)
        .filter(|path| path.parent().is_none() && path.as_str() != VERSION_INI);
    let names = at_root
        .map(RelPath::as_str)
        .filter(|name| volumes::has_archive_name(name));
    let found = volumes::group(names).map_err(|error| not(code_of(&error), &error))?;
    let set_of = |names: &[String]| ArchiveSet {
        volumes: names
            .iter()
            .filter_map(|name| RelPath::parse(name).ok())
            .collect(),
    };
    let all: Vec<ArchiveSet> = found.iter().map(|set| set_of(&set.volumes)).collect();
    let Some(named) = named else { return Ok(all) };
    let find = |name: &RelPath| {
        let set = all.iter().find(|set| set.volumes.first() == Some(name));
        let known = || payload.files.iter().any(|file| file.path == *name);
        set.cloned()
            .or_else(|| {
                known().then(|| ArchiveSet {
                    volumes: vec![name.clone()],
                })
            })
            .ok_or_else(|| {
                not(
                    "settings",
                    &format!("{name}: lanspread.toml names it, but it is not there"),
                )
            })
    };
    named.iter().map(find).collect()
}

fn list_one(
    tools: Tools<'_>,
    game_root: &Place,
    set: &ArchiveSet,
    names: NameTable,
) -> Result<(Size, NameTable), NotShared> {
    let name = name_of(Some(set));
    let refuse = |code: &'static str, reason: String| NotShared::Refused {
        entry: name.clone(),
        code,
        reason,
    };
    let source =
        Files::open(tools.0, game_root, set).map_err(|error| refuse("disk", error.to_string()))?;
    let missing = source.slice_behind(set);
    let source: Arc<dyn ArchiveBytes> = Arc::new(source);
    let count = set.volumes.len();
    let listed = list(tools.1, source, count, Limits::default(), names);
    let (listing, names) = listed.map_err(|error| match (error.code, missing) {
        // The archive says how long it should be.
        (ErrorCode::Truncated, Some(missing)) => {
            refuse("missing-volume", format!("the volume {missing} is missing"))
        }
        (ErrorCode::Damaged, Some(missing)) => {
            let reason = format!("the volume {missing} is missing, or the archive is {error}");
            refuse("missing-volume", reason)
        }
        (code, _) => refuse(code.as_str(), error.to_string()),
    })?;
    listing
        .check_installable()
        .map_err(|error| refuse(error.code.as_str(), error.to_string()))?;
    let files = u32::try_from(listing.files.len()).unwrap_or(u32::MAX);
    Ok((
        Size {
            bytes: listing.bytes,
            files,
        },
        names,
    ))
}

fn name_of(set: Option<&ArchiveSet>) -> String {
    let first = set.and_then(|set| set.volumes.first());
    first.map(ToString::to_string).unwrap_or_default()
}

/// Volumes on disk that are no content yet.
pub(crate) struct Files {
    volumes: Vec<(Box<dyn DiskFile>, u64)>,
}

impl Files {
    pub(crate) fn open(
        disk: &dyn Disk,
        root: &Place,
        set: &ArchiveSet,
    ) -> Result<Self, lanspread_disk::DiskError> {
        let open = |volume: &RelPath| {
            let file = disk.open(&root.join(volume), OpenMode::Read)?;
            let bytes = file.stat()?.bytes;
            Ok((file, bytes))
        };
        Ok(Self {
            volumes: set.volumes.iter().map(open).collect::<Result<_, _>>()?,
        })
    }
}

impl Files {
    /// What is missing behind the last volume, if anything is.
    fn slice_behind(&self, set: &ArchiveSet) -> Option<String> {
        let names = set.volumes.iter().map(RelPath::as_str);
        let lengths = self.volumes.iter().map(|(_, bytes)| *bytes);
        volumes::slice_behind(&names.zip(lengths).collect::<Vec<_>>())
    }
}

impl ArchiveBytes for Files {
    fn len(&self, volume: usize) -> u64 {
        self.volumes.get(volume).map_or(0, |(_, bytes)| *bytes)
    }

    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some((file, bytes)) = self.volumes.get(volume) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let left = usize::try_from(bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(buf.len());
        let part = buf.get_mut(..len).unwrap_or_default();
        file.read_exact_at(part, offset).map_err(io::Error::other)?;
        Ok(len)
    }
}
