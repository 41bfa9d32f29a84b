//! Looks at one game on disk: what decisions need ([`observe_slots`]), and what people want to know
//! ([`observe`]). Changes nothing.

use lanspread_install::{
    InstallRecord, Intent, Marker, Observed, SentinelAt, Slot, SlotState,
    game_state::{GameState, Installed},
    slot::{KEPT, MARKER, MARKER_BYTES_MAX, MARKER_DRAFT, TransactionId, VERSION_INI},
};
use lanspread_proto::{VersionLabel, limits::VERSION_INI_BYTES_MAX, version::VersionError};

use crate::{
    atomic_file,
    error::DiskError,
    intent_file::{self, RecordSlot, StateFileError},
    vfs::{Disk, EntryKind, OpenMode, Place},
};

/// Where one game lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GamePlaces {
    /// The game's directory in the games directory.
    pub game_root: Place,
    /// The game's directory in the state directory.
    pub state: Place,
}

impl GamePlaces {
    /// One of our directories at the game's root.
    #[must_use]
    pub fn slot(&self, slot: Slot) -> Place {
        self.game_root.own(slot.name())
    }

    /// Where a transaction puts aside what is the user's.
    #[must_use]
    pub fn kept(&self, transaction: TransactionId) -> Place {
        self.game_root.own(KEPT).listed(&transaction.kept_name())
    }
}

/// One game on disk.
#[derive(Debug)]
pub struct LocalGame {
    /// Its sentinel.
    pub sentinel: Sentinel,
    /// What is in `local/`; `None` when it is not installed.
    pub installed: Option<InstalledGame>,
    /// The marker of a download in progress.
    pub incoming: Option<Marker>,
    /// What was put aside, oldest first.
    pub kept: Vec<KeptFiles>,
    /// A transaction that waits for recovery.
    pub unfinished: Option<Intent>,
}

/// What `version.ini` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sentinel {
    /// It is not there: not downloaded.
    Absent,
    /// Downloaded, in this version.
    Version(VersionLabel),
    /// It is there, but names no version.
    Unusable(VersionError),
}

/// A `local/` with something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledGame {
    /// What we wrote; `None` when we did not, or cannot say.
    pub record: Option<InstallRecord>,
}

/// One directory below `kept/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFiles {
    /// Its name: when it was put aside.
    pub name: String,
    /// How many files, as far as they can be listed.
    pub file_count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl LocalGame {
    /// The state that decides what may be asked next; nothing runs.
    #[must_use]
    pub fn state(&self) -> GameState {
        let downloaded = match &self.sentinel {
            Sentinel::Version(version) => Some(version.clone()),
            Sentinel::Absent | Sentinel::Unusable(_) => None,
        };
        let installed = self
            .installed
            .as_ref()
            .map(|installed| match &installed.record {
                Some(record) => Installed::Version(record.version().clone()),
                None => Installed::Unknown,
            });
        GameState {
            downloaded,
            installed,
            running: None,
        }
    }
}

/// Looks at a game.
///
/// # Errors
/// The disk, or an intent that is not believed.
pub fn observe(disk: &dyn Disk, places: &GamePlaces) -> Result<LocalGame, StateFileError> {
    let slots = observe_slots(disk, places)?;
    let installed = if slots.live.is_filled() {
        Some(InstalledGame {
            record: believed_record(disk, places)?,
        })
    } else {
        None
    };
    let incoming = match slots.incoming {
        SlotState::Owned(marker) => Some(marker),
        SlotState::Empty => read_marker(disk, &places.slot(Slot::Incoming))?,
        SlotState::Absent | SlotState::Unmarked | SlotState::Blocked => None,
    };
    Ok(LocalGame {
        sentinel: observe_sentinel(disk, places)?,
        installed,
        incoming,
        kept: observe_kept(disk, &places.game_root.own(KEPT))?,
        unfinished: intent_file::read_intent(disk, &places.state)?,
    })
}

/// The record of what is installed; a damaged one counts as none, which makes every file in
/// `local/` the user's.
pub(crate) fn believed_record(
    disk: &dyn Disk,
    places: &GamePlaces,
) -> Result<Option<InstallRecord>, DiskError> {
    match intent_file::read_record(disk, &places.state, RecordSlot::Current) {
        Ok(record) => Ok(record),
        Err(StateFileError::Unreadable { .. }) => Ok(None),
        Err(StateFileError::Disk(error)) => Err(error),
    }
}

