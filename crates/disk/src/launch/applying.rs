//! Sets a profile's texts in `local/`, once, and never over what the user wrote there since.

use lanspread_install::{
    InstallRecord,
    launch::{Decision, Known, SETTING_FILE_BYTES_MAX, Setting, SettingsApplied, Values, decide},
};
use lanspread_proto::{Hash, RelPath};

use super::records::{load_applied, save_applied};
use crate::{
    atomic_file,
    error::DiskError,
    vfs::{Disk, EntryKind, OpenMode, Place},
};

/// An installed game.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// Its `local/`.
    pub local: &'a Place,
    /// Its directory in the state directory.
    pub game_state: &'a Place,
    /// What the install wrote.
    pub record: &'a InstallRecord,
}

/// What became of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsReport {
    /// Files that were written.
    pub wrote: Vec<RelPath>,
    /// Files that the user has changed, that are no text or that are too large: they stay.
    pub left: Vec<RelPath>,
}

/// The name of a text that is not whole yet.
const DRAFT: &str = ".lanspread-setting.tmp";

/// Sets what is not set yet.
///
/// # Errors
/// The disk; what was set until then is remembered at the next try by what stands in the files.
pub fn apply_settings(
    disk: &dyn Disk,
    installation: Installation<'_>,
    settings: &[Setting],
    values: &Values,
) -> Result<SettingsReport, DiskError> {
    let mut report = SettingsReport::default();
    let content = installation.record.content();
    let old = load_applied(disk, installation.game_state);
    if settings.is_empty() && old.is_none() {
        return Ok(report);
    }
    let is_updated = old.as_ref().is_some_and(|old| old.content != content);
    let mut applied = Vec::new();
    for setting in settings {
        let before = old.as_ref().and_then(|old| old.of(setting));
        let found = read(disk, installation, setting)?;
        let decision = match found.known(is_updated) {
            None => Decision::Leave,
            Some(known) => decide(setting, before, known),
        };
        match (decision, before) {
            (Decision::Done, Some(before)) => applied.push(before.clone()),
            (Decision::Write, _) => {
                let text = setting.apply(found.text(), values);
                write(disk, &installation.local.join(&setting.file), &text)?;
                applied.push(setting.record(Some(&text)));
                report.wrote.push(setting.file.clone());
            }
            (Decision::Done | Decision::Leave, _) => {
                applied.push(setting.record(None));
                report.left.push(setting.file.clone());
            }
        }
    }
    let now = SettingsApplied {
        content,
        settings: applied,
    };
    if old.as_ref() != Some(&now) {
        save_applied(disk, installation.game_state, &now)?;
    }
    Ok(report)
}

/// Lets a program of the installed game be started, if the install wrote it: nobody else's file
/// gets more rights than it has.
///
/// # Errors
/// The disk.
pub fn mark_executable(
    disk: &dyn Disk,
    installation: Installation<'_>,
    file: &RelPath,
) -> Result<(), DiskError> {
    // Elsewhere nothing asks for it, and a program that runs cannot be opened to write.
    if !cfg!(unix) {
        return Ok(());
    }
    let is_ours = installation
        .record
        .files()
        .iter()
        .any(|ours| ours.path == *file);
    let place = installation.local.join(file);
    if !is_ours || disk.open(&place, OpenMode::Read)?.is_executable()? {
        return Ok(());
    }
    disk.open(&place, OpenMode::Write)?.mark_executable()
}

enum Found {
    Missing,
    /// The text, and whether it is as installed.
    Text(String, bool),
    /// No text file, or a large one.
    Unfit,
}

impl Found {
    /// What a decision needs; `None` when nothing can be set there.
    fn known(&self, is_updated: bool) -> Option<Known<'_>> {
        let is_as_installed = match self {
            Self::Missing => false,
            Self::Text(_, as_installed) => *as_installed,
            Self::Unfit => return None,
        };
        Some(Known {
            text: self.text(),
            is_as_installed,
            is_updated,
        })
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text, _) => Some(text),
            Self::Missing | Self::Unfit => None,
        }
    }
}

fn read(
    disk: &dyn Disk,
    installation: Installation<'_>,
    setting: &Setting,
) -> Result<Found, DiskError> {
    let place = installation.local.join(&setting.file);
    let stat = match disk.stat(&place)? {
        None => return Ok(Found::Missing),
        Some(stat) => stat,
    };
    if stat.kind != EntryKind::File || stat.bytes > SETTING_FILE_BYTES_MAX {
        return Ok(Found::Unfit);
    }
    let bytes = atomic_file::read(disk, &place, SETTING_FILE_BYTES_MAX)?.unwrap_or_default();
    let root = Hash::of(&bytes);
    let mut recorded = installation.record.files().iter();
    let as_installed = recorded.any(|file| file.path == setting.file && file.root == root);
    Ok(String::from_utf8(bytes).map_or(Found::Unfit, |text| Found::Text(text, as_installed)))
}

/// Whole or old: a game never reads half a text.
fn write(disk: &dyn Disk, place: &Place, text: &str) -> Result<(), DiskError> {
    let Some(dir) = place.parent() else {
        return Ok(());
    };
    atomic_file::ensure_dir(disk, &dir)?;
    let draft = dir.own(DRAFT);
    if disk.stat(&draft)?.is_some() {
        disk.remove_file(&draft)?;
    }
    let file = disk.open(&draft, OpenMode::CreateNew)?;
    file.write_all_at(text.as_bytes(), 0)?;
    file.sync()?;
    drop(file);
    disk.rename(&draft, place)?;
    disk.sync_dir(&dir)
}

