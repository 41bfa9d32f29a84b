//! [`Setting`]: a text that is set once in a game's own text file, and never over what the user
//! wrote there since.

use alloc::string::String;

use lanspread_proto::{Hash, RelPath};
use serde::{Deserialize, Serialize};

use super::{
    fill::{Place, Template, TemplateError, Values},
    records::Applied,
};

/// One text that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Which text file, below `local/`.
    pub file: RelPath,
    /// What is set in it.
    pub change: Change,
}

/// What is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The whole file.
    Whole(Template),
    /// The first line that begins so; it is added at the end where there is none.
    Line {
        /// How the line begins, behind white space.
        begins: String,
        /// What it becomes.
        line: Template,
    },
}

impl Change {
    /// A whole file.
    ///
    /// # Errors
    /// The text is no template.
    pub fn whole(text: &str) -> Result<Self, TemplateError> {
        Ok(Self::Whole(Template::parse(text, Place::Text)?))
    }

    /// One line.
    ///
    /// # Errors
    /// One of the two is no single line, or the line is no template.
    pub fn line(begins: &str, line: &str) -> Result<Self, TemplateError> {
        // As an argument: neither holds the end of a line.
        Template::parse(line, Place::Argument)?;
        if let Some(hidden) = begins
            .chars()
            .find(|c| lanspread_proto::text::is_hidden(*c))
        {
            return Err(TemplateError::Character(hidden));
        }
        Ok(Self::Line {
            begins: begins.chars().take(super::ARGUMENT_CHARS_MAX).collect(),
            line: Template::parse(line, Place::Argument)?,
        })
    }
}

/// What is known of a file before a setting is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that do not exclude each other"
)]
pub struct Known<'a> {
    /// Its text; `None` when it is not there.
    pub text: Option<&'a str>,
    /// It is as the install wrote it.
    pub is_as_installed: bool,
    /// Another content was installed since the setting was applied.
    pub is_updated: bool,
}

/// What happens with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is written.
    Write,
    /// The user has something else there: it stays, and this setting is not tried again.
    Leave,
    /// It was applied.
    Done,
}

/// Decides about one setting: `applied` is what was recorded of it.
#[must_use]
pub fn decide(setting: &Setting, applied: Option<&Applied>, known: Known<'_>) -> Decision {
    let Some(applied) = applied else {
        let is_free = match setting.change {
            Change::Whole(_) => known.text.is_none() || known.is_as_installed,
            // A line more or less is what a setting is for.
            Change::Line { .. } => true,
        };
        return if is_free {
            Decision::Write
        } else {
            Decision::Leave
        };
    };
    // An update brought the file anew.
    let is_fresh = known.is_updated && known.is_as_installed;
    let is_ours = applied.wrote.is_some() && applied.wrote == setting.mark(known.text);
    let changed = applied.definition != setting.definition();
    match (is_fresh, changed, is_ours) {
        (true, _, _) | (false, true, true) => Decision::Write,
        (false, true, false) => Decision::Leave,
        (false, false, _) => Decision::Done,
    }
}

impl Setting {
    /// Tells it from the other settings of a profile.
    #[must_use]
    pub fn key(&self) -> (RelPath, String) {
        let begins = match &self.change {
            Change::Whole(_) => String::new(),
            Change::Line { begins, .. } => begins.clone(),
        };
        (self.file.clone(), begins)
    }

    /// Changes whenever what is to be written does, whoever plays.
    #[must_use]
    pub fn definition(&self) -> Hash {
        // Encoding into memory cannot fail.
        Hash::of(&postcard::to_allocvec(self).unwrap_or_default())
    }

    /// What stands now where this setting writes; `None` when nothing does.
    #[must_use]
    pub fn mark(&self, text: Option<&str>) -> Option<Hash> {
        let text = text?;
        match &self.change {
            Change::Whole(_) => Some(Hash::of(text.as_bytes())),
            Change::Line { begins, .. } => {
                let line = text
                    .lines()
                    .find(|line| line.trim_start().starts_with(begins));
                line.map(|line| Hash::of(line.as_bytes()))
            }
        }
    }

    /// The text after this setting.
    #[must_use]
    pub fn apply(&self, text: Option<&str>, values: &Values) -> String {
        let (begins, line) = match &self.change {
            Change::Whole(whole) => return whole.fill(values),
            Change::Line { begins, line } => (begins, line.fill(values)),
        };
        let text = text.unwrap_or_default();
        let (mut out, mut is_set) = (String::new(), false);
        for whole in text.split_inclusive('\n') {
            let bare = whole.trim_end_matches(['\r', '\n']);
            if is_set || !bare.trim_start().starts_with(begins) {
                out.push_str(whole);
                continue;
            }
            is_set = true;
            out.push_str(&line);
            out.push_str(whole.get(bare.len()..).unwrap_or_default());
        }
        if !is_set {
            let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
            if !out.is_empty() && !out.ends_with('\n') {
                out.push_str(end);
            }
            out.push_str(&line);
            out.push_str(end);
        }
        out
    }

