//! What `cargo metadata` says about our crates, as far as edges need it.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    process::{self, cargo},
    repo::Repo,
};

/// What our packages' names begin with.
const PREFIX: &str = "lanspread-";

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// One of our crates.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// What its manifest asks for.
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a manifest.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dependency {
    /// The package asked for.
    pub(super) name: String,
    /// What for.
    #[serde(default)]
    pub(super) kind: Kind,
    /// Whether the default features come along.
    pub(super) uses_default_features: bool,
    /// Where it lies, if it is ours.
    path: Option<String>,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Option<String>")]
pub(super) enum Kind {
    /// The crate itself.
    #[default]
    Normal,
    /// Its build script.
    Build,
    /// Its tests.
    Development,
}

impl From<Option<String>> for Kind {
    fn from(kind: Option<String>) -> Self {
        match kind.as_deref() {
            Some("dev") => Self::Development,
            Some("build") => Self::Build,
            _ => Self::Normal,
        }
    }
}

/// Our crates.
pub(super) fn packages(repo: &Repo) -> Result<Vec<Package>> {
    let args = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let printed = process::output(&mut cargo(repo.root(), args));
    parse(&printed.context("cargo metadata failed: is Cargo.lock up to date?")?)
}

/// Reads the JSON that cargo prints.
pub(super) fn parse(json: &str) -> Result<Vec<Package>> {
    let metadata: Metadata = serde_json::from_str(json).context("cargo metadata")?;
    Ok(metadata.packages)
}

impl Package {
    /// Its name in the table of rooms.
    pub(super) fn room(&self) -> &str {
        room_of(&self.name)
    }

    /// Where its manifest lies.
    pub(super) fn manifest(&self) -> String {
        match self.name.strip_prefix(PREFIX) {
            Some(room) => format!("crates/{room}/Cargo.toml"),
            None => format!("{}/Cargo.toml", self.name),
        }
    }
}

impl Dependency {
    /// Its name in the table of rooms, if it is ours.
    pub(super) fn our_room(&self) -> Option<&str> {
        self.path.as_ref().map(|_| room_of(&self.name))
    }
}

fn room_of(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}
