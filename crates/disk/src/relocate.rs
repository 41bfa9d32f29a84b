//! Moves a directory with all that is in it, to another volume too.
//!
//! **Invariant:** at every moment every byte lies whole and durable at the old place or at the new
//! one. What is deleted is exactly what was copied and has not changed since. A draft that a kill
//! left carries a mark, and its original is whole: it may be deleted.

use std::io::{self, ErrorKind};

use lanspread_install::slot::MARKER;
use lanspread_proto::manifest::VERSION_INI;

use crate::{
    atomic_file,
    error::{DiskError, DiskOp},
    execute::{Hands, NoHooks},
    space::{self, Need, SpaceError},
    vfs::{Disk, EntryKind, GoOn, Place, Stat},
};

mod leaving;

pub use leaving::finish_left;

/// Under this name, and a number, is the directory in which a copy grows, beside its place. Such
/// names are no games.
const DRAFT: &str = ".lanspread_moving";
/// The copy in it.
const COPY: &str = "copy";
/// What the marker beside the copy says.
const MARK: &[u8] = b"a copy that was not finished\n";
/// Tries of another name: each may be left over from a machine that lost power.
const NAMES_MAX: u32 = 1_000;

/// What was copied.
#[derive(Debug, Default)]
struct Tree {
    /// Ways down from the directory; one that holds another comes before it.
    dirs: Vec<Vec<String>>,
    files: Vec<(Vec<String>, Stat)>,
    bytes: u64,
}

/// Moves a directory to a place where nothing is. By renaming where that can be; else it is
/// copied, made durable, and then deleted; what is deleted is written down in `records` before, for
/// [`finish_left`]. `go_on` hears of the bytes that are done and may stop it.
///
/// # Errors
/// Something is there, a link or a special file is in it, it does not fit, it changes meanwhile, it
/// was stopped, or the disk fails: then all is where it was; or all is there, and not all of the
/// original can be deleted.
pub fn relocate(
    disk: &dyn Disk,
    (from, to): (&Place, &Place),
    records: &Place,
    go_on: GoOn<'_>,
) -> Result<(), DiskError> {
    if disk.stat(to)?.is_some() {
        return Err(failed(to, ErrorKind::AlreadyExists));
    }
    match disk.rename(from, to) {
        Err(error) if error.source.kind() == ErrorKind::CrossesDevices => {}
        renamed => return renamed,
    }
    copy_over(disk, (from, to), records, go_on)
}

fn copy_over(
    disk: &dyn Disk,
    (from, to): (&Place, &Place),
    records: &Place,
    go_on: GoOn<'_>,
) -> Result<(), DiskError> {
    let tree = list(disk, from)?;
    check_room(disk, to, tree.bytes)?;
    let draft = draft_beside(disk, to)?;
    let grown = draft.own(COPY);
    let copied = atomic_file::write(disk, &draft, MARKER, MARK)
        .and_then(|()| copy(disk, (from, &grown), &tree, go_on))
        .and_then(|()| leaving::write(disk, records, (from, to), &tree))
        .and_then(|record| match disk.rename(&grown, to) {
            Ok(()) => Ok(record),
            Err(error) => {
                // Without the copy in its place it says nothing.
                drop(leaving::clear(disk, record.as_ref()));
                Err(error)
            }
        });
    let record = match copied {
        Ok(record) => record,
        Err(error) => {
            // All of the copy is ours, and of no use; the first error is the one that matters.
            drop(delete_copy(disk, &grown, &tree).and_then(|()| delete_draft(disk, &draft)));
            return Err(error);
        }
    };
    disk.sync_dir(&draft)?;
    if let Some(parent) = to.parent() {
        disk.sync_dir(&parent)?;
    }
    // It is empty, and of no harm if it stays.
    drop(delete_draft(disk, &draft));
    delete_original(disk, from, &tree)?;
    leaving::clear(disk, record.as_ref())
}

