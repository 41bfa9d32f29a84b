//! Changes of names: what they need, and what they do to a tree of directories.

use std::collections::BTreeMap;

/// A file or directory, whatever it is called.
pub(super) type Number = u64;
/// Every directory's entries.
pub(super) type Tree = BTreeMap<Number, BTreeMap<String, Number>>;
/// The directory that everything hangs from.
pub(super) const TOP: Number = 0;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) dir: Number,
    pub(super) name: String,
}

/// One change that a crash keeps or drops as a whole.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Add {
        at: Name,
        number: Number,
    },
    Remove {
        at: Name,
        number: Number,
    },
    Rename {
        from: Name,
        to: Name,
        number: Number,
    },
    Exchange {
        a: (Name, Number),
        b: (Name, Number),
    },
}

impl Change {
    /// The directory whose sync makes it durable: the one that holds the name afterwards.
    fn is_held_by(&self, dir: Number) -> bool {
        match self {
            Self::Add { at, .. } | Self::Remove { at, .. } => at.dir == dir,
            Self::Rename { to, .. } => to.dir == dir,
            Self::Exchange { a, b } => a.0.dir == dir || b.0.dir == dir,
        }
    }

    fn names(&self) -> Vec<&Name> {
        match self {
            Self::Add { at, .. } | Self::Remove { at, .. } => vec![at],
            Self::Rename { from, to, .. } => vec![from, to],
            Self::Exchange { a, b } => vec![&a.0, &b.0],
        }
    }

    fn numbers(&self) -> Vec<Number> {
        match self {
            Self::Add { number, .. }
            | Self::Remove { number, .. }
            | Self::Rename { number, .. } => vec![*number],
            Self::Exchange { a, b } => vec![a.1, b.1],
        }
    }

    fn needs(&self, earlier: &Self) -> bool {
        let shares_name = earlier
            .names()
            .iter()
            .any(|name| self.names().contains(name));
        let shares_number = earlier
            .numbers()
            .iter()
            .any(|number| self.numbers().contains(number));
        // A directory is removed only when everything in it was.
        let empties = match self {
            Self::Remove { number, .. } => earlier.names().iter().any(|name| name.dir == *number),
            Self::Add { .. } | Self::Rename { .. } | Self::Exchange { .. } => false,
        };
        shares_name || shares_number || empties
    }

    /// Makes the change if what it needs is there. An unfit change did not happen.
    pub(super) fn apply(&self, tree: &mut Tree) -> bool {
        if !self.fits(tree) {
            return false;
        }
        match self {
            Self::Add { at, number } => set(tree, at, Some(*number)),
            Self::Remove { at, .. } => set(tree, at, None),
            Self::Rename { from, to, number } => {
                set(tree, from, None);
                set(tree, to, Some(*number));
            }
            Self::Exchange { a, b } => {
                set(tree, &a.0, Some(b.1));
                set(tree, &b.0, Some(a.1));
            }
        }
        true
    }

    fn fits(&self, tree: &Tree) -> bool {
        match self {
            Self::Add { at, .. } => look(tree, at).is_none() && is_reachable(tree, at.dir),
            Self::Remove { at, number } => {
                look(tree, at) == Some(*number) && is_childless(tree, *number)
            }
            Self::Rename { from, to, number } => {
                look(tree, from) == Some(*number)
                    && look(tree, to).is_none_or(|there| is_childless(tree, there))
                    && is_reachable(tree, to.dir)
            }
            Self::Exchange { a, b } => {
                look(tree, &a.0) == Some(a.1) && look(tree, &b.0) == Some(b.1)
            }
        }
    }
}

fn set(tree: &mut Tree, at: &Name, number: Option<Number>) {
    let entries = tree.entry(at.dir).or_default();
    match number {
        Some(number) => entries.insert(at.name.clone(), number),
        None => entries.remove(&at.name),
    };
}

fn look(tree: &Tree, at: &Name) -> Option<Number> {
    tree.get(&at.dir)?.get(&at.name).copied()
}

fn is_childless(tree: &Tree, number: Number) -> bool {
    tree.get(&number).is_none_or(BTreeMap::is_empty)
}

/// Whether a way leads from the top to a directory: nothing is put where nobody would find it.
fn is_reachable(tree: &Tree, dir: Number) -> bool {
    let mut seen = vec![TOP];
    let mut next = 0;
    while let Some(at) = seen.get(next).copied() {
        if at == dir {
            return true;
        }
        next += 1;
        seen.extend(tree.get(&at).into_iter().flat_map(BTreeMap::values));
    }
    false
}

/// Makes the changes durable that a sync of `dir` covers, and those they build on; leaves the rest
/// pending, in order.
pub(super) fn sync_dir(stable: &mut Tree, pending: &mut Vec<Change>, dir: Number) {
    let mut covered: Vec<bool> = pending
        .iter()
        .map(|change| change.is_held_by(dir))
        .collect();
    for later in (0..pending.len()).rev() {
        if !covered.get(later).copied().unwrap_or(false) {
            continue;
        }
        let Some((earlier, [change, ..])) = pending.split_at_checked(later) else {
            continue;
        };
        for (flag, before) in covered.iter_mut().zip(earlier) {
            *flag |= change.needs(before);
        }
    }
    let mut rest = Vec::new();
    for (change, covered) in pending.drain(..).zip(covered) {
        if !(covered && change.apply(stable)) {
            rest.push(change);
        }
    }
    *pending = rest;
}
