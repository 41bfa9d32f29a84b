//! Where the shelf stands: the games directory, and what a publish would do.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use lanspread_disk::{
    Disk, DiskError, Place, atomic_file, folders, games_lock::GamesLock, relocate::relocate,
    vfs::EntryKind,
};
use lanspread_proto::wire::link::Sharing;
use tokio_util::sync::CancellationToken;

use super::{Msg, ShelfPorts, scanning};
use crate::{
    actor::Reply,
    error::OperationError,
    handle::{GamesMove, PublishPlan},
    publishing,
    restart::caught_in,
    snapshot::SharingState,
};

/// What peers are told.
pub(super) const fn on_the_wire(sharing: SharingState) -> Sharing {
    match sharing {
        SharingState::On => Sharing::On,
        SharingState::Off | SharingState::Paused(_) => Sharing::Paused,
    }
}

/// Looks at a folder on a thread for that, and answers.
pub(super) fn plan_publish(
    ports: &ShelfPorts,
    games_dir: &Path,
    source: PathBuf,
    reply: Reply<PublishPlan>,
) {
    let (disk, games) = (Arc::clone(&ports.disk), Place::root(games_dir));
    let state = ports.state.place();
    ports
        .tasks
        .spawn_blocking(tracing::info_span!("plan_publish"), move || {
            drop(reply.send(plan(disk.as_ref(), (&games, &state), &source)));
        });
}

fn plan(
    disk: &dyn Disk,
    (games, state): (&Place, &Place),
    source: &Path,
) -> Result<PublishPlan, OperationError> {
    let game = publishing::game_of(source)?;
    publishing::check_not_ours(source, games, state)?;
    let in_place = publishing::is_in(games, source);
    let payload = publishing::scan_source(disk, source, in_place)?;
    if !in_place {
        publishing::check_still(disk, source, &payload, SystemTime::now())?;
    }
    Ok(PublishPlan {
        version: publishing::own_version(disk, &Place::root(source))?,
        in_place,
        game,
        bytes: payload.bytes,
        files: u32::try_from(payload.files.len()).unwrap_or(u32::MAX),
        free_bytes: disk.space(games)?.free_bytes,
    })
}

/// Changes to another games directory, on a thread for that.
pub(super) fn move_games(
    ports: &ShelfPorts,
    (from, lock): (PathBuf, Option<GamesLock>),
    (to, how): (PathBuf, GamesMove),
    reply: Reply<()>,
) {
    let (disk, mailbox) = (Arc::clone(&ports.disk), ports.mailbox.clone());
    let (stop, state) = (ports.tasks.stop().clone(), ports.state.clone());
    ports
        .tasks
        .spawn_blocking(tracing::info_span!("games_dir"), move || {
            let mut lock = lock;
            let carried = caught_in(|| {
                check_apart(&to, state.path())?;
                let way = Way {
                    from: Place::root(&from),
                    to: Place::root(&to),
                    leaving: state.leaving(),
                };
                change(disk.as_ref(), &way, how, (&mut lock, &stop))
            });
            let result = carried.unwrap_or_else(|panic| Err(OperationError::Defect(panic)));
            mailbox.blocking_send(Msg::Moved(to, lock, result, reply));
        });
}

/// From one games directory to another.
struct Way {
    from: Place,
    to: Place,
    /// Where moves are written down.
    leaving: Place,
}

fn check_apart(games: &Path, state: &Path) -> Result<(), OperationError> {
    if folders::overlap(games, state) {
        let (games, state) = (games.to_owned(), state.to_owned());
        return Err(OperationError::NotApart { games, state });
    }
    Ok(())
}

/// The lock on the old directory is held until all of it is at the new place.
fn change(
    disk: &dyn Disk,
    way: &Way,
    how: GamesMove,
    (lock, stop): (&mut Option<GamesLock>, &CancellationToken),
) -> Result<(), OperationError> {
    atomic_file::ensure_dir(disk, &way.to)?;
    let to = &way.to.path();
    let stays = lock.as_ref().is_some_and(|lock| lock.is_on(disk, to));
    let new = match stays {
        true => lock.take(),
        false => scanning::take(disk, to, None)?,
    };
    let carried = carry(disk, way, how, stop);
    if stays || carried.is_ok() {
        *lock = new;
    }
    Ok(carried?)
}

/// Moves game by game, to another volume too. What fails is undone; when the node stops in the
/// middle, each game is at the one place or the other.
fn carry(
    disk: &dyn Disk,
    Way { from, to, leaving }: &Way,
    how: GamesMove,
    stop: &CancellationToken,
) -> Result<(), DiskError> {
    atomic_file::ensure_dir(disk, to)?;
    if how == GamesMove::UseAsItIs {
        return Ok(());
    }
    let mut moved: Vec<String> = Vec::new();
    for entry in disk
        .list(from)?
        .into_iter()
        .filter(|e| e.kind == EntryKind::Directory)
    {
        let target = to.listed(&entry.name);
        let result = match disk.stat(&target)? {
            // A game that is there already is not replaced.
            Some(_) => continue,
            None => {
                let ends = (&from.listed(&entry.name), &target);
                relocate(disk, ends, leaving, &mut |_| !stop.is_cancelled())
            }
        };
        if let Err(error) = result {
            for name in moved.iter().filter(|_| !stop.is_cancelled()) {
                let ends = (&to.listed(name), &from.listed(name));
                relocate(disk, ends, leaving, &mut |_| true)?;
            }
            return Err(error);
        }
        moved.push(entry.name);
    }
    disk.sync_dir(to)?;
    disk.sync_dir(from)
}
