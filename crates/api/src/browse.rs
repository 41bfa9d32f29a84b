//! The directory browser: a person at a page chooses a directory of the node's machine.

use std::path::{Path, PathBuf};

use lanspread_node::folders::{self, FolderError};
use lanspread_proto::RelPath;

use crate::{
    error::Report,
    types::{
        Reply,
        reply::{Folder, FolderEntry},
    },
};

/// The directories in a directory; in the home directory when none is named.
pub(crate) async fn list(folder: Option<String>) -> Result<Reply, Report> {
    let folder = match folder {
        Some(folder) => PathBuf::from(folder),
        None => home(),
    };
    looked(move || look(&folder)).await
}

/// Makes a directory and lists it.
pub(crate) async fn make(folder: String, name: String) -> Result<Reply, Report> {
    let new = PathBuf::from(folder).join(one_component(&name)?.as_str());
    looked(move || {
        folders::make(&new)?;
        look(&new)
    })
    .await
}

/// A name that every operating system takes: where there is a game, there must be a way for it to
/// others.
fn one_component(name: &str) -> Result<RelPath, Report> {
    let bad = |why: String| Report::new("bad-value", format!("`{name}` is no name: {why}"));
    let path = RelPath::parse(name.trim()).map_err(|error| bad(error.to_string()))?;
    match path.components().count() {
        1 => Ok(path),
        _ => Err(bad("it has more than one part".to_owned())),
    }
}

fn home() -> PathBuf {
    let first = || folders::roots().into_iter().next().unwrap_or_default();
    std::env::home_dir().unwrap_or_else(first)
}

async fn looked(
    look: impl FnOnce() -> Result<Folder, FolderError> + Send + 'static,
) -> Result<Reply, Report> {
    let looked = tokio::task::spawn_blocking(look).await;
    let folder = looked.map_err(|error| {
        Report::new(
            "internal",
            format!("the look at a directory failed: {error}"),
        )
    })?;
    Ok(Reply::Folder(Box::new(folder?)))
}

fn look(folder: &Path) -> Result<Folder, FolderError> {
    let found = folders::list(folder)?;
    let entry = |name: String| FolderEntry {
        path: text(&folder.join(&name)),
        name,
    };
    let volume = folders::volume(folder);
    let mut roots = vec![home()];
    roots.extend(folders::roots());
    roots.dedup();
    Ok(Folder {
        folder: text(folder),
        parent: folder.parent().map(text),
        roots: roots.iter().map(|root| text(root)).collect(),
        entries: found.directories.into_iter().map(entry).collect(),
        truncated: found.truncated,
        writable: folders::probe(folder).is_ok(),
        free_bytes: volume.map(|volume| volume.free_bytes),
        total_bytes: volume.map(|volume| volume.total_bytes),
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

impl From<FolderError> for Report {
    fn from(error: FolderError) -> Self {
        let code = match &error {
            FolderError::Relative(_) => "bad-value",
            FolderError::Disk(_) => "folder",
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(reply: Reply) -> Folder {
        let Reply::Folder(folder) = reply else {
            panic!("{reply:?}");
        };
        *folder
    }

    #[tokio::test]
    async fn a_walk() {
        let dir = tempfile::tempdir().unwrap();
        let top = text(dir.path());
        let made = folder(make(top.clone(), "Spiele ß".to_owned()).await.unwrap());
        assert_eq!(made.parent.as_deref(), Some(top.as_str()));
        assert!(made.writable && made.entries.is_empty());
        let listed = folder(list(Some(top)).await.unwrap());
        assert_eq!(listed.entries.len(), 1);
        assert_eq!(listed.entries[0].path, made.folder);
        assert_eq!(listed.entries[0].name, "Spiele ß");
        assert!(!listed.roots.is_empty());
        let home = folder(list(None).await.unwrap());
        assert!(listed.roots.contains(&home.folder));
    }

    #[tokio::test]
    async fn what_cannot_be_walked() {
        let dir = tempfile::tempdir().unwrap();
        let top = || text(dir.path());
        for name in ["", "..", "a/b", "../a", "/a", "a\\b", "CON", "x\0y", "a:b"] {
            let refused = make(top(), name.to_owned()).await.unwrap_err();
            assert_eq!(refused.code, "bad-value", "{name:?}");
        }
        let missing = list(Some(top() + "/missing")).await.unwrap_err();
        assert_eq!(missing.code, "folder");
        let relative = list(Some("x".to_owned())).await.unwrap_err();
        assert_eq!(relative.code, "bad-value");
        let nul = list(Some("/x\0y".to_owned())).await.unwrap_err();
        assert_eq!(nul.code, "folder");
    }
}
