//! What every error code means and what a person may do about it, in English and German.
//!
//! The table is the one source: reports, the web UI and `docs/ERRORS.md` are made from it.

use std::{collections::BTreeMap, fmt::Write};

use crate::error::Kind;

mod archives;
mod doctor;
mod doors;
mod operations;
mod parties;
mod playing;
mod publishing;

/// A language of the hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The first language that we have out of an `Accept-Language` header; else English.
    #[must_use]
    pub fn preferred(accept_language: &str) -> Self {
        accept_language
            .split(',')
            .filter_map(|range| range.split([';', '-']).next())
            .find_map(|language| match language.trim() {
                "de" | "DE" => Some(Self::German),
                "en" | "EN" => Some(Self::English),
                _ => None,
            })
            .unwrap_or_default()
    }
}

/// What one code means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) code: &'static str,
    pub(crate) kind: Kind,
    /// One sentence for the documentation.
    pub(crate) meaning: &'static str,
    pub(crate) english: &'static [&'static str],
    pub(crate) german: &'static [&'static str],
}

impl Entry {
    pub(crate) fn hints(&self, language: Language) -> Vec<String> {
        let hints = match language {
            Language::English => self.english,
            Language::German => self.german,
        };
        hints.iter().map(|&hint| hint.to_owned()).collect()
    }
}

/// The hints for a code; empty for an unknown code.
#[must_use]
pub fn hint(code: &str, language: Language) -> Vec<String> {
    entry(code).map_or_else(Vec::new, |entry| entry.hints(language))
}

pub(crate) fn entry(code: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.code == code)
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    operations::TABLE
        .iter()
        .chain(publishing::TABLE)
        .chain(archives::TABLE)
        .chain(parties::TABLE)
        .chain(playing::TABLE)
        .chain(doors::TABLE)
        .chain(doctor::TABLE)
}

/// The hints of every code as JSON, for pages that choose the language themselves.
#[must_use]
pub fn for_pages() -> String {
    let texts: BTreeMap<_, _> = entries()
        .map(|entry| {
            let hints = serde_json::json!({ "en": entry.english, "de": entry.german });
            let text = serde_json::json!({
                "kind": entry.kind,
                "reason": entry.meaning,
                "hints": hints,
            });
            (entry.code, text)
        })
        .collect();
    // Texts under texts can always be written.
    let mut page = serde_json::to_string_pretty(&texts).unwrap_or_default();
    page.push('\n');
    page
}

/// The text of `docs/ERRORS.md`.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::from(
        "# Error codes\n\n\
         Made from the table in `crates/api/src/hints`; a test keeps the two equal.\n\n\
         Every failed command has a code that stays the same over versions, a kind (who can do\n\
         something about it) and hints. Programs act on the code, people read the rest.\n",
    );
    let mut sorted: Vec<_> = entries().collect();
    sorted.sort_by_key(|entry| entry.code);
    for entry in sorted {
        let kind = match entry.kind {
            Kind::User => "user",
            Kind::Config => "config",
            Kind::Environment => "environment",
            Kind::Peer => "peer",
            Kind::Internal => "internal",
        };
        // Writing into a string cannot fail.
        let _always_ok = writeln!(
            text,
            "\n## `{}`\n\n{} Kind: {kind}.\n",
            entry.code, entry.meaning
        );
        for (english, german) in entry.english.iter().zip(entry.german) {
            let _always_ok = writeln!(text, "- {english}\n  *{german}*");
        }
    }
    text
}

#[cfg(test)]
mod tests;
