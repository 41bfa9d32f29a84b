//! Is there room for a whole job? One rule for everything that writes a payload or unpacks one.

use std::{path::PathBuf, sync::Arc};

use lanspread_disk::{
    Disk, Place, memory,
    space::{Installs, RESERVE_BYTES, SpaceError},
    vfs::Space,
};
use lanspread_proto::{ContentId, GameId, Manifest, library::Size, manifest::Layout};
use lanspread_unpack::{Limits, Totals};

use crate::{
    error::{OperationError, Shortage},
    handle::AfterDownload,
    jobs::{Job, JobPorts},
};

/// Left free while archives are unpacked: nobody knows for sure how much comes out of them.
const UNPACK_RESERVE_BYTES: u64 = 1 << 30;
/// What may come out beyond our own listing and a quarter: headers do not tell of every copy.
const LISTING_SLACK_BYTES: u64 = 16 << 20;
/// A dictionary of this size is always allowed.
const DICTIONARY_BYTES_MIN: u64 = 64 << 20;

/// What a job will write.
pub(crate) struct Plan<'a> {
    pub(crate) manifest: &'a Manifest,
    /// Of the payload, bytes that must still come; 0 when it is here.
    pub(crate) missing_bytes: u64,
    pub(crate) then: AfterDownload,
}

/// The whole job must fit before its first byte, beside all that others will still write. It is
/// reserved until the job ends.
pub(crate) async fn reserve(
    ports: &JobPorts,
    job: &Job,
    plan: Plan<'_>,
) -> Result<(), OperationError> {
    let place = ports.game_root(&job.game);
    let is_stored = plan.then != AfterDownload::InstallLowDisk;
    let is_tree = matches!(plan.manifest.layout(), Layout::Tree);
    if is_stored || is_tree {
        check_file_sizes(ports, place.clone(), plan.manifest).await?;
    }
    let installed = installed_bytes(ports, &job.game, &plan);
    let is_cloned = is_tree && is_stored;
    let (disk, room, missing) = (
        Arc::clone(&ports.disk),
        Arc::clone(&job.room),
        plan.missing_bytes,
    );
    let checked = ports
        .blocking(move || {
            let install = match is_cloned {
                true => Installs::Clones(installed),
                false => Installs::Bytes(installed),
            };
            room.reserve_job(disk.as_ref(), &place, missing, install)
        })
        .await?;
    checked.map_err(|error| {
        let payload_bytes = plan.manifest.total_bytes();
        let shortage = Shortage {
            payload_bytes,
            reusable_bytes: payload_bytes.saturating_sub(missing),
            unpacked_bytes: installed,
            kept_bytes: kept_bytes(ports, &job.game, plan.manifest.content()),
            ..Shortage::default()
        };
        let is_way_out = missing > 0 && plan.then == AfterDownload::Install;
        refused(ports, job, error, (shortage, is_way_out.then_some(missing)))
    })
}

/// Every file of the payload must be one that the volume takes. What comes out of archives is
/// limited while they are unpacked.
async fn check_file_sizes(
    ports: &JobPorts,
    place: Place,
    manifest: &Manifest,
) -> Result<(), OperationError> {
    let disk = Arc::clone(&ports.disk);
    let path = place.path();
    let space = ports.blocking(move || disk.space(&place)).await?;
    // A system that cannot tell says so later, when the file is made.
    let Ok(Space { file_bytes_max, .. }) = space else {
        return Ok(());
    };
    too_large(path, file_bytes_max, manifest).map_or(Ok(()), Err)
}

fn too_large(path: PathBuf, bytes_max: u64, manifest: &Manifest) -> Option<OperationError> {
    let largest = manifest.files().iter().max_by_key(|file| file.bytes)?;
    (largest.bytes > bytes_max).then(|| OperationError::FileTooLarge {
        path,
        file: largest.path.to_string(),
        bytes: largest.bytes,
        bytes_max,
    })
}

/// Room for bytes that are written beside what is there; reserved until the job ends.
pub(crate) async fn reserve_bytes(
    ports: &JobPorts,
    job: &Job,
    bytes: u64,
) -> Result<(), OperationError> {
    let place = ports.game_root(&job.game);
    let (disk, room) = (Arc::clone(&ports.disk), Arc::clone(&job.room));
    let checked = ports
        .blocking(move || room.reserve(disk.as_ref(), &place, bytes))
        .await?;
    checked.map_err(|error| refused(ports, job, error, (Shortage::default(), None)))
}