    /// What is recorded when the setting was applied, or left because of the user.
    #[must_use]
    pub fn record(&self, wrote: Option<&str>) -> Applied {
        let (file, begins) = self.key();
        Applied {
            file,
            begins,
            definition: self.definition(),
            wrote: self.mark(wrote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::fill::{Language, PlayerName};

    fn values() -> Values {
        Values {
            player: PlayerName::clean("Ann"),
            language: Language::default(),
            host: None,
        }
    }

    fn setting(change: Change) -> Setting {
        Setting {
            file: RelPath::parse("a.cfg").unwrap(),
            change,
        }
    }

    fn line(begins: &str, line: &str) -> Setting {
        setting(Change::line(begins, line).unwrap())
    }

    fn whole(text: &str) -> Setting {
        setting(Change::whole(text).unwrap())
    }

    #[test]
    fn lines() {
        let name = line("name=", "name={player_name}");
        let check = |text: Option<&str>, expected: &str| {
            assert_eq!(name.apply(text, &values()), expected, "{text:?}");
        };
        check(None, "name=Ann\n");
        check(Some(""), "name=Ann\n");
        check(Some("x"), "x\nname=Ann\n");
        check(Some("x\r\ny\r\n"), "x\r\ny\r\nname=Ann\r\n");
        check(Some("name=\nname=2\n"), "name=Ann\nname=2\n");
        check(Some("a\r\n  name=Bob\r\nb"), "a\r\nname=Ann\r\nb");
        check(Some("rename=x\nname=x"), "rename=x\nname=Ann");
        assert_eq!(
            whole("hi {player_name}").apply(Some("old"), &values()),
            "hi Ann"
        );
    }

    #[test]
    fn a_line_is_one_line() {
        assert!(Change::line("a=", "a\nb").is_err());
        assert!(Change::line("a\n", "ab").is_err());
        assert!(Change::whole("a\nb").is_ok());
        assert!(Change::whole("{host_ip}").is_err());
    }

    /// Every combination of what was recorded and what is found.
    #[test]
    fn never_over_what_the_user_wrote() {
        for first in [whole("a={player_name}\n"), line("a=", "a={player_name}")] {
            let wrote = first.apply(Some("a=0\n"), &values());
            let applied = first.record(Some(&wrote));
            let same_place = match first.change {
                Change::Whole(_) => whole("a=new\n"),
                Change::Line { .. } => line("a=", "a=new"),
            };
            for (text, is_as_installed, is_updated) in all_known(&wrote) {
                let known = Known {
                    text,
                    is_as_installed,
                    is_updated,
                };
                let ours = text == Some(wrote.as_str());
                let fresh = is_as_installed && is_updated;
                let again = decide(&first, Some(&applied), known);
                let expected = if fresh {
                    Decision::Write
                } else {
                    Decision::Done
                };
                assert_eq!(again, expected, "{known:?}");
                let changed = decide(&same_place, Some(&applied), known);
                let expected = if fresh || ours {
                    Decision::Write
                } else {
                    Decision::Leave
                };
                assert_eq!(changed, expected, "{known:?}");
                let is_line = matches!(first.change, Change::Line { .. });
                let is_free = is_line || is_as_installed || text.is_none();
                let expected = if is_free {
                    Decision::Write
                } else {
                    Decision::Leave
                };
                assert_eq!(decide(&first, None, known), expected, "{known:?}");
            }
        }
    }

    fn all_known(wrote: &str) -> alloc::vec::Vec<(Option<&str>, bool, bool)> {
        let texts = [None, Some("a=user\n"), Some(wrote)];
        let mut all = alloc::vec::Vec::new();
        for text in texts {
            for flags in 0..4_u8 {
                all.push((text, flags & 1 == 1, flags & 2 == 2));
            }
        }
        all
    }

    #[test]
    fn what_was_left_is_left_until_an_update() {
        let setting = whole("x");
        let left = setting.record(None);
        let known = |is_updated| Known {
            text: Some("user"),
            is_as_installed: is_updated,
            is_updated,
        };
        assert_eq!(decide(&setting, Some(&left), known(false)), Decision::Done);
        assert_eq!(
            decide(&whole("y"), Some(&left), known(false)),
            Decision::Leave
        );
        assert_eq!(decide(&setting, Some(&left), known(true)), Decision::Write);
    }
}
