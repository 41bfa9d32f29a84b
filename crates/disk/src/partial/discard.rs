//! Deleting a download.

use lanspread_install::slot;

use super::{StoreError, incoming_of, marker_draft_place, marker_place, remove_if_there};
use crate::{
    partial::resume::read_marker,
    vfs::{Disk, EntryKind, Place},
};

/// Deletes the download in `.incoming`, whatever content it is of; nothing happens when there is
/// none. Links are deleted, not followed. The marker goes last, so that what was begun can be
/// ended later.
///
/// # Errors
/// The directory has no marker of ours (nothing is touched then), or the disk failed.
pub fn discard_incoming(disk: &dyn Disk, game_root: &Place) -> Result<(), StoreError> {
    let incoming = incoming_of(game_root);
    match disk.stat(&incoming)? {
        None => return Ok(()),
        Some(stat) if stat.kind != EntryKind::Directory => {
            return Err(StoreError::NotOurs(incoming));
        }
        Some(_) => {}
    }
    let entries = disk.list(&incoming)?;
    let is_marker = |name: &str| name == slot::MARKER || name == slot::MARKER_DRAFT;
    let holds_more = entries.iter().any(|entry| !is_marker(&entry.name));
    if holds_more && read_marker(disk, &incoming)?.is_none() {
        return Err(StoreError::NotOurs(incoming));
    }
    for entry in entries.iter().filter(|entry| !is_marker(&entry.name)) {
        let place = incoming.listed(&entry.name);
        if entry.kind == EntryKind::Directory {
            remove_tree(disk, place)?;
        } else {
            disk.remove_file(&place)?;
        }
    }
    remove_if_there(disk, &marker_draft_place(&incoming))?;
    remove_if_there(disk, &marker_place(&incoming))?;
    disk.remove_dir(&incoming)?;
    Ok(disk.sync_dir(game_root)?)
}

/// Bottom-up, with a list of its own instead of the stack.
fn remove_tree(disk: &dyn Disk, top: Place) -> Result<(), StoreError> {
    let mut found = vec![top];
    let mut next = 0;
    while let Some(directory) = found.get(next).cloned() {
        next += 1;
        for entry in disk.list(&directory)? {
            let place = directory.listed(&entry.name);
            if entry.kind == EntryKind::Directory {
                found.push(place);
            } else {
                disk.remove_file(&place)?;
            }
        }
    }
    // Each directory was found after the one above it.
    for directory in found.iter().rev() {
        disk.remove_dir(directory)?;
    }
    Ok(())
}
