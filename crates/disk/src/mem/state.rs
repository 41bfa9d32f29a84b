//! What is on the disk in memory, now and after a crash.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use super::{
    faults::{Dice, Faults, Loss},
    names::{self, Change, Name, Number, TOP, Tree},
};
use crate::vfs::{DirEntry, EntryKind, FileIdentity, Stat};

/// What a disk writes at once.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone)]
pub(super) struct State {
    nodes: BTreeMap<Number, Node>,
    /// The directories as everybody sees them.
    tree: Tree,
    /// The directories as a crash with the greatest loss leaves them.
    stable: Tree,
    pub(super) pending: Vec<Change>,
    next_number: Number,
    clock: i128,
    pub(super) generation: u64,
    pub(super) faults: Faults,
    pub(super) held: BTreeSet<PathBuf>,
    pub(super) exchange_refused: bool,
    pub(super) total_bytes: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    File(MemBytes),
    Directory,
    Other,
}

#[derive(Debug, Clone, Default)]
pub(super) struct MemBytes {
    pub(super) now: Vec<u8>,
    stable: Vec<u8>,
    /// A sync failed: later ones succeed without effect, until the bytes are written anew.
    forgotten: bool,
    modified: i128,
}

impl Node {
    pub(super) const fn directory() -> Self {
        Self::Directory
    }

    pub(super) fn file() -> Self {
        Self::File(MemBytes::default())
    }
}

impl MemBytes {
    pub(super) fn sync(&mut self) {
        if !self.forgotten {
            self.stable.clone_from(&self.now);
        }
    }

    pub(super) const fn set_modified(&mut self, nanos: i128) {
        self.modified = nanos;
    }

    /// Sector by sector, old or new; the length is old or new too.
    fn tear(&mut self, loss: Loss, dice: &mut Dice) {
        if self.now == self.stable {
            return;
        }
        let length = if loss.keeps_bytes(dice) {
            self.now.len()
        } else {
            self.stable.len()
        };
        self.stable.resize(length, 0);
        for (old, new) in self
            .stable
            .chunks_mut(SECTOR_BYTES)
            .zip(self.now.chunks(SECTOR_BYTES))
        {
            if loss.keeps_bytes(dice) {
                old.iter_mut().zip(new).for_each(|(old, new)| *old = *new);
            }
        }
        self.now.clone_from(&self.stable);
    }
}

impl Default for State {
    fn default() -> Self {
        let tree = Tree::from([(TOP, BTreeMap::new())]);
        Self {
            nodes: BTreeMap::from([(TOP, Node::Directory)]),
            stable: tree.clone(),
            tree,
            pending: Vec::new(),
            next_number: TOP + 1,
            clock: 0,
            generation: 0,
            faults: Faults::default(),
            held: BTreeSet::new(),
            exchange_refused: false,
            total_bytes: u64::MAX,
        }
    }
}

impl State {
    pub(super) fn resolve(&self, path: &Path) -> Result<Number, ErrorKind> {
        path.components()
            .try_fold(TOP, |at, component| match component {
                Component::Normal(name) => {
                    let name = name.to_str().ok_or(ErrorKind::InvalidFilename)?;
                    let entries = self.directory(at)?;
                    entries.get(name).copied().ok_or(ErrorKind::NotFound)
                }
                Component::RootDir | Component::Prefix(_) => Ok(at),
                Component::CurDir | Component::ParentDir => Err(ErrorKind::InvalidFilename),
            })
    }

    pub(super) fn find(&self, path: &Path) -> Option<Number> {
        self.resolve(path).ok()
    }

    pub(super) fn directory(&self, at: Number) -> Result<&BTreeMap<String, Number>, ErrorKind> {
        match self.nodes.get(&at) {
            Some(Node::Directory) => self.tree.get(&at).ok_or(ErrorKind::NotFound),
            Some(Node::File(_) | Node::Other) | None => Err(ErrorKind::NotADirectory),
        }
    }

    pub(super) fn file(&self, number: Number) -> Option<&MemBytes> {
        match self.nodes.get(&number) {
            Some(Node::File(file)) => Some(file),
            Some(Node::Directory | Node::Other) | None => None,
        }
    }

