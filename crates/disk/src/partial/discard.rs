//! Deleting a download.

use lanspread_install::slot;
use lanspread_proto::GameId;

use super::{
    StoreError, incoming_of, marker_draft_place, marker_place, remove_if_there,
    resume::{journal_name, read_marker},
};
use crate::{
    error::DiskError,
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

/// Deletes what an unfinished download of a game left: `.incoming`, whatever content it is of, and
/// its journals; an empty directory of the game goes too.
///
/// # Errors
/// As [`discard_incoming`].
pub fn discard_left(
    disk: &dyn Disk,
    (game, game_root): (&GameId, &Place),
    partials: &Place,
) -> Result<(), StoreError> {
    discard_incoming(disk, game_root)?;
    for entry in disk.list(partials)? {
        if is_journal_of(game, &entry.name) {
            disk.remove_file(&partials.listed(&entry.name))?;
        }
    }
    // One that holds anything stays.
    drop(disk.remove_dir(game_root));
    Ok(())
}

/// Whether a journal can only be of this game: a name that was cut may be another's too.
fn is_journal_of(game: &GameId, name: &str) -> bool {
    let begin = journal_name(game);
    let content = name
        .strip_prefix(&begin)
        .and_then(|rest| rest.strip_prefix('-'));
    let is_content = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    begin == game.as_str() && content.is_some_and(is_content)
}

/// Bytes that lie in `.incoming`, at most: files may have holes.
///
/// # Errors
/// It cannot be listed.
pub fn left_bytes(disk: &dyn Disk, game_root: &Place) -> Result<u64, DiskError> {
    let mut directories = vec![incoming_of(game_root)];
    let mut bytes = 0_u64;
    while let Some(directory) = directories.pop() {
        for entry in disk.list(&directory)? {
            let place = directory.listed(&entry.name);
            match (entry.kind, disk.stat(&place)?) {
                (EntryKind::Directory, _) => directories.push(place),
                (_, stat) => bytes = bytes.saturating_add(stat.map_or(0, |stat| stat.bytes)),
            }
        }
    }
    Ok(bytes)
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
