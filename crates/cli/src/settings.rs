//! What a node is told: flags before the environment before `config.toml` before defaults.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use lanspread_api::Report;
use lanspread_node::config::{Listen, MirrorSettings, PORT_DEFAULT, Settings};
use lanspread_proto::text::PeerName;

pub(crate) use self::file::SettingsFile;
use crate::{
    dirs, env,
    rate::Rate,
    size::{Amount, Quota},
};

mod file;

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
    /// Given means on.
    pub(crate) mirror: bool,
    pub(crate) mirror_quota: Option<Quota>,
    pub(crate) mirror_free: Option<Amount>,
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
        let name = PeerName::clean(&name.unwrap_or_else(dirs::machine_name));
        if name.as_str().is_empty() {
            return Err(Report::new("bad-value", "a name has at least one letter"));
        }
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
        let quota = text_of(flags.mirror_quota.map(|q| q.exact()), file.mirror_quota);
        let free = text_of(flags.mirror_free.map(|a| a.exact()), file.mirror_free);
        let mirror = MirrorSettings {
            on: flags.mirror || file.mirror.unwrap_or(defaults.mirror.on),
            quota_bytes: quota
                .map(parsed::<Quota>)
                .transpose()?
                .map_or(defaults.mirror.quota_bytes, |quota| quota.0),
            free_min_bytes: free
                .map(parsed::<Amount>)
                .transpose()?
                .map_or(defaults.mirror.free_min_bytes, |amount| amount.0),
        };
        let downloads = text(env::DOWNLOADS, file.downloads.map(|n| n.to_string()));
        let share = text(env::SHARE, file.share.map(|share| share.to_string()));
        Ok(Self {
            name,
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
                mirror,
            },
        })
    }
}

/// A flag before the file, and whence it is.
fn text_of(flag: Option<String>, in_file: Option<String>) -> Option<(String, String)> {
    let flag = flag.map(|text| ("a flag".to_owned(), text));
    flag.or_else(|| in_file.map(|text| ("config.toml".to_owned(), text)))
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
