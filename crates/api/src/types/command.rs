//! [`Command`]: everything that a node can be asked, over HTTP and as a line on standard input.

use serde::{Deserialize, Serialize};

/// What a node is asked. Each has one [`Reply`](super::Reply).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The whole state.
    Snapshot,
    /// Every known game.
    Games,
    /// One game with all that is known of it.
    Game {
        /// Which.
        game: String,
    },
    /// Every peer, and how many are connected.
    Peers,
    /// The files of a content.
    Files {
        /// Of which game.
        game: String,
        /// Of which content; else the one that `get` would take.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        content: Option<String>,
    },
    /// Downloads a game, and installs it unless told otherwise.
    Get(GetCommand),
    /// Installs a downloaded game.
    Install {
        /// Which game.
        game: String,
    },
    /// Downloads and installs the newest version.
    Update {
        /// Which game.
        game: String,
    },
    /// Takes an installed game away; the user's own files are put aside.
    Uninstall {
        /// Which game.
        game: String,
        /// The user's own files go too.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<_>", optional))]
        purge: bool,
    },
    /// Takes a payload away.
    Remove {
        /// Which game.
        game: String,
        /// The installed game stays, and is no source any more.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<_>", optional))]
        keep_installed: bool,
    },
    /// Cancels the operation of a game, queued or running.
    Cancel {
        /// Which game.
        game: String,
        /// What was downloaded goes too.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<_>", optional))]
        discard: bool,
    },
    /// Pauses a download.
    Pause {
        /// Which game.
        game: String,
    },
    /// Lets a paused download go on.
    Resume {
        /// Which game.
        game: String,
    },
    /// Puts waiting downloads into this order; the ones not named keep theirs behind.
    Reorder {
        /// The games, first one first.
        games: Vec<String>,
    },
    /// Says what publishing a folder would do, without doing it.
    PlanPublish {
        /// The folder on the node's machine.
        folder: String,
    },
    /// Makes a folder a shared game.
    Publish(PublishCommand),
    /// Reads payload and installed game again, and mends what is damaged.
    Verify {
        /// Which game.
        game: String,
        /// Files of the installed game that the user or the game changed are put back too; what
        /// they were goes to `kept/`.
        #[serde(default)]
        force: bool,
    },
    /// Says what starting a game or its server would do, without doing it.
    PlayPlan(PlayPlanCommand),
    /// Starts a game. Only on this machine.
    Play(PlayCommand),
    /// Starts a game's server, for others to join. Only on this machine.
    StartServer(ServerCommand),
    /// Says what starts Windows programs: Wine, or Proton's script. Only on this machine.
    SetWine {
        /// Its whole path; nothing does when absent.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        program: Option<String>,
    },
    /// Looks at the games directory and the catalog now.
    Rescan,
    /// Shares a game, or everything, or stops it.
    Share {
        /// Which game; everything when absent.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        game: Option<String>,
        /// Whether it is shared.
        on: bool,
    },
    /// Stops sending for a time.
    SharePause {
        /// For how long; until switched on when absent.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        for_ms: Option<u64>,
    },
    /// Changes what may change while the node runs. What is absent stays.
    SetSettings(SettingsChange),
    /// Changes the name other people see.
    SetName {
        /// The new name; cut to 32 characters.
        name: String,
    },
    /// Uses another games directory.
    SetGamesDir {
        /// The directory on the node's machine.
        folder: String,
        /// The games move along; else the new directory is used as it is.
        #[serde(default, rename = "move")]
        #[cfg_attr(test, ts(as = "Option<_>", optional))]
        moved: bool,
    },
    /// Connects to an address and waits until a link is up.
    Connect {
        /// `host:port`, `host`, `ip:port`, `ip` or `[ipv6]:port`.
        address: String,
    },
    /// Blocks a peer, or lets it in again.
    Block {
        /// Its public key.
        peer: String,
        /// Whether it is blocked.
        blocked: bool,
    },
    /// A code that lets a browser in, once.
    Pair,
    /// Confirms games directory and name at the first start; the node starts then.
    FinishFirstRun {
        /// The games directory on this machine; made if it is not there.
        folder: String,
        /// The name other people see; cut to 32 characters.
        name: String,
    },
    /// Ends this program.
    Quit {
        /// When.
        when: QuitWhen,
    },
    /// Shows a game's directory, or the games directory, in the file manager of the node's machine.
    OpenFolder {
        /// Whose directory; the games directory when absent.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        game: Option<String>,
    },
    /// The directories in a directory of the node's machine.
    Browse {
        /// Which directory; the home directory when absent.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        folder: Option<String>,
    },
    /// Makes a directory on the node's machine, and shows what is in it.
    MakeFolder {
        /// In which directory.
        folder: String,
        /// Its name.
        name: String,
    },
    /// Looks for what is in the way: network, disk, clock.
    Doctor,
    /// The last lines of the log.
    Logs {
        /// How many, 1,000 at most.
        lines: u32,
    },
    /// What came from and went to each peer within the last minutes.
    History,
}

