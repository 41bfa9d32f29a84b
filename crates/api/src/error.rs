//! [`Report`]: what a person or program outside is told when something does not work.

use std::error::Error;

use lanspread_proto::text::visible;
use serde::{Deserialize, Serialize};

use crate::hints::{self, Language};

/// What did not work, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Report {
    /// Who can do something about it.
    pub kind: Kind,
    /// A stable code; `docs/ERRORS.md` lists them.
    pub code: String,
    /// What did not work, in one sentence without a full stop.
    pub message: String,
    /// What caused it, nearest cause first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub causes: Vec<String>,
    /// What may help, most likely first.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The contents to choose from, with the code `choose-content`.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub choices: Box<[Choice]>,
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The person asked for something that cannot be.
    User,
    /// A setting, flag or file of this program is wrong.
    Config,
    /// The machine or the network is in the way.
    Environment,
    /// Another peer is to blame.
    Peer,
    /// This program is to blame.
    Internal,
}

/// One of several contents that are equally good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Choice {
    /// Its id.
    pub content: String,
    /// How many peers have it ready.
    pub ready: u32,
}

impl Report {
    /// Reports under a code of the table; its kind and hints come from there.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self::of_family(code, code, message)
    }

    /// Reports under a code that may be finer than the table knows; then the family's entry holds.
    pub(crate) fn of_family(code: &str, family: &str, message: impl Into<String>) -> Self {
        let entry = hints::entry(code).or_else(|| hints::entry(family));
        Self {
            kind: entry.map_or(Kind::Internal, |entry| entry.kind),
            code: code.to_owned(),
            message: visible(&message.into()),
            causes: Vec::new(),
            hints: entry.map_or_else(Vec::new, |entry| entry.hints(Language::English)),
            choices: Box::default(),
        }
    }

    /// Adds what lies behind an error, without saying twice what the message says already.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = visible(&cause.to_string());
            if !self.message.contains(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// The same with hints in another language, where the table has the code.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Self {
        if let Some(entry) = hints::entry(&self.code) {
            self.hints = entry.hints(language);
        }
        self
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl Error for Report {}
