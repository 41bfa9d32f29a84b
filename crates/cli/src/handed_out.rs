//! What a hand-out holds: this program, and the plain files of `handout/` in the state directory.

#![expect(
    clippy::disallowed_methods,
    reason = "the files of the command line itself"
)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use lanspread_api::{
    Report,
    handout::{ITEMS_MAX, Item, ItemError},
};

/// What this program is called when it is saved.
const PROGRAM: &str = if cfg!(windows) {
    "lanspread.exe"
} else {
    "lanspread"
};

/// What is handed out, and what lies there but is not.
#[derive(Debug)]
pub(crate) struct HandedOut {
    /// This program first, then by name.
    pub(crate) items: Vec<Item>,
    /// Names, each with the reason.
    pub(crate) left_out: Vec<String>,
}

/// Where further files are put.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("handout")
}

/// Opens and hashes everything.
pub(crate) fn gather(state: &Path) -> Result<HandedOut, Report> {
    let mut found = HandedOut {
        items: vec![program()?],
        left_out: Vec::new(),
    };
    let folder = folder(state);
    let unreadable = |error: io::Error| {
        let message = format!("cannot read {}: {error}", folder.display());
        Report::new("state-dir", message)
    };
    let entries: io::Result<Vec<_>> = fs::read_dir(&folder).and_then(Iterator::collect);
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        match item(&entry.path(), &name, found.items.len()) {
            Ok(item) => found.items.push(item),
            Err(why) => found
                .left_out
                .push(format!("{}: {why}", name.to_string_lossy())),
        }
    }
    Ok(found)
}

/// The program that runs, whatever lies in its place by now.
fn program() -> Result<Item, Report> {
    let failed = |error: &dyn std::error::Error| {
        Report::new("internal", "cannot read this program itself").caused_by(error)
    };
    let path = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().map_err(|error| failed(&error))?
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    Item::read(PROGRAM, file).map_err(|error| failed(&error))
}

fn item(path: &Path, name: &OsStr, before: usize) -> Result<Item, String> {
    let name = name.to_str().ok_or("its name is not Unicode")?;
    if before >= ITEMS_MAX {
        return Err(format!("{ITEMS_MAX} files are handed out at most"));
    }
    if name.eq_ignore_ascii_case(PROGRAM) {
        return Err("it has the name of this program".to_owned());
    }
    let file = open_plain(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let Some(file) = file else {
        return Err(ItemError::Hidden.to_string());
    };
    Item::read(name, file).map_err(|error| error.to_string())
}

/// Opens a plain file; `None` if it is something else. A link is not followed, and a pipe not
/// waited for.
fn open_plain(path: &Path) -> io::Result<Option<File>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    // It may have been exchanged meanwhile.
    Ok(file.metadata()?.is_file().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_only() {
        let state = tempfile::tempdir().unwrap();
        let folder = folder(state.path());
        assert_eq!(gather(state.path()).unwrap_err().code, "state-dir");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("b.zip"), "zip").unwrap();
        fs::write(folder.join("a.txt"), "").unwrap();
        fs::write(folder.join(".hidden"), "x").unwrap();
        fs::write(folder.join(PROGRAM), "x").unwrap();
        fs::create_dir(folder.join("folder")).unwrap();
        let mut expected_out = vec![".hidden", "folder", PROGRAM];
        #[cfg(unix)]
        {
            let key = state.path().join("identity.key");
            fs::write(&key, "secret").unwrap();
            std::os::unix::fs::symlink(&key, folder.join("link")).unwrap();
            expected_out.push("link");
        }
        let found = gather(state.path()).unwrap();
        let names: Vec<_> = found.items.iter().map(Item::name).collect();
        assert_eq!(names, [PROGRAM, "a.txt", "b.zip"]);
        let left_out = |name: &&str| {
            let start = format!("{name}: ");
            found.left_out.iter().any(|line| line.starts_with(&start))
        };
        assert!(expected_out.iter().all(left_out), "{:?}", found.left_out);
        assert_eq!(found.left_out.len(), expected_out.len());
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(found.items[0].bytes(), own.len() as u64);
    }

    #[test]
    fn there_is_an_end() {
        let state = tempfile::tempdir().unwrap();
        let folder = folder(state.path());
        fs::create_dir(&folder).unwrap();
        for number in 0..ITEMS_MAX {
            fs::write(folder.join(format!("{number}")), "").unwrap();
        }
        let found = gather(state.path()).unwrap();
        assert_eq!((found.items.len(), found.left_out.len()), (ITEMS_MAX, 1));
    }
}
