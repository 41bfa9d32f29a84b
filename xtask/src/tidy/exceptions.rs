//! `tidy.toml`: the words that have no place here, and the exceptions, each with its reason.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::finding;
use crate::repo::Finding;

/// Where they are written down.
pub(super) const FILE: &str = "tidy.toml";

/// The parsed file, and which exceptions were of use.
#[derive(Debug)]
pub(super) struct Exceptions {
    file: File,
    used: Vec<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    words: Vec<Word>,
    #[serde(default)]
    exception: Vec<Exception>,
}

/// A word that must not appear.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    /// The word; compared by case only if it is written with capitals.
    pub(super) word: String,
    /// Why, or what to write.
    pub(super) because: String,
}

/// One file that may break one rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    path: String,
    rule: String,
    reason: String,
}

impl Exceptions {
    /// Parses `tidy.toml`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).context(FILE)?;
        let used = vec![false; file.exception.len()];
        Ok(Self { file, used })
    }

    /// The words that must not appear.
    pub(super) fn words(&self) -> &[Word] {
        &self.file.words
    }

    /// Whether a finding is excused; remembers which exceptions were needed.
    pub(super) fn covers(&mut self, finding: &Finding) -> bool {
        let mut covered = false;
        for (exception, used) in self.file.exception.iter().zip(&mut self.used) {
            let matches = exception.path == finding.path && exception.rule == finding.rule;
            let excused = matches && !exception.reason.trim().is_empty();
            *used |= excused;
            covered |= excused;
        }
        covered
    }

    /// Exceptions that excused nothing.
    pub(super) fn unused(&self) -> Vec<Finding> {
        let unused = self.file.exception.iter().zip(&self.used);
        unused
            .filter(|(_, used)| !**used)
            .map(|(exception, _)| {
                let Exception { path, rule, .. } = exception;
                let message = format!("the exception of {path} from {rule} excuses nothing");
                finding("exceptions", FILE, 0, message)
            })
            .collect()
    }
}
