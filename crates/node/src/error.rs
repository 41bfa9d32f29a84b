//! [`OperationError`]: why an operation was refused or failed, as a closed list that doors
//! translate.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

use lanspread_disk::{DiskError, games_lock::GamesTaken, index::IndexError};
use lanspread_proto::{ContentId, GameId, RelPath, VersionLabel};

use crate::snapshot::OperationKind;

/// Why an operation was refused or failed. Cheap to clone: it stays in the snapshot.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OperationError {
    /// Neither we nor anybody we see has this game.
    #[error("no game {0} is known here")]
    UnknownGame(GameId),
    /// Nobody who is here has what was asked for.
    #[error("no peer has {0} ready")]
    NobodyHasIt(GameId),
    /// Several contents are equally good; one must be named.
    #[error("{game} has several contents called {version}; choose one")]
    Ambiguous {
        /// Of which game.
        game: GameId,
        /// Their common label.
        version: VersionLabel,
        /// The contents and how many peers have each ready.
        choices: Vec<(ContentId, u32)>,
    },
    /// Another operation runs on this game.
    #[error("{game} is busy: another operation is running")]
    Busy {
        /// On which game.
        game: GameId,
        /// What is running.
        running: OperationKind,
    },
    /// There is nothing to cancel, pause or resume.
    #[error("nothing is running on {0}")]
    NothingRuns(GameId),
    /// The payload is not here.
    #[error("{0} is not downloaded")]
    NotDownloaded(GameId),
    /// The payload is here and is still being looked at or hashed.
    #[error("{0} is still being checked")]
    Checking(GameId),
    /// It is not installed.
    #[error("{0} is not installed")]
    NotInstalled(GameId),
    /// It is installed; removing the payload would leave it without a source.
    #[error("{0} is still installed")]
    StillInstalled(GameId),
    /// A payload is here, so nothing is installed past it.
    #[error("{0} is downloaded here in another version")]
    PayloadHere(GameId),
    /// An earlier operation was interrupted and must be finished first.
    #[error("an earlier operation on {0} is not finished")]
    Unfinished(GameId),
    /// There is no newer version.
    #[error("{0} is up to date")]
    UpToDate(GameId),
    /// The volume is too small for the whole job.
    #[error("{0}")]
    NotEnoughSpace(Arc<Shortage>),
    /// The volume takes no file as large as one of the game.
    #[error(
        "{file} has {bytes} bytes, and a file at {} may have {bytes_max} at most",
        path.display()
    )]
    FileTooLarge {
        /// A directory on the volume.
        path: PathBuf,
        /// The file, as the game names it.
        file: String,
        /// Its size.
        bytes: u64,
        /// What the volume takes.
        bytes_max: u64,
    },
    /// The games directory is missing or cannot be read.
    #[error("the games directory {} is not available", .0.display())]
    GamesDirUnavailable(PathBuf),
    /// What lies in the games directory is shared, and the state is nobody else's.
    #[error(
        "{} cannot be the games directory beside the state directory {}: they must lie apart",
        games.display(),
        state.display()
    )]
    NotApart {
        /// The directory that was to hold the games.
        games: PathBuf,
        /// The state directory.
        state: PathBuf,
    },
    /// Another node works in the games directory.
    #[error("another node{} uses the games directory {}", process(*pid), path.display())]
    GamesDirInUse {
        /// The directory.
        path: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(Arc<DiskError>),
    /// What arrived could not be kept.
    #[error("{reason}")]
    Store {
        /// Of which game.
        game: GameId,
        /// The volume is full: freeing space helps.
        full: bool,
        /// What is wrong, for people.
        reason: String,
    },
    /// A change of a game's directories did not happen, or is not finished.
    #[error("{reason}")]
    Transaction {
        /// Of which game.
        game: GameId,
        /// The volume is full: freeing space helps.
        full: bool,
        /// It is half done and goes on by itself at the next start.
        waits: bool,
        /// What is wrong, for people.
        reason: String,
    },
    /// Files of the game are in use.
    #[error("files of {0} are in use")]
    InUse(GameId),
    /// An intent or another record of ours cannot be read: nothing was touched.
    #[error("{}: {reason}; nothing was touched", path.display())]
    Record {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive cannot be unpacked.
    #[error("{archive}{}: {reason}", entry.as_ref().map(|e| format!(", {e}")).unwrap_or_default())]
    Archive {
        /// Which archive.
        archive: String,
        /// Which entry in it.
        entry: Option<String>,
        /// A stable code.
        code: &'static str,
        /// What is wrong, for people.
        reason: String,
    },
    /// Files of an installed game are damaged, and the payload that they came from is not here.
    #[error("{game}: {count} damaged files, and no payload of {version} to mend them from")]
    NothingToMendFrom {
        /// Which game.
        game: GameId,
        /// Which version is installed.
        version: VersionLabel,
        /// How many files.
        count: u32,
    },
    /// A file of a payload does not hold the bytes any more that it was shared or downloaded with.
    #[error("{path}: the disk gives other bytes than {game} is made of")]
    Rotten {
        /// Of which game.
        game: GameId,
        /// Which file.
        path: RelPath,
    },
    /// A file changed while it was read.
    #[error("{0} changed while it was read")]
    Changing(PathBuf),
    /// A folder cannot be published.
    #[error("{entry}: {reason}")]
    Publish {
        /// Which entry.
        entry: String,
        /// A stable code.
        code: &'static str,
        /// What is wrong, for people.
        reason: String,
    },
    /// What a peer sent as manifest or chunk map was refused, from every peer that offered one.
    #[error("what peers sent as the list of files of {0} is not valid")]
    BadManifest(GameId),
    /// The peer cannot be connected to.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// A stable code.
        code: &'static str,
        /// Why, for people.
        reason: String,
    },
    /// No such peer.
    #[error("no such peer is known")]
    UnknownPeer,
    /// The listener is not up yet.
    #[error("this node does not listen yet")]
    NotListening,
    /// The person cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// A defect of ours; what it was about is as a kill would have left it.
    #[error("a defect in LanSpread ended it: {0}")]
    Defect(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// Why a job does not fit, in numbers. All of them are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shortage {
    /// A directory on the volume that is too small.
    pub path: PathBuf,
    /// What the whole job needs there: what is missing of the payload, what is installed of it, and
    /// what is left free.
    pub needed_bytes: u64,
    /// What is free there.
    pub free_bytes: u64,
    /// What other operations that run will still write there.
    pub reserved_bytes: u64,
    /// The whole payload.
    pub payload_bytes: u64,
    /// What is here of it already, from an earlier try.
    pub reusable_bytes: u64,
    /// What is installed of it.
    pub unpacked_bytes: u64,
    /// What the version that is here takes; it stays until the new one is whole.
    pub kept_bytes: u64,
    /// Payloads of installed games that could be removed, the largest first.
    pub droppable: Vec<(GameId, u64)>,
    /// What a low-disk install, which stores no payload, would need; `None` where that is no way.
    pub low_disk_bytes: Option<u64>,
}

impl Shortage {
    /// A low-disk install would fit.
    #[must_use]
    pub fn low_disk_fits(&self) -> bool {
        let fits = |needed: u64| needed.saturating_add(self.reserved_bytes) <= self.free_bytes;
        self.low_disk_bytes.is_some_and(fits)
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} needs {} bytes and has {} free, of which running operations need {}",
            self.path.display(),
            self.needed_bytes,
            self.free_bytes,
            self.reserved_bytes
        )
    }
}

