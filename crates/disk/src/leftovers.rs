//! What a killed node left in the games directory besides what intents know: half an archive, half
//! a copy.
//!
//! Invariant: only while no node works there, and only what nobody but us can have made, of which
//! the original is still whole.

use crate::{
    error::DiskError,
    relocate,
    vfs::{Disk, EntryKind, Place},
};

/// What is being packed into a new game root; a name that is no payload.
pub const PACKING: &str = ".lanspread_packing";

/// Deletes what was left, and says how many directories that was. What cannot be deleted stays;
/// the first such error is the result.
///
/// # Errors
/// The disk fails.
pub fn drop_left(disk: &dyn Disk, games: &Place) -> Result<u32, DiskError> {
    let mut dropped = 0;
    let mut first = None;
    for entry in disk.list(games)? {
        if entry.kind != EntryKind::Directory {
            continue;
        }
        let dir = games.listed(&entry.name);
        let done = match relocate::is_draft(&entry.name) {
            true => relocate::drop_draft(disk, &dir),
            false => drop_packing(disk, &dir),
        };
        match done {
            Ok(was_left) => dropped += u32::from(was_left),
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(dropped), Err)
}

/// Takes a game root away that holds half an archive and nothing else: whoever packs makes the
/// directory first.
///
/// # Errors
/// The disk fails.
pub fn drop_packing(disk: &dyn Disk, game_root: &Place) -> Result<bool, DiskError> {
    if let [only] = disk.list(game_root)?.as_slice()
        && only.name == PACKING
        && only.kind == EntryKind::File
    {
        disk.remove_file(&game_root.own(PACKING))?;
        disk.remove_dir(game_root)?;
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::mem::MemDisk;

    #[test]
    fn only_what_is_provably_ours_goes() {
        let disk = MemDisk::new(Path::new("/"));
        let stays = [
            // A game, and one that somebody began to fill.
            "quake/version.ini",
            "doom/.lanspread_packing",
            "doom/doom.exe",
            // Without a marker, or with one that is not ours.
            ".lanspread_moving.0/copy/a",
            ".lanspread_moving.1/.lanspread_owned",
            ".lanspread_moving.1/copy/a",
            ".lanspread_packing",
        ];
        let goes = ["half/.lanspread_packing"];
        for path in stays.iter().chain(&goes) {
            disk.put_file(&Path::new("/games").join(path), b"bytes");
        }
        disk.put_dir(Path::new("/games/empty"));
        let games = Place::root(Path::new("/games"));
        assert_eq!(drop_left(&disk, &games).unwrap(), 1);
        let tree = disk.tree(Path::new("/games"));
        for path in stays {
            let path = Path::new("/games").join(path);
            assert!(disk.bytes_of(&path).is_some(), "{path:?} {tree:?}");
        }
        assert!(disk.stat(&games.listed("half")).unwrap().is_none());
        assert!(disk.stat(&games.listed("empty")).unwrap().is_some());
    }
}
