//! What is shown of a game on our own disk.

use lanspread_proto::{ContentId, VersionLabel, library::Availability};

/// What we have of a game.
#[derive(Debug, Clone, Default)]
pub struct LocalView {
    /// The directory is there.
    pub present: bool,
    /// The downloaded version: the sentinel `version.ini` is present.
    pub downloaded: Option<VersionLabel>,
    /// The content of the download, once it is hashed.
    pub content: Option<ContentId>,
    /// What is in `local/`, if anything is.
    pub installed: Option<InstalledView>,
    /// What we tell others.
    pub availability: Option<Availability>,
    /// Why it is not shared, if it is not.
    pub not_shared: Option<NotShared>,
    /// Bytes of an unfinished download that lie on disk; those of an earlier run at most.
    pub partial_bytes: u64,
    /// The user's files put aside.
    pub kept_bytes: u64,
}

impl LocalView {
    /// What is installed is older than what lies downloaded beside it: installing is enough.
    #[must_use]
    pub fn install_is_behind(&self) -> bool {
        match (&self.installed, &self.downloaded, self.content) {
            (Some(InstalledView::Version(installed, from)), Some(downloaded), Some(content)) => {
                *from != content && installed.order(downloaded).is_lt()
            }
            (Some(_) | None, _, _) => false,
        }
    }
}

/// What is in `local/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstalledView {
    /// We installed it.
    Version(VersionLabel, ContentId),
    /// Nothing says who made it: all of it is the user's.
    Unknown,
}

impl InstalledView {
    /// The version, if we installed it.
    #[must_use]
    pub const fn version(&self) -> Option<&VersionLabel> {
        match self {
            Self::Version(version, _) => Some(version),
            Self::Unknown => None,
        }
    }

    /// The content, if we installed it.
    #[must_use]
    pub const fn content(&self) -> Option<ContentId> {
        match self {
            Self::Version(_, content) => Some(*content),
            Self::Unknown => None,
        }
    }
}

/// Why a game on our disk is not shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotShared {
    /// No `version.ini`: publish it.
    NoVersion,
    /// Switched off for this game.
    SwitchedOff,
    /// Being looked at or hashed.
    Checking,
    /// It changed within the last seconds.
    Settling,
    /// It cannot be published; the entry and the reason.
    Refused {
        /// Which entry, or the directory itself.
        entry: String,
        /// The stable code of the reason.
        code: &'static str,
        /// The reason for people.
        reason: String,
    },
}
