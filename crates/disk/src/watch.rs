//! [`GamesWatch`]: which games changed on disk since somebody asked last.
//!
//! Changes are merged while nobody asks: however much happens, what waits is bounded. A watch is a
//! hint only; folders are looked at from time to time all the same.

use std::{
    collections::{BTreeSet, HashSet},
    fmt, io, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lanspread_install::Slot;
use lanspread_proto::manifest;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};

use crate::{
    error::{DiskError, DiskOp},
    vfs::{Disk, EntryKind, Place},
};

/// Games named one by one; more of them are *everything*.
const CHANGED_MAX: usize = 256;
/// Directories watched one by one, where the OS wants them one by one. More of them are left to
/// the next look at the folder.
const WATCHED_MAX: usize = 4_096;
/// Whether one watch covers all that is below: elsewhere each directory costs one.
const COVERS_TREE: bool = cfg!(any(windows, target_os = "macos"));

/// How long nothing is told after changes that took that long to follow. Somebody who goes on
/// writing into a folder of many files costs a tenth of the time, not all of it.
fn rest_after(took: Duration) -> Duration {
    const SHORT: Duration = Duration::from_millis(10);
    const REST_MAX: Duration = Duration::from_secs(5);
    match took < SHORT {
        true => Duration::ZERO,
        false => (took * 20).min(REST_MAX),
    }
}

/// What happened since the last time.
#[derive(Debug, Default)]
pub struct Changes {
    /// Names of directories in the games directory in which something changed, came or went.
    pub games: BTreeSet<String>,
    /// Anything may have changed: look at all of them. If the games directory itself was away, a
    /// new watch must be started.
    pub everything: bool,
    /// The last thing that went wrong with watching.
    pub error: Option<DiskError>,
}

/// A watch on the games directory. Ends when it is dropped.
pub struct GamesWatch {
    games: Place,
    root: PathBuf,
    watcher: RecommendedWatcher,
    watched: HashSet<PathBuf>,
    shared: Arc<Shared>,
    woken: Receiver<()>,
    /// Until then nothing is told: see [`rest_after`].
    rests_until: Instant,
}

struct Shared {
    games: PathBuf,
    pending: Mutex<Changes>,
    /// Has room for one: enough to say that there is something.
    wake: Sender<()>,
}

impl GamesWatch {
    /// Begins to watch.
    ///
    /// # Errors
    /// The games directory is not there, or the system cannot watch.
    pub fn start(disk: &dyn Disk, games: &Place) -> Result<Self, DiskError> {
        // Events name resolved paths.
        let root = games
            .path()
            .canonicalize()
            .map_err(|e| DiskError::new(DiskOp::Watch, games.path(), e))?;
        let (wake, woken) = crossbeam_channel::bounded(1);
        let shared = Arc::new(Shared {
            games: root.clone(),
            pending: Mutex::default(),
            wake,
        });
        let listener = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event| listener.on_event(event))
            .map_err(|e| watch_error(&root, e))?;
        let mut watch = Self {
            games: games.clone(),
            root,
            watcher,
            watched: HashSet::new(),
            shared,
            woken,
            rests_until: Instant::now(),
        };
        watch.add(watch.root.clone())?;
        for entry in disk.list(games)? {
            if entry.kind == EntryKind::Directory {
                watch.follow(disk, &entry.name);
            }
        }
        Ok(watch)
    }

    /// Waits for changes, at most `timeout`; `None` when nothing happened.
    pub fn wait(&mut self, disk: &dyn Disk, timeout: Duration) -> Option<Changes> {
        let rest = self.rests_until.saturating_duration_since(Instant::now());
        if !rest.is_zero() {
            thread::sleep(rest.min(timeout));
            return None;
        }
        match self.woken.recv_timeout(timeout) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
        let changes = mem::take(&mut *self.shared.pending());
        let begun = Instant::now();
        // New directories are not watched yet.
        for game in &changes.games {
            self.follow(disk, game);
        }
        self.rests_until = Instant::now() + rest_after(begun.elapsed());
        Some(changes)
    }

    /// Watches the directories of a game's payload. Each of them, also those watched before: one
    /// that was deleted and made again has the same name and no watch. A failure is a change to
    /// report, not an end.
    fn follow(&mut self, disk: &dyn Disk, game: &str) {
        let game_path = self.root.join(game);
        if COVERS_TREE {
            return;
        }
        self.watched.retain(|path| !path.starts_with(&game_path));
        let mut waiting = vec![(self.games.listed(game), game_path.clone())];
        while let Some((place, path)) = waiting.pop() {
            let at_root = path == game_path;
            if let Err(error) = self.add(path.clone()) {
                self.shared.pending().error = Some(error);
                return;
            }
            // It may be gone again, or be a file: then there is nothing below it.
            for entry in disk.list(&place).unwrap_or_default() {
                let ours = at_root && manifest::is_excluded_at_root(&entry.name);
                if entry.kind == EntryKind::Directory && !ours {
                    waiting.push((place.listed(&entry.name), path.join(&entry.name)));
                }
            }
        }
    }

    fn add(&mut self, path: PathBuf) -> Result<(), DiskError> {
        if self.watched.len() >= WATCHED_MAX {
            return Ok(());
        }
        let mode = if COVERS_TREE {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        match self.watcher.watch(&path, mode) {
            Ok(()) => {
                self.watched.insert(path);
                Ok(())
            }
            // Gone since it was listed.
            Err(error) if path != self.root && is_not_found(&error) => Ok(()),
            Err(error) => Err(watch_error(&path, error)),
        }
    }
}

