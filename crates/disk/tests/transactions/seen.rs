//! What lies on a disk, whichever, and what must be true of it.

use crate::scenario::{Files, Scenario, promised};

/// One game as it was found.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Every file below the game root, except our markers.
    pub(crate) tree: Files,
    /// The version that the record speaks of.
    pub(crate) record: Option<u8>,
    /// What no operation and no recovery may leave behind.
    pub(crate) litter: Vec<&'static str>,
}

/// Directories and files that are gone when an operation is over.
pub(crate) const LITTER: [&str; 3] = [
    ".local.installing",
    ".local.backup",
    ".lanspread_version.ini",
];

impl Seen {
    pub(crate) fn is_new(&self, scenario: Scenario) -> bool {
        self.tree == scenario.after() && self.record == scenario.records().1
    }

    pub(crate) fn is_old(&self, scenario: Scenario) -> bool {
        let mut tree = self.tree.clone();
        // A download in progress is no transaction yet.
        tree.retain(|path, _| !path.starts_with(".incoming/"));
        tree == scenario.before() && self.record == scenario.records().0
    }

    /// What must be true at any time.
    pub(crate) fn check_always(&self, scenario: Scenario) -> Result<(), String> {
        for text in scenario.user_texts() {
            if !self.tree.values().any(|bytes| bytes == text.as_bytes()) {
                return Err(format!("lost: {text:?}"));
            }
        }
        let Some(sentinel) = self.tree.get("version.ini") else {
            return Ok(());
        };
        let promised = promised(sentinel).ok_or("the sentinel is torn")?;
        let before = scenario.before();
        for (path, bytes) in promised {
            let found = self.tree.get(&path);
            // Until it is repaired, a payload is as damaged as it was.
            let as_before = scenario == Scenario::RepairPayload && found == before.get(&path);
            if found != Some(&bytes) && !as_before {
                return Err(format!("downloaded, but {path} is not right"));
            }
        }
        Ok(())
    }

    /// What must be true when an operation or recovery is over.
    pub(crate) fn check_settled(&self, scenario: Scenario) -> Result<(), String> {
        self.check_always(scenario)?;
        if let Some(litter) = self.litter.first() {
            return Err(format!("{litter} is left over"));
        }
        if self.is_old(scenario) || self.is_new(scenario) {
            Ok(())
        } else {
            Err(format!("neither old nor new: {}", self.show()))
        }
    }

    /// The tree as text, for a failed test.
    pub(crate) fn show(&self) -> String {
        let lines = self
            .tree
            .iter()
            .map(|(path, bytes)| format!("\n  {path}: {}", String::from_utf8_lossy(bytes)));
        lines.collect::<String>() + &format!("\n  record: {:?}", self.record)
    }
}