/// What people are told when it does not fit. A low-disk install stores `spared` bytes less.
fn refused(
    ports: &JobPorts,
    job: &Job,
    error: SpaceError,
    (shortage, spared): (Shortage, Option<u64>),
) -> OperationError {
    match error {
        SpaceError::NotEnough {
            place,
            needed_bytes,
            free_bytes,
            reserved_bytes,
        } => OperationError::NotEnoughSpace(Arc::new(Shortage {
            path: place.path(),
            needed_bytes,
            free_bytes,
            reserved_bytes,
            droppable: droppable(ports, &job.game),
            low_disk_bytes: spared.map(|spared| needed_bytes.saturating_sub(spared)),
            ..shortage
        })),
        SpaceError::Disk(error) => error.into(),
    }
}

/// What a version that is to be replaced takes until then.
fn kept_bytes(ports: &JobPorts, game: &GameId, new: ContentId) -> u64 {
    let shelf = ports.shelf_view.borrow();
    let Some(here) = shelf.games.get(game) else {
        return 0;
    };
    let payload = here.manifest.as_ref().filter(|m| m.content() != new);
    let payload = payload.map_or(0, |manifest| manifest.total_bytes());
    let installed = here.local.installed.as_ref();
    let is_other = installed.is_some_and(|installed| installed.content() != Some(new));
    // What an archive said comes out of it; a tree lies there twice.
    let unpacked = here.unpacked.map_or(payload, |size| size.bytes);
    payload.saturating_add(if is_other { unpacked } else { 0 })
}

/// What comes out of the payload, as far as anybody said.
fn installed_bytes(ports: &JobPorts, game: &GameId, plan: &Plan<'_>) -> u64 {
    let payload = plan.manifest.total_bytes();
    match (plan.then, plan.manifest.layout()) {
        (AfterDownload::Keep, _) => 0,
        (AfterDownload::Install | AfterDownload::InstallLowDisk, Layout::Tree) => payload,
        (AfterDownload::Install | AfterDownload::InstallLowDisk, Layout::Archives(_)) => {
            let library = ports.transfer.library.borrow();
            let contents = library.merged.game(game).map(|game| &game.contents);
            let mut contents = contents.into_iter().flatten();
            let found = contents.find(|c| c.content == plan.manifest.content());
            let hint = found.and_then(|content| content.unpacked);
            hint.map_or(payload, |size| size.bytes)
        }
    }
}

/// Payloads of other installed games that could be removed to make room, the largest first.
fn droppable(ports: &JobPorts, game: &GameId) -> Vec<(GameId, u64)> {
    let shelf = ports.shelf_view.borrow();
    let others = shelf.games.iter().filter(|(other, _)| *other != game);
    let installed = others.filter(|(_, on_shelf)| on_shelf.local.installed.is_some());
    let mut payloads: Vec<(GameId, u64)> = installed
        .filter_map(|(other, on_shelf)| {
            let manifest = on_shelf.manifest.as_ref()?;
            Some((other.clone(), manifest.total_bytes()))
        })
        .collect();
    payloads.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    payloads
}

/// What our own listing of a content that lies here said comes out of it.
pub(crate) fn own_listing(ports: &JobPorts, game: &GameId, content: ContentId) -> Option<Size> {
    let shelf = ports.shelf_view.borrow();
    let here = shelf.games.get(game)?;
    here.unpacked
        .filter(|_| here.local.content == Some(content))
}

/// What is left free while archives are unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Enough for whatever else runs.
    ForOthers,
    /// Hardly anything: the person has no more room.
    LeastPossible,
}

/// What the archives of a game may use of this machine. `own` is what our own listing of them said;
/// what peers say of it limits nothing.
pub(crate) fn limits(disk: &dyn Disk, place: &Place, (own, left): (Option<Size>, Left)) -> Limits {
    let space = disk.space(place).ok();
    bounded((space, memory::available_bytes()), (own, left))
}

/// What archives may use of this machine that are unpacked without being written.
pub(crate) fn test_limits(own: Option<Size>) -> Limits {
    bounded((None, memory::available_bytes()), (own, Left::ForOthers))
}

