//! What a look at directories and their volumes finds.

use std::path::Path;

use lanspread_node::folders;

use crate::{amount::Bytes, types::reply::Finding};

/// Less free space than this is worth a word.
const FREE_BYTES_LOW: u64 = 20_000_000_000;

pub(super) fn state(folder: &Path) -> Finding {
    directory("state", "state-dir", folder)
}

/// Before the first start the directory need not be there.
pub(super) fn games(folder: &Path, is_made: bool) -> Vec<Finding> {
    let mut findings = vec![if is_made && folders::list(folder).is_err() {
        let text = format!("{}: made at the first start", folder.display());
        Finding::good("games", text)
    } else {
        directory("games", "games-dir", folder)
    }];
    if let Some(volume) = folders::volume(folder) {
        let text = format!("{} free", Bytes(volume.free_bytes));
        findings.push(if volume.free_bytes < FREE_BYTES_LOW {
            Finding::warn("space-low", "space", text)
        } else {
            Finding::good("space", text)
        });
    }
    findings
}

/// Whether a directory can be listed and written.
pub(super) fn directory(subject: &str, code: &str, folder: &Path) -> Finding {
    let looked = folders::list(folder).and_then(|found| {
        folders::probe(folder)?;
        Ok(found.entries)
    });
    match looked {
        Ok(entries) => {
            let entries = match entries {
                1 => "1 entry".to_owned(),
                _ => format!("{entries} entries"),
            };
            let text = format!("{}: {entries}, writable", folder.display());
            Finding::good(subject, text)
        }
        Err(error) => {
            let code = if error.is_full() { "volume-full" } else { code };
            Finding::bad(code, subject, error.to_string())
        }
    }
}
