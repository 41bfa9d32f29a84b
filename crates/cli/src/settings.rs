//! What a node is told: flags before the environment before `config.toml` before defaults.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use lanspread_api::Report;
use lanspread_node::config::{Listen, PORT_DEFAULT, Settings};
use lanspread_proto::text::PeerName;
use serde::{Deserialize, Serialize};

use crate::{dirs, env, files, rate::Rate};

/// What `config.toml` in the state directory may hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsFile {
    /// The name other people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The games directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) games_dir: Option<PathBuf>,
    /// The limit for sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) up: Option<String>,
    /// The limit for receiving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) down: Option<String>,
    /// Downloads at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) downloads: Option<usize>,
    /// Whether games are shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<bool>,
    /// What starts Windows programs where this is not Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wine: Option<PathBuf>,
}

/// What a node runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) name: PeerName,
    pub(crate) games_dir: PathBuf,
    pub(crate) settings: Settings,
}

/// What flags say, where they say something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) name: Option<String>,
    pub(crate) games_dir: Option<PathBuf>,
}

const HEADER: &str = "# Settings of LanSpread; `lanspread settings` shows and changes them.\n";

impl SettingsFile {
    fn path(state: &Path) -> PathBuf {
        state.join("config.toml")
    }

    /// Reads the file; without one, nothing is set.
    pub(crate) fn read(state: &Path) -> Result<Self, Report> {
        let path = Self::path(state);
        let text = files::read_text(&path)?.unwrap_or_default();
        toml::from_str(&text).map_err(|error| {
            let message = format!("{}: {}", path.display(), error.message());
            Report::new("bad-config", message)
        })
    }

    /// Writes the file.
    pub(crate) fn write(&self, state: &Path) -> Result<(), Report> {
        let text = toml::to_string(self).map_err(|error| {
            Report::new(
                "internal",
                format!("cannot write settings as TOML: {error}"),
            )
        })?;
        files::write_text(&Self::path(state), &(HEADER.to_owned() + &text))
    }

    /// Takes over what differs between what a node started with and what it has now. What came from
    /// a flag or the environment and did not change stays out of the file.
    pub(crate) fn absorb(&mut self, before: &Effective, now: &Effective) {
        let (old, new) = (&before.settings, &now.settings);
        if before.name != now.name {
            self.name = Some(now.name.to_string());
        }
        if before.games_dir != now.games_dir {
            self.games_dir = Some(now.games_dir.clone());
        }
        if old.up_rate_max != new.up_rate_max {
            self.up = Some(Rate(new.up_rate_max).exact());
        }
        if old.down_rate_max != new.down_rate_max {
            self.down = Some(Rate(new.down_rate_max).exact());
        }
        if old.downloads_max != new.downloads_max {
            self.downloads = Some(new.downloads_max);
        }
        if old.share != new.share {
            self.share = Some(new.share);
        }
        if old.wine != new.wine {
            self.wine.clone_from(&new.wine);
        }
    }
}

impl Effective {
    /// Puts together what a node runs with. `read_env` reads a variable of the environment.
    pub(crate) fn resolve(
        flags: Flags,
        read_env: impl Fn(&str) -> Option<String>,
        file: SettingsFile,
    ) -> Result<Self, Report> {
        let defaults = Settings::default();
        let name = flags.name.or_else(|| read_env(env::NAME)).or(file.name);
        let games = flags
            .games_dir
            .or_else(|| read_env(env::GAMES).map(PathBuf::from))
            .or(file.games_dir);
        let text = |variable: &str, in_file: Option<String>| match read_env(variable) {
            Some(text) => Some((variable.to_owned(), text)),
            None => in_file.map(|text| ("config.toml".to_owned(), text)),
        };
        let up = text(env::UP, file.up).map(parsed::<Rate>).transpose()?;
        let down = text(env::DOWN, file.down).map(parsed::<Rate>).transpose()?;
        let downloads = text(env::DOWNLOADS, file.downloads.map(|n| n.to_string()));
        let share = text(env::SHARE, file.share.map(|share| share.to_string()));
        Ok(Self {
            name: PeerName::clean(&name.unwrap_or_else(dirs::machine_name)),
            games_dir: games.map_or_else(dirs::games_default, Ok)?,
            settings: Settings {
                share: share
                    .map(parsed::<Switch>)
                    .transpose()?
                    .map_or(defaults.share, |s| s.0),
                up_rate_max: up.map_or(defaults.up_rate_max, |rate| rate.0),
                down_rate_max: down.map_or(defaults.down_rate_max, |rate| rate.0),
                downloads_max: downloads
                    .map(parsed::<Downloads>)
                    .transpose()?
                    .map_or(defaults.downloads_max, |downloads| downloads.0),
                wine: file.wine,
            },
        })
    }
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(
    (whence, text): (String, String),
) -> Result<T, Report> {
    text.parse()
        .map_err(|error| Report::new("bad-config", format!("{whence}: {error}")))
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Switch(pub(crate) bool);

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" | "true" | "yes" | "1" => Ok(Self(true)),
            "off" | "false" | "no" | "0" => Ok(Self(false)),
            _ => Err(format!("`{text}` is neither on nor off")),
        }
    }
}

/// How many downloads may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Downloads(pub(crate) usize);

impl FromStr for Downloads {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number @ 1..=16) => Ok(Self(number)),
            Ok(_) | Err(_) => Err(format!("`{text}` is no number from 1 to 16")),
        }
    }
}

/// Where to listen: `IP`, `IP:PORT`, `[IPV6]:PORT`, `PORT` or `:PORT`.
pub(crate) fn parse_listen(text: &str) -> Result<Listen, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Listen {
            ip: Some(address.ip()),
            port: address.port(),
        });
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse() {
        return Ok(Listen {
            ip: Some(ip),
            port: PORT_DEFAULT,
        });
    }
    let port = text.strip_prefix(':').unwrap_or(text).parse();
    port.map(|port| Listen { ip: None, port })
        .map_err(|_no_port| format!("`{text}` is no address; expected IP:PORT, IP or PORT"))
}

#[cfg(test)]
mod tests;