fn bounded(
    (space, memory): (Option<Space>, Option<u64>),
    (own, left): (Option<Size>, Left),
) -> Limits {
    let mut limits = Limits::default();
    if let Some(space) = space {
        let reserve = match left {
            Left::ForOthers => UNPACK_RESERVE_BYTES,
            Left::LeastPossible => RESERVE_BYTES,
        };
        let reserve = reserve.min(space.total_bytes / 20);
        let free = space.free_bytes.saturating_sub(reserve);
        limits.total_bytes = limits.total_bytes.min(free);
        limits.file_bytes = limits.file_bytes.min(space.file_bytes_max);
    }
    if let Some(own) = own {
        let slack = (own.bytes / 4).saturating_add(LISTING_SLACK_BYTES);
        let most = own.bytes.saturating_add(slack);
        limits.total_bytes = limits.total_bytes.min(most);
    }
    limits.file_bytes = limits.file_bytes.min(limits.total_bytes);
    if let Some(free) = memory {
        let most = (free / 2).max(DICTIONARY_BYTES_MIN);
        limits.dictionary_bytes = limits.dictionary_bytes.min(most);
    }
    limits
}

/// What is left for the other archives of a game when one is unpacked.
pub(crate) fn after(limits: &Limits, unpacked: Totals) -> Limits {
    let total_bytes = limits.total_bytes.saturating_sub(unpacked.bytes);
    Limits {
        total_bytes,
        file_bytes: limits.file_bytes.min(total_bytes),
        ..limits.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn archives_get_what_is_free_and_all_of_a_game_together() {
        let own = |bytes| Some(Size { bytes, files: 1 });
        let limits = |total_bytes, own| {
            let space = Space {
                volume: 1,
                free_bytes: total_bytes,
                total_bytes,
                file_bytes_max: u64::MAX,
            };
            bounded((Some(space), None), (own, Left::ForOthers))
        };
        let total = |own| limits(64 * MIB, own).total_bytes;
        assert_eq!(total(None), 64 * MIB - 64 * MIB / 20);
        assert_eq!(total(own(8 * MIB)), 26 * MIB);
        assert_eq!(total(own(u64::MAX)), total(None));
        assert_eq!(limits(100 << 30, None).total_bytes, 99 << 30);

        let mut left = limits(64 * MIB, own(8 * MIB));
        for (unpacked, expected) in [(3 * MIB, 23 * MIB), (23 * MIB, 0), (1, 0)] {
            let totals = Totals {
                entries: 1,
                bytes: unpacked,
            };
            left = after(&left, totals);
            assert_eq!((left.total_bytes, left.file_bytes), (expected, expected));
        }
    }

    #[test]
    fn the_largest_file_decides() {
        use lanspread_proto::{Hash, RelPath, VersionLabel, manifest};

        let file = |path: &str, bytes| manifest::FileEntry {
            path: RelPath::parse(path).unwrap(),
            bytes,
            root: Hash::of(b""),
        };
        let manifest = Manifest::new(manifest::ManifestDraft {
            game: GameId::parse("quake").unwrap(),
            version: VersionLabel::parse("1.0").unwrap(),
            layout: Layout::Tree,
            files: vec![file("data.pak", 4 << 30), file("version.ini", 3)],
            empty_dirs: Vec::new(),
        });
        let manifest = manifest.unwrap();
        let refused = |bytes_max| too_large(PathBuf::from("/games"), bytes_max, &manifest);
        assert!(refused(4 << 30).is_none());
        let error = refused(u32::MAX.into()).unwrap();
        assert_eq!(error.code(), "file-too-large");
        assert!(
            error.to_string().starts_with("data.pak has 4294967296"),
            "{error}"
        );
    }

    #[test]
    fn a_dictionary_is_at_most_half_of_the_free_memory() {
        let check = |free, expected| {
            let limits = bounded((None, free), (None, Left::ForOthers));
            assert_eq!(limits.dictionary_bytes, expected, "{free:?}");
        };
        check(None, 1 << 30);
        check(Some(8 << 30), 1 << 30);
        check(Some(1 << 30), 512 * MIB);
        check(Some(16 * MIB), 64 * MIB);
    }
}
