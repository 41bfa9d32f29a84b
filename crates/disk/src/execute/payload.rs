//! Steps on the payload at the root of a game: the sentinel goes first and comes last, files are
//! moved one by one, and only proven ones are deleted.

use std::collections::{BTreeMap, BTreeSet};

use lanspread_install::{
    Stamp,
    proof::Expected,
    slot::{PARKED, VERSION_INI},
};
use lanspread_proto::{
    Manifest, RelPath,
    manifest::{self, FileEntry},
    rel_path,
};

use super::{error::StepError, job::Job};
use crate::{
    atomic_file,
    vfs::{EntryKind, Place},
};

/// The name under which a sentinel that is not ours is kept.
const KEPT_SENTINEL: &str = VERSION_INI;

impl Job<'_> {
    fn expected(&self, entry: &FileEntry) -> Expected {
        let known = self.hands.hooks.known(entry);
        Expected {
            bytes: entry.bytes,
            root: entry.root,
            stamp: known.map(|identity| Stamp {
                modified_nanos: identity.modified_nanos,
                file_id: identity.file_id,
            }),
        }
    }

    pub(super) fn park_sentinel(&mut self) -> Result<(), StepError> {
        let sentinel = self.root_sentinel();
        if self.hands.kind(&sentinel)?.is_none() {
            return Ok(());
        }
        // One that was parked before belongs to a transaction whose intent is lost.
        self.drop_parked()?;
        let parked = self.places.game_root.own(PARKED);
        Ok(self.hands.rename(&sentinel, &parked)?)
    }

    pub(super) fn drop_parked(&mut self) -> Result<(), StepError> {
        let parked = self.places.game_root.own(PARKED);
        if self.hands.kind(&parked)?.is_none() {
            return Ok(());
        }
        let entry = self.old.and_then(|old| find(old, VERSION_INI));
        let ours = match entry {
            Some(entry) => {
                let expected = self.expected(entry);
                self.hands.is_expected(&parked, &expected)?
            }
            None => false,
        };
        if ours {
            Ok(self.hands.remove_file(&parked)?)
        } else {
            self.keep(&parked, &[KEPT_SENTINEL])
        }
    }

    /// Makes room: our old files are deleted, and whatever else is no part of the new payload goes
    /// to `kept/`. What lies there afterwards is what the manifest says, and nothing beside it.
    pub(super) fn drop_old_files(&mut self) -> Result<(), StepError> {
        let new = self.new.ok_or(StepError::Unfit)?;
        if let Some(old) = self.old {
            self.drop_files_of(old, new)?;
        }
        self.put_strangers_aside(new)
    }

    fn drop_files_of(&mut self, old: &Manifest, new: &Manifest) -> Result<(), StepError> {
        let stays: BTreeSet<String> = new
            .files()
            .iter()
            .map(|file| file.path.fold_key())
            .collect();
        for entry in old.files() {
            if !stays.contains(&entry.path.fold_key()) {
                self.drop_if_ours(entry)?;
            }
        }
        self.prune_dirs(old, Some(new))
    }

    fn put_strangers_aside(&mut self, new: &Manifest) -> Result<(), StepError> {
        let folded = |path: &RelPath| path.fold_key();
        let files: BTreeSet<String> = new.files().iter().map(|f| folded(&f.path)).collect();
        let dirs: BTreeSet<String> = directories(new).iter().map(folded).collect();
        let mut open: Vec<Vec<String>> = vec![Vec::new()];
        while let Some(above) = open.pop() {
            let dir = self.below_root(&above);
            for entry in self.hands.disk.list(&dir)? {
                if is_no_payload(&entry.name, above.is_empty()) {
                    continue;
                }
                let mut names = above.clone();
                names.push(entry.name);
                let key = rel_path::fold(&names.join("/"));
                if dirs.contains(&key) && entry.kind == EntryKind::Directory {
                    open.push(names);
                } else if !files.contains(&key) {
                    let parts: Vec<&str> = names.iter().map(String::as_str).collect();
                    self.keep(&self.below_root(&names), &parts)?;
                }
            }
        }
        Ok(())
    }

    fn below_root(&self, names: &[String]) -> Place {
        let root = self.places.game_root.clone();
        names.iter().fold(root, |dir, name| dir.listed(name))
    }

    pub(super) fn remove_payload(&mut self) -> Result<(), StepError> {
        let manifest = self.old.ok_or(StepError::Unfit)?;
        for entry in manifest.files() {
            if entry.path.as_str() != VERSION_INI {
                self.drop_if_ours(entry)?;
            }
        }
        self.prune_dirs(manifest, None)
    }

    fn drop_if_ours(&mut self, entry: &FileEntry) -> Result<(), StepError> {
        let place = self.places.game_root.join(&entry.path);
        let expected = self.expected(entry);
        if self.hands.is_expected(&place, &expected)? {
            self.hands.remove_file(&place)?;
        }
        Ok(())
    }

    /// Removes the directories of a manifest that are empty now, except those of another one.
    fn prune_dirs(&mut self, of: &Manifest, but: Option<&Manifest>) -> Result<(), StepError> {
        let stays = but.map(directories).unwrap_or_default();
        // A directory sorts before what is in it.
        for dir in directories(of).into_iter().rev() {
            if !stays.contains(&dir) {
                self.hands.prune(&self.places.game_root.join(&dir))?;
            }
        }
        Ok(())
    }

    pub(super) fn place_files(&mut self) -> Result<(), StepError> {
        let new = self.new.ok_or(StepError::Unfit)?;
        let old: BTreeMap<String, &FileEntry> = self
            .old
            .iter()
            .flat_map(|old| old.files())
            .map(|file| (file.path.fold_key(), file))
            .collect();
        for entry in new.files() {
            if entry.path.as_str() != VERSION_INI {
                self.place_file(entry, old.get(&entry.path.fold_key()).copied())?;
            }
        }
        for dir in new.empty_dirs() {
            self.make_dirs(Some(dir.clone()))?;
        }
        Ok(())
    }

    fn place_file(&mut self, entry: &FileEntry, old: Option<&FileEntry>) -> Result<(), StepError> {
        let source = self.incoming().join(&entry.path);
        let target = self.places.game_root.join(&entry.path);
        if self.hands.kind(&source)?.is_none() {
            // Moved before a crash: it must be at its place.
            let placed = self.hands.kind(&target)? == Some(EntryKind::File)
                && self.hands.disk.stat(&target)?.map(|stat| stat.bytes) == Some(entry.bytes);
            return if placed {
                Ok(())
            } else {
                Err(StepError::Lost(entry.path.clone()))
            };
        }
        self.make_dirs(entry.path.parent())?;
        if let Some(old) = old {
            // Removed rather than overwritten: it may be spelled otherwise.
            self.drop_if_ours(old)?;
        }
        self.clear_the_way(&target, &entry.path)?;
        Ok(self.hands.rename(&source, &target)?)
    }

    pub(super) fn place_sentinel(&mut self) -> Result<(), StepError> {
        let source = self.incoming().own(VERSION_INI);
        let target = self.root_sentinel();
        if self.hands.kind(&source)?.is_some() {
            let path = [KEPT_SENTINEL];
            if self.hands.kind(&target)?.is_some() {
                self.keep(&target, &path)?;
            }
            return Ok(self.hands.rename(&source, &target)?);
        }
        if self.hands.kind(&target)?.is_some() {
            Ok(())
        } else {
            Err(StepError::Unfit)
        }
    }

    /// Makes a directory of the payload and those above it.
    fn make_dirs(&mut self, dir: Option<RelPath>) -> Result<(), StepError> {
        let Some(dir) = dir else { return Ok(()) };
        let place = self.places.game_root.join(&dir);
        if self.hands.kind(&place)? == Some(EntryKind::Directory) {
            return Ok(());
        }
        self.make_dirs(dir.parent())?;
        self.clear_the_way(&place, &dir)?;
        Ok(atomic_file::ensure_dir(self.hands.disk, &place)?)
    }

    /// Puts aside what is at a place where the payload belongs.
    fn clear_the_way(&mut self, place: &Place, path: &RelPath) -> Result<(), StepError> {
        if self.hands.kind(place)?.is_none() {
            return Ok(());
        }
        let names: Vec<&str> = path.components().collect();
        self.keep(place, &names)
    }
}

/// Names that no payload has: ours, and what operating systems leave everywhere.
fn is_no_payload(name: &str, at_root: bool) -> bool {
    (at_root && manifest::is_excluded_at_root(name)) || manifest::is_litter(name)
}

/// Every directory that a manifest has, the empty ones too.
fn directories(manifest: &Manifest) -> BTreeSet<RelPath> {
    let mut found = BTreeSet::new();
    let parents = manifest.files().iter().map(|file| file.path.parent());
    let empty = manifest.empty_dirs().iter().cloned().map(Some);
    for dir in parents.chain(empty) {
        let mut next = dir;
        while let Some(dir) = next {
            next = dir.parent();
            found.insert(dir);
        }
    }
    found
}

fn find<'m>(manifest: &'m Manifest, path: &str) -> Option<&'m FileEntry> {
    manifest
        .files()
        .iter()
        .find(|file| file.path.as_str() == path)
}
