//! [`DiskError`]: what failed, where, and what a policy may want to know about it.

use std::{fmt, io, path::PathBuf};

/// One failed operation on one path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {}: {source}", path.display())]
pub struct DiskError {
    /// What was tried.
    pub op: DiskOp,
    /// On what.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum DiskOp {
    Open,
    Create,
    Read,
    Write,
    Resize,
    Sync,
    Stat,
    List,
    CreateDirectory,
    Rename,
    Exchange,
    RemoveFile,
    RemoveDirectory,
    Clone,
    Space,
    Lock,
    Watch,
}

impl fmt::Display for DiskOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Resize => "resize",
            Self::Sync => "sync",
            Self::Stat => "look at",
            Self::List => "list",
            Self::CreateDirectory => "create the directory",
            Self::Rename => "rename",
            Self::Exchange => "exchange",
            Self::RemoveFile => "delete",
            Self::RemoveDirectory => "delete the directory",
            Self::Clone => "copy",
            Self::Space => "ask for free space at",
            Self::Lock => "lock",
            Self::Watch => "watch",
        })
    }
}

impl DiskError {
    /// Names the operation and the path of an IO error.
    pub fn new(op: DiskOp, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self {
            op,
            path: path.into(),
            source,
        }
    }

    /// A link below the root of a place.
    pub fn link_in_the_way(op: DiskOp, path: impl Into<PathBuf>) -> Self {
        Self::new(op, path, io::Error::other(LinkInTheWay))
    }

    /// The volume or the quota is full: freeing space helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }

    /// Nothing was to be changed: it was looked at only.
    #[must_use]
    pub const fn is_reading(&self) -> bool {
        matches!(
            self.op,
            DiskOp::Open | DiskOp::Read | DiskOp::Stat | DiskOp::List
        )
    }

    /// A symbolic link (or junction) lies on a path where none is followed.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.source
            .get_ref()
            .is_some_and(|source| source.is::<LinkInTheWay>())
    }

    /// The path is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// The path is there already.
    #[must_use]
    pub fn is_already_there(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// The file system cannot do this at all; another way may work.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.source.kind() == io::ErrorKind::Unsupported
    }

    /// Somebody else holds the file (a running game, an antivirus program): later it may work.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy
        ) || self.is_held()
    }

    /// Windows has codes of its own for this. A directory in which something is open, and a program
    /// that runs, cannot be renamed or deleted there: *access denied*.
    #[cfg(windows)]
    fn is_held(&self) -> bool {
        /// Access denied.
        const DENIED: i32 = 5;
        /// Sharing and lock violation.
        const HELD: [i32; 2] = [32, 33];
        let changes_names = matches!(
            self.op,
            DiskOp::Rename | DiskOp::RemoveFile | DiskOp::RemoveDirectory
        );
        let code = self.source.raw_os_error();
        code.is_some_and(|code| HELD.contains(&code) || (changes_names && code == DENIED))
    }

    #[cfg(not(windows))]
    #[expect(clippy::unused_self, reason = "another system needs it")]
    const fn is_held(&self) -> bool {
        false
    }
}

/// The source of an error about a link; asked for by [`DiskError::is_link`].
#[derive(Debug, thiserror::Error)]
#[error("a symbolic link is in the way, and links are not followed here")]
struct LinkInTheWay;
