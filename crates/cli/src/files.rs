//! The few files that belong to the command line: settings, the node's address, logs to read. The
//! only place of this crate, with `log_files`, that touches the file system.

#![expect(
    clippy::disallowed_methods,
    reason = "the files of the command line itself"
)]

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use lanspread_api::{ApiFile, Report};

/// Largest settings or address file that is read.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Bytes at the end of a log that are read for its last lines.
const TAIL_BYTES_MAX: u64 = 4 << 20;

/// Creates a directory and its parents, for this user only where it is new.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), Report> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| failed("create", path, &error))
}

/// Creates a directory and its parents.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Reads the settings file; `None` if it is not there.
pub(crate) fn read_config(path: &Path) -> Result<Option<String>, Report> {
    read_small(path, "bad-config")
}

/// Reads a small text; `None` if it is not there.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Report> {
    read_small(path, "state-dir")
}

/// `code` is what it is called when something is there that is no small text.
fn read_small(path: &Path, code: &str) -> Result<Option<String>, Report> {
    let wrong = |what: &str| Report::new(code, format!("{} {what}", path.display()));
    // A pipe would be waited for, for ever.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(wrong("is not a file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map(|_bytes| ());
    match read {
        Ok(()) if bytes.len() as u64 > FILE_BYTES_MAX => {
            Err(wrong(&format!("is larger than {FILE_BYTES_MAX} bytes")))
        }
        Ok(()) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let text = error.as_bytes();
            let before = text
                .get(..error.utf8_error().valid_up_to())
                .unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            wrong(&format!("is not UTF-8 text: line {line}"))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Replaces a small text in one step, readable by this user only.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), Report> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    write_new(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|error| {
            // Left over at worst; its name is ours alone.
            drop(fs::remove_file(&part));
            failed("write", path, &error)
        })
}

/// Writes what a test wants to be read.
#[cfg(test)]
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = lanspread_node::create_private_file(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> Report {
    let message = format!("cannot {verb} {}: {error}", path.display());
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&error.kind());
    Report::new(if full { "volume-full" } else { "state-dir" }, message)
}

/// Whether a directory is another one or lies in it, by whatever links. What is not there is no
/// directory.
pub(crate) fn lies_in(inner: &Path, outer: &Path) -> bool {
    match (fs::canonicalize(inner), fs::canonicalize(outer)) {
        (Ok(inner), Ok(outer)) => inner.starts_with(outer),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Where a node leaves its address.
pub(crate) fn api_path(state: &Path) -> PathBuf {
    state.join("api.json")
}

/// The address that a node left; `None` if none is running.
pub(crate) fn read_api(state: &Path) -> Result<Option<ApiFile>, Report> {
    let path = api_path(state);
    let Some(text) = read_text(&path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let message = format!("{} cannot be understood: {error}", path.display());
        Report::new("state-dir", message)
    })
}

/// Leaves the address of this node for clients.
pub(crate) fn write_api(state: &Path, api: &ApiFile) -> Result<(), Report> {
    let text = serde_json::to_string_pretty(api).unwrap_or_default();
    write_text(&api_path(state), &text)
}

/// Takes the address away, if it is still this node's.
pub(crate) fn remove_api(state: &Path, api: &ApiFile) {
    if read_api(state).is_ok_and(|found| found.as_ref() == Some(api))
        && let Err(error) = fs::remove_file(api_path(state))
    {
        tracing::warn!(%error, "cannot remove api.json");
    }
}

/// Whether a path is there; `None` if that cannot be told.
pub(crate) fn is_there(path: &Path) -> Option<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Some(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// The absolute form of a path that a person typed: the node has another working directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Report> {
    std::path::absolute(path).map_err(|error| unusable(path, &error))
}

/// The absolute form of a path that a person typed, which must be a directory.
pub(crate) fn existing_dir(path: &Path) -> Result<PathBuf, Report> {
    let absolute = absolute(path)?;
    let metadata = fs::metadata(&absolute).map_err(|error| unusable(path, &error))?;
    if metadata.is_dir() {
        Ok(absolute)
    } else {
        Err(unusable(path, &ErrorKind::NotADirectory.into()))
    }
}

fn unusable(path: &Path, error: &io::Error) -> Report {
    let message = format!("{} cannot be used: {error}", path.display());
    Report::new("bad-value", message)
}

/// The last lines of a text file.
pub(crate) fn last_lines(path: &Path, lines: usize) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let first = all.len().saturating_sub(lines);
    Ok(all.into_iter().skip(first).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(pid: u32) -> ApiFile {
        ApiFile {
            address: ([127, 0, 0, 1], 7).into(),
            token: "secret".to_owned(),
            pid,
        }
    }

    #[test]
    fn one_directory_by_two_names_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        create_dir(&one).unwrap();
        create_dir(&other).unwrap();
        assert!(lies_in(&one, &other.join("../one")));
        assert!(lies_in(&one, dir.path()) && !lies_in(dir.path(), &one));
        assert!(!lies_in(&one, &other) && !lies_in(&one, &dir.path().join("none")));
    }

    #[test]
    fn the_address_is_private_and_goes_with_its_node() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(read_api(state.path()).unwrap(), None);
        write_api(state.path(), &api(1)).unwrap();
        write_api(state.path(), &api(2)).unwrap();
        assert_eq!(read_api(state.path()).unwrap(), Some(api(2)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(api_path(state.path()))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        remove_api(state.path(), &api(1));
        assert_eq!(
            read_api(state.path()).unwrap(),
            Some(api(2)),
            "another node's"
        );
        remove_api(state.path(), &api(2));
        assert_eq!(read_api(state.path()).unwrap(), None);
        assert_eq!(
            fs::read_dir(state.path()).unwrap().count(),
            0,
            "nothing left over"
        );
    }

    #[test]
    fn damaged_or_huge_files_are_refused() {
        let state = tempfile::tempdir().unwrap();
        fs::write(api_path(state.path()), "{").unwrap();
        assert_eq!(read_api(state.path()).unwrap_err().code, "state-dir");
        fs::write(api_path(state.path()), vec![b' '; 70_000]).unwrap();
        assert_eq!(read_api(state.path()).unwrap_err().code, "state-dir");
    }

    #[test]
    fn tail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(last_lines(&path, 2).unwrap(), ["b", "c"]);
        assert_eq!(last_lines(&path, 9).unwrap().len(), 3);
    }
}
