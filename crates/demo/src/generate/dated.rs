//! Makes generated files look old: a folder that changed a moment ago is not shared yet.

use std::{
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::error::DemoError;

/// When everything was last changed, in seconds since 1970: 2023-11-14.
const CHANGED: Duration = Duration::from_secs(1_700_000_000);

/// Makes a directory and all that is in it look old; returns the bytes of its files.
pub(super) fn backdate(dir: &Path) -> Result<u64, DemoError> {
    let mut total = 0;
    for entry in std::fs::read_dir(dir).map_err(DemoError::file("read", dir))? {
        let entry = entry.map_err(DemoError::file("read", dir))?;
        let path = entry.path();
        let facts = entry.metadata().map_err(DemoError::file("read", &path))?;
        if facts.is_dir() {
            total += backdate(&path)?;
        } else {
            backdate_file(&path)?;
            total += facts.len();
        }
    }
    backdate_dir(dir)?;
    Ok(total)
}

/// Makes a file look old.
pub(super) fn backdate_file(path: &Path) -> Result<(), DemoError> {
    let opened = File::options().write(true).open(path);
    let dated = opened.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + CHANGED));
    dated.map_err(DemoError::file("date", path))
}

/// Makes a directory look old where that is possible; elsewhere it is shared some seconds later.
pub(super) fn backdate_dir(path: &Path) -> Result<(), DemoError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let dated = File::open(path).and_then(|dir| dir.set_modified(SystemTime::UNIX_EPOCH + CHANGED));
    dated.map_err(DemoError::file("date", path))
}
