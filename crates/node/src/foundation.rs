//! What a node stands on: the locked state directory, the key, the index, the worker threads.
//!
//! Invariant: nothing here is used before the lock is held, and a key that cannot be read stops the
//! start. It is never replaced silently: that would make us a stranger to everybody.

use std::{collections::BTreeSet, num::NonZeroUsize, path::Path, sync::Arc, thread};

use lanspread_disk::{
    RealDisk,
    games_lock::GamesLock,
    index::{Found, Index},
    open_files,
    pool::Pool,
    relocate,
    state::{StateDir, StateError, StateLock},
};
use lanspread_net::Identity;
use lanspread_proto::GameId;

use crate::{error::StartError, limits, pieces::Pieces, shelf};

/// See the module.
#[derive(Debug)]
pub(crate) struct Foundation {
    /// Held until the node has stopped.
    pub(crate) lock: StateLock,
    /// Held by who works in the games directory; `None` where there is no directory yet.
    pub(crate) games: Option<GamesLock>,
    pub(crate) state: StateDir,
    /// Games that the person does not share.
    pub(crate) unshared: BTreeSet<GameId>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) index: Arc<Index>,
    /// It says all that it ever said.
    pub(crate) index_is_whole: bool,
    /// For pieces: checking and writing what arrives, reading what is sent.
    pub(crate) pieces: Pieces,
    /// For hashing our own games, which must not make a download wait.
    pub(crate) hashing: Arc<Pool>,
}

impl Foundation {
    /// Opens all of it; blocks.
    pub(crate) fn open(state_dir: &Path, games_dir: &Path) -> Result<Self, StartError> {
        check_open_files();
        let state = StateDir::open(state_dir).map_err(|error| explain(state_dir, error))?;
        let lock = state.lock().map_err(|error| explain(state_dir, error))?;
        let games = shelf::take(&RealDisk::new(), games_dir, None)?;
        finish_moves(&state);
        let identity = Arc::new(load_identity(&state)?);
        let unshared = shelf::load_unshared(&RealDisk::new(), &state)?;
        let (index, found) = Index::open(&state)?;
        let index_is_whole = found == Found::Whole;
        if let Found::Rebuilt { aside } = found {
            let aside = aside.display();
            tracing::warn!(%aside, "the index cannot be read: all games are hashed again");
        }
        let threads = worker_threads();
        Ok(Self {
            lock,
            games,
            identity,
            unshared,
            index: Arc::new(index),
            index_is_whole,
            pieces: Pieces::new(start_pool("pieces", threads)?),
            hashing: start_pool("hashing", NonZeroUsize::MIN)?,
            state,
        })
    }
}

/// Nobody else moves anything now. What cannot be deleted is tried again at the next start.
fn finish_moves(state: &StateDir) {
    match relocate::finish_left(&RealDisk::new(), &state.leaving()) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "moves that were interrupted were brought to an end"),
        Err(error) => tracing::warn!(%error, "what was moved cannot be deleted at its old place"),
    }
}

fn check_open_files() {
    let Some(allowed) = open_files::raise_limit() else {
        return;
    };
    let needed = limits::OPEN_FILES_MAX;
    if usize::try_from(allowed).is_ok_and(|allowed| allowed < needed) {
        tracing::warn!(
            allowed,
            needed,
            "few files may be open: a large party may need more"
        );
    }
}

fn load_identity(state: &StateDir) -> Result<Identity, StartError> {
    let unusable = |reason: String| StartError::Identity {
        path: state.path().join("identity.key"),
        reason,
    };
    let failed = |error: StateError| match error {
        StateError::Disk(error) => unusable(error.to_string()),
        StateError::Owned { .. } | StateError::Key { .. } | StateError::TooLarge { .. } => {
            explain(state.path(), error)
        }
    };
    if let Some(bytes) = state.load_identity().map_err(failed)? {
        return Identity::from_bytes(&bytes).map_err(|error| unusable(error.to_string()));
    }
    let identity = Identity::generate().map_err(|error| unusable(error.to_string()))?;
    state
        .create_identity(identity.as_bytes())
        .map_err(|error| explain(state.path(), error))?;
    tracing::info!(peer = %identity.peer_id().short(), "a key was made: this is a first start");
    Ok(identity)
}

fn explain(state_dir: &Path, error: StateError) -> StartError {
    match error {
        StateError::Owned { path, pid } => StartError::AlreadyRunning {
            state_dir: path,
            pid,
        },
        StateError::Disk(error) => StartError::Disk(error),
        StateError::Key { ref path, .. } | StateError::TooLarge { ref path, .. } => {
            StartError::Identity {
                path: state_dir.join(path),
                reason: error.to_string(),
            }
        }
    }
}

/// One per core, at most four: a disk gets no faster by more.
fn worker_threads() -> NonZeroUsize {
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    cores.min(limits::WORKER_THREADS_MAX)
}

fn start_pool(name: &str, threads: NonZeroUsize) -> Result<Arc<Pool>, StartError> {
    let pool = Pool::start(name, threads, limits::POOL_QUEUE);
    pool.map(Arc::new).map_err(StartError::Threads)
}
