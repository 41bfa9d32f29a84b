//! What `doctor` finds out about directories and their volumes.

use std::path::Path;

use lanspread_api::amount::Bytes;

use super::{Finding, directory};
use crate::files;

/// Less free space than this is worth a word.
const FREE_BYTES_LOW: u64 = 20_000_000_000;

pub(super) fn state(path: &Path) -> Vec<Finding> {
    if files::is_there(path) == Some(false) {
        let text = format!("{}: made at the first start", path.display());
        return vec![Finding::ok("state", text)];
    }
    let hint = "check its permissions, or name another one with --state";
    vec![directory("state", path, hint)]
}

/// Before the first start the default directory need not be there.
pub(super) fn games(path: &Path, first_start: bool) -> Vec<Finding> {
    let default = crate::dirs::games_default().is_ok_and(|default| default == path);
    if first_start && default && files::is_there(path) == Some(false) {
        let text = format!("{}: made at the first start", path.display());
        return vec![Finding::ok("games", text)];
    }
    let hint =
        "plug the disk in, make the directory, or name another: `lanspread settings games_dir`";
    let mut findings = vec![directory("games", path, hint)];
    match files::free_bytes(path) {
        Some(free) if free < FREE_BYTES_LOW => {
            let hint = "`lanspread remove GAME --keep-installed` frees the archives of a game";
            findings.push(Finding::warn(
                "space",
                format!("{} free", Bytes(free)),
                hint,
            ));
        }
        Some(free) => findings.push(Finding::ok("space", format!("{} free", Bytes(free)))),
        None => {}
    }
    findings
}