/// Whether a copy may have grown in a directory of this name.
pub(crate) fn is_draft(name: &str) -> bool {
    let number = name.strip_prefix(DRAFT).and_then(|n| n.strip_prefix('.'));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Deletes a draft that a kill left, if it has our mark and nothing but a copy in it. Nobody may be
/// moving anything.
pub(crate) fn drop_draft(disk: &dyn Disk, draft: &Place) -> Result<bool, DiskError> {
    let entries = disk.list(draft)?;
    let is_ours = |name: &str| name == MARKER || name == COPY;
    let mark = atomic_file::read(disk, &draft.own(MARKER), MARK.len() as u64);
    if !matches!(mark, Ok(Some(found)) if found == MARK)
        || !entries.iter().all(|entry| is_ours(&entry.name))
    {
        return Ok(false);
    }
    let mut hands = Hands {
        disk,
        hooks: &mut NoHooks,
    };
    hands.clear_dir(draft, &[MARKER])?;
    delete_draft(disk, draft)?;
    Ok(true)
}

fn delete_draft(disk: &dyn Disk, draft: &Place) -> Result<(), DiskError> {
    gone_is_fine(disk.remove_file(&draft.own(MARKER)))?;
    disk.remove_dir(draft)
}

fn failed(place: &Place, kind: ErrorKind) -> DiskError {
    DiskError::new(DiskOp::Clone, place.path(), kind.into())
}

fn below(place: &Place, names: &[String]) -> Place {
    names
        .iter()
        .fold(place.clone(), |dir, name| dir.listed(name))
}

fn list(disk: &dyn Disk, root: &Place) -> Result<Tree, DiskError> {
    let mut tree = Tree::default();
    let mut open = vec![Vec::new()];
    while let Some(dir) = open.pop() {
        for entry in disk.list(&below(root, &dir))? {
            let mut names: Vec<String> = dir.clone();
            names.push(entry.name);
            let place = below(root, &names);
            match (entry.kind, disk.stat(&place)?) {
                (EntryKind::Directory, Some(_)) => open.push(names),
                (EntryKind::File, Some(stat)) => {
                    tree.bytes = tree.bytes.saturating_add(stat.bytes);
                    tree.files.push((names, stat));
                }
                (EntryKind::Other, _) => return Err(special(&place)),
                (EntryKind::Directory | EntryKind::File, None) => return Err(changed(&place)),
            }
        }
        tree.dirs.push(dir);
    }
    // Without its sentinel, what is left of a game is not taken for one.
    tree.files
        .sort_by_key(|(names, _)| names.as_slice() != [VERSION_INI]);
    Ok(tree)
}

fn special(place: &Place) -> DiskError {
    let reason = "links and special files cannot be moved to another volume";
    DiskError::new(DiskOp::Clone, place.path(), io::Error::other(reason))
}

fn changed(place: &Place) -> DiskError {
    let reason = "it changed while it was copied";
    DiskError::new(DiskOp::Clone, place.path(), io::Error::other(reason))
}

fn check_room(disk: &dyn Disk, to: &Place, bytes: u64) -> Result<(), DiskError> {
    let need = Need {
        place: to.clone(),
        bytes,
        reusable_bytes: 0,
    };
    match space::check_space(disk, &[need]) {
        Ok(()) => Ok(()),
        Err(SpaceError::NotEnough { .. }) => Err(failed(to, ErrorKind::StorageFull)),
        Err(SpaceError::Disk(error)) => Err(error),
    }
}

/// A new directory beside a place.
fn draft_beside(disk: &dyn Disk, to: &Place) -> Result<Place, DiskError> {
    let parent = to
        .parent()
        .ok_or_else(|| failed(to, ErrorKind::InvalidInput))?;
    for number in 0..NAMES_MAX {
        let draft = parent.listed(&format!("{DRAFT}.{number}"));
        match disk.create_dir(&draft) {
            Err(error) if error.is_already_there() => {}
            made => return made.map(|()| draft),
        }
    }
    Err(failed(to, ErrorKind::AlreadyExists))
}

fn copy(
    disk: &dyn Disk,
    (from, draft): (&Place, &Place),
    tree: &Tree,
    go_on: GoOn<'_>,
) -> Result<(), DiskError> {
    // The first is the directory itself.
    for dir in &tree.dirs {
        disk.create_dir(&below(draft, dir))?;
    }
    for (names, stat) in &tree.files {
        let source = below(from, names);
        disk.clone_file(&source, &below(draft, names), go_on)?;
        if disk.stat(&source)? != Some(*stat) {
            return Err(changed(&source));
        }
    }
    disk.sync_volume(draft)
}

fn delete_copy(disk: &dyn Disk, draft: &Place, tree: &Tree) -> Result<(), DiskError> {
    for (names, _) in &tree.files {
        gone_is_fine(disk.remove_file(&below(draft, names)))?;
    }
    for dir in tree.dirs.iter().rev() {
        gone_is_fine(disk.remove_dir(&below(draft, dir)))?;
    }
    Ok(())
}

/// What was written or added since it was copied stays where it is.
fn delete_original(disk: &dyn Disk, from: &Place, tree: &Tree) -> Result<(), DiskError> {
    for (names, stat) in &tree.files {
        let place = below(from, names);
        if disk.stat(&place)? == Some(*stat) {
            disk.remove_file(&place)?;
        }
    }
    delete_dirs(disk, from, tree)
}

/// Those that hold nothing any more.
fn delete_dirs(disk: &dyn Disk, from: &Place, tree: &Tree) -> Result<(), DiskError> {
    for dir in tree.dirs.iter().rev() {
        let place = below(from, dir);
        if disk.stat(&place)?.is_some() && disk.list(&place)?.is_empty() {
            disk.remove_dir(&place)?;
        }
    }
    match from.parent() {
        Some(parent) => disk.sync_dir(&parent),
        None => Ok(()),
    }
}

fn gone_is_fine(result: Result<(), DiskError>) -> Result<(), DiskError> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lanspread_proto::Hash;

    use super::*;
    use crate::leftovers;
    use crate::mem::{Count, Fault, Loss, MemDisk};

    const FILES: [(&str, &str); 4] = [
        ("data/deep/a.map", "map a"),
        ("data/b.map", "map b"),
        ("game.eti", "archive"),
        ("version.ini", "1.0"),
    ];

    fn world() -> (MemDisk, Place, Place) {
        let disk = MemDisk::new(Path::new("/"));
        for (path, text) in FILES {
            disk.put_file(&Path::new("/old/quake").join(path), text.as_bytes());
        }
        disk.put_dir(Path::new("/old/quake/empty"));
        disk.put_dir(Path::new("/new"));
        disk.put_dir(Path::new("/state/leaving"));
        let place = |path: &str| Place::root(Path::new(path)).listed("quake");
        (disk, place("/old"), place("/new"))
    }

    /// Two volumes, as the system says it.
    fn apart(disk: &MemDisk) {
        disk.inject(Fault {
            count: Count::Mutating,
            after: 0,
            times: 1,
            kind: ErrorKind::CrossesDevices,
        });
    }

    fn records() -> Place {
        Place::root(Path::new("/state")).own("leaving")
    }

    fn check_all_at(disk: &MemDisk, root: &str) {
        for (path, text) in FILES {
            let found = disk.bytes_of(&Path::new(root).join(path));
            assert_eq!(found.as_deref(), Some(text.as_bytes()), "{root} {path}");
        }
    }

    #[test]
    fn a_directory_goes_to_another_volume_with_all_that_is_in_it() {
        let (disk, from, to) = world();
        apart(&disk);
        let mut bytes = 0;
        let count = &mut |more| {
            bytes += more;
            true
        };
        relocate(&disk, (&from, &to), &records(), count).unwrap();
        check_all_at(&disk, "/new/quake");
        assert!(disk.stat(&to.listed("empty")).unwrap().is_some());
        assert!(disk.stat(&from).unwrap().is_none());
        assert_eq!(bytes, 5 + 5 + 7 + 3);
        assert_eq!(disk.list(&to.parent().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn a_move_that_is_stopped_or_cannot_be_leaves_all_as_it_was() {
        let refused = |prepare: &dyn Fn(&MemDisk), files: u32| {
            let (disk, from, to) = world();
            prepare(&disk);
            let before = disk.tree(Path::new("/"));
            apart(&disk);
            let mut left = files;
            let stop = &mut |_| {
                left -= 1;
                left > 0
            };
            relocate(&disk, (&from, &to), &records(), stop).unwrap_err();
            assert_eq!(disk.tree(Path::new("/")), before);
        };
        refused(&|_| {}, 1);
        refused(&|_| {}, 3);
        refused(&|disk| disk.put_other(Path::new("/old/quake/link")), 99);
        refused(&|disk| disk.put_dir(Path::new("/new/quake")), 99);
        refused(&|disk| disk.limit_space(8), 99);
    }

    #[test]
    fn what_the_user_writes_meanwhile_stays() {
        let (disk, from, to) = world();
        apart(&disk);
        let mut files = 0;
        let write = &mut |_| {
            files += 1;
            if files == 4 {
                disk.put_file(Path::new("/old/quake/data/save"), b"won");
            }
            true
        };
        relocate(&disk, (&from, &to), &records(), write).unwrap();
        check_all_at(&disk, "/new/quake");
        let save = disk.bytes_of(Path::new("/old/quake/data/save"));
        assert_eq!(save.as_deref(), Some(b"won".as_slice()));
        assert!(disk.stat(&from.listed("game.eti")).unwrap().is_none());
    }

    #[test]
    fn a_power_cut_at_any_moment_loses_nothing() {
        let (disk, from, to) = world();
        copy_over(&disk, (&from, &to), &records(), &mut |_| true).unwrap();
        let calls = disk.calls(Count::Mutating);
        let (mut moved, mut dropped) = (0, 0);
        for cut in 0..calls {
            for loss in [Loss::All, Loss::None, Loss::Random(cut)] {
                let (disk, from, to) = world();
                disk.inject(Fault::power_cut(cut));
                copy_over(&disk, (&from, &to), &records(), &mut |_| true).unwrap_err();
                disk.crash(loss);
                dropped += leftovers::drop_left(&disk, &to.parent().unwrap()).unwrap();
                finish_left(&disk, &records()).unwrap();
                assert!(disk.list(&records()).unwrap().is_empty());
                if disk.stat(&to).unwrap().is_some() {
                    check_all_at(&disk, "/new/quake");
                    assert!(disk.stat(&from).unwrap().is_none(), "{cut} {loss:?}");
                    moved += 1;
                } else {
                    check_all_at(&disk, "/old/quake");
                }
            }
        }
        assert!(moved > 0 && dropped > 0);
    }

    /// A kill right after the copy is in its place.
    fn killed() -> (MemDisk, Place, Place) {
        let (disk, from, to) = world();
        let tree = list(&disk, &from).unwrap();
        copy(&disk, (&from, &to), &tree, &mut |_| true).unwrap();
        leaving::write(&disk, &records(), (&from, &to), &tree)
            .unwrap()
            .unwrap();
        disk.remove_file(&from.listed("version.ini")).unwrap();
        (disk, from, to)
    }

    #[test]
    fn what_was_not_moved_is_never_deleted() {
        let (disk, from, to) = killed();
        let changed = [
            ("/old/quake/data/deep/a.map", "mine"),
            ("/old/quake/new", "mine"),
        ];
        for (path, text) in changed {
            disk.put_file(Path::new(path), text.as_bytes());
        }
        disk.remove_file(&to.listed("game.eti")).unwrap();
        assert_eq!(finish_left(&disk, &records()).unwrap(), 1);
        let stays = |path: &str| disk.bytes_of(Path::new(path));
        let changed = stays("/old/quake/data/deep/a.map");
        assert_eq!(changed.as_deref(), Some(b"mine".as_slice()));
        assert_eq!(stays("/old/quake/new").as_deref(), Some(b"mine".as_slice()));
        // Its copy is gone.
        assert!(stays("/old/quake/game.eti").is_some());
        assert_eq!(stays("/old/quake/data/b.map"), None);
        assert_eq!(finish_left(&disk, &records()).unwrap(), 0);
        assert!(disk.stat(&from).unwrap().is_some());
    }

    #[test]
    fn a_move_whose_disk_is_away_waits_for_it() {
        for gone in ["/old", "/new"] {
            let (disk, _, _) = killed();
            let (there, away) = (
                Place::root(Path::new(gone)),
                Place::root(Path::new("/away")),
            );
            disk.rename(&there, &away).unwrap();
            assert_eq!(finish_left(&disk, &records()).unwrap(), 0, "{gone}");
            disk.rename(&away, &there).unwrap();
            assert_eq!(finish_left(&disk, &records()).unwrap(), 1, "{gone}");
            check_all_at(&disk, "/new/quake");
            assert!(
                disk.stat(&Place::root(Path::new("/old/quake")))
                    .unwrap()
                    .is_none()
            );
        }
    }

    #[test]
    fn a_record_that_is_not_whole_deletes_nothing() {
        let record = Path::new("/state/leaving/0/leaving");
        let (disk, _, _) = killed();
        let whole = disk.bytes_of(record).unwrap();
        for (at, byte) in whole.iter().enumerate() {
            let mut wrong = whole.clone();
            wrong[at] = byte ^ 1;
            disk.put_file(record, &wrong);
            let before = disk.tree(Path::new("/"));
            finish_left(&disk, &records()).unwrap_err();
            disk.put_file(record, &whole[..at]);
            finish_left(&disk, &records()).unwrap_err();
            disk.put_file(record, &wrong);
            assert_eq!(disk.tree(Path::new("/")), before);
        }
        let hash = |text: &str| Hash::of(text.as_bytes());
        for path in ["../quake", "a/../b", "/etc", "a//b", "."] {
            let text = format!("lanspread leaving 1\0/old/quake\0/new/quake\0f 1 1 1 {path}");
            disk.put_file(record, format!("{text}\0{}", hash(&text)).as_bytes());
            finish_left(&disk, &records()).unwrap_err();
        }
    }
}