/// What the decisions of `lanspread-install` depend on.
///
/// # Errors
/// Something cannot be looked at; that is never taken for absent.
pub fn observe_slots(disk: &dyn Disk, places: &GamePlaces) -> Result<Observed, DiskError> {
    let incoming = observe_slot(disk, places, Slot::Incoming)?;
    let in_incoming = match incoming {
        SlotState::Owned(_) | SlotState::Unmarked => {
            disk.stat(&places.slot(Slot::Incoming).own(VERSION_INI))?
        }
        SlotState::Absent | SlotState::Empty | SlotState::Blocked => None,
    };
    let at_root = disk.stat(&places.game_root.own(VERSION_INI))?;
    Ok(Observed {
        live: observe_slot(disk, places, Slot::Live)?,
        staging: observe_slot(disk, places, Slot::Staging)?,
        backup: observe_slot(disk, places, Slot::Backup)?,
        incoming,
        sentinel: SentinelAt::seen(at_root, in_incoming),
    })
}

/// What is in one slot.
pub(crate) fn observe_slot(
    disk: &dyn Disk,
    places: &GamePlaces,
    slot: Slot,
) -> Result<SlotState, DiskError> {
    let place = places.slot(slot);
    match disk.stat(&place)?.map(|stat| stat.kind) {
        None => return Ok(SlotState::Absent),
        Some(EntryKind::File | EntryKind::Other) => return Ok(SlotState::Blocked),
        Some(EntryKind::Directory) => {}
    }
    let is_ours = |name: &str| name == MARKER || name == MARKER_DRAFT;
    if let Ok(entries) = disk.list(&place)
        && entries.iter().all(|entry| is_ours(&entry.name))
    {
        return Ok(SlotState::Empty);
    }
    Ok(read_marker(disk, &place)?.map_or(SlotState::Unmarked, SlotState::Owned))
}

/// Reads the marker of a directory; one that is torn or of another kind proves nothing.
pub(crate) fn read_marker(disk: &dyn Disk, dir: &Place) -> Result<Option<Marker>, DiskError> {
    let place = dir.own(MARKER);
    match disk.stat(&place)? {
        Some(stat) if stat.kind == EntryKind::File && stat.bytes <= MARKER_BYTES_MAX => {}
        Some(_) | None => return Ok(None),
    }
    let bytes = atomic_file::read(disk, &place, MARKER_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| Marker::parse(&bytes)))
}

fn observe_sentinel(disk: &dyn Disk, places: &GamePlaces) -> Result<Sentinel, DiskError> {
    let place = places.game_root.own(VERSION_INI);
    let Some(stat) = disk.stat(&place)? else {
        return Ok(Sentinel::Absent);
    };
    if stat.kind != EntryKind::File {
        return Ok(Sentinel::Unusable(VersionError::NotText));
    }
    if stat.bytes > VERSION_INI_BYTES_MAX {
        return Ok(Sentinel::Unusable(VersionError::TooLarge));
    }
    let file = disk.open(&place, OpenMode::Read)?;
    let mut bytes = vec![0; usize::try_from(stat.bytes).unwrap_or_default()];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(match VersionLabel::from_ini(&bytes) {
        Ok(version) => Sentinel::Version(version),
        Err(error) => Sentinel::Unusable(error),
    })
}

fn observe_kept(disk: &dyn Disk, kept: &Place) -> Result<Vec<KeptFiles>, DiskError> {
    match disk.stat(kept)?.map(|stat| stat.kind) {
        Some(EntryKind::Directory) => {}
        Some(EntryKind::File | EntryKind::Other) | None => return Ok(Vec::new()),
    }
    let measured = disk.list(kept)?.into_iter().map(|entry| {
        let (file_count, bytes) = measure(disk, kept.listed(&entry.name));
        KeptFiles {
            name: entry.name,
            file_count,
            bytes,
        }
    });
    Ok(measured.collect())
}

/// Files and bytes below a place, as far as they can be seen: a figure for people.
fn measure(disk: &dyn Disk, place: Place) -> (u64, u64) {
    let (mut file_count, mut bytes) = (0, 0_u64);
    let mut open = vec![place];
    while let Some(place) = open.pop() {
        match disk.stat(&place) {
            Ok(Some(stat)) if stat.kind == EntryKind::Directory => {
                let entries = disk.list(&place).unwrap_or_default();
                open.extend(entries.iter().map(|entry| place.listed(&entry.name)));
            }
            Ok(Some(stat)) => {
                file_count += 1;
                bytes = bytes.saturating_add(stat.bytes);
            }
            Ok(None) | Err(_) => {}
        }
    }
    (file_count, bytes)
}