    pub(super) fn file_mut(&mut self, number: Number) -> Result<&mut MemBytes, ErrorKind> {
        match self.nodes.get_mut(&number) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory | Node::Other) | None => Err(ErrorKind::NotFound),
        }
    }

    pub(super) fn existing_file(&self, path: &Path) -> Result<Number, ErrorKind> {
        let number = self.resolve(path)?;
        match self.nodes.get(&number) {
            Some(Node::File(_)) => Ok(number),
            Some(Node::Directory) => Err(ErrorKind::IsADirectory),
            Some(Node::Other) | None => Err(ErrorKind::InvalidInput),
        }
    }

    fn kind(&self, number: Number) -> EntryKind {
        match self.nodes.get(&number) {
            Some(Node::File(_)) => EntryKind::File,
            Some(Node::Directory) => EntryKind::Directory,
            Some(Node::Other) | None => EntryKind::Other,
        }
    }

    pub(super) fn stat(&self, number: Number) -> Result<Stat, ErrorKind> {
        let file = self.file(number);
        Ok(Stat {
            kind: self.kind(number),
            bytes: file.map_or(0, |file| file.now.len() as u64),
            identity: FileIdentity {
                modified_nanos: file.map_or(0, |file| file.modified),
                file_id: number,
            },
        })
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<DirEntry>, ErrorKind> {
        let entries = self.directory(self.resolve(path)?)?;
        let entry = |(name, number): (&String, &Number)| DirEntry {
            name: name.clone(),
            kind: self.kind(*number),
        };
        Ok(entries.iter().map(entry).collect())
    }

    fn name_of(&self, path: &Path) -> Result<Name, ErrorKind> {
        let parent = path.parent().ok_or(ErrorKind::InvalidInput)?;
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        let dir = self.resolve(parent)?;
        self.directory(dir)?;
        let name = name.ok_or(ErrorKind::InvalidFilename)?.to_owned();
        Ok(Name { dir, name })
    }

    fn change(&mut self, change: Change) -> Result<(), ErrorKind> {
        if !change.apply(&mut self.tree) {
            return Err(ErrorKind::DirectoryNotEmpty);
        }
        self.pending.push(change);
        Ok(())
    }

    pub(super) fn create(&mut self, path: &Path, node: Node) -> Result<Number, ErrorKind> {
        let at = self.name_of(path)?;
        if self.find(path).is_some() {
            return Err(ErrorKind::AlreadyExists);
        }
        let number = self.next_number;
        self.next_number += 1;
        if matches!(node, Node::Directory) {
            self.tree.insert(number, BTreeMap::new());
            self.stable.insert(number, BTreeMap::new());
        }
        self.nodes.insert(number, node);
        self.change(Change::Add { at, number })?;
        Ok(number)
    }

    /// A path that somebody holds, or that holds one, stays where it is.
    fn check_free(&self, path: &Path) -> Result<(), ErrorKind> {
        if self.held.iter().any(|held| held.starts_with(path)) {
            return Err(ErrorKind::ResourceBusy);
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), ErrorKind> {
        let number = self.resolve(from)?;
        self.check_free(from)?;
        self.check_free(to)?;
        if to.starts_with(from) {
            return if to == from {
                Ok(())
            } else {
                Err(ErrorKind::InvalidInput)
            };
        }
        if let Some(there) = self.find(to) {
            match (self.kind(number), self.kind(there)) {
                (EntryKind::Directory, EntryKind::File | EntryKind::Other) => {
                    return Err(ErrorKind::NotADirectory);
                }
                (EntryKind::File | EntryKind::Other, EntryKind::Directory) => {
                    return Err(ErrorKind::IsADirectory);
                }
                (EntryKind::Directory, EntryKind::Directory)
                | (EntryKind::File | EntryKind::Other, EntryKind::File | EntryKind::Other) => {}
            }
        }
        let (from, to) = (self.name_of(from)?, self.name_of(to)?);
        self.change(Change::Rename { from, to, number })
    }

    pub(super) fn exchange(&mut self, a: &Path, b: &Path) -> Result<(), ErrorKind> {
        if self.exchange_refused {
            return Err(ErrorKind::Unsupported);
        }
        self.check_free(a)?;
        self.check_free(b)?;
        let (first, second) = (self.resolve(a)?, self.resolve(b)?);
        let a = (self.name_of(a)?, first);
        let b = (self.name_of(b)?, second);
        self.change(Change::Exchange { a, b })
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> Result<(), ErrorKind> {
        let number = self.resolve(path)?;
        if self.kind(number) == EntryKind::Directory {
            return Err(ErrorKind::IsADirectory);
        }
        self.remove(path, number)
    }

    pub(super) fn remove_dir(&mut self, path: &Path) -> Result<(), ErrorKind> {
        let number = self.resolve(path)?;
        if self.kind(number) != EntryKind::Directory {
            return Err(ErrorKind::NotADirectory);
        }
        self.remove(path, number)
    }

    fn remove(&mut self, path: &Path, number: Number) -> Result<(), ErrorKind> {
        self.check_free(path)?;
        let at = self.name_of(path)?;
        self.change(Change::Remove { at, number })
    }

    pub(super) fn write(
        &mut self,
        number: Number,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), ErrorKind> {
        let start = usize::try_from(offset).map_err(|_large| ErrorKind::FileTooLarge)?;
        let end = start.saturating_add(bytes.len());
        let length = self.file(number).map_or(0, |file| file.now.len());
        if end > length {
            self.set_len(number, end as u64)?;
        }
        let file = self.file_mut(number)?;
        if let Some(target) = file.now.get_mut(start..end) {
            target.copy_from_slice(bytes);
        }
        self.touch(number)
    }

    pub(super) fn set_len(&mut self, number: Number, bytes: u64) -> Result<(), ErrorKind> {
        let length = self.file(number).map_or(0, |file| file.now.len() as u64);
        let others = self.used_bytes().saturating_sub(length);
        if bytes > length && others.saturating_add(bytes) > self.total_bytes {
            return Err(ErrorKind::StorageFull);
        }
        let bytes = usize::try_from(bytes).map_err(|_large| ErrorKind::FileTooLarge)?;
        self.file_mut(number)?.now.resize(bytes, 0);
        self.touch(number)
    }

    fn touch(&mut self, number: Number) -> Result<(), ErrorKind> {
        self.clock += 1;
        let clock = self.clock;
        let file = self.file_mut(number)?;
        file.modified = clock;
        file.forgotten = false;
        Ok(())
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.reachable()
            .into_iter()
            .filter_map(|number| self.file(number))
            .fold(0, |sum, file| sum.saturating_add(file.now.len() as u64))
    }

    fn reachable(&self) -> Vec<Number> {
        let mut seen = vec![TOP];
        let mut next = 0;
        while let Some(at) = seen.get(next).copied() {
            next += 1;
            seen.extend(self.tree.get(&at).into_iter().flat_map(BTreeMap::values));
        }
        seen
    }

    pub(super) fn sync_dir(&mut self, path: &Path) -> Result<(), ErrorKind> {
        let dir = self.resolve(path)?;
        self.directory(dir)?;
        names::sync_dir(&mut self.stable, &mut self.pending, dir);
        Ok(())
    }

    pub(super) fn sync_everything(&mut self) {
        self.stable.clone_from(&self.tree);
        self.pending.clear();
        for node in self.nodes.values_mut() {
            if let Node::File(file) = node {
                file.sync();
            }
        }
    }

    pub(super) fn forget_dirty_bytes(&mut self) {
        for node in self.nodes.values_mut() {
            if let Node::File(file) = node {
                file.forgotten |= file.now != file.stable;
            }
        }
    }

    pub(super) fn crash(&mut self, loss: Loss) {
        let mut dice = loss.dice();
        let mut tree = self.stable.clone();
        for (index, change) in self.pending.drain(..).enumerate() {
            if loss.keeps_name(index, &mut dice) {
                change.apply(&mut tree);
            }
        }
        self.stable.clone_from(&tree);
        self.tree = tree;
        for node in self.nodes.values_mut() {
            if let Node::File(file) = node {
                file.tear(loss, &mut dice);
                file.forgotten = false;
            }
        }
        let kept: BTreeSet<Number> = self.reachable().into_iter().collect();
        self.nodes.retain(|number, _| kept.contains(number));
        self.tree.retain(|number, _| kept.contains(number));
        self.stable.retain(|number, _| kept.contains(number));
        self.generation += 1;
        self.faults.heal();
        self.held.clear();
    }

    pub(super) fn plant(&mut self, path: &Path, node: Node) -> Number {
        let mut at = PathBuf::new();
        let parent = path.parent().unwrap_or(path).to_path_buf();
        for component in parent.components() {
            at.push(component);
            if self.find(&at).is_none() {
                self.plant_one(&at, Node::Directory);
            }
        }
        self.plant_one(path, node)
    }

    /// Puts a node there in both trees at once, so that nothing is pending.
    fn plant_one(&mut self, path: &Path, node: Node) -> Number {
        let Ok(at) = self.name_of(path) else {
            return TOP;
        };
        if let (Some(there), Node::Directory) = (self.find(path), &node) {
            return there;
        }
        let number = self.next_number;
        self.next_number += 1;
        for tree in [&mut self.tree, &mut self.stable] {
            if matches!(node, Node::Directory) {
                tree.insert(number, BTreeMap::new());
            }
            tree.entry(at.dir)
                .or_default()
                .insert(at.name.clone(), number);
        }
        self.nodes.insert(number, node);
        number
    }

    pub(super) fn plant_file(&mut self, path: &Path, bytes: &[u8]) {
        self.clock += 1;
        let file = MemBytes {
            now: bytes.to_vec(),
            stable: bytes.to_vec(),
            forgotten: false,
            modified: self.clock,
        };
        self.plant(path, Node::File(file));
    }

    pub(super) fn tree(&self, below: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut open: Vec<(PathBuf, Number)> = self
            .find(below)
            .map(|number| (PathBuf::new(), number))
            .into_iter()
            .collect();
        while let Some((path, number)) = open.pop() {
            match self.directory(number) {
                Ok(entries) if !entries.is_empty() => open.extend(
                    entries
                        .iter()
                        .map(|(name, number)| (path.join(name), *number)),
                ),
                Ok(_) | Err(_) => {
                    found.insert(path, self.file(number).map(|file| file.now.clone()));
                }
            }
        }
        found
    }
}