#[cfg(test)]
mod tests {
    use lanspread_install::{
        RecordedFile, Stamp,
        launch::{Change, Language, PlayerName},
    };
    use lanspread_proto::{ContentId, VersionLabel};

    use super::*;
    use crate::RealDisk;

    struct Room {
        _keep: tempfile::TempDir,
        disk: RealDisk,
        local: Place,
        state: Place,
    }

    fn room() -> Room {
        let keep = tempfile::tempdir().unwrap();
        let root = Place::root(keep.path());
        let disk = RealDisk::new();
        let (local, state) = (root.own("local"), root.own("state"));
        atomic_file::ensure_dir(&disk, &local).unwrap();
        Room {
            _keep: keep,
            disk,
            local,
            state,
        }
    }

    impl Room {
        fn put(&self, text: &[u8]) {
            atomic_file::write(&self.disk, &self.local, "a.cfg", text).unwrap();
        }

        fn text(&self) -> String {
            let bytes = atomic_file::read(&self.disk, &self.local.own("a.cfg"), 1 << 22);
            String::from_utf8(bytes.unwrap().unwrap()).unwrap()
        }

        fn apply(&self, installed: (u8, &[u8]), change: Change) -> SettingsReport {
            let record = record(installed.0, installed.1);
            let installation = Installation {
                local: &self.local,
                game_state: &self.state,
                record: &record,
            };
            let setting = Setting {
                file: RelPath::parse("a.cfg").unwrap(),
                change,
            };
            let values = Values {
                player: PlayerName::clean("Ann"),
                language: Language::default(),
                host: None,
            };
            apply_settings(&self.disk, installation, &[setting], &values).unwrap()
        }
    }

    fn record(content: u8, bytes: &[u8]) -> InstallRecord {
        let file = RecordedFile {
            path: RelPath::parse("a.cfg").unwrap(),
            bytes: bytes.len() as u64,
            root: Hash::of(bytes),
            stamp: Stamp {
                modified_nanos: 0,
                file_id: 0,
            },
        };
        let version = VersionLabel::parse("1").unwrap();
        InstallRecord::new(ContentId::from_bytes([content; 32]), version, vec![file]).unwrap()
    }

    fn name_line() -> Change {
        Change::line("name=", "name={player_name}").unwrap()
    }

    #[test]
    fn once_and_never_over_the_user() {
        let room = room();
        room.put(b"name=x\nvolume=3\n");
        let installed: (u8, &[u8]) = (1, b"name=x\nvolume=3\n");
        assert_eq!(room.apply(installed, name_line()).wrote.len(), 1);
        assert_eq!(room.text(), "name=Ann\nvolume=3\n");
        assert_eq!(
            room.apply(installed, name_line()),
            SettingsReport::default()
        );
        room.put(b"name=Zoe\n");
        assert_eq!(
            room.apply(installed, name_line()),
            SettingsReport::default()
        );
        // The profile changed; the user did too.
        let other = || Change::line("name=", "name=[{player_name}]").unwrap();
        assert_eq!(room.apply(installed, other()).left.len(), 1);
        assert_eq!(room.text(), "name=Zoe\n");
        // An update whose file the user's replaced leaves it; one that brought it anew is set.
        assert_eq!(
            room.apply((2, b"name=y\n"), other()),
            SettingsReport::default()
        );
        assert_eq!(room.text(), "name=Zoe\n");
        room.put(b"name=z\n");
        assert_eq!(room.apply((3, b"name=z\n"), other()).wrote.len(), 1);
        assert_eq!(room.text(), "name=[Ann]\n");
    }

    #[test]
    fn an_update_of_the_profile_runs_what_changed() {
        let room = room();
        let whole = |text| Change::whole(text).unwrap();
        assert_eq!(
            room.apply((1, b""), whole("v1 {player_name}")).wrote.len(),
            1
        );
        assert_eq!(room.text(), "v1 Ann");
        assert_eq!(room.apply((1, b""), whole("v2")).wrote.len(), 1);
        assert_eq!(room.text(), "v2");
    }

    #[test]
    fn what_is_no_text_stays() {
        let room = room();
        room.put(&[0xff, 0xfe]);
        assert_eq!(room.apply((1, &[0xff, 0xfe]), name_line()).left.len(), 1);
        let bytes = atomic_file::read(&room.disk, &room.local.own("a.cfg"), 9).unwrap();
        assert_eq!(bytes, Some(vec![0xff, 0xfe]));
        let large = vec![b'x'; usize::try_from(SETTING_FILE_BYTES_MAX).unwrap() + 1];
        room.put(&large);
        assert_eq!(room.apply((2, &large), name_line()).left.len(), 1);
        assert_eq!(room.text().len(), large.len());
    }

    #[test]
    fn forgotten_with_the_game() {
        let room = room();
        room.apply((1, b""), name_line());
        assert!(load_applied(&room.disk, &room.state).is_some());
        super::super::forget(&room.disk, &room.state).unwrap();
        assert!(load_applied(&room.disk, &room.state).is_none());
        super::super::forget(&room.disk, &room.local.own("nothing")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_what_we_installed_becomes_a_program() {
        let room = room();
        room.put(b"#!/bin/true\n");
        atomic_file::write(&room.disk, &room.local, "theirs", b"x").unwrap();
        let record = record(1, b"");
        let installation = Installation {
            local: &room.local,
            game_state: &room.state,
            record: &record,
        };
        for (name, expected) in [("a.cfg", true), ("theirs", false)] {
            let file = RelPath::parse(name).unwrap();
            mark_executable(&room.disk, installation, &file).unwrap();
            let open = room
                .disk
                .open(&room.local.join(&file), OpenMode::Read)
                .unwrap();
            assert_eq!(open.is_executable().unwrap(), expected, "{name}");
        }
    }
}