impl OperationError {
    /// A stable code for programs, translations and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownGame(_) => "unknown-game",
            Self::NobodyHasIt(_) => "no-peer-has-it",
            Self::Ambiguous { .. } => "choose-content",
            Self::Busy { .. } => "busy",
            Self::NothingRuns(_) => "nothing-runs",
            Self::NotDownloaded(_) => "not-downloaded",
            Self::Checking(_) => "checking",
            Self::NotInstalled(_) => "not-installed",
            Self::StillInstalled(_) => "still-installed",
            Self::PayloadHere(_) => "payload-here",
            Self::Unfinished(_) => "unfinished",
            Self::UpToDate(_) => "up-to-date",
            Self::NotEnoughSpace(_)
            | Self::Store { full: true, .. }
            | Self::Transaction { full: true, .. } => "disk-full",
            Self::Store { .. } => "disk",
            Self::Transaction { waits: true, .. } => "unfinished",
            Self::Transaction { .. } => "transaction",
            Self::FileTooLarge { .. } => "file-too-large",
            Self::GamesDirUnavailable(_) => "games-dir-unavailable",
            Self::NotApart { .. } => "not-apart",
            Self::GamesDirInUse { .. } => "games-dir-in-use",
            Self::Disk(error) => disk_code(error),
            Self::InUse(_) => "close-the-game",
            Self::Record { .. } => "unreadable-record",
            Self::Archive { code, .. }
            | Self::Publish { code, .. }
            | Self::Connect { code, .. } => code,
            Self::NothingToMendFrom { .. } => "nothing-to-mend-from",
            Self::Rotten { .. } => "disk-fault",
            Self::Changing(_) => "changing",
            Self::BadManifest(_) => "bad-manifest",
            Self::UnknownPeer => "unknown-peer",
            Self::NotListening => "not-listening",
            Self::Cancelled => "cancelled",
            Self::Defect(_) => "defect",
            Self::Stopping => "stopping",
        }
    }
}

impl From<DiskError> for OperationError {
    fn from(error: DiskError) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<GamesTaken> for OperationError {
    fn from(GamesTaken { games, pid }: GamesTaken) -> Self {
        Self::GamesDirInUse { path: games, pid }
    }
}

impl From<GamesTaken> for StartError {
    fn from(GamesTaken { games, pid }: GamesTaken) -> Self {
        Self::GamesDirInUse { path: games, pid }
    }
}

fn disk_code(error: &DiskError) -> &'static str {
    if error.is_full() {
        "volume-full"
    } else {
        "disk"
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another node owns the state directory.
    #[error("another node{} already uses {}", process(*pid), state_dir.display())]
    AlreadyRunning {
        /// Which directory.
        state_dir: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// Another node works in the games directory.
    #[error("another node{} uses the games directory {}", process(*pid), path.display())]
    GamesDirInUse {
        /// The directory.
        path: PathBuf,
        /// The other process, if it left its number.
        pid: Option<u32>,
    },
    /// The key file is there and cannot be used. It is never replaced silently.
    #[error("the key file {} cannot be used: {reason}", path.display())]
    Identity {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address or port cannot be bound.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// A file in the state directory cannot be understood. It is never replaced silently.
    #[error("{} cannot be used: {reason}", path.display())]
    StateFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state directory cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The index cannot be used, and could not be put aside either.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The system gives no threads.
    #[error("cannot start worker threads: {0}")]
    Threads(#[source] std::io::Error),
}

impl StartError {
    /// A stable code for programs, translations and documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRunning { .. } => "already-running",
            Self::GamesDirInUse { .. } => "games-dir-in-use",
            Self::Identity { .. } => "identity",
            Self::Listen { .. } => "listen",
            Self::StateFile { .. } => "state-dir",
            Self::Disk(error) => disk_code(error),
            Self::Index(_) => "index",
            Self::Threads(_) => "threads",
        }
    }
}