/// When this program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum QuitWhen {
    /// Now; downloads go on at the next start.
    Now,
    /// When nobody downloads from us any more.
    Idle,
    /// Not at all: takes [`QuitWhen::Idle`] back.
    Never,
}

/// What `get` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "flags of one command")]
pub struct GetCommand {
    /// Which game.
    pub game: String,
    /// Which content, when the person chose; else the newest.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub content: Option<String>,
    /// Whether it is installed afterwards.
    #[serde(default = "yes")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub install: bool,
    /// It is installed straight from the swarm: the payload is never stored, and nobody gets it
    /// from here. Not without an install, and not with `from`.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub low_disk: bool,
    /// A directory on the node's machine whose files may hold equal chunks.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub from: Option<String>,
}

/// What `play_plan` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PlayPlanCommand {
    /// Which game.
    pub game: String,
    /// Its server is meant.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub server: bool,
    /// Whose game is joined: a peer's key, or an IP address.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub join: Option<String>,
    /// What the person reads, as two small letters; else `en`.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub language: Option<String>,
}

/// What `play` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PlayCommand {
    /// Which game.
    pub game: String,
    /// The hash of the profile that was shown.
    pub hash: String,
    /// The person was asked and agrees to that profile.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub accept: bool,
    /// Whose game is joined: a peer's key, or an IP address.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub join: Option<String>,
    /// What the person reads, as two small letters; else `en`.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub language: Option<String>,
}

/// What `start_server` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ServerCommand {
    /// Of which game.
    pub game: String,
    /// The hash of the profile that was shown.
    pub hash: String,
    /// The person was asked and agrees to that profile.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub accept: bool,
    /// What the person reads, as two small letters; else `en`.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub language: Option<String>,
}

impl Command {
    /// It starts a program, or says which one does: nobody but a person at this machine may.
    #[must_use]
    pub const fn starts_programs(&self) -> bool {
        matches!(
            self,
            Self::Play(_) | Self::StartServer(_) | Self::SetWine { .. }
        )
    }
}

/// What `publish` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PublishCommand {
    /// The folder on the node's machine.
    pub folder: String,
    /// The version, if no `version.ini` in the folder names one.
    pub version: String,
    /// A folder from elsewhere is moved instead of packed.
    #[serde(default, rename = "move")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub moved: bool,
}

/// A change of the settings. What is absent stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(test, ts(optional_fields))]
pub struct SettingsChange {
    /// Whether games are shared at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<bool>,
    /// Bytes per second that may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_rate_max: Option<RateLimit>,
    /// Bytes per second that may be received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_rate_max: Option<RateLimit>,
    /// Downloads that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downloads_max: Option<usize>,
    /// Whether the newest version of every game that somebody shares is kept here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<bool>,
    /// Bytes that are kept so at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_quota: Option<ByteLimit>,
    /// Bytes that stay free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_free: Option<u64>,
}

/// A limit of an amount, or none: a number of bytes, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(untagged)]
pub enum ByteLimit {
    /// Bytes.
    Bytes(u64),
    /// No limit.
    Word(Unlimited),
}

impl ByteLimit {
    /// As settings hold it.
    #[must_use]
    pub const fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Word(Unlimited::Off) => None,
        }
    }
}

impl From<Option<u64>> for ByteLimit {
    fn from(bytes: Option<u64>) -> Self {
        bytes.map_or(Self::Word(Unlimited::Off), Self::Bytes)
    }
}

/// A limit, or none: a number of bytes per second, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(untagged)]
pub enum RateLimit {
    /// Bytes per second.
    BytesPerSecond(u64),
    /// No limit.
    Word(Unlimited),
}

/// The word for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Unlimited {
    /// No limit.
    Off,
}

impl RateLimit {
    /// No limit.
    pub const OFF: Self = Self::Word(Unlimited::Off);

    /// As settings hold it.
    #[must_use]
    pub const fn bytes_per_second(self) -> Option<u64> {
        match self {
            Self::BytesPerSecond(rate) => Some(rate),
            Self::Word(Unlimited::Off) => None,
        }
    }
}

impl From<Option<u64>> for RateLimit {
    fn from(rate: Option<u64>) -> Self {
        rate.map_or(Self::OFF, Self::BytesPerSecond)
    }
}

const fn yes() -> bool {
    true
}