impl fmt::Debug for GamesWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GamesWatch({}, {} watched)",
            self.games,
            self.watched.len()
        )
    }
}

impl Shared {
    fn on_event(&self, event: notify::Result<Event>) {
        let mut pending = self.pending();
        match event {
            Ok(event) => {
                if !self.merge(&mut pending, &event) {
                    return;
                }
            }
            Err(error) => {
                pending.everything = true;
                pending.error = Some(watch_error(&self.games, error));
            }
        }
        drop(pending);
        // Full means that the waiting one is told already.
        self.wake.try_send(()).ok();
    }

    /// `false`: nothing in it matters.
    fn merge(&self, pending: &mut Changes, event: &Event) -> bool {
        if event.need_rescan() {
            pending.everything = true;
            return true;
        }
        // Our own reading is not a change.
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let mut matters = false;
        for path in &event.paths {
            match changed_game(&self.games, path, comes_or_goes(event.kind)) {
                Touched::Game(game) => {
                    pending.games.insert(game);
                }
                Touched::GamesDirectory => pending.everything = true,
                Touched::Nothing => continue,
            }
            matters = true;
        }
        if pending.games.len() > CHANGED_MAX {
            pending.games.clear();
            pending.everything = true;
        }
        matters
    }

    fn pending(&self) -> MutexGuard<'_, Changes> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Touched {
    Game(String),
    GamesDirectory,
    /// Not below the games directory, or ours.
    Nothing,
}

/// Something has another name, is new, or is gone.
const fn comes_or_goes(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// What is written in `local/` is nobody's business; that it comes or goes is.
fn changed_game(games: &Path, path: &Path, comes_or_goes: bool) -> Touched {
    let Ok(below) = path.strip_prefix(games) else {
        return Touched::Nothing;
    };
    let mut names = below.iter();
    let Some(game) = names.next() else {
        return Touched::GamesDirectory;
    };
    // A name that is not Unicode is no game.
    let Some(game) = game.to_str().filter(|game| !game.starts_with('.')) else {
        return Touched::Nothing;
    };
    let inside = names.next().and_then(|name| name.to_str());
    let is_local = inside == Some(Slot::Live.name()) && names.next().is_none();
    if is_local && comes_or_goes {
        Touched::Game(game.to_owned())
    } else if inside.is_some_and(manifest::is_excluded_at_root) {
        Touched::Nothing
    } else {
        Touched::Game(game.to_owned())
    }
}

fn is_not_found(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound | notify::ErrorKind::WatchNotFound => true,
        notify::ErrorKind::Io(source) => source.kind() == io::ErrorKind::NotFound,
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::InvalidConfig(_)
        | notify::ErrorKind::MaxFilesWatch => false,
    }
}

fn watch_error(path: &Path, error: notify::Error) -> DiskError {
    let source = match error.kind {
        notify::ErrorKind::Io(source) => source,
        notify::ErrorKind::PathNotFound | notify::ErrorKind::WatchNotFound => {
            io::ErrorKind::NotFound.into()
        }
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::InvalidConfig(_)
        | notify::ErrorKind::MaxFilesWatch => io::Error::other(error),
    };
    DiskError::new(DiskOp::Watch, path, source)
}

#[cfg(test)]
mod tests;
