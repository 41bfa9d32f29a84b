//! [`SettingsFile`]: `config.toml` in the state directory, as it is read and written.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

use lanspread_api::{HostName, Report, host_name::HostNameError};
use serde::Serialize;
use toml::Value;

use super::{Downloads, Effective};
use crate::{
    files,
    rate::Rate,
    size::{Amount, Quota},
};

/// What `config.toml` in the state directory may hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
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
    /// Whether others' games are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mirror: Option<bool>,
    /// How much of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mirror_quota: Option<String>,
    /// How much stays free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mirror_free: Option<String>,
    /// Names that the control server answers to besides addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_names: Option<Vec<HostName>>,
    /// Everybody who reaches the control server may look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_view: Option<bool>,
    /// What no version of ours that we know of reads; it stays in the file.
    #[serde(flatten)]
    pub(super) unknown: toml::Table,
}

const HEADER: &str = "# Settings of LanSpread; `lanspread settings` shows and changes them.\n";

impl SettingsFile {
    fn path(state: &Path) -> PathBuf {
        state.join("config.toml")
    }

    /// Reads the file; without one, nothing is set. Keys that mean nothing are named on standard
    /// error.
    ///
    /// # Errors
    /// `bad-config` with file, line and key.
    pub(crate) fn read(state: &Path) -> Result<Self, Report> {
        let path = Self::path(state);
        let text = files::read_config(&path)?.unwrap_or_default();
        let file = Self::parse(&text)
            .map_err(|reason| Report::new("bad-config", format!("{}, {reason}", path.display())))?;
        for key in file.unknown.keys() {
            let line = line_of(&text, key);
            tracing::warn!("{}, line {line}: `{key}` is no setting", path.display());
        }
        Ok(file)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {}", error.message().replace('\n', ", "))
        })?;
        let mut file = Self::default();
        for (key, value) in table {
            let line = line_of(text, &key);
            file.take(&key, value)
                .map_err(|reason| format!("line {line}: {key}: {reason}"))?;
        }
        Ok(file)
    }

    fn take(&mut self, key: &str, value: Value) -> Result<(), String> {
        match (key, value) {
            ("name", Value::String(text)) => self.name = Some(text),
            ("games_dir", Value::String(text)) => self.games_dir = Some(text.into()),
            ("wine", Value::String(text)) => self.wine = Some(text.into()),
            ("up", Value::String(text)) => self.up = Some(checked::<Rate>(text)?),
            ("down", Value::String(text)) => self.down = Some(checked::<Rate>(text)?),
            ("downloads", Value::Integer(number)) => {
                let Downloads(downloads) = number.to_string().parse()?;
                self.downloads = Some(downloads);
            }
            ("share", Value::Boolean(share)) => self.share = Some(share),
            ("mirror", Value::Boolean(on)) => self.mirror = Some(on),
            ("mirror_quota", Value::String(text)) => {
                self.mirror_quota = Some(checked::<Quota>(text)?);
            }
            ("mirror_free", Value::String(text)) => {
                self.mirror_free = Some(checked::<Amount>(text)?);
            }
            ("http_view", Value::Boolean(view)) => self.http_view = Some(view),
            ("http_names", Value::Array(names)) => self.http_names = Some(host_names(names)?),
            ("name" | "games_dir" | "wine", value) => {
                return Err(expected("text in quotes", &value));
            }
            ("up" | "down", value) => {
                return Err(expected(
                    "a rate in quotes, as \"10MB/s\" or \"off\"",
                    &value,
                ));
            }
            ("downloads", value) => return Err(expected("a number from 1 to 16", &value)),
            ("share" | "mirror" | "http_view", value) => {
                return Err(expected("true or false", &value));
            }
            ("mirror_quota" | "mirror_free", value) => {
                return Err(expected("an amount in quotes, as \"500GB\"", &value));
            }
            ("http_names", value) => return Err(expected("a list of names", &value)),
            (_, value) => drop(self.unknown.insert(key.to_owned(), value)),
        }
        Ok(())
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
        if old.mirror.on != new.mirror.on {
            self.mirror = Some(new.mirror.on);
        }
        if old.mirror.quota_bytes != new.mirror.quota_bytes {
            self.mirror_quota = Some(Quota(new.mirror.quota_bytes).exact());
        }
        if old.mirror.free_min_bytes != new.mirror.free_min_bytes {
            self.mirror_free = Some(Amount(new.mirror.free_min_bytes).exact());
        }
        if old.wine != new.wine {
            self.wine.clone_from(&new.wine);
        }
    }
}

fn checked<T: FromStr<Err: Display>>(text: String) -> Result<String, String> {
    match text.parse::<T>() {
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

fn host_names(names: Vec<Value>) -> Result<Vec<HostName>, String> {
    let name = |name: Value| {
        let text = name.as_str();
        let text = text.ok_or_else(|| expected("names in quotes", &name))?;
        text.parse()
            .map_err(|error: HostNameError| format!("`{text}`: {error}"))
    };
    let names: Result<Vec<HostName>, String> = names.into_iter().map(name).collect();
    HostName::check_count(names?).map_err(|error| error.to_string())
}

fn expected(what: &str, found: &Value) -> String {
    format!("expected {what}, found {}: {found}", found.type_str())
}

/// The line on which a key of the file stands, counted from 1.
fn line_of(text: &str, key: &str) -> usize {
    let names = |line: &str| {
        let line = line.trim_start().trim_start_matches(['[', '"', '\'']);
        let rest = line.strip_prefix(key);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_names_line_and_key() {
        let check = |text: &str, expected: &str| {
            assert_eq!(SettingsFile::parse(text).unwrap_err(), expected, "{text}");
        };
        check(
            "# mine\nname = 7\n",
            "line 2: name: expected text in quotes, found integer: 7",
        );
        check(
            "\n\ndownloads = 99\n",
            "line 3: downloads: `99` is no number from 1 to 16",
        );
        check(
            "downloads = \"2\"\n",
            "line 1: downloads: expected a number from 1 to 16, found string: \"2\"",
        );
        check(
            "name = \"a\"\nshare = \"yes\"\n",
            "line 2: share: expected true or false, found string: \"yes\"",
        );
        check(
            "http_names = [\"seedbox.lan\", \"10.0.0.1\"]\n",
            "line 1: http_names: `10.0.0.1`: this is an address; addresses need not be named",
        );
        check(
            &format!("http_names = [{}]\n", "\"a.lan\",".repeat(17)),
            "line 1: http_names: at most 16 names are answered to",
        );
        check(
            "http_view = 1\n",
            "line 1: http_view: expected true or false, found integer: 1",
        );
        let rate = SettingsFile::parse("up = \"fast\"\n").unwrap_err();
        assert!(rate.starts_with("line 1: up: "), "{rate}");
        for (text, line) in [
            ("name = \"a\"\nshare = yes\n", 2),
            ("up\n", 1),
            ("a = 1\na = 2\n", 2),
        ] {
            let error = SettingsFile::parse(text).unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_is_unknown_stays_and_is_found() {
        let text = "name = \"anna\"\ncolour = \"blue\"\n[later]\nkey = 1\n";
        let file = SettingsFile::parse(text).unwrap();
        assert_eq!(file.name.as_deref(), Some("anna"));
        assert_eq!((line_of(text, "colour"), line_of(text, "later")), (2, 3));
        let state = tempfile::tempdir().unwrap();
        file.write(state.path()).unwrap();
        assert_eq!(SettingsFile::read(state.path()).unwrap(), file);
    }
}
